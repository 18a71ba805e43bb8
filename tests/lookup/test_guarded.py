"""Whom no machine may bar, read from a host that a test has laid out in a directory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.lookup.test_sessions import HEADER, QUEUES, utmp

from sekisho.lookup.guarded import Guarded, parse_gateways, parse_gateways6, parse_resolvers
from sekisho.model.address import Subject, parse_subject

ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth1\t00000000\t020200C0\t0003\t0\t0\t200\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
eth0\t0000000A\t090200C0\t0003\t0\t0\t0\t000000FF\t0\t0\t0
tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000080\t0\t0\t0
"""
ZERO = "0" * 32
ROUTES6 = f"""\
{ZERO} 00 {ZERO} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0
20010db8000000000000000000000000 40 {ZERO} 00 {ZERO} 00000100 00000001 00000000 00000001     eth0
{ZERO} 00 {ZERO} 00 {ZERO} ffffffff 00000001 00000000 00200200       lo
"""


class Host:
    """A host's files: processes with their sockets, tables, logins."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.connections: list[tuple[int, str, str, int]] = []
        for name in ("proc/net", "etc", "run/systemd/sessions", "run/systemd/resolve"):
            (root / name).mkdir(parents=True)

    def process(self, pid: int, title: str, *, parent: int = 1, uid: int = 0, sockets: tuple[int, ...] = ()) -> None:
        """Let there be a process of sshd's."""
        own = self.root / "proc" / str(pid)
        (own / "fd").mkdir(parents=True)
        (own / "comm").write_text("sshd\n")
        (own / "cmdline").write_bytes(title.encode() + b"\0\0\0")
        (own / "status").write_text(f"Name:\tsshd\nPPid:\t{parent}\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\n")
        (own / "exe").symlink_to("/usr/sbin/sshd")
        (own / "fd" / "0").symlink_to("/dev/null")
        for number, inode in enumerate(sockets, 3):
            (own / "fd" / str(number)).symlink_to(f"socket:[{inode}]")

    def connect(self, inode: int, peer: str, *, owner: int = 0) -> None:
        """Let a socket be connected to an address, which is given as the kernel prints it."""
        line = b"   0: 010200C0:0016 %s:9459 01 %s %d 0 %d 1 0\n" % (peer.encode(), QUEUES, owner, inode)
        table = self.root / "proc/net/tcp"
        table.write_bytes((table.read_bytes() if table.exists() else HEADER) + line)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host without anything that matters."""
    return Host(tmp_path)


def by_reason(found: object) -> dict[str, str]:
    """Return who was found, by the address' text."""
    assert isinstance(found, dict)
    return {subject.text: reason for subject, reason in found.items()}


def test_a_host_without_anything_guards_nobody(tmp_path: Path, host: Host) -> None:
    """Neither a bare host nor a missing one is an error; what is not there is left out."""
    assert Guarded(host.root).look() == {}
    assert Guarded(tmp_path / "void").look() == {}


def test_a_session_of_sshds_is_live_as_long_as_its_process(host: Host) -> None:
    """The user's process, and root's own; who merely tries passwords, for whatever name, is nobody."""
    host.process(10, "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", sockets=(1,))
    host.process(11, "sshd: ann [priv]", parent=10, sockets=(2,))
    host.process(12, "sshd: ann@pts/0", parent=11, uid=1000, sockets=(2,))
    host.process(13, "sshd: root@notty", parent=10, sockets=(3,))
    host.process(14, "sshd: root [priv]", parent=10, sockets=(4,))
    host.process(15, "sshd: root [net]", parent=14, uid=74, sockets=(4,))
    for inode, peer in ((2, "0A0200C0"), (3, "0B0200C0"), (4, "420200C0")):
        host.connect(inode, peer)
    guarded = Guarded(host.root)
    assert by_reason(guarded.look()) == {"192.0.2.10": "live session", "192.0.2.11": "live session"}

    (host.root / "proc/12/cmdline").write_bytes(b"bash\0")
    assert by_reason(guarded.look()) == {"192.0.2.11": "live session"}


