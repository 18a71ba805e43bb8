"""The services that bans are reported to, or that bar at our word: one row each, of what is asked of them and how.

A row says which parameters it needs, where it lives (`url`, which an administrator may replace), and which request
tells it of a ban and of a ban's end. Facts are those of each service's public API description. Pure: `http` sends.

A service that bars answers a ban with an id, by which it is told of the end; one that has forgotten it, since a ban was
made before the last start, is asked for it first (`find`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from urllib.parse import quote, urlencode

from sekisho.model.address import Family
from sekisho.model.verdict import Ban

CLOUDFLARE = "https://api.cloudflare.com/client/v4"

_LONGEST_NOTE = 1000  # characters; services cut or refuse longer ones

Parameters = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent: `path` is put behind the service's url."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    body: bytes | None = None


Make = Callable[[Parameters, Ban], Request]
MakeWithId = Callable[[Parameters, Ban, str], Request]


@dataclass(frozen=True, slots=True)
class Service:
    """A row. `needs` are parameters that must be set, `secrets` those that no log line may show.

    `unban` None: the service is only told of bans. `find` asks for the id of a ban that an earlier life made.
    `harmless`: texts in a refusal that mean that all is well (it is barred already, it is gone already).
    """

    url: str
    needs: tuple[str, ...]
    secrets: tuple[str, ...]
    ban: Make
    unban: MakeWithId | None = None
    find: Make | None = None
    harmless: tuple[str, ...] = ()

    @property
    def bars(self) -> bool:
        """True when the service enforces bans; false when it is only told of them."""
        return self.unban is not None


def json_request(method: str, path: str, headers: Mapping[str, str], content: object) -> Request:
    """Return a request with `content` as JSON."""
    body = json.dumps(content).encode()
    return Request(method, path, {**headers, "Content-Type": "application/json"}, body)


def _form(path: str, headers: Mapping[str, str], fields: Mapping[str, str]) -> Request:
    body = urlencode(fields, errors="replace").encode()  # a command may bring lone surrogates
    return Request("POST", path, {**headers, "Content-Type": "application/x-www-form-urlencoded"}, body)


def note_of(parameters: Parameters, jail: str) -> str:
    """Return what an entry says of itself: whose it is."""
    return parameters.get("notes") or f"Fail2Ban {parameters.get('name', jail)}"


def _evidence(ban: Ban) -> str:
    """The newest lines of the log that fit."""
    return "\n".join(ban.matches)[-_LONGEST_NOTE:] or f"{ban.failures} failures in {ban.jail}"


# -- services that are told of bans


def _abuseipdb(parameters: Parameters, ban: Ban) -> Request:
    headers = {"Key": parameters["abuseipdb_apikey"], "Accept": "application/json"}
    fields = {"ip": ban.target.text, "categories": parameters["abuseipdb_category"], "comment": _evidence(ban)}
    return _form("/report", headers, fields)


def _blocklist_de(parameters: Parameters, ban: Ban) -> Request:
    fields = {
        "server": parameters["email"],
        "apikey": parameters["apikey"],
        "service": parameters["service"],
        "ip": ban.target.text,
        "logs": _evidence(ban),
        "format": "text",
    }
    return _form("/httpreports.html", {"User-Agent": parameters.get("agent", "Fail2Ban")}, fields)


def _ipthreat(parameters: Parameters, ban: Ban) -> Request:
    content = {
        "ip": ban.target.text,
        "flags": parameters["ipthreat_flags"],
        "system": parameters["ipthreat_system"],
        "notes": f"{ban.failures} failures in {ban.jail}",
    }
    return json_request("POST", "/api/report", {"X-API-KEY": parameters["ipthreat_apikey"]}, content)


_PROTOCOLS = {"icmp": "1", "tcp": "6", "udp": "17"}  # IANA's numbers


def _mynetwatchman(parameters: Parameters, ban: Ban) -> Request:
    fields = {
        "AT": "2",
        "AV": "0",
        "AgentEmail": parameters["mnwlogin"],
        "AgentPassword": parameters["mnwpass"],
        "AttackerIP": ban.target.text,
        "SrcPort": parameters.get("srcport", "0"),
        "ProtocolID": _PROTOCOLS.get(parameters.get("protocol", "tcp"), "6"),
        "DestPort": parameters.get("port", "0"),
        "AttackCount": str(max(1, ban.failures)),
        "VictimIP": parameters.get("myip", "127.0.0.1"),
        "AttackDateTime": datetime.fromtimestamp(ban.time, UTC).strftime("%Y-%m-%d %H:%M:%S"),
    }
    return _form("/insertwebreport.asp", {}, fields)


# -- services that bar


def _cloudflare_account(parameters: Parameters) -> dict[str, str]:
    return {"X-Auth-Email": parameters["cfuser"], "X-Auth-Key": parameters["cftoken"]}


def bearer(parameters: Parameters) -> dict[str, str]:
    """Return the headers of who has a token of Cloudflare's."""
    return {"Authorization": f"Bearer {parameters['cftoken']}"}


