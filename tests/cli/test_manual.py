"""What our programs can be told is read from where it is in force."""

from __future__ import annotations

import pytest

from sekisho.cli.main import VERBS
from sekisho.cli.manual import Argument, Option, parse_arguments, programs
from sekisho.control.client import vocabulary


@pytest.mark.parametrize(
    ("text", "options", "arguments"),
    [
        ("", (), ()),
        ("<TIME>", (), (Argument("TIME"),)),
        ("<on|off>", (), (Argument("on|off"),)),
        ("<FILE> [head|tail]", (), (Argument("FILE"), Argument("head|tail"))),
        ("[--all | <IP>...]", (Option(("--all",)),), (Argument("IP", repeats=True),)),
        ("[<SEP>|--with-time]", (Option(("--with-time",)),), (Argument("SEP"),)),
        ("<IP>... [--for <TIME>]", (Option(("--for",), "TIME"),), (Argument("IP", repeats=True),)),
        ("[<JAIL>|--all [<FLAVOR>]]", (Option(("--all",)),), (Argument("JAIL"), Argument("FLAVOR"))),
    ],
)
def test_the_text_of_arguments_is_a_grammar(
    text: str, options: tuple[Option, ...], arguments: tuple[Argument, ...]
) -> None:
    """Brackets, bars and dots tell what may stand where."""
    assert parse_arguments(text) == (options, arguments)


def test_every_verb_and_every_word_is_told() -> None:
    """None can be added that the papers do not know."""
    sekisho, client, server, regex = programs(VERBS)

    assert {command.path[0] for command in sekisho.commands} == set(VERBS)
    assert [command.path for command in client.commands] == [phrase.path for phrase in vocabulary()]
    assert server.commands == client.commands
    assert Option(("-o", "--out"), "TOKEN", "print results only: id, ip, msg, row, a group, or text with <tags>") in (
        regex.options
    )


def test_a_verb_has_what_its_parser_has() -> None:
    """Its options with their arguments, its examples, and what comes below it."""
    sekisho = programs(VERBS)[0]
    ban = next(command for command in sekisho.commands if command.path == ("ban",))

    assert Option(("--for",), "TIME", "how long: 90s, 2h, 1w; -1: for ever") in ban.options
    assert [(each.name, each.repeats) for each in ban.arguments] == [("JAIL", False), ("ADDRESS", True)]
    assert ban.usage == "ban [OPTIONS] (JAIL | --all) ADDRESS..."
    assert ban.examples[1].startswith("sekisho ban sshd 192.0.2.0/24")
    assert ("service", "install") in [command.path for command in sekisho.commands]
