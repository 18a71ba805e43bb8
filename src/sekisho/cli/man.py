"""Manual pages of our programs, as man(7) source, made of what the programs can be told (`manual`).

Every text is escaped here, once: roff takes a leading dot for a request, a hyphen for a dash that cannot be copied, and
a backslash for the beginning of anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from sekisho import __version__
from sekisho.cli.manual import Command, Option, Program
from sekisho.cli.socket_path import DEFAULT, DIRECTORIES

MARK = "Written by sekisho service install"

_SPECIAL = str.maketrans(
    {"\n": " ", "\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti", '"': r"\(dq"}
)

_STATUSES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "sekisho": (("0", "done"), ("1", "refused or failed"), ("2", "the command line was not understood")),
    "fail2ban-client": (("0", "done"), ("255", "anything else")),
    "fail2ban-server": (("0", "done"), ("255", "anything else")),
    "fail2ban-regex": (("0", "tried, whatever was found"), ("255", "it could not be tried")),
}
_FILES = (
    (" or ".join(DIRECTORIES), "the configuration: the first that exists; -c names another"),
    (DEFAULT, "the server's socket, if fail2ban.conf names no other"),
)


def render(program: Program, others: Sequence[str], *, date: str) -> str:
    """Return the page of one program; `others` are those to see also, `date` is when it was made."""
    lines = [
        f'.\\" {MARK}',
        f'.TH {escape(program.name.upper())} 1 "{date}" "sekisho {escape(__version__)}" "System administration"',
        ".nh",
        ".SH NAME",
        f"{escape(program.name)} \\- {escape(program.about)}",
        ".SH SYNOPSIS",
        *_usage(program.name, program.usage),
    ]
    if program.more:
        lines += [".SH DESCRIPTION", *_paragraphs(program.more)]
    lines += [".SH OPTIONS", *_options(program.options)]
    if program.commands:
        lines += [".SH COMMANDS", *_commands(program)]
    lines += [".SH EXIT STATUS", *_terms(_STATUSES[program.name])]
    lines += [".SH FILES", *_terms(_FILES)]
    lines += [".SH SEE ALSO", ",\n".join(f".BR {escape(name)} (1)" for name in others).replace(",\n", " ,\n")]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Return `text` as roff prints it unchanged, wherever in a line it stands."""
    plain = text.translate(_SPECIAL)
    plain = "".join(char if char.isascii() else f"\\[u{ord(char):04X}]" for char in plain)
    return f"\\&{plain}" if plain.startswith(".") else plain


def _commands(program: Program) -> Iterator[str]:
    if not any(command.section for command in program.commands):
        for command in program.commands:
            yield from _command(program.name, command)
        return
    for section, commands in groupby(program.commands, key=lambda command: command.section):
        yield f'.SS "{escape(section)}"'
        yield from _terms((command.usage, command.about) for command in commands)


def _command(program: str, command: Command) -> Iterator[str]:
    yield f'.SS "{escape(" ".join((program, *command.path)))}"'
    yield from _usage(program, command.usage)
    yield ".PP"
    yield from _paragraphs(f"{command.about}\n\n{command.more}")
    yield from _terms((argument.name, argument.help) for argument in command.arguments if argument.help)
    yield from _options([option for option in command.options if "--help" not in option.names])
    if command.examples:
        yield from (".PP", "Examples:", ".PP", ".RS 4", ".nf")
        yield from map(escape, command.examples)
        yield from (".fi", ".RE")


def _usage(name: str, usage: str) -> list[str]:
    return [f".B {escape(name)}", escape(usage)]


def _options(options: Sequence[Option]) -> Iterator[str]:
    return _terms((f"{', '.join(option.names)} {option.argument}".rstrip(), option.help) for option in options)


def _terms(terms: Iterator[tuple[str, str]] | Sequence[tuple[str, str]]) -> Iterator[str]:
    for term, text in terms:
        yield from (".TP", f'.B "{escape(term)}"', escape(text) or "\\&")


def _paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs of a docstring, parted by blank lines."""
    for number, paragraph in enumerate(filter(None, text.strip().split("\n\n"))):
        if number:
            yield ".PP"
        yield from map(escape, map(str.strip, paragraph.splitlines()))
