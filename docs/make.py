"""Write docs/commands.md on standard output, out of what the programs can be told (`make docs`)."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from sekisho.__main__ import verbs
from sekisho.cli.manual import Command, Option, Program, programs

_HEAD = """\
# Commands

Every verb of `sekisho`, every word of `fail2ban-client`, and the options of `fail2ban-regex`. This page is made from
the tables that the programs themselves read (`make docs`); `--help`, the manual pages and completion are, too.
"""


def page() -> Iterator[str]:
    """Yield the page's lines."""
    sekisho, client, server, regex = programs(verbs())
    yield _HEAD
    yield from _sekisho(sekisho)
    yield from _client(client, server)
    yield from _heading(regex)
    yield from _code([f"{regex.name} {regex.usage}"])
    yield f"{regex.more}\n"
    yield from _options(regex.options)


def _sekisho(program: Program) -> Iterator[str]:
    yield from _heading(program)
    yield "Exit status: 0 done, 1 refused or failed, 2 not understood.\n"
    for command in program.commands:
        yield f"### {program.name} {' '.join(command.path)}\n"
        yield from _code([f"{program.name} {command.usage}"])
        yield f"{command.about}\n"
        if command.more:
            yield f"{command.more}\n"
        yield from _rows(("argument", "what it is"), _arguments(command))
        yield from _options(command.options)
        if command.examples:
            yield from _code(command.examples)


def _client(client: Program, server: Program) -> Iterator[str]:
    yield from _heading(client)
    yield f"`{server.name}`: {server.about}. Both know the same options. Exit status: 0 done, 255 anything else.\n"
    yield from _options(client.options)
    for section, commands in groupby(client.commands, key=lambda command: command.section):
        yield f"### {section}\n"
        yield from _rows(("word", "what it does"), [(command.usage, command.about) for command in commands])


def _heading(program: Program) -> Iterator[str]:
    yield f"## {program.name}\n"
    yield f"{program.about[:1].upper()}{program.about[1:]}.\n"


def _arguments(command: Command) -> list[tuple[str, str]]:
    return [(argument.name, argument.help) for argument in command.arguments if argument.help]


def _options(options: Sequence[Option]) -> Iterator[str]:
    told = [option for option in options if "--help" not in option.names]
    return _rows(("option", "what it does"), [(f"{', '.join(each.names)} {each.argument}", each.help) for each in told])


def _rows(head: tuple[str, str], rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    if not rows:
        return
    yield f"| {head[0]} | {head[1]} |"
    yield "|---|---|"
    for name, text in rows:
        yield f"| `{_cell(name.strip())}` | {_cell(text)} |"
    yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _code(lines: Sequence[str]) -> Iterator[str]:
    yield from ("```console", *lines, "```", "")


if __name__ == "__main__":
    sys.stdout.write("\n".join(page()).rstrip("\n") + "\n")
