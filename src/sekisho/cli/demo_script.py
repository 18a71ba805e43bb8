"""The script of the play: the administrator's files, and what attackers make each service write to the journal.

The files are those of a real mail server: comments behind values, in the administrator's own language, a service name
that `/etc/services` no longer knows (`imap3`), an action that mails a whois report.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

JAIL_LOCAL = """\
[DEFAULT]
backend = systemd ; 読む: the journal
ignoreip = 127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 ; jamais bannir ces réseaux
bantime = 3600 ; Sekunden, also für eine Stunde
findtime = 300
maxretry = 3
destemail = mail@example.com
sender = fail2ban@example.com
action = %(action_mw)s ; ban, and mail the whois report

[sshd]
enabled = true
port = ssh

[proftpd]
enabled = true
port = ftp,ftp-data,ftps,ftps-data

[postfix]
enabled = true
port = smtp,465,submission

[dovecot]
enabled = true
port = pop3,pop3s,imap,imaps,submission,465,sieve

[postfix-sasl]
enabled = true
port = smtp,465,submission,imap3,imaps,pop3,pop3s

[recidive]
enabled = true
backend = auto
logpath = /var/log/fail2ban.log
bantime = 604800
findtime = 86400
maxretry = 5
"""
FILES: Mapping[str, str] = MappingProxyType(
    {
        "jail.local": JAIL_LOCAL,
        "action.d/iptables-common.local": "[Init]\nblocktype = DROP\n",
        "filter.d/proftpd.conf": "[Init]\njournalmatch = _SYSTEMD_UNIT=proftpd.service\n",
    }
)


@dataclass(frozen=True, slots=True)
class Attack:
    """How a failed attempt looks: who writes (`unit`), what (`line`, with {ip} and {n}), and which doors it closes."""

    unit: str
    line: str
    ports: tuple[int, ...]

    def text(self, ip: str, n: int) -> str:
        """Return the n-th attempt of `ip` as the service logs it."""
        return self.line.format(ip=ip, n=n)


ATTACKS: Mapping[str, Attack] = MappingProxyType(
    {
        "sshd": Attack(
            "sshd.service",
            "sshd[{n}]: Failed password for invalid user admin from {ip} port 4{n} ssh2",
            (22,),
        ),
        "proftpd": Attack(
            "proftpd.service",
            "proftpd[{n}]: mail.example.com ({ip}[{ip}]) - "
            "USER www: no such user found from {ip} [{ip}] to 203.0.113.1:21",
            (21, 20, 990, 989),
        ),
        "postfix": Attack(
            "postfix.service",
            "postfix/smtpd[{n}]: NOQUEUE: reject: RCPT from unknown[{ip}]: 554 5.7.1 <someone@example.org>: Relay "
            "access denied; from=<spam@example.net> to=<someone@example.org> proto=ESMTP helo=<[{ip}]>",
            (25, 465, 587),
        ),
        "dovecot": Attack(
            "dovecot.service",
            "dovecot[{n}]: imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<info>, method=PLAIN, "
            "rip={ip}, lip=203.0.113.1, session=<Zk3{n}>",
            (110, 995, 143, 993, 587, 465, 4190),
        ),
        "postfix-sasl": Attack(
            "postfix.service",
            "postfix/smtpd[{n}]: warning: unknown[{ip}]: SASL LOGIN authentication failed: UGFzc3dvcmQ6",
            (25, 465, 587, 220, 993, 110, 995),
        ),
    }
)
HARMLESS: Mapping[str, str] = MappingProxyType(
    {
        "sshd.service": "sshd[700]: Accepted publickey for alice from 198.51.100.200 port 50022 ssh2",
        "postfix.service": "postfix/smtpd[701]: connect from mail.example.org[198.51.100.200]",
        "dovecot.service": "dovecot[702]: imap-login: Login: user=<alice>, method=PLAIN, rip=198.51.100.200, "
        "lip=203.0.113.1, mpid=703, TLS, session=<aB3>",
    }
)
"""Unit and line of those who did nothing wrong."""

WEB = 80
"""A port that no jail protects; only recidive closes it."""


def doors() -> tuple[int, ...]:
    """Return every port that the play needs an answer on."""
    return tuple(sorted({port for attack in ATTACKS.values() for port in attack.ports} | {WEB}))
