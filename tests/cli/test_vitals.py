"""Tests of cli.vitals: what is read of a host, from a host that a test makes up."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sekisho.cli import vitals
from sekisho.cli.diagnosis import Door
from sekisho.model.ports import PortRange
from sekisho.model.specs import ActionSpec, FilterSpec, JailSpec


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A /proc with three processes and one listening socket."""
    head = "sl local_address rem_address st\n"
    for name, text in {
        "self/status": "Name:\tsh\nCapEff:\t0000000000001000\n",
        "7/cmdline": "/usr/bin/python3\0/usr/bin/fail2ban-server\0-xf\0start\0",
        "8/cmdline": "/usr/bin/fail2ban-server\0",
        "9/cmdline": "grep\0-r\0fail2ban-server\0",
        "net/tcp": head + "0: 00000000:0016 00000000:0000 0A\n",
        "net/tcp6": head + "0: 00000000000000000000000000000000:0019 00000000000000000000000000000000:0000 0A\n",
        "net/ip_tables_names": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_host_is_read(proc: Path) -> None:
    """Capabilities, ports of both families, and Fail2ban's processes, but for our own and those that only name it."""
    assert vitals.read_capabilities(proc=proc) == 1 << 12
    assert vitals.read_capabilities(4711, proc) == 0
    assert vitals.read_listening(proc) == {"tcp": {22, 25}, "udp": frozenset()}
    assert vitals.find_rivals(8, proc) == [7]
    assert vitals.find_rivals(None, proc) == [7, 8]
    assert vitals.read_legacy(proc) == {}


def test_older_rules_are_asked_for_where_there_are_tables(proc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program that prints them is started for that family only."""
    program = proc / "iptables-legacy-save"
    program.write_text("#!/bin/sh\necho '-A INPUT -j DROP'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{proc}:/usr/bin:/bin")
    (proc / "net/ip_tables_names").write_text("filter\n")
    assert vitals.read_legacy(proc) == {"iptables-legacy-save": "-A INPUT -j DROP\n"}


def test_a_program_that_fails_complains() -> None:
    """What it says on standard error, else how it ended; one that is not there, too."""
    assert vitals.listen_to(["sh", "-c", "cat; exit 0"], "hello") == ("hello", "")
    assert vitals.listen_to(["sh", "-c", "echo no  way >&2; exit 3"]) == ("", "no way")
    assert vitals.listen_to(["sh", "-c", "exit 3"]) == ("", "sh returned 3")
    assert "No such file" in vitals.listen_to(["/nonexistent/nft"])[1]


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    """A file that is or can be made is well; a directory that is missing is named; a stream needs no file."""
    assert vitals.try_log(str(tmp_path / "new.log")) == ""
    assert vitals.try_log(str(tmp_path / "none" / "new.log")) == f"there is no directory {tmp_path}/none"
    assert vitals.try_log(str(tmp_path / "new.log[padding=off]")) == ""
    assert vitals.try_log("syslog[facility=AUTH]") == ""
    assert vitals.read_free(tmp_path / "ledger") > 0
    assert vitals.read_free(tmp_path / "none" / "ledger") == 0


def test_a_pid_file_names_a_process_or_none(tmp_path: Path) -> None:
    """Whatever else is in it, or where it is missing."""
    (tmp_path / "pid").write_text("12\n")
    (tmp_path / "bad").write_text("twelve\n")
    assert [vitals.read_pid(str(tmp_path / name)) for name in ("pid", "bad", "none")] == [12, None, None]


def test_rules_that_nft_does_not_list_are_none() -> None:
    """An nft that fails, or prints something else: there is nothing to judge."""
    assert vitals.read_ruleset("/bin/false") == ()
    assert vitals.read_ruleset(sys.executable) == ()


def jail(*actions: ActionSpec) -> JailSpec:
    """A jail with these actions."""
    return JailSpec("sshd", FilterSpec("sshd", ()), actions=actions)


def action(name: str, **properties: str) -> ActionSpec:
    """An action of that name."""
    return ActionSpec(name, name, properties)


@pytest.mark.parametrize(
    ("spec", "doors"),
    [
        (
            jail(action("nftables", port="ssh,2222", protocol="tcp"), action("mail", protocol="tcp")),
            [Door("sshd", ("tcp",), (PortRange(22, 22), PortRange(2222, 2222)))],
        ),
        (jail(action("nftables", port="0:65535", protocol="tcp")), []),
        (jail(action("nftables", port="ssh", protocol="tcp", type="allports")), []),
        (jail(action("iptables-allports", port="ssh", protocol="tcp")), []),
        (jail(action("mail")), []),
        (jail(action("nftables", port="nonsense", protocol="tcp")), []),
    ],
)
def test_the_doors_of_a_jail(spec: JailSpec, doors: list[Door]) -> None:
    """The ports that its actions bar, as numbers; none where it bars every port, or none at all."""
    assert list(vitals.doors_of([spec])) == doors
