"""Which ports a `port` option means: numbers, ranges, and service names old and new.

Names are asked of the system first (`/etc/services`, or whatever its resolver uses). A small table of our own follows:
it holds the names that administrators of mail, web and shell servers write, so that a host without `/etc/services`
(a container) is protected too, and the retired ones that today's `/etc/services` no longer knows (`imap3`, `ssmtp`),
which live on in configurations. A name that nobody knows costs a warning and nothing else: the rest is protected.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sekisho.model.ports import ALL_PORTS, LAST_PORT, PortRange, merge_ports

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
_KNOWN = {name: int(port) for name, _, port in (word.partition("=") for word in _NAMES.split())}
_RANGE = re.compile(r"(\d*)[:-](\d*)", re.ASCII)
_EVERY = frozenset({"all", "any"})

Ask = Callable[[str, str], int | None]
"""Answers the port of a name in a protocol (empty: in any), None where there is none."""


@dataclass(frozen=True, slots=True)
class PortList:
    """The ports that a text means; `warnings` holds one sentence for each part that means none."""

    ports: tuple[PortRange, ...]
    unknown: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def ask_system(name: str, protocol: str = "") -> int | None:
    """Return the port that this system knows by `name` in `protocol` (empty: any), None where it knows none."""
    try:
        return socket.getservbyname(name, protocol) if protocol else socket.getservbyname(name)
    except (OSError, UnicodeError, ValueError):  # ValueError: a NUL inside the name
        return None


def parse_ports(text: str, ask: Ask = ask_system) -> PortList:
    """Return the ports named in `text` (`ssh,2222 60000:61000`), whatever can be understood of it."""
    found: list[PortRange] = []
    unknown: list[str] = []
    for word in _words(text):
        ports = _parse_word(word, ask)
        if ports is None:
            unknown.append(word)
        else:
            found.append(ports)
    warnings = [f"port {word!r} is known neither to this system nor to Sekisho; it is left out" for word in unknown]
    if not found:
        warnings.append(f"port {text!r} names no port: nothing is protected")
    return PortList(merge_ports(tuple(found)), tuple(unknown), tuple(warnings))


def render_for_commands(text: str, ask: Ask = ask_system, *, protocols: Sequence[str] = ("",)) -> str:
    """Return `text` so that a firewall's own command understands it: what the system does not know becomes a number.

    Names that the system knows in every one of `protocols` stay names (`ssh` has no UDP port any more), ranges are
    written with a colon as iptables reads them, and words that nobody knows are left out: one such word would make the
    command fail and the ban with it.
    """
    shown: list[str] = []
    for word in _words(text):
        ports = _parse_word(word, ask)
        if ports is None:
            continue
        known = not word[0].isdigit() and all(ask(word, protocol) is not None for protocol in protocols)
        shown.append(word if known else str(ports).replace("-", ":"))
    return ",".join(shown)


def with_known_ports(properties: Mapping[str, str], ask: Ask = ask_system) -> Mapping[str, str]:
    """Return an action's properties with its `port` as `render_for_commands` writes it, wherever it is spelled out.

    By the time the host is known, the port's text has been filled into the commands, so it is mended there too.
    """
    written = properties.get("port", "").strip()
    protocols = [word for word in re.split(r"[,\s]+", properties.get("protocol", "").lower()) if word not in _EVERY]
    mended = render_for_commands(written, ask, protocols=protocols or ("",))
    if not mended or mended == written:
        return properties
    spelled = re.compile(rf"(?<![\w,:-]){re.escape(written)}(?![\w,:-])")
    return {name: spelled.sub(mended, value) for name, value in properties.items()}


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[,\s]+", text) if word]


def _parse_word(word: str, ask: Ask) -> PortRange | None:
    """Return what one word means; None: nobody knows."""
    if word.lower() in _EVERY:
        return ALL_PORTS[0]
    if word.isascii() and word.isdigit():
        return _range(int(word), int(word))
    if ends := _RANGE.fullmatch(word):
        return _range(int(ends[1] or 0), int(ends[2] or LAST_PORT)) if ends[1] or ends[2] else None
    number = ask(word, "")
    if number is None:
        number = _KNOWN.get(word.lower())
    return None if number is None else PortRange(number, number)


def _range(first: int, last: int) -> PortRange | None:
    return PortRange(first, last) if first <= last <= LAST_PORT else None
