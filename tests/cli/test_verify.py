"""`sekisho verify`, with a firewall that a test makes up; tests/system/test_verify.py has the real one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.support.fake_engine import FakeEngine
from tests.support.served import Served

from sekisho.cli import verify
from sekisho.cli.main import main
from sekisho.cli.verify import Row, probe_for, rows_of
from sekisho.control.client import ask

pytestmark = pytest.mark.usefixtures("utc")  # times are shown in the local zone

PROOF: Mapping[str, Any] = {
    "jail": "sshd",
    "action": "nftables",
    "chain": "jail-sshd",
    "fault": "",
    "protocols": ["tcp"],
    "ports": ["22"],
    "match": "",
    "witness": "trace",
    "holdings": [{"address": "192.0.2.1", "held": True, "until": None}],
}
WAY = ["sekisho-probe first", "sekisho prerouting", "sekisho jail-ddd", "sekisho jail-demo"]
DROPPED = {"end": "dropped", "table": "sekisho", "chain": "jail-demo", "way": WAY}
PASSED = {"end": "let through", "table": "sekisho-probe", "chain": "last", "way": [*WAY, "sekisho-probe last"]}
NOBODY = "192.0.2.254"


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> dict[str, Mapping[str, Any]]:
    """Where the packets of each source end, instead of in this host's firewall; dropped where nothing else is said."""
    told: dict[str, Mapping[str, Any]] = {}

    def trace(probes: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        return {"ends": [told.get(probe["source"], DROPPED) for probe in probes]}

    monkeypatch.setattr(verify, "_trace", trace)
    return told


def test_an_address_that_is_barred(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ends: dict[str, Mapping[str, Any]]
) -> None:
    """Set, end, chain, ports and the verdict of a real packet; who cannot be asked says so, and is no failure."""
    with Served(tmp_path) as served:
        ask(served.path, ["set", "demo", "banip", "192.0.2.1"])
        assert main(["verify", "192.0.2.1", "-s", served.path]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[:3]] == [
        ["1", "of", "1", "as", "it", "should", "be"],
        ["JAIL", "ACTION", "ADDRESS", "IN", "SET", "UNTIL", "CHAIN", "PORTS", "TRACED"],
        [
            *("demo", "nftables", "192.0.2.1", "yes", "2026-07-14", "13:00:00", "reached", "tcp", "22"),
            *("dropped", "by", "sekisho", "jail-demo"),
        ],
    ]
    assert "it cannot be asked whom it bars" in lines[-1]


def test_what_is_let_through_is_told_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ends: dict[str, Mapping[str, Any]]
) -> None:
    """The sets hold the address, and its packet passes all the same: exit status 1."""
    ends["192.0.2.1"] = PASSED
    with Served(tmp_path) as served:
        ask(served.path, ["set", "demo", "banip", "192.0.2.1", "192.0.2.2"])
        assert main(["verify", "-s", served.path]) == 1
    out = capsys.readouterr().out
    assert "NOT as it should be" in out
    assert [line.split()[2] for line in out.splitlines() if "LET THROUGH" in line] == ["192.0.2.1"]


def test_a_chain_that_is_not_reached_fails_where_nobody_is_banned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ends: dict[str, Mapping[str, Any]]
) -> None:
    """Without bans, each jail as a whole is looked at."""
    with Served(tmp_path, FakeEngine(fault="the table is gone")) as served:
        assert main(["verify", "-s", served.path]) == 1
    assert capsys.readouterr().out.count("the table is gone") == 2


def test_a_jail_that_bars_nobody_is_proved_by_a_packet_that_comes_to_its_chain(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ends: dict[str, Mapping[str, Any]]
) -> None:
    """A packet of nobody's passes both chains; when it comes by one only, the other is not reached."""
    ends[NOBODY] = PASSED
    with Served(tmp_path) as served:
        assert main(["verify", "-s", served.path]) == 0
        assert "comes to jail-ddd" in capsys.readouterr().out
        ends[NOBODY] = {**PASSED, "way": ["sekisho prerouting", "sekisho jail-ddd"]}
        assert main(["verify", "-s", served.path]) == 1
    shown = [line for line in capsys.readouterr().out.splitlines() if "DOES NOT COME" in line]
    assert [line.split()[0] for line in shown] == ["demo"]


