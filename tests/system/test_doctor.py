"""`sekisho doctor` on a real host of a test's own."""

from __future__ import annotations

import json
import re

import pytest
from tests.support.lab import Lab

pytestmark = pytest.mark.system

EARLY = """\
table ip filter {
 chain INPUT {
  type filter hook input priority 0; policy accept;
  tcp dport 22 accept
  tcp dport 22 jump f2b-sshd
 }
 chain f2b-sshd {
 }
}
"""


def findings(lab: Lab) -> list[tuple[str, str]]:
    """What the doctor says, as level and text."""
    answer = lab.sekisho("doctor", "--json")
    assert answer.stderr == ""
    found = json.loads(answer.stdout)["findings"]
    assert answer.returncode == int(any(each["level"] == "ERROR" for each in found))
    return [(each["level"], each["what"]) for each in found]


def test_a_host_that_is_well_and_then_is_not(lab: Lab) -> None:
    """With all doors open nothing is found; then somebody accepts too early, a service ends, and the daemon dies."""
    lab.play_scenario()
    lab.open_doors()
    well = findings(lab)
    assert [what for level, what in well if level != "OK"] == []
    assert re.fullmatch(r"this is .+: services log where paths-\w+\.conf says", well[0][1])

    lab.stage.run("nft", "-f", "-", text=EARLY)
    lab.kill()
    found = findings(lab)
    assert [level for level, what in found if "accepts packets" in what and "jumps to f2b-sshd" in what] == ["WARNING"]
    assert [level for level, what in found if "no server answers" in what] == ["ERROR"]
    assert "sekisho-trial" not in lab.ruleset()


def test_ports_that_nobody_listens_on_are_found_without_a_daemon(lab: Lab) -> None:
    """One jail's port is served, the other's is not."""
    lab.configure(
        {
            "jail.local": "[sshd]\nenabled = true\nbackend = systemd\nport = 2222\n"
            "[postfix]\nenabled = true\nbackend = systemd\nport = smtp\n"
        }
    )
    lab.open_doors([25])
    found = {what: level for level, what in findings(lab)}
    assert found["jail 'postfix' bars port 25, and 25 listen(s)"] == "OK"
    assert found["jail 'sshd' bars port 2222, where nobody listens on this host: it protects nothing"] == "WARNING"
