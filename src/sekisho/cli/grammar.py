"""What may come next on a command line, as a table that a shell can walk.

A row is `STATE|WORD|NEXT|VALUES|HELP`. A program's first state is its name. In STATE, the word WORD leads to NEXT
(empty: back to STATE), and the WORD `*` is any word that is not a literal one there. In the states `7.1`, `7.2` ... the
words of state `7` are known too: options may stand anywhere. VALUES of an option are what the word after it may be, and
VALUES of `*` what may stand for it: words themselves, and `@jail`, `@banned`, `@filter`, `@file` or `@directory`, which
the shell looks up, or `@text`, which nobody can.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

from sekisho.cli.manual import Argument, Option, Program

_KINDS = {
    **dict.fromkeys(("JAIL",), "@jail"),
    **dict.fromkeys(("FILE", "LOG", "PATH", "SOCKET", "PIDFILE", "LOGTARGET"), "@file"),
    **dict.fromkeys(("FILTER", "NAME|PATH"), "@filter @file"),
    **dict.fromkeys(("DIR",), "@directory"),
}
_ADDRESSES = frozenset({"IP", "ADDRESS"})
_OF_BANNED = frozenset({"unban", "unbanip", "banned", "status"})
"""The commands whose addresses are those that are banned already."""


def rows(programs: Sequence[Program]) -> Iterator[str]:
    """Yield the table of these programs."""
    states = map(str, count(1))
    for program in programs:
        yield from _places(program.name, program.arguments, program.options, name=program.name)
        known: dict[tuple[str, ...], str] = {(): program.name}
        for command in program.commands:
            for length, word in enumerate(command.path, 1):
                before, here = command.path[: length - 1], command.path[:length]
                if here not in known:
                    known[here] = next(states)
                    about = command.about if here == command.path else ""
                    is_jail = word == "<JAIL>"
                    yield _row(known[before], "*" if is_jail else word, known[here], "@jail" if is_jail else "", about)
            yield from _places(known[command.path], command.arguments, command.options, name=command.path[-1])


def _places(start: str, arguments: Sequence[Argument], options: Sequence[Option], *, name: str) -> Iterator[str]:
    """Yield the rows of what comes after `start`: of each place, and of the options, which may stand between them."""
    state = start
    for number, argument in enumerate(arguments, 1):
        after = "" if argument.repeats else f"{start}.{number}"
        literals, values = _values(argument.name, name)
        for literal in literals:
            yield _row(state, literal, after, "", argument.help)
        if values:
            yield _row(state, "*", after, values, argument.help)
        for option in options:
            if "--all" in option.names and argument.name == "JAIL" and number < len(arguments):
                yield _row(state, "--all", after, "", option.help)  # it stands for the jail
        state = after or state
    for option in options:
        literals, values = _values(option.argument, name)
        for word in option.names:
            yield _row(start, word, "", " ".join(filter(None, (*literals, values))), option.help)


def _values(name: str, command: str) -> tuple[list[str], str]:
    """Return the literal words that an argument may be, and what else it may be."""
    if not name:
        return [], ""
    if name in _KINDS:
        return [], _KINDS[name]
    if (name, command) == ("REGEX", "fail2ban-regex"):
        return [], "@filter @file"
    parts = [part for part in name.split("|") if part]
    literals = [part for part in parts if not part.isupper()]
    kinds = [
        "@banned" if part in _ADDRESSES and command in _OF_BANNED else _KINDS.get(part, "@text")
        for part in parts
        if part.isupper()
    ]
    return literals, " ".join(dict.fromkeys(kinds))


def _row(state: str, word: str, following: str, values: str, text: str) -> str:
    return "|".join((state, word, following, values, text.replace("\n", " ")))
