"""Every jail of the catalogue at once, over one log: what each is for is found, and ordinary lines are nobody's.

`bench/catalogue.py` has the times; here is what they rest on.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from tests.corpus.test_corpus import NOW, central_europe

from sekisho.config.catalogue import read_catalogue
from sekisho.config.files import Files
from sekisho.config.layers import merge
from sekisho.config.load import constants_of, load
from sekisho.match.filter import CompiledFilter, compile_filter
from sekisho.match.matcher import Matcher
from sekisho.model.block import Block, Phase
from sekisho.model.position import FilePosition
from sekisho.model.verdict import Failure
from sekisho.scan.bundle import Bundle

__all__ = ["central_europe"]  # a fixture

FILES = Files(None)
CATALOGUE = read_catalogue(FILES, merge(FILES, "jail"), constants_of(None))
JAILS = [jail for entry in CATALOGUE for jail in entry.jails]
ORDINARY = (
    "Aug 14 11:00:01 gate sshd[812]: Server listening on 0.0.0.0 port 22.",
    "Aug 14 11:00:01 gate sshd[812]: pam_unix(sshd:session): session opened for user bob(uid=1000) by (uid=0)",
    "Aug 14 11:00:02 gate CRON[813]: pam_unix(cron:session): session closed for user root",
    "Aug 14 11:00:02 gate systemd[1]: Started session-7.scope - Session 7 of User bob.",
    "Aug 14 11:00:03 gate sudo:   bob : TTY=pts/0 ; PWD=/home/bob ; USER=root ; COMMAND=/usr/bin/id",
    "Aug 14 11:00:03 gate kernel: [UFW BLOCK] IN=eth0 OUT= SRC=192.0.2.1 DST=198.51.100.2 LEN=40 PROTO=TCP DPT=4000",
    "Aug 14 11:00:04 mx postfix/smtpd[901]: connect from mail.example.org[198.51.100.7]",
    "Aug 14 11:00:04 mx postfix/smtpd[901]: disconnect from mail.example.org[198.51.100.7] ehlo=1 mail=1 rcpt=1 quit=1",
    "Aug 14 11:00:05 mx postfix/qmgr[777]: 4F9D1A0B: from=<news@example.org>, size=4014, nrcpt=1 (queue active)",
    "Aug 14 11:00:05 mx dovecot: imap-login: Login: user=<bob>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=9",
    '192.0.2.9 - - [14/Aug/2005:11:00:06 +0200] "GET /news/7 HTTP/1.1" 200 5316 "-" "Mozilla/5.0 (X11; Linux x86_64)"',
    '192.0.2.9 - bob [14/Aug/2005:11:00:07 +0200] "POST /api/items HTTP/2.0" 304 0 "https://example.org/" "curl/8.1"',
)


@pytest.fixture
def everything(tmp_path: Path) -> dict[str, CompiledFilter]:
    """The rules of every jail, as a tree that enables them all has them."""
    (tmp_path / "log").touch()
    jails = "".join(f"[{jail}]\nenabled = true\nbackend = polling\nlogpath = {tmp_path}/log\n" for jail in JAILS)
    (tmp_path / "jail.local").write_text(jails)
    configuration = load(tmp_path)
    assert configuration.problems == ()
    assert sorted(jail.name for jail in configuration.jails) == sorted(JAILS)
    return {jail.name: compile_filter(jail.filter, usedns="no", last_year=2039) for jail in configuration.jails}


@cache
def shared_log() -> bytes:
    """The examples of all filters, one after another, and again as syslog and Docker keep what programs print."""
    lines = [line for entry in CATALOGUE for line in entry.example]
    boxed = [json.dumps({"log": f"{line}\n", "stream": "stdout", "time": "2005-08-14T09:00:01Z"}) for line in lines]
    logged = [f"Aug 14 11:00:01 gate app[7]: {line}" for line in lines]
    return "".join(f"{line}\n" for line in (*lines, *logged, *boxed)).encode()


def test_each_filter_finds_what_it_is_for_in_one_pass(everything: dict[str, CompiledFilter]) -> None:
    """The log is scanned once for all, and each jail is shown its own lines of it."""
    bundle = Bundle([(jail, rules.searches) for jail, rules in everything.items()])
    shares = bundle.divide(bundle.scan(shared_log()))
    block = Block("/log", shared_log(), FilePosition(0, 1, ""), Phase.CATCHUP)
    found = set()
    for jail, own in shares.items():
        findings = Matcher(everything[jail], jail=jail).read(block, own, now=NOW, findtime=1e6)
        if any(isinstance(finding, Failure) for finding in findings):
            found.add(jail)
    assert [entry.filter for entry in CATALOGUE if not found & set(entry.jails)] == []


def test_ordinary_lines_are_tried_by_nobody(everything: dict[str, CompiledFilter]) -> None:
    """But sshd, whose sessions they may end, and the jails of floods: so many jails cost little more than six do."""
    bundle = Bundle([(jail, rules.searches) for jail, rules in everything.items()])
    assert [(jail, blind) for jail in JAILS if (blind := bundle.blind_rules(jail))] == []
    candidates = bundle.divide(bundle.scan("".join(f"{line}\n" for line in ORDINARY * 50).encode()))
    assert candidates.keys() <= {"sshd", "nginx-flood", "apache-flood", "haproxy-flood"}


def test_what_six_jails_read_is_read_by_few_others(everything: dict[str, CompiledFilter]) -> None:
    """The failures that a mail server meets day and night do not go through every jail's expressions."""
    lines = {
        "sshd": "Aug 14 11:00:01 gate sshd[2001]: Failed password for root from 192.0.2.1 port 40001 ssh2",
        "postfix-sasl": "Aug 14 11:00:01 mx postfix/smtpd[901]: warning: unknown[192.0.2.1]: SASL LOGIN authentication"
        " failed: authentication failure",
        "dovecot": "Aug 14 11:00:01 mx dovecot: imap-login: Disconnected (auth failed, 1 attempts in 2 secs):"
        " user=<bob>, method=PLAIN, rip=192.0.2.1, lip=192.0.2.2, session=<x>",
    }
    plain = {jail: each for jail, each in everything.items() if each.record is None}
    bundle = Bundle([(jail, rules.searches) for jail, rules in plain.items()])
    for jail, line in lines.items():
        assert bundle.divide(bundle.scan(line.encode())).keys() == {jail}
