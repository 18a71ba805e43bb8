"""What each service is asked, as its public description has it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import pytest

from sekisho.model.address import parse_subject
from sekisho.model.verdict import Ban
from sekisho.notify.services import SERVICES, Request

BAN = Ban("sshd", parse_subject("192.0.2.1"), 1000.0, 600, failures=5, matches=("line one", 'line "two" & \u2028 <x>'))
SIX = Ban("sshd", parse_subject("2001:db8::/64"), 1000.0, 600)


def fields(request: Request) -> dict[str, str]:
    """The fields of a form."""
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.body is not None
    return {name: values[0] for name, values in parse_qs(request.body.decode(), strict_parsing=True).items()}


def test_abuseipdb() -> None:
    """A form, with the key in a header."""
    request = SERVICES["abuseipdb"].ban({"abuseipdb_apikey": "k", "abuseipdb_category": "18,22"}, BAN)
    assert (request.method, request.path, request.headers["Key"]) == ("POST", "/report", "k")
    assert fields(request) == {"ip": "192.0.2.1", "categories": "18,22", "comment": "\n".join(BAN.matches)}


def test_blocklist_de() -> None:
    """A form, with the key in it."""
    given = {"email": "a@example.com", "apikey": "k", "service": "ssh", "agent": "me"}
    request = SERVICES["blocklist_de"].ban(given, BAN)
    assert request.headers["User-Agent"] == "me"
    sent = fields(request)
    assert (sent["server"], sent["apikey"], sent["service"], sent["ip"]) == ("a@example.com", "k", "ssh", "192.0.2.1")
    assert (sent["format"], sent["logs"]) == ("text", "\n".join(BAN.matches))


def test_ipthreat() -> None:
    """JSON, with the key in a header."""
    given = {"ipthreat_apikey": "k", "ipthreat_system": "mx", "ipthreat_flags": "8"}
    request = SERVICES["ipthreat"].ban(given, BAN)
    assert request.headers["X-API-KEY"] == "k"
    assert json.loads(request.body or b"") == {
        "ip": "192.0.2.1",
        "flags": "8",
        "system": "mx",
        "notes": "5 failures in sshd",
    }


@pytest.mark.parametrize(
    ("name", "given", "path", "headers"),
    [
        ("cloudflare", {"cfuser": "u", "cftoken": "t"}, "/user", {"X-Auth-Email": "u", "X-Auth-Key": "t"}),
        ("cloudflare-token", {"cfzone": "z/1", "cftoken": "t"}, "/zones/z%2F1", {"Authorization": "Bearer t"}),
    ],
)
def test_cloudflare_s_access_rules(name: str, given: Mapping[str, str], path: str, headers: Mapping[str, str]) -> None:
    """A rule for an address or a range; found by what it says, and deleted by its id."""
    service = SERVICES[name]
    made = service.ban({**given, "notes": "n", "cfmode": "challenge"}, BAN)
    assert (made.method, made.path) == ("POST", f"{path}/firewall/access_rules/rules")
    assert headers.items() <= made.headers.items()
    assert json.loads(made.body or b"") == {
        "mode": "challenge",
        "configuration": {"target": "ip", "value": "192.0.2.1"},
        "notes": "n",
    }
    assert json.loads(service.ban(given, SIX).body or b"")["configuration"] == {
        "target": "ip_range",
        "value": "2001:db8::/64",
    }
    assert service.unban is not None
    assert service.find is not None
    assert service.unban(given, BAN, "i/d").path == f"{path}/firewall/access_rules/rules/i%2Fd"
    asked = parse_qs(urlsplit(service.find(given, BAN).path).query)
    assert (asked["configuration.value"], asked["mode"]) == (["192.0.2.1"], ["block"])


def test_netscaler() -> None:
    """An entry of a dataset, named by its value."""
    given = {"ns_auth": "dTpw", "ns_dataset": "bad", "notes": "n"}
    service = SERVICES["netscaler"]
    made = service.ban(given, BAN)
    assert made.headers["Authorization"] == "Basic dTpw"
    entry = {"name": "bad", "value": "192.0.2.1", "comment": "n"}
    assert json.loads(made.body or b"") == {"policydataset_value_binding": entry}
    assert service.unban is not None
    assert service.unban(given, SIX, "").path.endswith("/bad?args=value:2001%3Adb8%3A%3A%2F64")


def test_an_agent_as_mynetwatchman_had() -> None:
    """A form, the protocol by its number, the time in UTC."""
    given = {"mnwlogin": "a@example.com", "mnwpass": "p", "protocol": "udp", "port": "53"}
    sent = fields(SERVICES["mynetwatchman"].ban(given, BAN))
    assert (sent["AttackerIP"], sent["ProtocolID"], sent["DestPort"], sent["AttackCount"]) == (
        *("192.0.2.1", "17", "53", "5"),
    )
    assert sent["AttackDateTime"] == "1970-01-01 00:16:40"


def test_what_strangers_wrote_stays_one_value() -> None:
    """A form or an object cannot be broken out of; long evidence is cut, the newest is kept."""
    evil = Ban("sshd", parse_subject("192.0.2.1"), 1.0, 1, matches=("x" * 5000, '&ip=1.1.1.1\r\nKey: y\0"}'))
    request = SERVICES["abuseipdb"].ban({"abuseipdb_apikey": "k", "abuseipdb_category": "18"}, evil)
    assert fields(request)["ip"] == "192.0.2.1"
    assert fields(request)["comment"].endswith('\r\nKey: y\0"}')
    assert len(fields(request)["comment"]) == 1000


HOSTILE = (
    *("$(touch x)", "`touch x`", "' ; touch x ; '", '"; touch x; "', '"}, "ip": "198.51.100.1", "x": {"', "~!id"),
    *("&ip=198.51.100.1&key=y", "%0d%0aKey: y", "\r\nKey: y\r\n\r\nGET / HTTP/1.1\r\n", "<ip> <matches>", "-x", "a\0b"),
    *("\ud800\udcff", "\u2028</script>", "A" * 65536),
)
GIVEN = {
    **dict.fromkeys((need for service in SERVICES.values() for need in service.needs), "given"),
    "name": "sshd",
    "ipthreat_flags": "8",
}


@pytest.mark.parametrize("words", HOSTILE, ids=ascii)
@pytest.mark.parametrize("name", SERVICES)
def test_no_service_is_told_more_than_a_stranger_s_words(name: str, words: str) -> None:
    """The request is the harmless one, but for one value: no field more, no header, no other path."""

    def shape(request: Request) -> object:
        headers = dict(request.headers)
        if "form" in headers.get("Content-Type", ""):
            return request.method, request.path, headers, list(fields(request)), fields(request).get("ip")
        content = json.loads(request.body or b"{}")
        return request.method, request.path, headers, content

    service = SERVICES[name]
    evil, plain = (
        Ban("sshd", parse_subject("192.0.2.1"), 1000.0, 600, failures=5, matches=(text,), captured={"user": text})
        for text in (words, "plain")
    )
    assert shape(service.ban(GIVEN, evil)) == shape(service.ban(GIVEN, plain))
    if service.unban is not None:
        assert shape(service.unban(GIVEN, evil, "7")) == shape(service.unban(GIVEN, plain, "7"))
