"""What an administrator said about mail, as values (COMPAT 11.2, rows mail and sendmail)."""

from __future__ import annotations

import enum
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import getaddresses

from sekisho.model.switch import parse_switch

_MOST_LINES = 1000

EVIDENCE = ("matches", "ipmatches", "ipjailmatches")
"""Tags of lines that a letter may show (COMPAT 5.3)."""


class Mailer(enum.Enum):
    """How an administrator's own `mailcmd` is called.

    `SENDMAIL`: as it stands, the whole message on standard input. `MAIL`: with the subject and the recipients as
    further arguments, the body on standard input.
    """

    SENDMAIL = "sendmail"
    MAIL = "mail"


@dataclass(frozen=True, slots=True)
class MailSettings:
    """One mail action of one jail. `smtp` is a host and a port.

    Letters go out by `mailcmd` where it is set, else to `smtp` where that is set, else by the host's `sendmail`, else
    by SMTP on loopback. `evidence` is the tag whose lines a letter shows: the ban's own, or what the ledger has of the
    address in this jail or in all. `collected` bans make one letter; 0: each has its own.
    """

    dest: tuple[str, ...]
    sender: str
    sendername: str
    mailer: Mailer = Mailer.SENDMAIL
    mailcmd: tuple[str, ...] = ()
    smtp: tuple[str, int] | None = None
    whois: bool = False
    lines: int = 0
    notifystart: bool = False
    norestored: bool = True
    evidence: str = "matches"
    collected: int = 0


def parse_settings(properties: Mapping[str, str], *, host: str) -> MailSettings:
    """Return what the properties of an action file say, on the host of that full name.

    Raises:
        ValueError: one of them makes no sense; the message names it.

    """

    def text(name: str, default: str = "") -> str:
        value = properties.get(name, "").replace("<fq-hostname>", host).replace("<sh-hostname>", host.partition(".")[0])
        return value.strip() or default

    def true(name: str, default: str) -> bool:
        return parse_switch(text(name, default))

    evidence = text("evidence", "matches")
    if evidence not in EVIDENCE:
        raise ValueError(f"evidence {evidence!r}: expected one of {', '.join(EVIDENCE)}")
    buffered = true("buffered", "false")
    (sender,) = _parse_addresses("sender", text("sender", "fail2ban"), most=1)
    try:
        mailer = Mailer(text("mailer", "sendmail").lower())
        mailcmd = tuple(shlex.split(text("mailcmd")))
    except ValueError as error:
        raise ValueError(f"mailer {text('mailer')!r} or mailcmd {text('mailcmd')!r}: {error}") from None
    return MailSettings(
        dest=_parse_addresses("dest", text("dest", "root"), most=100),
        sender=sender,
        sendername=_parse_name(text("sendername", "Fail2Ban")),
        mailer=mailer,
        mailcmd=mailcmd,
        smtp=_parse_server(text("smtphost")),
        whois=true("whois", "false"),
        lines=_parse_number("grepmax", text("grepmax", "1000"), most=_MOST_LINES) if true("lines", "false") else 0,
        evidence=evidence,
        collected=max(1, _parse_number("lines", text("lines", "5"), most=_MOST_LINES)) if buffered else 0,
        notifystart=true("notifystart", "false"),
        norestored=true("norestored", "true"),
    )


def _parse_server(text: str) -> tuple[str, int] | None:
    """`mail.example`, `mail.example:2525`, `2001:db8::1` and `[2001:db8::1]:2525` are servers."""
    if not text:
        return None
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")):
        host, port = text, "25"
    return host.strip("[]"), _parse_number("smtphost", port, most=65535)


def _parse_number(name: str, text: str, *, most: int) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{name} {text!r}: expected a number")
    return min(int(text), most)


def _parse_name(text: str) -> str:
    if not text.isprintable():
        raise ValueError(f"sendername {text!r}: expected a name on one line")
    return text


def _parse_addresses(name: str, text: str, *, most: int) -> tuple[str, ...]:
    """Return the bare addresses of a comma list; none can end a header or pass for a program's option."""
    one_line = ",".join(text.splitlines())  # a list may go on over several lines of a configuration
    found = tuple(address for _, address in getaddresses([one_line]) if address)
    if not 0 < len(found) <= most or not all(map(_is_address, found)) or ":" in one_line:  # no groups of RFC 5322
        raise ValueError(f"{name} {text!r}: expected {'one address' if most == 1 else 'addresses, comma separated'}")
    return found


def _is_address(text: str) -> bool:
    return text.isprintable() and text.isascii() and not text.startswith("-") and not set(text) & set(' \t<>()[],;:\\"')
