"""Bans in an IP list at Cloudflare: batches, operations that take their time, and leftovers."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
from tests.support.commanded import spec
from tests.support.web import Service, serving

from sekisho.model.action import ActionError, Kind
from sekisho.model.address import parse_subject
from sekisho.model.verdict import Ban
from sekisho.notify.cloudflare_list import CloudflareList

KEYS = "cfaccount=a, cflist=l, cftoken=s3cret"
ITEMS = "/accounts/a/rules/lists/l/items"
STARTED = {"result": {"operation_id": "op"}}


def ban(who: str) -> Ban:
    """A ban that has just been decided."""
    return Ban("mine", parse_subject(who), 1000.0, 600, failures=3)


def action_of(tmp_path: Path, service: Service) -> CloudflareList:
    """The stock action, with the service where it is."""
    which = spec(tmp_path / "tree", f'cloudflare-list[{KEYS}, notes="n", url="{service.url}"]')
    assert which.native == "cloudflare-list"
    return CloudflareList(which, jail="mine", clock=lambda: 1000.0, pause=0.0)


def holds(service: Service, *items: tuple[str, str, str], after: str = "") -> None:
    """The list answers so, once: id, address and comment of each item."""
    told = [{"id": name, "ip": text, "comment": comment} for name, text, comment in items]
    service.will_say(200, {"result": told, "result_info": {"cursors": {"after": after} if after else {}}})


def works(service: Service, *states: str) -> None:
    """A change is begun, and found in these states."""
    service.will_say(200, STARTED)
    for state in states:
        service.will_say(200, {"result": {"status": state, "error": "no room"}})


def told(service: Service) -> list[tuple[str, str]]:
    """What was asked so far, without the looks at operations; it is forgotten."""
    asked = [(each.method, each.path.partition("?")[0]) for each in service.asked if "bulk_operations" not in each.path]
    service.asked.clear()
    return asked


def test_a_life_with_a_list(tmp_path: Path) -> None:
    """What an earlier life left goes, what stands stays, others' items are not touched; bans go in one request."""

    async def play(service: Service) -> None:
        action = action_of(tmp_path, service)
        assert action.kind is Kind.ENFORCER
        holds(service, ("1", "192.0.2.1", "n"), ("2", "192.0.2.2", "n"), after="more")
        holds(service, ("3", "2001:0db8::3", "n"), ("4", "192.0.2.4", "by hand"))
        works(service, "pending", "running", "completed")
        works(service, "completed")
        assert await action.start([ban("192.0.2.1"), ban("2001:db8::3"), ban("192.0.2.5")]) == []
        assert "cursor=more" in service.asked[1].path
        assert service.asked[2].json == {"items": [{"id": "2"}]}
        assert service.asked[2].headers["Authorization"] == "Bearer s3cret"
        assert service.asked[6].json == [{"ip": "192.0.2.5", "comment": "n"}]
        assert told(service) == [("GET", ITEMS), ("GET", ITEMS), ("DELETE", ITEMS), ("POST", ITEMS)]

        works(service, "completed")
        (hopeless,) = await action.ban([ban("192.0.2.1"), ban("192.0.2.6"), ban("198.51.100.0/24"), ban("foo")])
        assert (hopeless.ban.subject.text, hopeless.is_final) == ("foo", True)
        assert [item["ip"] for item in service.asked[0].json] == ["192.0.2.6", "198.51.100.0/24"]
        assert told(service) == [("POST", ITEMS)]

        holds(service, ("1", "192.0.2.1", "n"), ("10", "192.0.2.10", "n"))
        works(service, "completed")
        assert await action.unban([ban("192.0.2.1"), ban("192.0.2.99")]) == ()
        assert service.asked[1].json == {"items": [{"id": "1"}]}
        assert told(service) == [("GET", ITEMS), ("DELETE", ITEMS)]

        holds(service, ("10", "192.0.2.10", "n"), ("4", "192.0.2.4", "by hand"))
        assert await action.listed() == frozenset({parse_subject("192.0.2.10")})
        works(service, "completed")
        assert await action.ban([ban("192.0.2.6"), ban("192.0.2.10")]) == []  # by hand somebody took the one out
        assert [item["ip"] for item in service.asked[1].json] == ["192.0.2.6"]
        service.asked.clear()
        holds(service, ("10", "192.0.2.10", "n"), ("4", "192.0.2.4", "by hand"))
        works(service, "completed")
        await action.stop([ban("192.0.2.10")])
        assert service.asked[1].json == {"items": [{"id": "10"}]}

    with serving() as service:
        asyncio.run(play(service))


