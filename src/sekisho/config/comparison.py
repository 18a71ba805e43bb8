"""What two programs make of one tree: their streams of commands side by side, jail by jail (COMPAT 1.6).

What is only another spelling of the same is no difference, nor is the order of what has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sekisho.config.options import KNOWN

Command = Sequence[Any]
Facts = dict[str, dict[str, Any]]

REFUSED = "refused"
"""The fact that a program leaves a jail out, and why."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the two say differently of a jail; None: not said."""

    what: str
    theirs: Any
    ours: Any


def compare(theirs: Iterable[Command], ours: Iterable[Command]) -> Mapping[str, tuple[Difference, ...]]:
    """Return, for each jail of either, in what the two differ."""
    left, right = _facts_of(theirs), _facts_of(ours)
    return {
        jail: tuple(_differences(left.get(jail, {}), right.get(jail, {}))) for jail in dict.fromkeys([*left, *right])
    }


def _facts_of(stream: Iterable[Command]) -> Facts:
    facts: Facts = {}
    for command in stream:
        match list(command):
            case ["add", str(jail), backend]:
                facts.setdefault(jail, {})["backend"] = backend
            case ["config-error", str(text)] if "'" in text:
                facts[text.split("'")[1]] = {REFUSED: text}
            case ["set" | "multi-set", str(jail), str(word), *values] if jail in facts:
                _note(facts[jail], word, values)
    return facts


def _note(facts: dict[str, Any], word: str, values: list[Any]) -> None:
    """Add what one command says of a jail."""
    match word, values:
        case "addaction", [name, file, arguments]:
            facts[f"action {name}"] = [str(file).rpartition("/")[2], arguments]
        case "addaction", [name]:
            facts[f"action {name}"] = "added"
        case "action", [name, list(pairs)]:
            facts |= {f"action {name}: {key}": text for key, text in pairs}
        case (("addlogpath" | "addjournalmatch"), _):
            facts[word] = sorted([*facts.get(word, []), values])
        case (("addfailregex" | "addignoreregex"), [value]):
            facts[word] = value if isinstance(value, list) else [value]
        case _:
            facts[word] = values[0] if len(values) == 1 else values


def _differences(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> Iterable[Difference]:
    absent = {REFUSED: "there is no such jail"}
    theirs, ours = theirs or absent, ours or absent
    if (REFUSED in theirs) != (REFUSED in ours):
        yield Difference(REFUSED, theirs.get(REFUSED), ours.get(REFUSED))
        return
    for what in dict.fromkeys([*theirs, *ours]):
        left, right = theirs.get(what), ours.get(what)
        if left != right and not _is_spelling(what, left, right):
            yield Difference(what, left, right)


def _is_spelling(what: str, theirs: object, ours: object) -> bool:
    """Tell whether a difference is none: a default that is said or not, a filter's parameter that is no setting."""
    if what == "maxlines":
        return (theirs, ours) == (1, None)
    is_action = what.startswith("action ")
    return ours is None and (theirs is None or (not is_action and what not in KNOWN and not what.startswith("add")))
