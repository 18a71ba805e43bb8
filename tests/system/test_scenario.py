"""The mail server's scenario, word for word: its files, a real journal, a real firewall, real connections.

Everything is seen from outside: what `sekisho run` and `fail2ban-client` say, what the log, the kernel and the mail
hold, and what a stranger's connection meets. The address 192.0.2.9 stands for one who did nothing.
"""

from __future__ import annotations

import datetime as dt
import re

import pytest
from tests.support.lab import Lab, wait_for

from sekisho.cli.demo_script import ATTACKS, FILES, HARMLESS, JAIL_LOCAL, WEB

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

OFFENDER, OFFENDER6, NEIGHBOUR = "198.51.100.7", "2001:db8:bad::7", "192.0.2.9"
JAILS = sorted([*ATTACKS, "recidive"])


@pytest.fixture
def server(lab: Lab) -> Lab:
    """The scenario, running, with every door of the server open."""
    lab.open_doors()
    lab.play_scenario()
    return lab


def wait_banned(server: Lab, jail: str, ip: str) -> None:
    """Wait until the ban is in the log, hence in the firewall (it is told only when it stands)."""
    server.wait_log(rf"NOTICE +\[{re.escape(jail)}\] Ban {re.escape(ip)}\n", f"[{jail}] Ban {ip}")
    wait_for(lambda: ip in set().union(*server.barred().values()), f"{ip} in the firewall")


def test_all_six_jails_run(server: Lab) -> None:
    """The files load as they are: comments in any language, retired port names and all."""
    assert f"Jail list:\t{', '.join(JAILS)}" in server.ask("status")
    assert "Journal matches:\t_SYSTEMD_UNIT=proftpd.service" in server.ask("status", "proftpd")
    assert "File list:\t/var/log/fail2ban.log" in server.ask("status", "recidive")


@pytest.mark.parametrize("ip", [OFFENDER, OFFENDER6])
@pytest.mark.parametrize("jail", ATTACKS)
def test_the_third_failure_bars_the_jails_ports_and_no_other(server: Lab, jail: str, ip: str) -> None:
    """Two failures ban nobody; the third shuts the ports of that jail, for that address, and nothing else."""
    server.attack(jail, ip, times=2)
    wait_for(lambda: server.failed(jail) == 2, "two failures")
    assert server.banned()[jail] == set()
    assert server.barred() == {}

    server.attack(jail, ip, times=1)
    wait_banned(server, jail, ip)

    assert server.banned() == {name: {ip} if name == jail else set() for name in JAILS}
    shut = set(ATTACKS[jail].ports)
    for port in sorted({port for attack in ATTACKS.values() for port in attack.ports} | {WEB}):
        assert server.knock(ip, port) == ("dropped" if port in shut else "open"), port
    for port in shut:
        assert server.knock(NEIGHBOUR, port) == "open"


def test_whoever_does_nothing_wrong_is_counted_nowhere(server: Lab) -> None:
    """Lines of good customers are read and cause nothing."""
    for unit, line in HARMLESS.items():
        server.say(unit, line)
    for jail in ATTACKS:
        server.attack(jail, OFFENDER, times=1)  # a mark: what stands before it has been read

    wait_for(lambda: all(server.failed(jail) == 1 for jail in ATTACKS), "the mark in each jail")
    assert "Found 198.51.100.200" not in server.log()


def test_ignored_networks_are_never_banned(server: Lab) -> None:
    """Private networks of `ignoreip`, the host itself: failure after failure, no ban."""
    for ip in ("10.9.8.7", "192.168.1.1", "172.16.5.5", "127.0.0.1", "203.0.113.1"):
        server.attack("postfix-sasl", ip, times=4)
    server.attack("postfix-sasl", OFFENDER)
    wait_banned(server, "postfix-sasl", OFFENDER)

    assert server.banned()["postfix-sasl"] == {OFFENDER}
    assert server.failed("postfix-sasl") == 3
    assert "[postfix-sasl] Ignore 10.9.8.7 by ip" in server.log()
    assert server.knock("10.9.8.7", 25) == "open"


def test_five_bans_in_a_day_bar_every_port_for_a_week(server: Lab) -> None:
    """Banned by all five jails, the offender is a recidivist: no port answers, for 604800 seconds."""
    for jail in ATTACKS:
        assert server.knock(OFFENDER, WEB) == "open"
        server.attack(jail, OFFENDER)
        wait_banned(server, jail, OFFENDER)
    wait_banned(server, "recidive", OFFENDER)

    assert server.knock(OFFENDER, WEB) == "dropped"
    assert server.knock(OFFENDER, 22) == "dropped"
    assert server.knock(NEIGHBOUR, WEB) == "open"
    begin, end = re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", server.ask("get", "recidive", "banip", "--with-time"))
    assert dt.datetime.fromisoformat(end) - dt.datetime.fromisoformat(begin) == dt.timedelta(weeks=1)


def test_the_unbanned_connects_again(server: Lab) -> None:
    """Unban lifts what a ban by hand barred, at once, and forgets it."""
    server.ask("set", "postfix", "banip", OFFENDER)
    wait_for(lambda: server.knock(OFFENDER, 25) == "dropped", "the wall")

    assert server.ask("set", "postfix", "unbanip", OFFENDER) == "1"

    assert server.knock(OFFENDER, 25) == "open"
    assert server.banned()["postfix"] == set()
    server.wait_log(rf"NOTICE +\[postfix\] Unban {OFFENDER}\n")


def test_a_retired_port_name_costs_nothing(server: Lab) -> None:
    """`imap3` is known, or at the least the jail's other ports are protected; and the log says what was made of it."""
    server.attack("postfix-sasl", OFFENDER)
    wait_banned(server, "postfix-sasl", OFFENDER)

    assert [server.knock(OFFENDER, port) for port in (25, 993, 995, 220)] == ["dropped"] * 4
    assert "ERROR" not in server.log()


