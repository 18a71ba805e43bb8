"""The table of what may come next."""

from __future__ import annotations

from sekisho.cli.grammar import rows
from sekisho.cli.manual import Argument, Command, Option, Program


def test_a_table_is_walked_from_the_program_s_name() -> None:
    """Words lead on, a jail may be any word, options stand at every place, and `--all` stands for the jail."""
    options = (Option(("--all",), help="every jail"), Option(("-n", "--number"), "N"))
    program = Program(
        "p",
        "",
        "",
        options=(Option(("-c",), "DIR", "where"),),
        commands=(
            Command(
                ("unban",), "", "lift", options=options, arguments=(Argument("JAIL"), Argument("IP", repeats=True))
            ),
            Command(("set", "<JAIL>", "idle"), "", "wait", arguments=(Argument("on|off"),)),
        ),
    )
    assert list(rows([program])) == [
        "p|-c||@directory|where",
        "p|unban|1||lift",
        "1|*|1.1|@jail|",
        "1|--all|1.1||every jail",
        "1.1|*||@banned|",
        "1|--all|||every jail",
        "1|-n||@text|",
        "1|--number||@text|",
        "p|set|2||",
        "2|*|3|@jail|",
        "3|idle|4||wait",
        "4|on|4.1||",
        "4|off|4.1||",
    ]


def test_addresses_are_offered_where_they_are_banned_already() -> None:
    """A ban is for somebody new, whom nobody can guess."""
    addresses = (Argument("ADDRESS", repeats=True),)
    commands = [Command((name,), "", "", arguments=addresses) for name in ("ban", "unban")]
    table = list(rows([Program("p", "", "", commands=tuple(commands))]))
    assert [row for row in table if "|*|" in row] == ["1|*||@text|", "2|*||@banned|"]
