"""One failed attempt counts once, however many lines the service, its helpers and PAM write; others' attempts never.

The stories are what the services write in their ordinary set-up about one password that was wrong, in a file and in the
journal. (`Invalid user` and `Failed password` of one session are two, as they are for Fail2ban.)
"""

from __future__ import annotations

import re

import pytest
from tests.corpus.test_corpus import LOGS, NOW, central_europe, options_of, stamp_of, stock_rules
from tests.support.matching import JAIL, NOON

from sekisho.config.load import load_filter
from sekisho.match.filter import compile_filter
from sekisho.match.matcher import Matcher

__all__ = ["central_europe"]  # a fixture

PAM = "pam_unix({0}:auth): authentication failure; logname= uid=0 euid=0 tty={1} ruser={2} rhost=192.0.2.1  user=bob"
SMTPD = "postfix/submission/smtpd[5]"
STORIES = {
    ("sshd", "normal"): (
        "sshd-session[12]: Connection from 192.0.2.1 port 4711 on 203.0.113.5 port 22",
        f"sshd-session[12]: {PAM.format('sshd', 'ssh', '')}",
        "sshd-session[12]: Failed password for bob from 192.0.2.1 port 4711 ssh2",
        "sshd-session[12]: Connection closed by authenticating user bob 192.0.2.1 port 4711 [preauth]",
    ),
    ("dovecot", "normal"): (
        "auth: pam_unix(dovecot:auth): check pass; user unknown",
        "dovecot: auth: Debug: client passdb out: FAIL 1 user=bob",
        "dovecot: imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<bob>, rip=192.0.2.1",
    ),
    ("postfix", "auth"): (
        f"{SMTPD}: connect from unknown[192.0.2.1]",
        "dovecot: auth: passwd-file(bob,192.0.2.1): unknown user",
        f"{SMTPD}: warning: unknown[192.0.2.1]: SASL PLAIN authentication failed: (reason unavailable)",
        f"{SMTPD}: lost connection after AUTH from unknown[192.0.2.1]",
        f"{SMTPD}: disconnect from unknown[192.0.2.1] ehlo=2 starttls=1 auth=0/1 commands=3/4",
    ),
    ("proftpd", "normal"): (
        f"proftpd[7]: {PAM.format('proftpd', '/dev/ftpd7', 'bob')}",
        "proftpd[7]: srv.example.org (192.0.2.1[192.0.2.1]) - USER bob (Login failed): Incorrect password",
        "proftpd[7]: srv.example.org (192.0.2.1[192.0.2.1]) - FTP session closed.",
    ),
    ("vsftpd", "normal"): (
        "vsftpd[9]: pam_unix(vsftpd:auth): check pass; user unknown",
        f"vsftpd[9]: {PAM.format('vsftpd', 'ftp', 'bob')}",
    ),
}
"""By filter and mode."""

SHARED = frozenset({"pam-generic", "recidive"})
"""Filters that judge any service."""
SAME = (
    {"courier-auth", "uwimap-auth"},
    {"sendmail-auth", "sendmail-reject"},
    {"exim", "exim-spam"},
    {"gssftpd", "vsftpd", "wuftpd"},
    {"access-errors", "access-flood", "access-scanners", "haproxy-http-auth", "wordpress-login"},
)
"""Filters of services that go by the same name, or of one service."""


@pytest.mark.parametrize("journal", [False, True], ids=["file", "journal"])
@pytest.mark.parametrize(("name", "mode"), STORIES)
def test_an_attempt_counts_once(name: str, mode: str, *, journal: bool) -> None:
    """Whatever is written about it, a wrong password is one failure of one address."""
    compiled = compile_filter(load_filter(None, name, {"mode": mode}, journal=journal), usedns="no", last_year=2029)
    matcher = Matcher(compiled, jail=JAIL)
    found = []
    for line in STORIES[name, mode]:
        date, stamp = ("", NOON) if journal else ("Jul 14 11:59:00 ", None)
        hits = matcher.examine(f"{date}srv {line}", now=NOON, stamp=stamp).hits
        found += [hit.subject.text for hit in hits if hit.counts and hit.subject]
    assert found == ["192.0.2.1"]


def test_a_jail_judges_its_own_service_only() -> None:
    """Lines of the system log that count for one service count for no other."""
    header = re.compile(r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ [\w./-]+(?:\[\d+\])?: ")
    counting = [each for log in LOGS.values() for each in log if each["expect"]["match"] and header.match(each["line"])]
    wrong = set()
    for log in LOGS.values():
        name = log[0]["filter"]
        if name in SHARED or (options_of(log[0]) not in {"as it is", "mode=aggressive"}):
            continue
        matcher = stock_rules(log[0]).matcher
        for sample in counting:
            service = sample["filter"]
            if service != name and service not in SHARED and not any({name, service} <= same for same in SAME):
                hits = matcher.examine(sample["line"], now=NOW, stamp=stamp_of(sample)).hits
                if any(hit.counts for hit in hits):
                    wrong.add((name, service, sample["line"]))
    assert wrong == set()
