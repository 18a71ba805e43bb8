"""From an action's text to a shell script: tags are filled in, and what a stranger wrote never becomes text.

Two passes, as in Fail2ban (COMPAT 5.2). First the action's own properties, recursively, with the values for the
ticket's family (`x?family=inet6` before `x`); they come from the administrator's files and are inserted as they are.
Then, once and not recursively, what the ticket says.

A ticket's values are of two kinds. Addresses that have been parsed as such, and numbers that we computed, are inserted
as text. Everything else - log lines, captured names, identifiers that are no addresses, names from DNS - may have been
written by a stranger: the tag becomes `$f2bV_NAME`, and the value is handed to the shell in the environment variable of
that name. The shell expands a variable after it has parsed the script, so no value can become a command. (Fail2ban
inserts such values as text when they look harmless and passes the others as arguments; authors of actions see the same
`$f2bV_` names.) `"<matches>"` in double quotes is right; in single quotes it would print the variable's name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from sekisho.model.address import Family, Subject
from sekisho.model.verdict import Ban, Captured, Cause

_TAG = re.compile(r"<([^ <>\n]+)>")
_DEPTH = 25  # replacements of one tag, as Fail2ban allows (COMPAT 1.5)
_LONGEST_TEXT = 1 << 20  # characters of a script; properties that multiply themselves end here
_LONGEST_VALUE = 100_000  # bytes; the kernel ends one environment string at 128 KiB (MAX_ARG_STRLEN)
_NEVER_STATIC = frozenset({"matches", "ipmatches", "ipjailmatches", "bantime", "ip", "fid", "time"})
_NUMBER = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,9})?")
_ADDRESS = re.compile(r"[0-9A-Fa-f:./]{2,43}")
_COMPUTED = frozenset(
    {"jail.banned", "jail.banned_total", "jail.found", "jail.found_total", "ipfailures", "ipjailfailures"}
)
_FROM_LEDGER = frozenset({"ipmatches", "ipjailmatches"})  # without a ledger, the ticket's own (COMPAT 5.3)
_ASKABLE = _COMPUTED | _FROM_LEDGER | {"jail.name", "ip-host", "fq-hostname", "sh-hostname"}
_NOTHING: Mapping[str, str] = MappingProxyType({})


class RenderError(ValueError):
    """The properties refer to each other without end."""


@dataclass(frozen=True, slots=True)
class Script:
    """A shell script and the variables that it refers to."""

    text: str
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a script may ask: `plain` values become text, `wild` ones travel in the environment.

    `captured` answers `<F-NAME>`, all of it wild. `family` is `inet4`, `inet6`, or empty.
    """

    family: str
    plain: Mapping[str, str]
    wild: Mapping[str, str] = field(default_factory=dict)
    captured: Mapping[str, Captured] = field(default_factory=dict)


def parse_ticket(ban: Ban, *, restored: bool | None = None) -> Ticket:
    """Return the ticket of a ban (COMPAT 5.3); `restored` None: as its cause says."""
    target, subject = ban.target, ban.subject
    again = ban.cause is Cause.RESTORED if restored is None else restored
    plain = {
        "family": "None" if target.family is Family.OTHER else target.family.value,
        "failures": str(ban.failures),
        "time": str(ban.time),
        "bantime": str(int(ban.duration)),
        "bancount": str(ban.count + (ban.cause is Cause.RESTORED)),  # COMPAT 3.4: one more than is stored
        "restored": "1" if again else "0",
    }
    matches = "\n".join(ban.matches)
    wild = {"matches": matches, "ipmatches": matches, "ipjailmatches": matches, "raw-ticket": repr(ban)}
    for name, who in (("ip", target), ("fid", subject)):
        (plain if _is_address(who) else wild)[name] = who.text
    if target.is_single and target.network is not None:
        plain["ip-rev"] = target.network.network_address.reverse_pointer.rsplit(".", 2)[0] + "."
    captured = {**ban.captured, "id": subject.text}
    return Ticket("" if target.family is Family.OTHER else target.family.value, plain, wild, captured)


