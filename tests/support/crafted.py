"""Logs made up for differential tests: services at work and under attack, dates of every kind, seeded and repeatable.

The lines are ours, after what the services write. A log is bytes: some of it is no UTF-8, on purpose.
"""

# ruff: noqa: E501 - a log line is as long as it is
from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

SUMMER = 1784030400
"""2026-07-14 12:00 UTC."""

NEW_YEAR = 1767225600
"""2026-01-01 00:00 UTC."""

_USERS = (
    "root",
    "admin",
    "git",
    "oracle",
    "x",
    "user name",
    "Jürgen",
    "a@b.example",
    "",
    "from 203.0.113.9",
    "[preauth]",
)
_ADDRESSES = (
    *(f"192.0.2.{number}" for number in range(1, 12)), "198.51.100.7", "2001:db8::7", "2001:db8:0:1:2:3:4:5",
    "::ffff:203.0.113.5", "scanner.example.net",
)  # fmt: skip

Show = Callable[[float], str]


def syslog(at: float) -> str:
    """As syslog wrote for forty years: no year."""
    return time.strftime("%b %e %H:%M:%S", time.gmtime(at))


def iso(at: float) -> str:
    """As syslog writes now."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + ".123456+00:00"


def clf(at: float) -> str:
    """As web servers write in access logs."""
    return time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(at))


@dataclass(frozen=True, slots=True)
class Who:
    """One client: where it comes from, and whom it claims to be."""

    ip: str
    user: str
    port: int
    pid: int


def _who(draw: Random) -> Who:
    return Who(draw.choice(_ADDRESSES), draw.choice(_USERS), draw.randrange(1024, 65536), draw.randrange(100, 99999))


# -- sshd

_SSHD = (
    "Connection from {ip} port {port} on 10.0.0.1 port 22",
    "Invalid user {user} from {ip} port {port}",
    "Invalid user {user} from {ip}",
    "Failed password for {user} from {ip} port {port} ssh2",
    "Failed password for invalid user {user} from {ip} port {port} ssh2",
    "Failed publickey for {user} from {ip} port {port} ssh2: RSA SHA256:AAAA",
    "Failed keyboard-interactive/pam for {user} from {ip} port {port} ssh2",
    "Failed none for invalid user {user} from {ip} port {port} ssh2",
    "Postponed keyboard-interactive for {user} from {ip} port {port} ssh2 [preauth]",
    "Accepted publickey for {user} from {ip} port {port} ssh2: ED25519 SHA256:BBBB",
    "Accepted password for {user} from {ip} port {port} ssh2",
    "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={ip}  user={user}",
    "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={ip}",
    "pam_unix(sshd:auth): check pass; user unknown",
    "pam_unix(sshd:session): session opened for user {user}(uid=1000) by (uid=0)",
    "pam_unix(sshd:session): session closed for user {user}",
    "error: PAM: Authentication failure for {user} from {ip}",
    "error: PAM: User not known to the underlying authentication module for illegal user {user} from {ip}",
    "error: maximum authentication attempts exceeded for {user} from {ip} port {port} ssh2 [preauth]",
    "error: maximum authentication attempts exceeded for invalid user {user} from {ip} port {port} ssh2 [preauth]",
    "Disconnecting authenticating user {user} {ip} port {port}: Too many authentication failures [preauth]",
    "Disconnecting invalid user {user} {ip} port {port}: Change of username or service not allowed: ({user},ssh-connection) -> (x,ssh-connection) [preauth]",
    "Disconnecting: Too many authentication failures for {user} [preauth]",
    "Received disconnect from {ip} port {port}:11: Bye Bye [preauth]",
    "Received disconnect from {ip}: 11: disconnected by user",
    "error: Received disconnect from {ip} port {port}:14: No supported authentication methods available [preauth]",
    "Disconnected from {ip} port {port} [preauth]",
    "Disconnected from authenticating user {user} {ip} port {port} [preauth]",
    "Disconnected from invalid user {user} {ip} port {port} [preauth]",
    "Disconnected from user {user} {ip} port {port}",
    "Connection closed by {ip} port {port} [preauth]",
    "Connection closed by authenticating user {user} {ip} port {port} [preauth]",
    "Connection closed by invalid user {user} {ip} port {port} [preauth]",
    "Connection closed by {ip}",
    "Connection reset by {ip} port {port} [preauth]",
    "Connection reset by authenticating user {user} {ip} port {port} [preauth]",
    "Did not receive identification string from {ip} port {port}",
    "Bad protocol version identification '{user}' from {ip} port {port}",
    "Unable to negotiate with {ip} port {port}: no matching key exchange method found. Their offer: a,b [preauth]",
    "Unable to negotiate with {ip} port {port}: no matching host key type found. Their offer: ssh-dss [preauth]",
    "banner exchange: Connection from {ip} port {port}: invalid format",
    "ssh_dispatch_run_fatal: Connection from {ip} port {port}: message authentication code incorrect [preauth]",
    "kex_exchange_identification: Connection closed by remote host",
    "fatal: Timeout before authentication for {ip} port {port}",
    "User {user} from {ip} not allowed because not listed in AllowUsers",
    "User {user} not allowed because account is locked",
    "ROOT LOGIN REFUSED FROM {ip}",
    "refused connect from {ip} ({ip})",
    "reverse mapping checking getaddrinfo for scanner.example.net [{ip}] failed - POSSIBLE BREAK-IN ATTEMPT!",
    "Address {ip} maps to scanner.example.net, but this does not map back to the address.",
    "Server listening on 0.0.0.0 port 22.",
    "last message repeated 3 times",
)  # fmt: skip


def _sshd(draw: Random) -> Iterator[tuple[int, str]]:
    """The lines of one connection, and after how many seconds each follows."""
    who = _who(draw)
    other = Who(who.ip, draw.choice(_USERS), who.port, who.pid)
    tag = draw.choice(["sshd", "sshd", "sshd", "sshd-session"])
    for _ in range(draw.randrange(1, 7)):
        text = draw.choice(_SSHD)
        one = who if draw.random() < 0.85 else other
        line = text.format(ip=one.ip, user=one.user, port=one.port)
        yield draw.choice([0, 0, 1, 3, 400 if draw.random() < 0.03 else 2]), f"mail {tag}[{who.pid}]: {line}"


# -- mail

_POSTFIX = (
    "postfix/smtpd[{pid}]: connect from unknown[{ip}]",
    "postfix/smtpd[{pid}]: disconnect from unknown[{ip}] ehlo=1 auth=0/1 quit=1 commands=2/3",
    "postfix/smtpd[{pid}]: warning: unknown[{ip}]: SASL LOGIN authentication failed: UGFzc3dvcmQ6",
    "postfix/submission/smtpd[{pid}]: warning: unknown[{ip}]: SASL PLAIN authentication failed: authentication failure, sasl_username={user}",
    "postfix/smtpd[{pid}]: warning: unknown[{ip}]: SASL LOGIN authentication failed: Connection lost to authentication server",
    "postfix/smtpd[{pid}]: NOQUEUE: reject: RCPT from unknown[{ip}]: 554 5.7.1 <{user}>: Relay access denied; from=<{user}> to=<y@example.com> proto=ESMTP helo=<h>",
    "postfix/smtpd[{pid}]: NOQUEUE: reject: RCPT from unknown[{ip}]: 554 5.7.1 Service unavailable; Client host [{ip}] blocked using zen.example.org; from=<{user}> to=<a@b.c> proto=ESMTP helo=<x>",
    "postfix/smtpd[{pid}]: NOQUEUE: reject: RCPT from host.example.net[{ip}]: 550 5.1.1 <{user}>: Recipient address rejected: User unknown in local recipient table; from=<a@b.c> to=<{user}> proto=SMTP helo=<x>",
    "postfix/smtpd[{pid}]: NOQUEUE: reject: EHLO from unknown[{ip}]: 504 5.5.2 <{user}>: Helo command rejected: need fully-qualified hostname; proto=SMTP helo=<{user}>",
    "postfix/smtpd[{pid}]: NOQUEUE: reject: VRFY from unknown[{ip}]: 550 5.1.1 <{user}>: Recipient address rejected: User unknown",
    "postfix/smtpd[{pid}]: improper command pipelining after EHLO from unknown[{ip}]: QUIT",
    "postfix/smtpd[{pid}]: lost connection after AUTH from unknown[{ip}]",
    "postfix/smtpd[{pid}]: lost connection after CONNECT from unknown[{ip}]",
    "postfix/smtpd[{pid}]: warning: non-SMTP command from unknown[{ip}]: GET / HTTP/1.1",
    "postfix/smtpd[{pid}]: too many errors after AUTH from unknown[{ip}]",
    "postfix/postscreen[{pid}]: NOQUEUE: reject: RCPT from [{ip}]:{port}: 550 5.7.1 Service unavailable; client [{ip}] blocked using zen.example.org; from=<{user}>, to=<a@b.c>, proto=ESMTP, helo=<x>",
    "postfix/qmgr[{pid}]: 3F1A2: from=<{user}>, size=1234, nrcpt=1 (queue active)",
    "dovecot: imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<{user}>, method=PLAIN, rip={ip}, lip=10.0.0.1, TLS, session=<abc>",
    "dovecot: imap-login: Aborted login (auth failed, 3 attempts): user=<{user}>, method=PLAIN, rip={ip}, lip=10.0.0.1",
    "dovecot: pop3-login: Disconnected: Inactivity (no auth attempts in 180 secs): user=<>, rip={ip}, lip=10.0.0.1, session=<d>",
    "dovecot: imap-login: Login: user=<{user}>, method=PLAIN, rip={ip}, lip=10.0.0.1, mpid={pid}, TLS, session=<e>",
    "dovecot: auth: pam({user},{ip}): pam_authenticate() failed: Authentication failure (password mismatch?)",
    "dovecot: auth-worker({pid}): pam({user},{ip}): unknown user",
    "dovecot: auth: passwd-file({user},{ip}): Password mismatch",
    "dovecot: managesieve-login: Disconnected: Too many invalid commands. (no auth attempts in 1 secs): user=<>, rip={ip}, lip=10.0.0.1",
    "auth[{pid}]: pam_unix(dovecot:auth): authentication failure; logname= uid=0 euid=0 tty=dovecot ruser={user} rhost={ip}  user={user}",
    "proftpd[{pid}]: 10.0.0.1 (unknown[{ip}]) - USER {user}: no such user found from unknown [{ip}] to 10.0.0.1:21",
    "proftpd[{pid}]: mail (unknown[{ip}]) - USER {user} (Login failed): Incorrect password",
    "proftpd[{pid}]: mail (unknown[{ip}]) - Maximum login attempts (3) exceeded",
    "proftpd[{pid}]: mail (unknown[{ip}]) - FTP session opened.",
)  # fmt: skip


def _mail(draw: Random) -> Iterator[tuple[int, str]]:
    who = _who(draw)
    for _ in range(draw.randrange(1, 5)):
        yield (
            draw.randrange(3),
            f"mail {draw.choice(_POSTFIX).format(ip=who.ip, user=who.user, port=who.port, pid=who.pid)}",
        )


# -- web

_PATHS = (
    "/", "/index.html", "/wp-login.php", "/phpmyadmin/scripts/setup.php", "/roundcube/", "/cgi-bin/test.cgi",
    "/2026/07/14/11:00:00", "/x?y=14/Jul/2026:10:00:00", "/%s" % ("A" * 300), "/() { :;}; /bin/bash", "http://x.example/a.php",
    "\\x16\\x03\\x01", "/knocking/",
)  # fmt: skip
_AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64)", "EmailCollector", "Googlebot/2.1", "-", "WebEMailExtractor/1.0B",
    "Mozilla/4.0 (compatible; Advanced Email Extractor v2.6)", "() { :;}; echo",
)  # fmt: skip


def _access(draw: Random, at: float) -> str:
    who = _who(draw)
    size, status = draw.randrange(9999), draw.choice([200, 301, 400, 401, 404, 500])
    request = f"{draw.choice(['GET', 'POST', 'HEAD'])} {draw.choice(_PATHS)} HTTP/1.1"
    user = draw.choice(["-", "-", "-", who.user])
    return f'{who.ip} - {user} [{clf(at)}] "{request}" {status} {size} "-" "{draw.choice(_AGENTS)}"'


_ERRORS = (
    "[error] [client {ip}] user {user} not found: /private",
    '[auth_basic:error] [pid {pid}] [client {ip}:{port}] AH01617: user {user}: authentication failure for "/x": Password Mismatch',
    "[auth_basic:error] [pid {pid}:tid 7] [client {ip}:{port}] AH01618: user {user} not found: /x, referer: http://a",
    "[error] [client {ip}] File does not exist: /var/www/html/phpMyAdmin",
    "[core:error] [pid {pid}] [client {ip}:{port}] AH00126: Invalid URI in request GET /%% HTTP/1.1",
    "[error] [client {ip}] request failed: URI too long (longer than 8190)",
    "[cgi:error] [pid {pid}] [client {ip}:{port}] script not found or unable to stat: /usr/lib/cgi-bin/test.cgi",
    "[error] [client {ip}] client denied by server configuration: /var/www",
    "[:error] [pid {pid}] [client {ip}:{port}] Digest: user {user}: password mismatch: /digest/",
    "[mpm:notice] [pid {pid}] AH00163: resuming normal operations",
)
_NGINX = (
    '{pid}#0: *{port} user "{user}" was not found in "/etc/nginx/.htpasswd", client: {ip}, server: localhost, request: "GET / HTTP/1.1", host: "h"',
    '{pid}#0: *{port} user "{user}": password mismatch, client: {ip}, server: _, request: "GET / HTTP/1.1", host: "h"',
    '{pid}#0: *{port} no user/password was provided for basic authentication, client: {ip}, server: s, request: "GET / HTTP/1.1"',
    '{pid}#0: *{port} limiting requests, excess: 0.5 by zone "one", client: {ip}, server: s, request: "GET / HTTP/1.1"',
    '{pid}#0: *{port} open() "/usr/share/nginx/html/wp-login.php" failed (2: No such file or directory), client: {ip}, server: s, request: "GET /wp-login.php HTTP/1.1"',
    "{pid}#0: *{port} SSL_do_handshake() failed (SSL: error:14094418) while SSL handshaking, client: {ip}, server: 0.0.0.0:443",
)  # fmt: skip


def _apache_errors(draw: Random, at: float) -> str:
    who, kind = _who(draw), draw.choice(["%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S.123456 %Y"])
    text = draw.choice(_ERRORS).format(ip=who.ip, user=who.user, port=who.port, pid=who.pid)
    return f"[{time.strftime(kind, time.gmtime(at))}] {text}"


def _nginx_errors(draw: Random, at: float) -> str:
    who = _who(draw)
    text = draw.choice(_NGINX).format(ip=who.ip, user=who.user, port=who.port, pid=who.pid)
    return f"{time.strftime('%Y/%m/%d %H:%M:%S', time.gmtime(at))} [error] {text}"


# -- whole logs


def sessions(
    seed: str, *, lines: int, until: float, kind: str = "sshd", show: Show = syslog, span: int = 20000
) -> bytes:
    """A log of connections side by side, each line dated by `show`, the last one at most at `until`."""
    draw = Random(seed)
    of_one = {"sshd": _sshd, "mail": _mail}[kind]
    told: list[tuple[float, str]] = []
    while len(told) < lines:
        at = until - draw.random() * span
        for pause, text in of_one(draw):
            at += pause
            told.append((at, text))
    told.sort(key=lambda each: each[0])
    return "".join(f"{show(at)} {text}\n" for at, text in told if at <= until).encode()


def requests(seed: str, *, lines: int, until: float, kind: str = "access", span: int = 20000) -> bytes:
    """A web server's log: `access`, `apache` or `nginx` (their error logs)."""
    draw = Random(seed)
    write = {"access": _access, "apache": _apache_errors, "nginx": _nginx_errors}[kind]
    moments = sorted(until - draw.random() * span for _ in range(lines))
    return "".join(write(draw, at) + "\n" for at in moments).encode()