def test_an_address_that_nobody_bars(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ends: dict[str, Mapping[str, Any]]
) -> None:
    """Said in one line, exit status 1; what is no address is a mistake of the user's."""
    with Served(tmp_path) as served:
        assert main(["verify", "192.0.2.9", "-s", served.path]) == 1
        assert capsys.readouterr().out == "no jail bars 192.0.2.9\n"
        assert main(["verify", "host.example", "-s", served.path]) == 2
    assert "no address or network" in capsys.readouterr().err


def test_where_nothing_can_be_traced_the_rules_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is missing for a packet is said, and the bans stand by what was read."""
    monkeypatch.setattr(verify, "_trace", lambda _: {"fault": "/dev/net/tun: No such file or directory"})
    with Served(tmp_path) as served:
        ask(served.path, ["set", "demo", "banip", "192.0.2.1"])
        assert main(["verify", "192.0.2.1", "-s", served.path]) == 0
    out = capsys.readouterr().out
    assert "The rules were only read, no packet was sent: /dev/net/tun: No such file" in out
    assert out.splitlines()[2].endswith("not traced")


def test_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str], ends: dict[str, Mapping[str, Any]]) -> None:
    """One document, with where each probe ended."""
    with Served(tmp_path) as served:
        ask(served.path, ["set", "demo", "banip", "192.0.2.1"])
        assert main(["verify", "192.0.2.1", "--json", "-s", served.path]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["barred"], document["fault"]) == (True, "")
    assert [(row["action"], row["traced"], row["stands"]) for row in document["rows"]] == [
        ("nftables", DROPPED, True),
        ("note", None, True),
    ]


@pytest.mark.parametrize(
    ("address", "changes", "probe"),
    [
        ("192.0.2.1", {}, {"source": "192.0.2.1", "protocol": "tcp", "port": 22}),
        ("192.0.2.0/24", {"ports": ["25-30", "465"]}, {"source": "192.0.2.0", "protocol": "tcp", "port": 25}),
        ("2001:db8::1", {"protocols": ["icmp", "udp"]}, {"source": "2001:db8::1", "protocol": "udp", "port": 22}),
        ("192.0.2.1", {"protocols": [], "ports": None}, {"source": "192.0.2.1", "protocol": "tcp", "port": 1}),
        ("", {}, {"source": NOBODY, "protocol": "tcp", "port": 22}),
        (
            "192.0.2.1",
            {"witness": "counter"},
            {"source": "192.0.2.1", "protocol": "tcp", "port": 22, "witness": "counter"},
        ),
        ("", {"witness": "counter"}, "read only: there is nobody whose packets would be counted"),
        ("192.0.2.1", {"witness": "none"}, "read only: no packet is told of in iptables' table filter"),
        ("host.example", {}, "no firewall can bar what is no address"),
        ("192.0.2.1", {"protocols": ["sctp"]}, "no probe is made for sctp"),
        ("192.0.2.1", {"match": "ip dscp 8"}, "rule_match is the administrator's own"),
    ],
)
def test_the_probe_is_one_that_the_jail_must_stop(
    address: str, changes: Mapping[str, Any], probe: Mapping[str, object] | str
) -> None:
    """From the banned source, to the first port, in the first protocol that both jail and address family have."""
    assert probe_for(Row({**PROOF, **changes}, address)) == probe


def test_one_row_for_each_address_and_one_where_there_is_none() -> None:
    """A jail that bars nobody still has a chain, and an action that is silent its reason."""
    assert [row.address for row in rows_of(PROOF)] == ["192.0.2.1"]
    assert [row.address for row in rows_of({**PROOF, "holdings": []})] == [""]
    assert [row.note for row in rows_of({"jail": "sshd", "action": "x", "silent": "why"})] == ["why"]