def test_reload_and_restart_keep_bans(server: Lab) -> None:
    """Bans and counts survive a reload; bans, a restart: at the end the offender still meets a wall."""
    server.attack("dovecot", OFFENDER)
    server.attack("sshd", NEIGHBOUR, times=2)
    wait_banned(server, "dovecot", OFFENDER)
    wait_for(lambda: server.failed("sshd") == 2, "two failures of the neighbour")

    assert server.ask("reload") == "OK"
    assert server.banned()["dovecot"] == {OFFENDER}
    assert server.knock(OFFENDER, 143) == "dropped"
    assert server.ask("reload", "dovecot") == "OK"
    assert server.knock(OFFENDER, 143) == "dropped"
    assert "Currently failed:\t1" in server.ask("status", "sshd")

    server.stop()
    assert server.knock(OFFENDER, 143) == "open"
    server.start()
    wait_for(lambda: server.knock(OFFENDER, 143) == "dropped", "the wall, after the restart")
    assert server.banned()["dovecot"] == {OFFENDER}
    assert f"[dovecot] Restore Ban {OFFENDER}" in server.log()
    server.attack("sshd", NEIGHBOUR, times=1)
    wait_banned(server, "sshd", NEIGHBOUR)  # its first two failures were not forgotten either


def test_stop_leaves_no_rule_behind(server: Lab) -> None:
    """After `stop` the ruleset is as it was before `start`: empty; socket and pid file are gone."""
    for jail in ATTACKS:
        server.attack(jail, OFFENDER)
    wait_banned(server, "recidive", OFFENDER)

    assert server.client("stop").stdout == "Shutdown successful\n"

    wait_for(lambda: not server.stage.path("/run/sekisho/sekisho.pid").exists(), "the end")
    assert server.ruleset() == ""
    assert server.knock(OFFENDER, 22) == "open"
    assert not server.stage.path("/run/sekisho/sekisho.sock").exists()
    assert server.client("ping").returncode == 255


def test_the_mail_arrives(server: Lab) -> None:
    """One ban, one letter: from the configured sender to the configured recipient, with the whois report."""
    server.attack("postfix", OFFENDER)
    wait_banned(server, "postfix", OFFENDER)

    letter = wait_for(server.mails, "the mail")[0]
    assert letter["To"] == "mail@example.com"
    assert "fail2ban@example.com" in letter["From"]
    assert "postfix" in letter["Subject"]
    assert OFFENDER in letter["Subject"]
    text = letter.get_body().get_content()  # type: ignore[union-attr]  # a letter has a body
    assert "EXAMPLE-NET" in text
    assert "fail2ban@example.com" in letter["X-Arguments"]
    assert len(server.mails()) == 1


def test_the_log_reads_like_fail2bans(server: Lab) -> None:
    """Found and Ban lines have the format that other programs parse, each once."""
    server.attack("sshd", OFFENDER)
    wait_banned(server, "sshd", OFFENDER)

    head = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} fail2ban\.%-15s\[\d+\]: %-7s "
    found = re.findall(head % ("filter", "INFO") + rf"\[sshd\] Found {OFFENDER} - .*\n", server.log())
    bans = re.findall(head % ("actions", "NOTICE") + rf"\[sshd\] Ban {OFFENDER}\n", server.log())
    assert (len(found), len(bans)) == (3, 1)


def test_blocktype_for_iptables_does_not_disturb_nftables(server: Lab) -> None:
    """The scenario's `iptables-common.local` stands there unused: that is no error."""
    assert "action.d/iptables-common.local" in FILES
    assert "ERROR" not in server.log()
    assert "CRITICAL" not in server.log()


def test_the_opening_complaint_is_met(lab: Lab) -> None:
    """Who connects and leaves, over and over, is barred by repetition with `postfix[mode=probe]`; who mails is not."""
    lab.open_doors([25])
    lab.configure({**FILES, "jail.d/probe.local": "[postfix]\nfilter = postfix[mode=probe]\n"})
    lab.start()

    def visit(ip: str, n: int, *between: str) -> None:
        for line in (f"connect from unknown[{ip}]", *between, f"disconnect from unknown[{ip}]"):
            lab.say("postfix.service", f"postfix/smtpd[{n}]: {line}")

    for n in range(3):
        visit(NEIGHBOUR, 500 + n, f"8C5D1{n}0A3F: client=unknown[{NEIGHBOUR}]")
        visit(OFFENDER, 600 + n)
    wait_banned(lab, "postfix", OFFENDER)

    assert lab.banned()["postfix"] == {OFFENDER}
    assert lab.failed("postfix") == 3
    assert lab.knock(OFFENDER, 25) == "dropped"
    assert lab.knock(NEIGHBOUR, 25) == "open"


def test_two_options_on_one_line_are_named_and_mended(lab: Lab) -> None:
    """`enabled = true port = ssh` is an error that says what is wrong; the other jails run."""
    lab.configure(
        {**FILES, "jail.local": JAIL_LOCAL.replace("enabled = true\nport = ssh", "enabled = true port = ssh")}
    )
    lab.start()

    assert f"Jail list:\t{', '.join(jail for jail in JAILS if jail != 'sshd')}" in lab.ask("status")
    line = 1 + lab.conf.joinpath("jail.local").read_text().split("\n").index("enabled = true port = ssh")
    report = lab.sekisho("check")
    assert report.returncode == 1
    assert f"jail.local:{line}" in report.stdout
    assert "port = ssh" in report.stdout
    lab.wait_log(rf"jail\.local:{line}")
