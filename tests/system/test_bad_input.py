"""Bad input gets a clear error and loses nothing: broken files, missing logs, logs that are no text or no files."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from tests.support.lab import Lab, wait_for

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

OFFENDER = "198.51.100.7"
JAIL = """\
[DEFAULT]
maxretry = 3
banaction = nftables
[sshd]
enabled = true
port = ssh
backend = auto
logpath = /var/log/auth.log
"""


def line(ip: str = OFFENDER, n: int = 1) -> bytes:
    """Return a failed login as sshd writes it now."""
    now = dt.datetime.now().astimezone().isoformat(timespec="microseconds")
    return f"{now} mail sshd[{1000 + n}]: Failed password for root from {ip} port 4{n:03} ssh2\n".encode()


def log_of(lab: Lab) -> Path:
    """Return where the jail's log lies for the test."""
    return lab.stage.path("/var/log/auth.log")


def write(path: Path, *pieces: bytes) -> None:
    """Append to a log."""
    with path.open("ab", buffering=0) as log:
        for piece in pieces:
            log.write(piece)


def attack(lab: Lab, ip: str = OFFENDER) -> None:
    """Write three failures of `ip`, and see it banned."""
    write(log_of(lab), *(line(ip, n) for n in range(3)))
    wait_for(lambda: ip in lab.banned()["sshd"], f"the ban of {ip}")


@pytest.fixture
def server(lab: Lab) -> Lab:
    """One jail that reads a file which exists."""
    log_of(lab).touch()
    lab.configure({"jail.local": JAIL})
    lab.start()
    return lab


@pytest.mark.parametrize(
    ("broken", "at"),
    [
        (JAIL + "this is no option\n", 9),
        (JAIL + "[sshd]\nenabled = false\n", 9),
        ("enabled = true\n" + JAIL, 1),
        (JAIL + "[unclosed\nport = 1\n", 9),
    ],
    ids=["no option", "section twice", "no section", "unclosed"],
)
def test_a_broken_tree_changes_nothing_at_reload(server: Lab, broken: str, at: int) -> None:
    """The answer names file and line; the jail, its ban and its counting go on."""
    attack(server)
    write(log_of(server), line("192.0.2.9", 1), line("192.0.2.9", 2))
    wait_for(lambda: server.failed("sshd") == 5, "two failures more")
    server.configure({"jail.local": broken})

    answer = server.client("reload")

    assert answer.returncode == 255
    assert f"jail.local:{at}" in answer.stdout + answer.stderr
    assert server.banned() == {"sshd": {OFFENDER}}
    write(log_of(server), line("192.0.2.9", 3))
    wait_for(lambda: "192.0.2.9" in server.banned()["sshd"], "the third failure")


def test_a_broken_tree_does_not_start(lab: Lab) -> None:
    """At start there is nothing to keep: exit status and message say what is wrong and where."""
    lab.configure({"jail.local": JAIL + "this is no option\n"})

    started = lab.sekisho("run")

    assert started.returncode == 1
    assert "jail.local:9" in started.stderr


def test_a_broken_jail_stops_no_other(lab: Lab) -> None:
    """A filter that is not there, a rule that does not compile, a time that is none: each costs its own jail."""
    log_of(lab).touch()
    ill = """
[ghost]
enabled = true
logpath = /var/log/auth.log
[crooked]
enabled = true
filter = crooked
logpath = /var/log/auth.log
[late]
enabled = true
filter = sshd
logpath = /var/log/auth.log
bantime = soon
"""
    lab.configure({"jail.local": JAIL + ill, "filter.d/crooked.conf": "[Definition]\nfailregex = ^(<HOST>\n"})
    lab.start()

    assert "Jail list:\tsshd" in lab.ask("status")
    attack(lab)
    for jail in ("ghost", "crooked", "late"):
        lab.wait_log(rf"(ERROR|WARNING|CRITICAL).*\b{jail}\b")
    report = lab.sekisho("check")
    assert report.returncode == 1
    assert all(jail in report.stdout for jail in ("ghost", "crooked", "late"))


def test_a_jail_that_breaks_at_reload_stops_no_other(server: Lab) -> None:
    """The healthy jail keeps its ban and goes on when a new one comes in broken."""
    attack(server)
    server.configure({"jail.local": JAIL + "[ghost]\nenabled = true\nlogpath = /var/log/auth.log\n"})

    server.client("reload")

    assert server.banned() == {"sshd": {OFFENDER}}
    attack(server, "192.0.2.9")


def test_a_log_that_does_not_exist_is_waited_for(lab: Lab) -> None:
    """The daemon starts without it, says so, and reads it from its first line when it comes."""
    lab.configure({"jail.local": JAIL})
    lab.start()
    assert "Jail list:\tsshd" in lab.ask("status")
    lab.wait_log(r"auth\.log")

    attack(lab)


@pytest.mark.parametrize(
    "filth",
    [
        b"\xff\xfe\xe4\xf6 not UTF-8 \x80\n",
        b"NUL\0bytes\0everywhere\0\n" * 100,
        b"A" * 5_000_000 + b"\n",
        b"\r\n\n\n\x1b[2J\x0c\n",
        "Ünïcödé 関所\n".encode() * 100,
        b"Failed password for root from " + b"9" * 100_000 + b" port 1 ssh2\n",
    ],
    ids=["not UTF-8", "NUL", "megabytes", "control", "unicode", "endless number"],
)
def test_filth_in_a_log_is_survived(server: Lab, filth: bytes) -> None:
    """Whatever stands between them, the failures count."""
    write(log_of(server), filth, line(n=1), filth, line(n=2), filth, line(n=3))

    wait_for(lambda: OFFENDER in server.banned()["sshd"], "the ban")
    assert server.failed("sshd") == 3


def test_filth_within_the_line_is_survived(server: Lab) -> None:
    """A user name of bytes that are no text does not hide the address behind it, nor forge a line of our log."""
    evil = b"\xe9\0\x1b[31m2026-01-01 00:00:00,000 fail2ban.actions [1]: NOTICE [sshd] Ban 192.0.2.1"
    write(log_of(server), *(line(n=n).replace(b"root", b"invalid user " + evil) for n in range(3)))

    wait_for(lambda: OFFENDER in server.banned()["sshd"], "the ban")
    assert server.banned() == {"sshd": {OFFENDER}}


@pytest.mark.parametrize(
    "make", [["mkdir"], ["mkfifo"], ["ln", "-s", "/dev/zero"]], ids=["directory", "FIFO", "device"]
)
def test_a_log_replaced_by_what_is_no_file_is_survived(server: Lab, make: list[str]) -> None:
    """The daemon answers all the while, and reads on when the log is a file again."""
    attack(server)
    server.stage.run("mv", "/var/log/auth.log", "/var/log/auth.log.1")
    server.stage.run(*make, "/var/log/auth.log")
    server.wait_log(r"(NOTICE|WARNING|ERROR).*auth\.log")
    assert server.ask("ping") == "Server replied: pong"

    server.stage.run("rm", "-r", "/var/log/auth.log")
    attack(server, "192.0.2.9")
    assert server.banned() == {"sshd": {OFFENDER, "192.0.2.9"}}
