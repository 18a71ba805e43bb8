"""A real sshd, attacked with a real ssh client."""

from __future__ import annotations

import contextlib
import os
import re
import select
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
from tests.support.lab import Lab, wait_for

from sekisho.cli.demo_script import FILES
from sekisho.cli.demo_stage import OUTSIDE_NETWORK, SERVER

pytestmark = [pytest.mark.system(needs=("sshd", "ssh", "ssh-keygen")), pytest.mark.timeout(120)]

OFFENDER, NEIGHBOUR, OPERATOR = "198.51.100.7", "198.51.100.8", "198.51.100.9"
KEY = "/run/keys/operator.pub"
SSHD = """\
ListenAddress 0.0.0.0
HostKey {key}
UsePAM {pam}
PasswordAuthentication yes
PermitRootLogin yes
AuthorizedKeysFile {authorized}
StrictModes no
AllowTcpForwarding yes
GatewayPorts yes
MaxAuthTries 3
Subsystem sftp internal-sftp
PidFile none
"""
IMPATIENT_PAM = """\
set -e
cp -rL /etc/pam.d /etc/pam.own && rm /etc/pam.d && mv /etc/pam.own /etc/pam.d  # on the stage it links to the host's
printf '%s required pam_unix.so nodelay\\n' auth account >/etc/pam.d/sshd
"""
UNCHECKED = ("-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null")


@pytest.fixture
def sshd(request: pytest.FixtureRequest, lab: Lab, tmp_path: Path) -> Lab:
    """The scenario with sshd behind port 22; it logs as it always does, by syslog(3), here into the journal.

    Without PAM, unless a test asks for it.
    """
    key, own, conf = tmp_path / "host_key", tmp_path / "operator", tmp_path / "sshd_config"
    for path in (key, own):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    lab.stage.path(KEY).parent.mkdir()
    lab.stage.path(KEY).write_text(own.with_suffix(".pub").read_text())
    conf.write_text(SSHD.format(key=key, authorized=KEY, pam=getattr(request, "param", "no")))
    patient = conf.read_text() + "PerSourcePenalties no\n"  # OpenSSH >= 9.8 has a guard of its own, which is not ours
    probe = tmp_path / "probe"
    probe.write_text(patient)
    lab.stage.run("mkdir", "-p", "/run/sshd")
    impatient = lab.stage.run("sh", "-c", IMPATIENT_PAM)
    assert impatient.returncode == 0, impatient.stderr
    if lab.stage.run("/usr/sbin/sshd", "-t", "-f", str(probe)).returncode == 0:
        conf.write_text(patient)
    started = lab.stage.run("/usr/sbin/sshd", "-f", str(conf))
    assert started.returncode == 0, started.stderr
    lab.play_scenario()
    return lab


