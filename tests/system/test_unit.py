"""The unit holds before systemd's own judges, and the daemon lives within what the unit leaves it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from tests.support.lab import Lab, wait_for

from sekisho.cli import service
from sekisho.cli.demo_script import FILES

pytestmark = pytest.mark.system(needs=("systemd-analyze", "setpriv"))


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit as `sekisho service install` writes it here."""
    path = tmp_path / "sekisho.service"
    path.write_text(service.render_unit(service.find_programs()))
    return path


def test_systemd_finds_nothing_to_say(unit: Path) -> None:
    """`systemd-analyze verify` is silent."""
    judged = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)

    assert (judged.returncode, judged.stdout, judged.stderr) == (0, "", "")


def test_the_exposure_is_low(unit: Path) -> None:
    """`systemd-analyze security` finds no more exposed than a firewall's keeper must be: 3.0 of 10, "OK"."""
    judged = subprocess.run(
        ["systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=30", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert judged.returncode == 0, judged.stdout + judged.stderr


def bounds(text: str) -> str:
    """Return the capabilities that the unit leaves, as setpriv wants them."""
    named = re.search(r"^CapabilityBoundingSet=(.*)$", text, re.MULTILINE)
    assert named is not None
    return ",".join(["-all", *(f"+{name.removeprefix('CAP_').lower()}" for name in named[1].split())])


def test_the_daemon_lives_within_the_capabilities_of_the_unit(lab: Lab) -> None:
    """Not one more, and logs are read, logind is heard, a ban stands in the firewall, mail goes."""
    text = service.render_unit(service.find_programs())
    lab.open_doors([25, 80])
    lab.configure(FILES)
    lab.start("setpriv", f"--bounding-set={bounds(text)}", "--")

    session = lab.stage.path("/run/systemd/sessions/1")
    session.parent.mkdir(parents=True)
    session.write_text("STATE=active\nCLASS=user\nREMOTE=1\nREMOTE_HOST=198.51.100.9\n")

    lab.attack("postfix", "198.51.100.9")
    lab.attack("postfix", "198.51.100.7")

    lab.wait_log(r"\[postfix\] Ignore 198\.51\.100\.9 by live session")
    wait_for(lambda: "198.51.100.7" in lab.banned()["postfix"], "the ban")
    assert lab.knock("198.51.100.7", 25) == "dropped"
    assert lab.knock("198.51.100.7", 80) == "open"
    wait_for(lab.mails, "the mail")
    lab.stop()
    assert lab.ruleset() == ""


@pytest.mark.system(needs=("iptables-legacy", "ip6tables-legacy", "setpriv"))
def test_the_older_iptables_can_be_used_within_the_unit(lab: Lab) -> None:
    """It locks a file in /run, which the unit lets nobody write but where it says so."""
    text = service.render_unit(service.find_programs())
    before = re.findall(r"^ExecStartPre=[-+]*(.*)$", text, re.MULTILINE)
    writable = re.findall(r"-?(/run/\S+)", "".join(re.findall(r"^ReadWritePaths=.*$", text, re.MULTILINE)))
    binds = [f"mount --rbind {path} {path}" for path in ("/run", "/run/sekisho", *writable)]
    script = " && ".join(["mkdir -p /run/sekisho", *before, *binds, 'mount -o remount,bind,ro /run && exec "$@"'])
    for program in ("iptables", "ip6tables"):
        for verb in ("", "-save", "-restore"):
            lab.stage.run("ln", "-sf", f"{program}-legacy{verb}", f"/usr/sbin/{program}{verb}")
    lab.open_doors([22])
    lab.configure({"jail.local": "[sshd]\nenabled = true\nbackend = systemd\nbanaction = ipset\n"})
    lab.start("unshare", "--mount", "sh", "-c", script, "sh", "setpriv", f"--bounding-set={bounds(text)}", "--")

    lab.ask("set", "sshd", "banip", "198.51.100.7")

    wait_for(lambda: lab.knock("198.51.100.7", 22) == "dropped", "the wall")
    lab.stop()
    assert "sekisho" not in lab.stage.run("iptables-legacy-save", "-t", "raw").stdout