FORMATS: dict[str, str] = {
    "iso": "%Y-%m-%d %H:%M:%S",
    "iso T": "%Y-%m-%dT%H:%M:%S",
    "iso Z": "%Y-%m-%dT%H:%M:%SZ",
    "iso comma": "%Y-%m-%d %H:%M:%S,123",
    "iso zone": "%Y-%m-%d %H:%M:%S +0200",
    "slashes": "%Y/%m/%d %H:%M:%S",
    "dots": "%Y.%m.%d %H:%M:%S",
    "syslog": "%b %e %H:%M:%S",
    "syslog zero": "%b %d %H:%M:%S",
    "syslog fraction": "%b %e %H:%M:%S.567",
    "syslog weekday": "%a %b %e %H:%M:%S",
    "asctime": "%a %b %e %H:%M:%S %Y",
    "asctime fraction": "%a %b %d %H:%M:%S.123456 %Y",
    "year early": "%b %d %Y %H:%M:%S",
    "british": "%d/%m/%Y %H:%M:%S",
    "british short": "%d/%m/%y %H:%M:%S",
    "dashes": "%d-%m-%Y %H:%M:%S",
    "clf": "%d/%b/%Y:%H:%M:%S +0000",
    "named": "%d-%b-%Y %H:%M:%S",
    "named fraction": "%d-%b-%Y %H:%M:%S.987",
    "cpanel": "%m/%d/%Y:%H:%M:%S",
    "epoch": "%s",
    "epoch fraction": "%s.123",
    "clock": "%H:%M:%S",
    "angle": "<%m/%d/%y@%H:%M:%S>",
    "mysql": "%y%m%d %H:%M:%S",
    "mysql wide": "%y%m%d  %H:%M:%S",
    "apache": "%b %d, %Y %I:%M:%S %p",
    "exim": "%b-%d-%y %H:%M:%S",
    "compact": "%Y%m%d %H%M%S",
    "compact T": "%Y%m%dT%H%M%S",
    "zone first": "+02:00 %b %d %H:%M:%S",
    "zone name first": "UTC %b %d %H:%M:%S",
    "zone PDT": "PDT %a %b %d %H:%M:%S",
}  # fmt: skip
"""Kinds of date that the default templates know, for strftime."""

