"""A real sshd, attacked with a real ssh client."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.support.lab import Lab, wait_for

from sekisho.cli.demo_stage import OUTSIDE_NETWORK, SERVER

pytestmark = [pytest.mark.system(needs=("sshd", "ssh", "ssh-keygen")), pytest.mark.timeout(120)]

OFFENDER, NEIGHBOUR = "198.51.100.7", "198.51.100.8"
SSHD = """\
ListenAddress 0.0.0.0
HostKey {key}
UsePAM no
PasswordAuthentication yes
PermitRootLogin yes
PidFile none
"""


@pytest.fixture
def sshd(lab: Lab, tmp_path: Path) -> Lab:
    """The scenario with sshd behind port 22; it logs as it always does, by syslog(3), here into the journal."""
    key, conf = tmp_path / "host_key", tmp_path / "sshd_config"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    conf.write_text(SSHD.format(key=key))
    patient = conf.read_text() + "PerSourcePenalties no\n"  # OpenSSH >= 9.8 has a guard of its own, which is not ours
    probe = tmp_path / "probe"
    probe.write_text(patient)
    lab.stage.run("mkdir", "-p", "/run/sshd")
    if lab.stage.run("/usr/sbin/sshd", "-t", "-f", str(probe)).returncode == 0:
        conf.write_text(patient)
    started = lab.stage.run("/usr/sbin/sshd", "-f", str(conf))
    assert started.returncode == 0, started.stderr
    lab.play_scenario()
    return lab


def log_in(lab: Lab, source: str, directory: Path) -> str:
    """Try one wrong password for root from `source`; what ssh says."""
    askpass = directory / "askpass"
    askpass.write_text("#!/bin/sh\necho wrong\n")
    askpass.chmod(0o755)
    options = {
        "ConnectTimeout": 1,
        "NumberOfPasswordPrompts": 1,
        "PreferredAuthentications": "password",
        "StrictHostKeyChecking": "no",
        "UserKnownHostsFile": "/dev/null",
    }
    words = [f"-o{name}={value}" for name, value in options.items()]
    ssh = ["ssh", "-F", "none", *words, "-b", source, f"root@{SERVER}", "true"]
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


def test_the_fourth_try_does_not_connect(sshd: Lab, tmp_path: Path) -> None:
    """Three wrong passwords are answered; then the door is gone for that address, and for no other."""
    for _ in range(3):
        assert "Permission denied" in log_in(sshd, OFFENDER, tmp_path)
    wait_for(lambda: OFFENDER in sshd.banned()["sshd"], "the ban")

    assert "Connection timed out" in log_in(sshd, OFFENDER, tmp_path)
    assert "Permission denied" in log_in(sshd, NEIGHBOUR, tmp_path)
    wait_for(lambda: sshd.failed("sshd") == 4, "the neighbour's failure")