def log_in(
    lab: Lab, source: str, directory: Path, *, user: str = "root", prompts: int = 1, by: str = "password"
) -> str:
    """Try a wrong password, or several in one connection, from `source`; what ssh says."""
    askpass = directory / "askpass"
    askpass.write_text("#!/bin/sh\necho wrong\n")
    askpass.chmod(0o755)
    options = {
        "ConnectTimeout": 1,
        "NumberOfPasswordPrompts": prompts,
        "PreferredAuthentications": by,
    }
    words = [*UNCHECKED, *(f"-o{name}={value}" for name, value in options.items())]
    ssh = ["ssh", "-F", "none", *words, "-b", source, f"{user}@{SERVER}", "true"]
    secret = ["env", f"SSH_ASKPASS={askpass}", "SSH_ASKPASS_REQUIRE=force", "LC_ALL=C"]
    tried = subprocess.run(
        lab.stage.inside([*secret, *ssh], network=OUTSIDE_NETWORK),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert tried.returncode == 255
    return tried.stderr


@pytest.mark.parametrize("sshd", ["no", "yes"], indirect=True, ids=["alone", "PAM"])
def test_the_fourth_try_does_not_connect(sshd: Lab, tmp_path: Path) -> None:
    """Three wrong passwords are answered; then the door is gone for that address, and for no other.

    PAM tells of each of them in a line of its own, which does not count again.
    """
    for _ in range(3):
        assert "Permission denied" in log_in(sshd, OFFENDER, tmp_path)
    wait_for(lambda: OFFENDER in sshd.banned()["sshd"], "the ban")

    assert "Connection timed out" in log_in(sshd, OFFENDER, tmp_path)
    assert "Permission denied" in log_in(sshd, NEIGHBOUR, tmp_path)
    wait_for(lambda: sshd.failed("sshd") == 4, "the neighbour's failure")


@pytest.mark.parametrize(
    ("sshd", "by"), [("no", "password"), ("yes", "password"), ("yes", "keyboard-interactive")], indirect=["sshd"]
)
@pytest.mark.parametrize("user", ["root", "nobody-there"])
def test_each_password_counts_once(sshd: Lab, tmp_path: Path, user: str, by: str) -> None:
    """However many lines sshd and PAM write of it, for users that exist and others, one in a connection or the most."""
    sshd.ask("set", "sshd", "maxretry", "100")
    for source, prompts in ((OFFENDER, 1), (NEIGHBOUR, 9), (OPERATOR, 1)):
        log_in(sshd, source, tmp_path, user=user, prompts=prompts, by=by)
    sshd.wait_log(rf"Found {OPERATOR}")
    found = Counter(re.findall(r"\[sshd\] Found (\S+)", sshd.log()))
    assert found == {OFFENDER: 1, NEIGHBOUR: 3, OPERATOR: 1}


class Session:
    """An operator who has logged in, and speaks with the server's end of SFTP (draft-ietf-secsh-filexfer-02)."""

    def __init__(self, lab: Lab, user: str, key: Path, *words: str) -> None:
        ssh = [
            "ssh",
            "-F",
            "none",
            *UNCHECKED,
            "-i",
            str(key),
            "-b",
            OPERATOR,
            *words,
            "-s",
            f"{user}@{SERVER}",
            "sftp",
        ]
        self._process = subprocess.Popen(
            lab.stage.inside(ssh, network=OUTSIDE_NETWORK), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )

    def __enter__(self) -> Self:
        assert self.is_live(20)
        return self

    def __exit__(self, *_: object) -> None:
        """Log out."""
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._process.wait(10)

    def is_live(self, seconds: float = 5) -> bool:
        """Say hello (SSH_FXP_INIT), and tell whether the server answers."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(bytes([0, 0, 0, 5, 1, 0, 0, 0, 3]))
        answered, _, _ = select.select([self._process.stdout], [], [], seconds)
        return bool(answered) and os.read(self._process.stdout.fileno(), 65536) != b""


@contextlib.contextmanager
def connected(lab: Lab, source: str, port: int) -> Iterator[None]:
    """Be connected to a port of the server, say nothing, and hear its greeting."""
    dial = f"import socket; s = socket.create_connection(({SERVER!r}, {port}), 5, ({source!r}, 0)); print(s.recv(4))"
    words = [sys.executable, "-c", f"{dial}; input()"]
    with subprocess.Popen(
        lab.stage.inside(words, network=OUTSIDE_NETWORK), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"b'SSH-'\n"
        yield
        process.communicate(b"\n", timeout=10)


@pytest.mark.parametrize("user", ["root", "nobody"])
def test_the_operators_own_session_is_never_cut(sshd: Lab, tmp_path: Path, user: str) -> None:
    """Whoever fails from his address, he works on, while others are barred; when he has left, his address is, too."""
    with Session(sshd, user, tmp_path / "operator") as session:
        for source in (OFFENDER, OPERATOR):
            for _ in range(3):
                assert "Permission denied" in log_in(sshd, source, tmp_path)
        sshd.attack("postfix", OPERATOR)
        for jail in ("sshd", "postfix"):
            sshd.wait_log(rf"\[{jail}\] Ignore {OPERATOR} by live session")
        wait_for(lambda: OFFENDER in sshd.banned()["sshd"], "the ban")
        assert sshd.knock(OFFENDER, 22) == "dropped"

        assert session.is_live()
        assert sshd.knock(OPERATOR, 22) == "open"
        refused = sshd.sekisho("ban", "sshd", f"{OPERATOR}/32")
        assert (refused.returncode, f"{OPERATOR} is guarded (live session)" in refused.stderr) == (1, True)
        assert sshd.client("set", "sshd", "banip", "198.51.100.0/24").returncode != 0
        assert session.is_live()

    for _ in range(3):
        log_in(sshd, OPERATOR, tmp_path)
    wait_for(lambda: OPERATOR in sshd.banned()["sshd"], "the ban of an address that is nobody's any more")
    assert sshd.knock(OPERATOR, 22) == "dropped"


def test_to_be_connected_makes_nobody_an_operator(sshd: Lab, tmp_path: Path) -> None:
    """Neither to sshd itself, nor to a port that a session has forwarded to the world."""
    forward = ("-R", f"*:7777:{SERVER}:22")
    with (
        Session(sshd, "nobody", tmp_path / "operator", *forward),
        connected(sshd, OFFENDER, 22),
        connected(sshd, NEIGHBOUR, 7777),
    ):
        for source in (OFFENDER, NEIGHBOUR):
            for _ in range(3):
                log_in(sshd, source, tmp_path)
        wait_for(lambda: sshd.banned()["sshd"] == {OFFENDER, NEIGHBOUR}, "the bans")


def test_a_configuration_that_locks_out_is_taken_back(sshd: Lab, tmp_path: Path) -> None:
    """The operator forbids himself everything, and is cut off: without a word of his he is let in again in time."""
    with Session(sshd, "root", tmp_path / "operator") as session:
        sshd.configure(
            {
                "fail2ban.local": "[Definition]\ndbfile = /run/sekisho/ledger.sqlite\nguard = off\n",
                "jail.local": FILES["jail.local"].replace("maxretry = 3", "maxretry = 1"),
            }
        )
        applied = sshd.sekisho("apply", "--confirm", "10")
        assert (applied.returncode, applied.stderr) == (0, "")
        assert "sshd: maxretry 3 → 1" in applied.stdout
        assert "a configuration is on trial until" in sshd.sekisho("status").stdout
        log_in(sshd, OPERATOR, tmp_path)
        wait_for(lambda: OPERATOR in sshd.banned()["sshd"], "the ban")
        assert sshd.knock(OPERATOR, 22) == "dropped"
        assert not session.is_live(1)

        sshd.wait_log("what ran before is in force again", seconds=20)
        wait_for(lambda: sshd.knock(OPERATOR, 22) == "open", "the way in")
        assert session.is_live(20)
        assert sshd.banned()["sshd"] == set()
        assert sshd.ask("get", "sshd", "maxretry") == "3"
        late = sshd.sekisho("confirm")
        assert (late.returncode, "the last one was taken back at" in late.stderr) == (1, True)