def empty_ticket(family: str, now: float) -> Ticket:
    """Return the ticket of start, stop, check and flush: nobody in particular (COMPAT 5.3)."""
    nothing = dict.fromkeys(
        ("ip", "fid", "ip-rev", "ip-host", "matches", "ipmatches", "ipjailmatches", "failures", "bancount"), ""
    )
    return Ticket(family, {**nothing, "family": family, "time": str(now), "bantime": "", "restored": "0"})


def questions(text: str, properties: Mapping[str, str], ticket: Ticket) -> frozenset[str]:
    """Return the tags of `text` that only the daemon can answer (COMPAT 5.3).

    Raises:
        RenderError: properties refer to each other without end.

    """
    tags = frozenset(_TAG.findall(fill_static(text, properties, ticket.family)))
    return tags & _ASKABLE - ticket.plain.keys()


def render(text: str, properties: Mapping[str, str], ticket: Ticket, facts: Mapping[str, str] = _NOTHING) -> Script:
    """Return `text` with its tags filled in.

    `facts` answers `questions`; of its values only counters become text. An unknown tag stays as it is (it may be a
    redirection); an `<F-NAME>` that was not captured becomes empty.

    Raises:
        RenderError: properties refer to each other without end.

    """
    environment: dict[str, str] = {}

    def refer(tag: str, value: str) -> str:
        variable = "f2bV_" + re.sub(r"\W", "_", tag, flags=re.ASCII)
        environment[variable] = _bounded(value)
        return "$" + variable

    def fill(found: re.Match[str]) -> str:
        tag = found[1]
        if tag in ticket.plain:
            return ticket.plain[tag]
        if tag in ticket.wild and tag not in _FROM_LEDGER:
            return refer(tag, ticket.wild[tag])
        if tag.startswith("F-") and tag.upper() == tag:
            value = ticket.captured.get(tag[2:].lower())
            return "" if value is None else refer(tag, _joined(value))
        known = facts.get(tag, ticket.wild.get(tag))
        if known is None:
            return found[0]
        return known if tag in _COMPUTED and _NUMBER.fullmatch(known) else refer(tag, known)

    static = fill_static(text, properties, ticket.family)
    return Script(_TAG.sub(fill, static), environment)


def fill_static(text: str, properties: Mapping[str, str], family: str) -> str:
    """Return `text` with the tags that are properties replaced, innermost first, until none is left.

    Raises:
        RenderError: they refer to each other without end.

    """
    counts: dict[str, int] = {}
    constants = {"br": "\n", "sp": " "}

    def fill(found: re.Match[str]) -> str:
        tag = found[1]
        value = constants.get(tag)
        if value is None and tag not in _NEVER_STATIC:
            value = properties.get(f"{tag}?family={family}") if family else None
            value = properties.get(tag) if value is None else value
        if value is None:
            return found[0]
        counts[tag] = counts.get(tag, 0) + 1
        return value

    for _ in range(_DEPTH):
        filled = _TAG.sub(fill, text)
        if filled == text:
            return text
        if len(filled) > _LONGEST_TEXT:
            break
        text = filled
    culprit = max(counts, key=lambda tag: counts[tag])
    raise RenderError(f"properties refer to each other without end: <{culprit}>")


def has_families(properties: Mapping[str, str]) -> bool:
    """Return whether some property differs by family, which makes the whole action run once a family (COMPAT 5.1)."""
    return any("?family=" in name for name in properties)


def _is_address(who: Subject) -> bool:
    return who.network is not None and _ADDRESS.fullmatch(who.text) is not None


def _joined(value: Captured) -> str:
    return value if isinstance(value, str) else " ".join(part for part in value if part)


def _bounded(value: str) -> str:
    """Return `value` as an environment string can hold it: no NUL, and not longer than the kernel passes on."""
    octets = value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="surrogateescape")
    return octets[:_LONGEST_VALUE].decode(errors="surrogateescape")