_WRONG = (
    "2026-02-30 11:00:00", "Feb 30 11:00:00", "Jul 32 11:00:00", "2026-13-01 10:00:00", "1999-07-14 11:00:00",
    "2031-07-14 11:00:00", "Feb 29 10:00:00", "2026-07-14 24:00:00", "2026-07-14 11:60:00", "0000-00-00 00:00:00",
    "Jul 14", "11:00", "99999999999999", "2026-07-14", "31/Feb/2026:10:00:00 +0000", "", "", "-", "[]", "at java.util.List",
)  # fmt: skip
_FRAMES = ("{}", "[{}]", "<{}>", "({})", "{}:", "a{}", "{}b", "x {}", '"{}"', "ts={}", "some words before it {}")


def dated(at: float, name: str) -> str:
    """A moment in one of the FORMATS."""
    text = FORMATS[name].replace("%s", str(int(at)))
    return time.strftime(text, time.gmtime(at))


def zoo(
    seed: str, *, lines: int, until: float, formats: Sequence[str], wrong: float = 0.1, framed: bool = False,
    span: int = 20000, dirty: float = 0.03,
) -> bytes:  # fmt: skip
    """A log of plain failures whose dates are of these kinds, some of them wrong or missing, some bytes no UTF-8."""
    draw = Random(seed)
    found: list[bytes] = []
    for at in sorted(until - draw.random() * span for _ in range(lines)):
        who = _who(draw)
        date = draw.choice(_WRONG) if draw.random() < wrong else dated(at, draw.choice(formats))
        date = draw.choice(_FRAMES).format(date) if framed else date
        fail = draw.choice(["fail", "fail", "pass", "soft"])
        text = f"{date} srv app: {fail} user={who.user} from {who.ip}".encode()
        if draw.random() < dirty:
            text = text.replace(b"user=", b"user=\xff\xc3")
        found.append(text)
    return b"\n".join(found) + b"\n"


def story(seed: str, words: Sequence[str], *, lines: int, until: float) -> bytes:
    """A log of short lines drawn from `words`, a second apart, some without a date; `{i}`, `{n}` and `{ip}` are filled."""
    draw = Random(seed)
    found: list[str] = []
    for number in range(lines):
        date = syslog(until - lines + number) + " " if draw.random() < 0.9 else ""
        text = draw.choice(words).format(i=draw.choice("abc"), n=draw.randrange(3), ip=draw.choice(_ADDRESSES))
        found.append(f"{date}{text}\n")
    return "".join(found).encode()
