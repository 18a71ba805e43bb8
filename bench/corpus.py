"""Logs to measure with: seeded, so that two runs read the same lines; attackers are skewed, as they are."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

SENTINEL = "203.0.113.254"
"""Its failures end every log: when they are found, all of the log has been read."""

_USERS = ("root", "admin", "test", "oracle", "ubuntu", "git", "postgres", "deploy", "pi", "www-data")
_BENIGN = (
    "sshd[{pid}]: Accepted publickey for deploy from 198.51.100.{n} port {port} ssh2: ED25519 SHA256:x7{n}Yw",
    "sshd[{pid}]: pam_unix(sshd:session): session opened for user deploy(uid=1000) by (uid=0)",
    "sshd[{pid}]: Received disconnect from 198.51.100.{n} port {port}:11: disconnected by user",
    "sshd[{pid}]: pam_unix(sshd:session): session closed for user deploy",
    "CRON[{pid}]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)",
    "CRON[{pid}]: pam_unix(cron:session): session closed for user root",
    "systemd-logind[612]: New session {n} of user deploy.",
    "sudo:   deploy : TTY=pts/0 ; PWD=/home/deploy ; USER=root ; COMMAND=/usr/bin/systemctl status app-{n}",
    "systemd[1]: Started session-{n}.scope - Session {n} of User deploy.",
    "kernel: [UFW BLOCK] IN=eth0 OUT= MAC=00 SRC=198.51.100.{n} DST=192.0.2.1 LEN=40 PROTO=TCP DPT={port}",
)
_MAIL_BENIGN = (
    "postfix/smtpd[{pid}]: connect from mail{n}.example.org[198.51.100.{n}]",
    "postfix/smtpd[{pid}]: disconnect from mail{n}.example.org[198.51.100.{n}] ehlo=1 mail=1 rcpt=1 data=1 quit=1",
    "postfix/qmgr[901]: 4F9D1{n:05X}: from=<news@example.org>, size={port}, nrcpt=1 (queue active)",
    "dovecot: imap-login: Login: user=<alice>, method=PLAIN, rip=198.51.100.{n}, lip=192.0.2.1, mpid={pid}, TLS",
)
_SSH_ATTACK = "sshd[{pid}]: Failed password for {user} from {host} port {port} ssh2"
_MAIL_ATTACK = (
    "postfix/smtpd[{pid}]: warning: unknown[{host}]: SASL LOGIN authentication failed: authentication failure"
)


def attackers(count: int = 2000) -> list[str]:
    """Return addresses, IPv4 and every tenth IPv6; none is a host's own (127.0.0.0/8), whom nobody bans."""
    return [
        f"2001:db8:{n:x}::{n:x}" if n % 10 == 0 else f"{130 + n % 60}.{n % 251}.{n // 251 % 251}.{1 + n % 250}"
        for n in range(count)
    ]


def lines(count: int, *, attack: float, mail: bool = False, seed: int = 1, sentinel: bool = True) -> Iterator[str]:
    """Yield `count` syslog lines of the last eight minutes, the share `attack` of them failures.

    Failures have process ids of their own: a login that follows one in the same session would be a failure too.
    """
    chance = random.Random(seed)
    hosts = attackers()
    weights = [1 / (rank + 1) for rank in range(len(hosts))]
    chosen = iter(chance.choices(hosts, weights, k=int(count * attack) + 10_000))
    begin = time.time() - 480
    benign = _MAIL_BENIGN if mail else _BENIGN
    bad = _MAIL_ATTACK if mail else _SSH_ATTACK
    for number in range(count):
        stamp = time.strftime("%b %e %H:%M:%S", time.localtime(begin + 470 * number / count))
        pid = 1000 + number % 30_000
        if chance.random() < attack and (host := next(chosen, None)):
            text = bad.format(
                pid=40_000 + number, user=chance.choice(_USERS), host=host, port=chance.randrange(1024, 65535)
            )
        else:
            text = chance.choice(benign).format(pid=pid, n=chance.randrange(1, 250), port=chance.randrange(1024, 65535))
        yield f"{stamp} mx1 {text}"
    stamp = time.strftime("%b %e %H:%M:%S")
    for port in range(3 if sentinel else 0):
        yield f"{stamp} mx1 {bad.format(pid=999, user='sentinel', host=SENTINEL, port=port)}"


_PAGES = (
    "/",
    "/index.html",
    "/news/{n}",
    "/static/app.{n}.css",
    "/img/{n}.png",
    "/api/items/{n}?page=2",
    "/search?q={n}",
)
_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def access_lines(count: int, *, attack: float, seed: int = 1) -> Iterator[str]:
    """Yield `count` lines of a web server's access log of the last eight minutes, the share `attack` of them scans."""
    chance = random.Random(seed)
    hosts = attackers()
    weights = [1 / (rank + 1) for rank in range(len(hosts))]
    chosen = iter(chance.choices(hosts, weights, k=int(count * attack) + 10_000))
    begin = time.time() - 480
    for number in range(count):
        stamp = time.strftime("%d/%b/%Y:%H:%M:%S %z", time.localtime(begin + 470 * number / count))
        if chance.random() < attack and (host := next(chosen, None)):
            yield f'{host} - - [{stamp}] "GET /wp-login.php HTTP/1.1" 404 162 "-" "{_AGENT}"'
        else:
            page = chance.choice(_PAGES).format(n=chance.randrange(1000))
            size = chance.randrange(200, 60000)
            yield f'198.51.100.{chance.randrange(1, 250)} - - [{stamp}] "GET {page} HTTP/1.1" 200 {size} "-" "{_AGENT}"'
    stamp = time.strftime("%d/%b/%Y:%H:%M:%S %z")
    for _ in range(3):
        yield f'{SENTINEL} - - [{stamp}] "GET /wp-login.php HTTP/1.1" 404 162 "-" "{_AGENT}"'


def crowd(count: int) -> Iterator[str]:
    """Yield one failed login each of `count` addresses."""
    begin = time.time() - 480
    for number in range(count):
        stamp = time.strftime("%b %e %H:%M:%S", time.localtime(begin + 470 * number / count))
        host = f"{60 + (number >> 16)}.{number >> 8 & 255}.{number & 255}.7"
        yield f"{stamp} mx1 " + _SSH_ATTACK.format(
            pid=number % 30_000, user="root", host=host, port=1024 + number % 60000
        )
