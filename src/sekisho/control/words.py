"""Every word that the server understands: the table, how words find their row, and the help that is made of it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from sekisho.control import actions, adoption, bans, basics, evidence, settings, trial
from sekisho.control.protocol import Denied, Granted, Kind, Value
from sekisho.control.table import JAIL, SECTIONS, Unmet, Word
from sekisho.engine.api import DuplicateJail, EngineApi, Refused, UnknownAction, UnknownJail

CLIENTS = (  # what our client does by itself; in the help, and nowhere else
    ("start", "start the server and its jails"),
    ("restart [[--unban] [--if-exists] <JAIL>]", "stop and start the server, or a jail"),
    ("help", "this text"),
)

TABLE: tuple[Word, ...] = (
    *basics.WORDS,
    *bans.WORDS,
    *evidence.WORDS,
    *adoption.WORDS,
    *settings.WORDS,
    *actions.WORDS,
    *trial.WORDS,
)

_INDEX = {tuple(part for part in word.key): word for word in TABLE}


def find(words: Sequence[str]) -> tuple[Word, tuple[str, ...]]:
    """Return the row that `words` name, and its arguments (a jail first where the row has one).

    Raises:
        Unmet: there is no such word, or arguments are missing (texts: COMPAT 6.1).

    """
    if not words:
        raise Unmet(Kind.REFUSED, "Invalid command")
    verb, rest = words[0], tuple(words[1:])
    if verb in ("set", "get"):
        return _find_setting(verb, rest)
    word = _INDEX.get((verb, JAIL)) or _INDEX.get((verb,))
    if word is None:
        raise Unmet(Kind.REFUSED, "Invalid command")
    if word.key[1:] == (JAIL,):
        if not rest:
            raise Unmet(Kind.ARGUMENTS, f"expected: {word.usage}")
        return word, (rest[0], *word.pick(rest[1:]))
    return word, word.pick(rest)


def _find_setting(verb: str, rest: tuple[str, ...]) -> tuple[Word, tuple[str, ...]]:
    if not rest:
        raise Unmet(Kind.ARGUMENTS, f"expected: {verb} NAME, or {verb} {JAIL} NAME")
    word = _INDEX.get((verb, rest[0]))
    if word is not None:
        return word, word.pick(rest[1:])
    if len(rest) < 2:
        raise Unmet(Kind.ARGUMENTS, f"expected: {verb} {JAIL} NAME")
    jail, name = rest[:2]
    word = _INDEX.get((verb, JAIL, name))
    if word is None:
        named = f" '{name}'" if verb == "set" else ""
        raise Unmet(Kind.REFUSED, f"Invalid command{named} (no {verb} action or not yet implemented)")
    return word, (jail, *word.pick(rest[2:]))


async def answer(engine: EngineApi, word: Word, arguments: Sequence[str]) -> Granted | Denied:
    """Return what the engine says to a word; errors that are the user's become `Denied`."""
    try:
        value: Value | Granted = await word.run(engine, *arguments)
    except (Unmet, Refused, ValueError) as error:
        return _denied(error)
    return value if isinstance(value, Granted) else Granted(value)


def _denied(error: Exception) -> Denied:
    match error:
        case Unmet():
            return Denied(error.kind, error.detail)
        case UnknownJail():
            return Denied(Kind.UNKNOWN_JAIL, error.jail)
        case DuplicateJail():
            return Denied(Kind.DUPLICATE_JAIL, error.jail)
        case UnknownAction():
            return Denied(Kind.KEY, str(error))
        case Refused():
            return Denied(Kind.REFUSED, str(error))
        case _:
            return Denied(Kind.VALUE, _bare(str(error)))


def _bare(message: str) -> str:
    """Return the message without the `duration '...': ` in front: the user sees beside it what was typed."""
    return message.split("': ", 1)[-1] if message.startswith("duration ") else message


def help_text() -> str:
    """Return one paragraph a section, one entry a word."""
    lines: list[str] = []
    for section in SECTIONS:
        rows = [(word.usage, word.help) for word in TABLE if word.section == section and not word.internal]
        if section == SECTIONS[0]:
            rows = sorted([*CLIENTS, *rows])
        lines += ["", f"{section.capitalize()}:"]
        for usage, text in rows:
            indent = " " * 40
            wrapped = textwrap.fill(text, 100, initial_indent=indent, subsequent_indent=indent)
            first = f"    {usage}"
            lines += [first + wrapped[len(first) :]] if len(first) < len(indent) - 1 else [first, wrapped]
    return "\n".join(lines).strip("\n")
