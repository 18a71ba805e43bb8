"""What people get wrong, recognised by its shape, with the words that help to mend it. Pure: text in, problems out."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping

from sekisho.config.ini import Option
from sekisho.config.options import KNOWN, Kind, Row
from sekisho.model.problem import Origin, Problem, Severity

_PAIR = re.compile(r"(?:^|\s)(?P<name>[A-Za-z_][\w.]*)\s*[=:]")
_HEADER = re.compile(r"\[[\w.-]+\]")
_GROUP = re.compile(r"\[[^\]]*\]")
_HASH = re.compile(r"\s#.*", re.DOTALL)
_REFERENCE = re.compile(r"%\(([^)]+)\)s")


def hidden(option: Option, rows: Mapping[str, Row] = KNOWN) -> Problem | None:
    """Return the problem of an option in whose text another option or a section hides.

    `enabled = true port = ssh` on one line, or a line that was indented and so continues the one above it.
    """
    row = rows.get(option.name)
    if row is None or row.kind is Kind.FREE:
        return None
    for number, line in zip(option.lines, option.text.split("\n"), strict=False):
        origin = Origin(option.origin.file, number)
        bare = _GROUP.sub(lambda group: " " * len(group[0]), line)
        starts = [pair.start("name") for pair in _PAIR.finditer(bare) if _is_option(pair, row.kind, rows)]
        if number != option.origin.line and (starts[:1] == [0] or _HEADER.fullmatch(line)):
            text = f"the line {line!r} is indented, and so belongs to {option.name!r} above it"
            return Problem(Severity.ERROR, text, origin, remedy="remove the blanks before it")
        if starts:
            own, *others = (line[a:b].strip() for a, b in zip([0, *starts], [*starts, None], strict=True))
            lines = " and ".join(f"`{other}`" for other in others)
            text = f"{option.name!r} is {line!r}: another option stands on the same line"
            remedy = f"leave `{option.name} = {own}` and put {lines} on a line of its own"
            return Problem(Severity.ERROR, text, origin, remedy=remedy)
    return None


def _is_option(pair: re.Match[str], kind: Kind, rows: Mapping[str, Row]) -> bool:
    """Text may hold a `:` or an unknown `x=`; a boolean, a number or a time may not."""
    return pair["name"].lower() in rows if kind in (Kind.TEXT, Kind.WORD) else True


def hash_comment(text: str) -> str:
    """Return the remedy for a value that was meant to end in a `#` comment, empty when it was not."""
    if _HASH.search(text) is None:
        return ""
    return f"only ` ;` begins a comment after a value: write `{_HASH.sub('', text)} ; ...`"


def near(name: str, known: Iterable[str], cutoff: float = 0.75) -> str:
    """Return `did you mean 'x'?` for the nearest known name, empty when there is none."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return f"did you mean {found[0]!r}?" if found else ""


def referenced(sections: Mapping[str, Mapping[str, Option]]) -> set[str]:
    """Return the names that any `%( )s` of the sections refers to, without their section."""
    return {
        name.lower().rpartition("/")[2]
        for options in sections.values()
        for option in options.values()
        for name in _REFERENCE.findall(option.text)
    }


def misspelt(options: Iterable[Option], used: Collection[str], rows: Mapping[str, Row] = KNOWN) -> list[Problem]:
    """Return a warning for each option that nobody reads and whose name is nearly one that somebody would."""
    return [
        Problem(Severity.WARNING, f"unknown option {option.name!r} has no effect", option.origin, remedy=remedy)
        for option in options
        if option.name not in rows
        and option.name not in used
        and option.name.rpartition("_")[0] not in rows  # action_x, banaction_y: names that people give to variants
        and (remedy := near(option.name, rows))
    ]
