"""A whole daemon that bars by ipset: asked for, and on a kernel that answers as one without nf_tables does."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from tests.support.lab import Lab, wait_for

from sekisho.cli.demo_script import FILES, JAIL_LOCAL, WEB

pytestmark = [
    pytest.mark.system(needs=("iptables-legacy", "ip6tables-legacy", "ipset")),
    pytest.mark.timeout(120),
]

OFFENDER, OFFENDER6, NETWORK = "198.51.100.7", "2001:db8:bad::7", "192.0.2.0/24"
WITH_IPSET = JAIL_LOCAL.replace(
    "[DEFAULT]\n", "[DEFAULT]\nbanaction = ipset\nbanaction_allports = ipset[type=allports]\n"
)
AS_WITHOUT = "import sekisho.enforce.wire as wire\nwire._GET_GENERATION = (60 << 8) | 16\n"
"""The daemon asks for a subsystem of netlink that no kernel has; the kernel answers as it would for nf_tables."""


@pytest.fixture
def server(lab: Lab) -> Lab:
    """The scenario over ipset, on a host whose iptables is the older one, and which has no nft."""
    lab.stage.run("sh", "-c", "rm -f /usr/sbin/nft /usr/sbin/*tables-nft*")
    for program in ("iptables", "ip6tables"):
        for verb in ("", "-save", "-restore"):
            lab.stage.run("ln", "-sf", f"{program}-legacy{verb}", f"/usr/sbin/{program}{verb}")
    lab.open_doors()
    lab.configure({**FILES, "jail.local": WITH_IPSET})
    return lab


def holds(lab: Lab, name: str) -> str:
    """Return a set as ipset shows it."""
    return lab.stage.run("ipset", "list", name).stdout


def left(lab: Lab) -> str:
    """Return our sets and the rules that name them."""
    rules = [lab.stage.run(f"{program}-save", "-t", "raw").stdout for program in ("iptables", "ip6tables")]
    ours = [line for text in rules for line in text.splitlines() if "sekisho" in line]
    return "\n".join([*ours, lab.stage.run("ipset", "list", "-n").stdout]).strip()


def test_an_attack_is_barred_and_admitted_again_and_the_end_leaves_nothing(server: Lab) -> None:
    """Both families, a network, all ports for a recidivist; unbans; a stop."""
    server.start()
    server.attack("postfix", OFFENDER)
    server.attack("sshd", OFFENDER6)
    server.ask("set", "recidive", "banip", NETWORK)
    wait_for(lambda: server.knock(OFFENDER, 25) == server.knock(OFFENDER6, 22) == "dropped", "the walls")
    assert [server.knock(OFFENDER, WEB), server.knock("192.0.2.9", WEB)] == ["open", "dropped"]
    assert server.ask("set", "postfix", "unbanip", OFFENDER) == "1"
    wait_for(lambda: server.knock(OFFENDER, 25) == "open", "the door")
    assert "ERROR" not in server.log()
    server.stop()
    assert left(server) == ""


def test_a_published_port_is_barred_as_it_was_dialled(server: Lab) -> None:
    """Port 8022 is passed on to port 22: its jail bars there, dropping and rejecting; the port behind stays open."""
    server.stage.run(
        *("iptables", "-t", "nat", "-A", "PREROUTING", "-p", "tcp", "--dport", "8022"),
        *("-j", "REDIRECT", "--to-ports", "22"),
    )
    for blocktype, end in (("drop", "dropped"), ("reject with tcp reset", "refused")):
        action = f'ipset[port=8022, blocktype="{blocktype}"]'
        server.configure({"jail.local": f"[sshd]\nenabled = true\nbackend = systemd\naction = {action}\n"})
        server.start()
        assert server.knock(OFFENDER, 8022) == "open"
        server.ask("set", "sshd", "banip", OFFENDER)
        wait_for(lambda end=end: server.knock(OFFENDER, 8022) == end, "the wall")  # type: ignore[misc]
        assert server.knock(OFFENDER, 22) == "open"
        server.ask("set", "sshd", "unbanip", OFFENDER)
        server.stop()


def test_a_kernel_without_nf_tables_is_served_by_ipset(server: Lab, tmp_path: Path) -> None:
    """The scenario as it is, with nftables: one line of the log, the same walls; killed, it goes on where it was."""
    (tmp_path / "sitecustomize.py").write_text(AS_WITHOUT)
    within = ("env", f"PYTHONPATH={tmp_path}")
    server.configure(FILES)
    server.start(*within)
    assert server.log().count("This kernel has no nf_tables (EINVAL): what nftables should bar is barred by ipset") == 1
    server.attack("sshd", OFFENDER)
    wait_for(lambda: server.knock(OFFENDER, 22) == "dropped", "the wall")
    server.kill()
    assert server.knock(OFFENDER, 22) == "dropped"
    server.start(*within)
    assert server.knock(OFFENDER, 22) == "dropped"
    assert OFFENDER in holds(server, "sekisho4-sshd/nftables")
    assert "may be left" not in server.log()
    server.stop()
    assert left(server) == ""


def test_a_stop_may_keep_what_the_kernel_ends_by_itself(server: Lab) -> None:
    """With onstop = keep the wall stands after the stop, for as long as the ban; the next start goes on with it."""
    server.configure({"fail2ban.local": "[Definition]\ndbfile = /run/sekisho/ledger.sqlite\nonstop = keep\n"})
    server.start()
    server.ask("set", "sshd", "banip", OFFENDER)
    wait_for(lambda: server.knock(OFFENDER, 22) == "dropped", "the wall")
    server.stop()
    assert server.knock(OFFENDER, 22) == "dropped"
    server.start()
    server.ask("set", "sshd", "unbanip", OFFENDER)
    wait_for(lambda: server.knock(OFFENDER, 22) == "open", "the door")


def test_the_doctor_tells_how_it_is_barred(server: Lab, tmp_path: Path) -> None:
    """Asked for, or standing in; with our rules alone, and with an accept in front of them."""
    (tmp_path / "sitecustomize.py").write_text(AS_WITHOUT)

    def findings(*within: str) -> dict[str, str]:
        words = ("-m", "sekisho", "doctor", "-c", str(server.conf), "--json")
        told = json.loads(server.stage.run(*within, sys.executable, *words).stdout)["findings"]
        return {each["what"]: each["level"] for each in told if "ipset" in each["what"] or "raw" in each["what"]}

    server.start()
    takes, alone = (
        "ipset and iptables (table raw) take sets and rules such as ours",
        "no rules of others stand in front of ours in iptables' table raw",
    )
    assert findings() == {takes: "OK", alone: "OK"}
    server.stage.run("iptables", "-t", "raw", "-I", "PREROUTING", "-i", "eth7", "-j", "ACCEPT")
    (accepts,) = findings().keys() - {takes}
    assert accepts.startswith("`-A PREROUTING -i eth7 -j ACCEPT` accepts packets before ours are asked")
    server.configure(FILES)
    standing_in = findings("env", f"PYTHONPATH={tmp_path}")
    assert f"the kernel has no nf_tables (EINVAL), ipset stands in: {takes}" in standing_in


def test_what_another_program_takes_away_comes_back(server: Lab) -> None:
    """Rules flushed, a set emptied: the next look repairs both, and the log tells what had vanished."""
    server.start()
    server.ask("set", "sshd", "banip", OFFENDER)
    wait_for(lambda: server.knock(OFFENDER, 22) == "dropped", "the wall")
    server.stage.run("iptables", "-t", "raw", "-F")
    assert server.knock(OFFENDER, 22) == "open"
    wait_for(lambda: server.knock(OFFENDER, 22) == "dropped", "the wall again", 30)
    server.stage.run("ipset", "flush", "sekisho4-sshd")
    wait_for(lambda: OFFENDER in holds(server, "sekisho4-sshd"), "the ban again", 30)
    server.wait_log(r"\[sshd\] 1 ban\(s\) had vanished from ipset and are put back")


def test_what_was_stopped_and_how_it_stands_is_told(server: Lab) -> None:
    """The counters count; verify sends a packet, and knows by them what became of it, here and where it rejects."""
    server.start()
    server.ask("set", "sshd", "banip", OFFENDER)
    wait_for(lambda: server.knock(OFFENDER, 22) == "dropped", "the wall")
    assert "dropped 0 packets" not in server.sekisho("status", "--counters").stdout
    proof = server.sekisho("verify", OFFENDER)
    assert proof.returncode == 0, proof.stdout
    assert "1 of 1 as it should be" in proof.stdout
    assert "dropped by ipset sekisho4-sshd" in proof.stdout
    server.stage.run("iptables", "-t", "raw", "-I", "PREROUTING", "-j", "ACCEPT")
    proof = server.sekisho("verify", OFFENDER)
    assert (proof.returncode, "LET THROUGH" in proof.stdout) == (1, True), proof.stdout
    server.stage.run("iptables", "-t", "raw", "-F")
    proof = server.sekisho("verify", OFFENDER)
    assert proof.returncode == 1, proof.stdout
    assert "0 of 1 rules with sekisho4-sshd stand in PREROUTING of the table raw" in proof.stdout
