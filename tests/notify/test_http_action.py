"""Services that are told of bans, and services that bar, as actions of a jail."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
from tests.support.commanded import spec
from tests.support.web import Service, serving

from sekisho.model.action import ActionError, Kind
from sekisho.model.address import parse_subject
from sekisho.model.verdict import Ban, Cause
from sekisho.notify.backoff import Backoff
from sekisho.notify.http_action import HttpAction

KEYS = "abuseipdb_apikey=s3cret, abuseipdb_category=18"
CLOUD = "cfuser=u, cftoken=s3cret"


def ban(who: str, cause: Cause = Cause.FAILURES) -> Ban:
    """A ban that has just been decided."""
    return Ban("mine", parse_subject(who), 1000.0, 600, failures=3, matches=("a line",), cause=cause)


def action_of(tmp_path: Path, service: Service, name: str, given: str) -> HttpAction:
    """The stock action, with the service where it is."""
    which = spec(tmp_path / "tree", f'{name}[{given}, url="{service.url}"]')
    assert which.native == "http"
    return HttpAction(which, jail="mine", clock=lambda: 1000.0, backoff=Backoff(first=0.01))


def test_a_report_is_tried_again_until_it_is_taken(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Bans do not wait for it; restored ones are no news; what is no address is not reported; no key is logged."""

    async def play(service: Service) -> None:
        for status in (500, 429):
            service.will_say(status, "busy s3cret")
        action = action_of(tmp_path, service, "abuseipdb", KEYS)
        assert action.kind is Kind.NOTIFIER
        assert await action.start([ban("192.0.2.9")]) == ()
        assert await action.ban([ban("192.0.2.8", Cause.RESTORED), ban("no address"), ban("192.0.2.1")]) == ()
        while action.statistics().sent < 1:  # noqa: ASYNC110 - a server in a thread sets no event
            await asyncio.sleep(0)
        await action.stop([])
        assert [b"ip=192.0.2.1" in asked.body for asked in service.asked] == [True, True, True]

    with serving() as service, caplog.at_level(logging.DEBUG):
        asyncio.run(play(service))
    assert "report not sent: HTTP 500" in caplog.text
    assert "s3cret" not in caplog.text


def test_a_report_that_is_refused_for_good_is_given_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The log names jail, action and reason, once; it is counted as lost."""

    async def play(service: Service) -> None:
        service.will_say(401, "bad key")
        action = action_of(tmp_path, service, "abuseipdb", KEYS)
        await action.start([])
        await action.ban([ban("192.0.2.1")])
        while action.statistics().lost < 1:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0)
        await action.stop([])
        assert len(service.asked) == 1

    with serving() as service:
        asyncio.run(play(service))
    assert "[mine] abuseipdb: report not sent: HTTP 401" in caplog.text


def test_a_service_that_bars_is_told_of_the_end_by_its_id(tmp_path: Path) -> None:
    """The id of its answer is remembered; one of an earlier life is asked for; a rule that is gone is no error."""

    async def play(service: Service) -> None:
        action = action_of(tmp_path, service, "cloudflare", CLOUD)
        assert action.kind is Kind.ENFORCER
        assert await action.start([]) == []
        service.will_say(200, {"result": {"id": "rule-1"}})
        assert await action.ban([ban("192.0.2.1")]) == []
        assert await action.ban([ban("192.0.2.1")]) == []  # prolonged: it is there
        assert await action.unban([ban("192.0.2.1")]) == []
        service.will_say(200, {"result": [{"id": "rule-0"}]})
        assert await action.unban([ban("192.0.2.2")]) == []
        service.will_say(200, {"result": []})
        assert await action.unban([ban("192.0.2.3")]) == []
        told = [(asked.method, asked.path.rpartition("/")[2][:6]) for asked in service.asked]
        assert told == [
            *(("POST", "rules"), ("DELETE", "rule-1"), ("GET", "rules?"), ("DELETE", "rule-0"), ("GET", "rules?")),
        ]

    with serving() as service:
        asyncio.run(play(service))


def test_a_ban_that_is_not_taken_is_failed_and_the_others_are_not(tmp_path: Path) -> None:
    """So that it is offered again; what is no address never is. A rule that is there already is taken."""

    async def play(service: Service) -> None:
        action = action_of(tmp_path, service, "cloudflare", CLOUD)
        service.will_say(400, {"errors": [{"message": "firewallaccessrules.api.duplicate_of_existing"}]})
        assert await action.start([ban("192.0.2.1")]) == []
        service.will_say(500, "no")
        (failed,) = await action.ban([ban("192.0.2.2")])
        assert (failed.is_final, failed.reason[:8]) == (False, "HTTP 500")
        (hopeless,) = await action.ban([ban("foo"), ban("192.0.2.3")])
        assert (hopeless.ban.subject.text, hopeless.is_final) == ("foo", True)
        service.will_say(500, "no")
        with pytest.raises(ActionError, match="still in force there"):
            await action.stop([ban("192.0.2.3")])

    with serving() as service:
        asyncio.run(play(service))


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("abuseipdb", "abuseipdb_apikey, abuseipdb_category"),
        ("blocklist_de", "email, apikey"),
        ("ipthreat", "ipthreat_apikey, ipthreat_system"),
        ("cloudflare", "cfuser, cftoken"),
        ("cloudflare-token", "cfzone, cftoken"),
        ("netscaler", "ns_host, ns_auth, ns_dataset"),
    ],
)
def test_what_has_to_be_set_is_told(tmp_path: Path, name: str, missing: str) -> None:
    """With the names of the parameters."""
    action = HttpAction(spec(tmp_path / "tree", name), jail="mine", clock=lambda: 0.0)
    with pytest.raises(ActionError, match=missing):
        asyncio.run(action.start([]))


def test_netscaler_has_an_address_of_its_own(tmp_path: Path) -> None:
    """It is the appliance's, by HTTPS."""
    which = spec(tmp_path / "tree", "netscaler[ns_host=adc.example.com]")
    assert which.properties["url"] == "https://adc.example.com"