def test_the_table_of_connections_is_read_when_sessions_change(host: Host) -> None:
    """It may have a hundred thousand lines; a socket stays connected to whom it was."""
    host.process(10, "sshd: root@pts/0", sockets=(1,))
    host.connect(1, "0A0200C0")
    guarded = Guarded(host.root)
    guarded.look()
    (host.root / "proc/net/tcp").unlink()
    assert by_reason(guarded.look()) == {"192.0.2.10": "live session"}
    host.process(11, "sshd: root@pts/1", sockets=(2,))
    host.connect(2, "0B0200C0")
    assert by_reason(guarded.look()) == {"192.0.2.11": "live session"}


def test_a_liar_of_a_process_is_not_believed(host: Host) -> None:
    """A service that was broken into calls itself sshd and holds the attacker's connection: the kernel knows."""
    host.process(10, "sshd: ann@pts/0", parent=1, uid=33, sockets=(1,))
    host.process(11, "sshd: root@pts/0", sockets=(2,))
    (host.root / "proc/11/exe").unlink()
    (host.root / "proc/11/exe").symlink_to("/var/www/sshd-tool")
    for inode in (1, 2):
        host.connect(inode, "420200C0")
    assert Guarded(host.root).look() == {}


def test_utmp_and_logind_bear_witness(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry whose process is gone is stale; a session's file names its host."""
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    host.process(20, "-bash")
    entries = [
        utmp(7, 20, b"", bytes([192, 0, 2, 10]), is_wide=False),
        utmp(7, 21, b"", bytes([192, 0, 2, 66]), is_wide=False),
    ]
    (host.root / "run/utmp").write_bytes(b"".join(entries))
    sessions = host.root / "run/systemd/sessions"
    live = "STATE=active\nCLASS=user\nREMOTE=1\nREMOTE_HOST=192.0.2.11\n"
    (sessions / "c1").write_text(live)
    (sessions / ".c2.tmp").write_text(live.replace(".11", ".66"))
    os.mkfifo(sessions / "c1.ref")
    assert by_reason(Guarded(host.root).look()) == {"192.0.2.10": "live session", "192.0.2.11": "live session"}


def test_gateways_and_resolvers_are_guarded(host: Host) -> None:
    """Those of the default routes, and those behind the local resolver; a session from one of them is told as such."""
    (host.root / "proc/net/route").write_text(ROUTES)
    (host.root / "proc/net/ipv6_route").write_text(ROUTES6)
    (host.root / "etc/resolv.conf").write_text("# local\nnameserver 127.0.0.53\nsearch example.org\nnameserver\n")
    (host.root / "run/systemd/resolve/resolv.conf").write_text("nameserver 192.0.2.1\nnameserver fe80::53%eth0\n")
    (host.root / "run/systemd/sessions/c1").write_text("STATE=active\nCLASS=user\nREMOTE=1\nREMOTE_HOST=192.0.2.2\n")
    assert by_reason(Guarded(host.root).look()) == {
        "127.0.0.53": "resolver",
        "192.0.2.1": "gateway",
        "192.0.2.2": "live session",
        "fe80::1": "gateway",
        "fe80::53": "resolver",
    }


def subjects(*texts: str) -> set[Subject]:
    """Return the addresses."""
    return set(map(parse_subject, texts))


def test_only_default_routes_have_gateways_to_guard() -> None:
    """Routes to networks, routes without a gateway, and the kernel's own last resort are none."""
    assert parse_gateways(ROUTES) == subjects("192.0.2.1", "192.0.2.2")
    assert parse_gateways6(ROUTES6) == subjects("fe80::1")


def test_resolvers_are_read_as_the_resolver_reads_them() -> None:
    """Only lines that begin with the word, and of those only addresses."""
    text = "nameserver 192.0.2.53\n;nameserver 192.0.2.1\noptions nameserver 192.0.2.2\nnameserver ns.example\n"
    assert parse_resolvers(text) == subjects("192.0.2.53")


def test_the_real_host_can_be_read() -> None:
    """Whatever it holds, it is addresses."""
    assert all(subject.is_single for subject in Guarded().look())
