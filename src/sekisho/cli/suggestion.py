"""Which jails would protect a host, decided from what it has, and the text of a jail.local that enables them.

A service is there when one of its programs runs or is installed, or when a log is there that is its own: the jails of
no unrelated service read it. Its jail is suggested when there is something to read: a file that its `logpath` names,
or, of what it logs to the journal, the unit. A jail set up for one of the two is turned to the other where only that is
there. A jail without anything to read is never suggested; it is told what was missed.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sekisho.cli.inventory import Inventory
from sekisho.config.catalogue import Entry

NEVER = frozenset({"pass2allow-ftp"})
"""Jails that close a service to everybody: nobody has them without having thought of it."""

_WIDTH = 110  # characters of a comment


@dataclass(frozen=True, slots=True)
class Candidate:
    """A jail as the configuration has it, with its filter's entry; `feeds_itself`: bans are what it reads."""

    jail: str
    entry: Entry
    logpaths: tuple[str, ...] = ()
    journalmatch: tuple[str, ...] = ()
    reads_journal: bool = False
    feeds_itself: bool = False


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A jail to enable: why it is thought of, what it will read, and what must be set besides."""

    jail: str
    service: str
    why: str
    reads: str
    options: Mapping[str, str] = field(default_factory=dict)
    needs: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Omission:
    """A jail of a service that is there, and the reason why it is not suggested."""

    jail: str
    service: str
    why: str
    missing: str


def suggest(candidates: Sequence[Candidate], host: Inventory) -> tuple[list[Suggestion], list[Omission]]:
    """Return what to enable, and what was thought of and left out, in the order of the jails."""
    suggestions: list[Suggestion] = []
    omissions: list[Omission] = []
    for each in candidates:
        why = "" if each.jail in NEVER else _evidence(each, candidates, host)
        if not why:
            continue
        source = _source(each, host)
        if source is None:
            omissions.append(Omission(each.jail, each.entry.product, why, _missing(each, host)))
        else:
            reads, options = source
            entry = each.entry
            suggestions.append(Suggestion(each.jail, entry.product, why, reads, options, entry.needs, entry.note))
    return suggestions, omissions


def _evidence(this: Candidate, others: Sequence[Candidate], host: Inventory) -> str:
    """By what the service is seen; empty: by nothing."""
    if this.feeds_itself:
        return "for those who are banned again and again"
    programs = this.entry.programs
    if process := host.find_process(programs):
        return f"{process} runs"
    if path := host.find_program(programs):
        return f"{path} is installed"
    logs = host.find_logs(this.logpaths)
    shared = {log for other in others if _is_unrelated(this, other) for log in host.find_logs(other.logpaths)}
    own = [log for log in logs if log not in shared]
    return f"{own[0]} is there" if own else ""


def _is_unrelated(this: Candidate, other: Candidate) -> bool:
    return this.entry.filter != other.entry.filter and not set(this.entry.programs) & set(other.entry.programs)


def _source(this: Candidate, host: Inventory) -> tuple[str, dict[str, str]] | None:
    """What the jail will read, and the options that it takes; None: nothing of it is there."""
    if this.feeds_itself:
        return "the bans of the other jails", {}
    logs = host.find_logs(this.logpaths)
    unit = host.find_in_journal(this.journalmatch)
    files = f"{', '.join(logs[:2])}{' and others' if len(logs) > 2 else ''}"
    if this.reads_journal and unit:
        return f"the journal ({unit})", {}
    if logs:
        return files, {"backend": "auto"} if this.reads_journal else {}
    if unit:
        return f"the journal ({unit})", {"backend": "systemd"}
    return None


def _missing(this: Candidate, host: Inventory) -> str:
    logs = f"none of its logs is there ({' '.join(this.logpaths)})" if this.logpaths else "it has no log file"
    if not this.journalmatch:
        return logs
    return f"{logs}, and {'its unit is not installed' if host.has_journal else 'there is no journal'}"


def render(suggestions: Sequence[Suggestion], omissions: Sequence[Omission], head: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a jail.local: each jail under the reason for it, and then what is left out, as comments."""
    for text in head:
        yield from _comment(text)
    for each in suggestions:
        yield ""
        yield from _comment(f"{each.service}: {each.why}; reads {each.reads}")
        yield from _comment(f"needs: {each.needs}" if each.needs else "")
        yield from _comment(f"note: {each.note}" if each.note else "")
        yield f"[{each.jail}]"
        yield "enabled = true"
        yield from (f"{name} = {text}" for name, text in each.options.items())
    missed: dict[tuple[str, str, str], list[str]] = {}
    for omission in omissions:
        missed.setdefault((omission.service, omission.why, omission.missing), []).append(omission.jail)
    if missed:
        yield ""
        yield "# Not enabled, since there is nothing to read:"
    for (service, why, missing), jails in missed.items():
        yield from _comment(f"{', '.join(jails)} ({service}): {why}, but {missing}")


def _comment(text: str) -> Iterator[str]:
    """Yield a text as lines of comment, whatever it holds."""
    words = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    yield from (f"# {line}" for line in textwrap.wrap(words, _WIDTH, subsequent_indent="  ", break_on_hyphens=False))
