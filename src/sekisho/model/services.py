"""Service names and their ports: a small table of our own, and how one word of a `port` option is read. Pure.

The table holds the names that administrators of mail, web and shell servers write, so that a host without
`/etc/services` (a container) is protected too, and the retired ones that today's `/etc/services` no longer knows
(`imap3`, `ssmtp`), which live on in configurations. The system is asked first, by whoever may ask it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sekisho.model.ports import ALL_PORTS, LAST_PORT, PortRange

# IANA's registry of service names, and names that distributions' /etc/services had and dropped
_NAMES = """
ftp-data=20 ftp=21 ssh=22 telnet=23 smtp=25 mail=25 domain=53 tftp=69 http=80 www=80 kerberos=88
pop2=109 pop3=110 pop-3=110 nntp=119 ntp=123 netbios-ssn=139 imap=143 imap2=143 snmp=161 imap3=220
ldap=389 https=443 microsoft-ds=445 smtps=465 ssmtp=465 submissions=465 urd=465 nntps=563 snntp=563
submission=587 msa=587 ipp=631 cups=631 ldaps=636 domain-s=853 rsync=873 ftps-data=989 ftps=990 telnets=992
imaps=993 simap=993 pop3s=995 spop3=995 socks=1080 openvpn=1194 ms-sql-s=1433 cvspserver=2401 squid=3128
mysql=3306 ms-wbt-server=3389 rdp=3389 nut=3493 svn=3690 sieve=4190 managesieve=4190 iax=4569 asterisk=5038
sip=5060 sips=5061 sip-tls=5061 xmpp-client=5222 xmpp-server=5269 postgresql=5432 rfb=5900 vnc=5900 redis=6379
ircd=6667 ircs-u=6697 http-alt=8080 webcache=8080 https-alt=8443 git=9418 webmin=10000 mongodb=27017
"""
KNOWN_PORTS = {name: int(port) for name, _, port in (word.partition("=") for word in _NAMES.split())}
EVERY = frozenset({"all", "any"})
_RANGE = re.compile(r"(\d*)[:-](\d*)", re.ASCII)

Ask = Callable[[str, str], int | None]
"""Answers the port of a name in a protocol (empty: in any), None where there is none."""


def port_words(text: str) -> list[str]:
    """Return the words of a `port` option."""
    return [word for word in re.split(r"[,\s]+", text) if word]


def parse_port_word(word: str, ask: Ask) -> PortRange | None:
    """Return what one word means; None: nobody knows."""
    if word.lower() in EVERY:
        return ALL_PORTS[0]
    if word.isascii() and word.isdigit():
        return _range(int(word), int(word))
    if ends := _RANGE.fullmatch(word):
        return _range(int(ends[1] or 0), int(ends[2] or LAST_PORT)) if ends[1] or ends[2] else None
    number = ask(word, "")
    if number is None:
        number = KNOWN_PORTS.get(word.lower())
    return None if number is None else PortRange(number, number)


def _range(first: int, last: int) -> PortRange | None:
    return PortRange(first, last) if first <= last <= LAST_PORT else None