def test_a_ban_that_is_not_in_force_is_told_as_failed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """While the list is busy, when its operation fails or never ends, and when the answer is no JSON; then it works."""

    async def play(service: Service) -> None:
        action = action_of(tmp_path, service)
        await start_empty(action, service)
        bans = [ban("192.0.2.1"), ban("192.0.2.2")]
        for _ in range(5):
            service.will_say(429, "a bulk operation is under way, s3cret", Retry_After="0")
        busy = await action.ban(bans)
        assert [(failed.is_final, failed.reason[:8]) for failed in busy] == [(False, "HTTP 429")] * 2
        assert "s3cret" not in busy[0].reason
        works(service, "failed")
        assert [failed.reason for failed in await action.ban(bans)] == ["the operation failed: no room"] * 2
        works(service, *["running"] * 60)
        assert "does not come to an end" in (await action.ban(bans))[0].reason
        service.will_say(429, "busy")
        works(service, "failed")
        assert [failed.reason for failed in await action.ban(bans)] == ["the operation failed: no room"] * 2
        for nonsense in ("[]", {"result": None}, {"result": {"operation_id": 7}}):
            service.will_say(200, nonsense)
            assert "not understood" in (await action.ban(bans))[0].reason
        service.will_say(200, {"result": [{"comment": "n"}]})
        assert "not understood" in (await action.unban(bans))[0].reason
        works(service, "completed")
        assert await action.ban(bans) == []
        service.will_say(500, "no")
        assert [failed.reason[:8] for failed in await action.unban(bans)] == ["HTTP 500"] * 2
        service.will_say(500, "no")
        assert await action.listed() is None
        service.will_say(500, "no")
        with pytest.raises(ActionError, match=r"2 ban\(s\) are still in force there: HTTP 500"):
            await action.stop(bans)

    with serving() as service, caplog.at_level(logging.DEBUG):
        asyncio.run(play(service))
    assert "s3cret" not in caplog.text


async def start_empty(action: CloudflareList, service: Service) -> None:
    """Start over an empty list."""
    holds(service)
    assert await action.start([]) == []


def test_a_start_says_why_it_cannot(tmp_path: Path) -> None:
    """A parameter is missing; the service refuses."""

    async def play(service: Service) -> None:
        service.will_say(403, "no permission")
        with pytest.raises(ActionError, match="HTTP 403"):
            await action_of(tmp_path, service).start([])

    with serving() as service:
        asyncio.run(play(service))
    bare = CloudflareList(spec(tmp_path / "bare", "cloudflare-list"), jail="mine", clock=lambda: 0.0)
    with pytest.raises(ActionError, match="cfaccount, cflist, cftoken must be set"):
        asyncio.run(bare.start([]))


def test_a_flood_goes_in_batches(tmp_path: Path) -> None:
    """A thousand items in a request; one batch that fails does not lose the others."""

    async def play(service: Service) -> None:
        action = action_of(tmp_path, service)
        await start_empty(action, service)
        service.asked.clear()
        works(service, "completed")
        works(service, "failed")
        works(service, "completed")
        bans = [ban(f"198.18.{number >> 8}.{number & 255}") for number in range(2500)]
        assert [failed.ban for failed in await action.ban(bans)] == bans[1000:2000]
        sizes = [len(each.json) for each in service.asked if each.method == "POST"]
        assert sizes == [1000, 1000, 500]

    with serving() as service:
        asyncio.run(play(service))