def _access_rules(parameters: Parameters) -> str:
    zone = parameters.get("cfzone")
    return f"/zones/{quote(zone, safe='')}/firewall/access_rules/rules" if zone else "/user/firewall/access_rules/rules"


def _target(parameters: Parameters, ban: Ban) -> str:
    if not ban.target.is_single:
        return "ip_range"
    return parameters.get("cftarget") or ("ip6" if ban.target.family is Family.INET6 else "ip")


def _access_rule(headers: Callable[[Parameters], dict[str, str]]) -> tuple[Make, MakeWithId, Make]:
    """The requests for Cloudflare's IP access rules, of an account or of a zone."""

    def ban_it(parameters: Parameters, ban: Ban) -> Request:
        content = {
            "mode": parameters.get("cfmode") or "block",
            "configuration": {"target": _target(parameters, ban), "value": ban.target.text},
            "notes": note_of(parameters, ban.jail),
        }
        return json_request("POST", _access_rules(parameters), headers(parameters), content)

    def unban(parameters: Parameters, _: Ban, known: str) -> Request:
        return Request("DELETE", f"{_access_rules(parameters)}/{quote(known, safe='')}", headers(parameters))

    def find(parameters: Parameters, ban: Ban) -> Request:
        asked = urlencode(
            {
                "mode": parameters.get("cfmode") or "block",
                "configuration.target": _target(parameters, ban),
                "configuration.value": ban.target.text,
                "per_page": "1",
            }
        )
        return Request("GET", f"{_access_rules(parameters)}?{asked}", headers(parameters))

    return ban_it, unban, find


def _netscaler(parameters: Parameters, ban: Ban) -> Request:
    content = {
        "policydataset_value_binding": {
            "name": parameters["ns_dataset"],
            "value": ban.target.text,
            "comment": note_of(parameters, ban.jail),
        }
    }
    return json_request(
        "POST", f"/nitro/v1/config/policydataset_value_binding/{_dataset(parameters)}", _basic(parameters), content
    )


def _netscaler_unban(parameters: Parameters, ban: Ban, _: str) -> Request:
    path = f"/nitro/v1/config/policydataset_value_binding/{_dataset(parameters)}"
    return Request("DELETE", f"{path}?args=value:{quote(ban.target.text, safe='')}", _basic(parameters))


def _dataset(parameters: Parameters) -> str:
    return quote(parameters["ns_dataset"], safe="")


def _basic(parameters: Parameters) -> dict[str, str]:
    return {"Authorization": f"Basic {parameters['ns_auth']}"}


_BY_ACCOUNT = _access_rule(_cloudflare_account)
_BY_TOKEN = _access_rule(bearer)
_RULE_IS_THERE = ("duplicate_of_existing",)

SERVICES: Mapping[str, Service] = {
    "abuseipdb": Service(
        "https://api.abuseipdb.com/api/v2",
        ("abuseipdb_apikey", "abuseipdb_category"),
        ("abuseipdb_apikey",),
        _abuseipdb,
    ),
    "blocklist_de": Service("https://www.blocklist.de/en", ("email", "apikey", "service"), ("apikey",), _blocklist_de),
    "ipthreat": Service(
        "https://api.ipthreat.net", ("ipthreat_apikey", "ipthreat_system"), ("ipthreat_apikey",), _ipthreat
    ),
    "mynetwatchman": Service("", ("url", "mnwlogin", "mnwpass"), ("mnwpass",), _mynetwatchman),
    "cloudflare": Service(
        CLOUDFLARE,
        ("cfuser", "cftoken"),
        ("cftoken",),
        *_BY_ACCOUNT,
        harmless=_RULE_IS_THERE,
    ),
    "cloudflare-token": Service(
        CLOUDFLARE,
        ("cfzone", "cftoken"),
        ("cftoken",),
        *_BY_TOKEN,
        harmless=_RULE_IS_THERE,
    ),
    "netscaler": Service(
        "",  # the administrator's own machine
        ("ns_host", "ns_auth", "ns_dataset"),
        ("ns_auth",),
        _netscaler,
        _netscaler_unban,
        harmless=("already exists", "already bound", "not bound"),
    ),
}
"""By the name that an action file gives as `service`."""
