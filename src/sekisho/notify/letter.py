"""The letters themselves: pure, from what happened to an `EmailMessage`.

Much of a letter was written by strangers: log lines, whois reports, identifiers, even captured names. Such text stands
in the body only, cleaned of everything but printable characters, cut where it is endless, and indented: an indented
line can end no message (a lone dot), begin none (`From `), and be mistaken for nothing that we say ourselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default
from email.utils import format_datetime

from sekisho.model.address import Subject
from sekisho.model.duration import render_duration
from sekisho.model.verdict import Ban, Cause

_POLICY = default.clone(cte_type="7bit")  # nobody on the way has to know of 8BITMIME
_UNPRINTABLE = re.compile("[^\t\x20-\x7e\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\uff00-\U0010ffff]")
_LONGEST_LINE = 2000  # characters; more is no evidence but an attempt at something
_LONGEST_LINES = 131072
_LONGEST_WHOIS = 65536
_FEW = 5  # lines of evidence where the letter is not about lines


@dataclass(frozen=True, slots=True)
class Envelope:
    """From whom, to whom, and on which host: the same for all letters of an action."""

    host: str
    sender: str
    sendername: str
    dest: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a letter was written (seconds since the epoch), its Message-ID, and the zone that its times are told in."""

    now: float
    message_id: str
    zone: tzinfo | None = None


def write_ban(
    ban: Ban,
    *,
    envelope: Envelope,
    stamp: Stamp,
    country: str | None = None,
    whois: str | None = None,
    lines: int = 0,
    missed: int = 0,
) -> EmailMessage:
    """Return the letter that tells of `ban`.

    `lines` is how many log lines it may show, 0 for a few; `missed` how many letters before it could not be sent.
    """
    who = _name_of(ban)
    whom = clean(ban.target.text)
    body = [
        f"{whom} has been banned by {ban.jail} on {envelope.host}{_why(ban)}.",
        "",
        *_facts(ban, country=country, zone=stamp.zone),
    ]
    evidence = ban.matches[-(lines or _FEW) :]
    if evidence:
        left_out = len(ban.matches) - len(evidence)
        body += ["", f"Log lines{f' (the last {len(evidence)} of {len(ban.matches)})' if left_out else ''}:", ""]
        body += quote(evidence, most=_LONGEST_LINES)
    if whois is not None:
        body += ["", f"Whois report on {whom}:", "", *quote(whois.splitlines(), most=_LONGEST_WHOIS)]
    if ban.target.network is not None:
        body += ["", "To lift the ban:", "", f"    fail2ban-client set {ban.jail} unbanip {who}"]
    if missed:
        body += ["", f"{missed} letter(s) before this one could not be sent; the log tells of all bans."]
    return _write(f"{ban.jail}: banned {who} from {envelope.host}", body, envelope=envelope, stamp=stamp)


def write_bans(bans: Sequence[Ban], *, envelope: Envelope, stamp: Stamp, missed: int = 0) -> EmailMessage:
    """Return the letter that tells of several bans of one jail, the oldest first."""
    jail = bans[0].jail
    body = [f"{len(bans)} bans by {jail} on {envelope.host}:", ""]
    body += [f"    {_tell(ban.time, stamp.zone)}  {clean(ban.target.text)}{_why(ban)}" for ban in bans]
    if missed:
        body += ["", f"{missed} letter(s) before this one could not be sent; the log tells of all bans."]
    return _write(f"{jail}: {len(bans)} bans from {envelope.host}", body, envelope=envelope, stamp=stamp)


def write_note(jail: str, *, what: str, envelope: Envelope, stamp: Stamp) -> EmailMessage:
    """Return the letter that tells that a jail was `what` (`started`, `stopped`)."""
    body = [f"The jail {jail} on {envelope.host} has been {what}."]
    return _write(f"{jail}: {what} on {envelope.host}", body, envelope=envelope, stamp=stamp)


def clean(text: str) -> str:
    """Return `text` as one line that is safe to show: no control, no direction mark, no half character."""
    cut = text if len(text) <= _LONGEST_LINE else f"{text[:_LONGEST_LINE]}... ({len(text) - _LONGEST_LINE} more)"
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", cut)


def quote(lines: Iterable[str], *, most: int) -> list[str]:
    """Return strangers' lines, cleaned and indented, `most` characters altogether."""
    quoted: list[str] = []
    for line in lines:
        shown = f"    {clean(line)}".rstrip()
        most -= len(shown) + 1
        if most < 0:
            quoted.append("    [...]")
            break
        quoted.append(shown)
    return quoted


def _name_of(ban: Ban) -> str:
    """Whom the subject line names: an address; other text was written by a stranger and has no place in a header."""
    return ban.target.text if ban.target.network is not None else "an identifier"


def _why(ban: Ban) -> str:
    if ban.cause is Cause.BY_HAND:
        return ", by hand"
    return f" after {ban.failures} attempt{'' if ban.failures == 1 else 's'}" if ban.failures else ""


def _facts(ban: Ban, *, country: str | None, zone: tzinfo | None) -> list[str]:
    until = "for ever" if ban.until is None else f"{_tell(ban.until, zone)} ({render_duration(ban.duration)})"
    facts = {
        "Jail": ban.jail,
        "Address" if ban.target.network is not None else "Identifier": clean(ban.target.text),
        "Identified by": _identifier(ban.subject, ban.target),
        "Country": clean(country or ""),
        "Attempts": str(ban.failures or ""),
        "Since": _tell(ban.time, zone),
        "Until": until,
        "Banned before": f"{ban.count - 1} time(s) by this jail" if ban.count > 1 else "",
        "Reason": clean(ban.reason),
    }
    return [f"    {name:<14}{value}" for name, value in facts.items() if value]


def _identifier(subject: Subject, target: Subject) -> str:
    return "" if subject == target else clean(subject.text)


def _tell(moment: float, zone: tzinfo | None) -> str:
    return datetime.fromtimestamp(moment, zone).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %z")


def _address(text: str, name: str = "") -> Address:
    local, _, domain = text.rpartition("@") if "@" in text else (text, "", "")  # `root` is completed on its way
    return Address(name, username=local, domain=domain)


def _write(subject: str, body: Iterable[str], *, envelope: Envelope, stamp: Stamp) -> EmailMessage:
    message = EmailMessage(_POLICY)
    message["From"] = _address(envelope.sender, name=envelope.sendername)
    message["To"] = tuple(map(_address, envelope.dest))
    message["Subject"] = f"[Sekisho] {subject}"
    message["Date"] = format_datetime(datetime.fromtimestamp(stamp.now, stamp.zone).astimezone(stamp.zone))
    message["Message-ID"] = stamp.message_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday notice answers this
    lines = ["Hello,", "", *body, "", "-- ", f"Sekisho on {envelope.host}", ""]
    text = "\n".join(lines)
    # left to itself, set_content would encode for any line beyond 78; whoever greps a mailbox wants to find addresses
    plain = text.isascii() and max(map(len, lines)) <= 998  # RFC 5322, section 2.1.1
    message.set_content(text, cte="7bit" if plain else "quoted-printable")
    return message
