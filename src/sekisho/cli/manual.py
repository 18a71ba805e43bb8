"""What our programs can be told, in one shape, of which completion, man pages and the reference page are made.

Nothing is written down here: the verbs of `sekisho` come from their parsers, the options of `fail2ban-client` from
`model.invocation`, its words from the server's own table, and those of `fail2ban-regex` from its parser. So none of the
papers can know of a word that does not exist, or lack one that does.

An argument's text is a small grammar (`control.table`): `<X>` is something to fill in, `[...]` may be left out, `...`
repeats, `|` parts alternatives; a name in capitals stands for a value, one in small letters for itself.
"""

from __future__ import annotations

import argparse
import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sekisho.cli.main import build_parser

_TOKENS = re.compile(
    r"(?P<taker>--[\w-]+) <(?P<value>[^>]+)>|(?P<flag>--[\w-]+)|<(?P<open>[^>]+)>|(?P<repeats>\.\.\.)|(?P<bar>\|)"
    r"|(?P<literal>[\w-]+)"
)


@dataclass(frozen=True, slots=True)
class Option:
    """An option: its names, its argument (empty: it has none), and what it does."""

    names: tuple[str, ...]
    argument: str = ""
    help: str = ""


@dataclass(frozen=True, slots=True)
class Argument:
    """What stands at one place: `JAIL`, `on|off`, `auto|FILE`; `repeats` where more of them may follow."""

    name: str
    help: str = ""
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that a program can be told. `path` are the words that name it; `<JAIL>` among them is any jail."""

    path: tuple[str, ...]
    usage: str
    about: str
    more: str = ""
    section: str = ""
    options: tuple[Option, ...] = ()
    arguments: tuple[Argument, ...] = ()
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """A program: what comes before or instead of a command, and its commands."""

    name: str
    usage: str
    about: str
    more: str = ""
    options: tuple[Option, ...] = ()
    arguments: tuple[Argument, ...] = ()
    commands: tuple[Command, ...] = ()


def programs(verbs: Mapping[str, str]) -> tuple[Program, ...]:
    """Return our programs; `verbs` are the modules of `sekisho` by verb."""
    return (_sekisho(verbs), *_client_and_server(), _regex())


def _sekisho(verbs: Mapping[str, str]) -> Program:
    commands: list[Command] = []
    for verb, name in verbs.items():
        module = importlib.import_module(name)
        parser = build_parser(verb, module)
        about, _, more = (module.__doc__ or "").partition("\n\n")
        commands.append(_command((verb,), parser, about=about, more=more, examples=module.EXAMPLES))
        commands += (_command((verb, word), below, about=text) for word, below, text in _subcommands(parser))
    return Program(
        "sekisho",
        "COMMAND [...]",
        "read a server's logs, recognise abuse, and bar its source at the firewall",
        options=(
            Option(("-h", "--help"), help="show the commands"),
            Option(("-V", "--version"), help="show the version"),
        ),
        commands=tuple(commands),
    )


def _client_and_server() -> Iterator[Program]:
    from sekisho.control.client import vocabulary
    from sekisho.model.invocation import option_rows

    options = tuple(Option(*row) for row in option_rows())
    commands = []
    for phrase in vocabulary():
        own, arguments = parse_arguments(phrase.arguments)
        usage = " ".join((*phrase.path, phrase.arguments)).rstrip()
        commands.append(
            Command(phrase.path, usage, phrase.help, section=phrase.section, options=own, arguments=arguments)
        )
    for name, about in (
        ("fail2ban-client", "talk to the server, in the words that administrators and scripts know"),
        ("fail2ban-server", "start the server; any word but start is said to the one that runs"),
    ):
        yield Program(name, "[OPTIONS] COMMAND", about, options=options, commands=tuple(commands))


def _regex() -> Program:
    from sekisho.cli.fail2ban_regex import build_parser as build_regex_parser

    parser = build_regex_parser()
    return Program(
        parser.prog,
        "[OPTIONS] LOG REGEX [IGNOREREGEX]",
        "try expressions or a filter on a log",
        more=parser.epilog or "",
        options=_options(parser),
        arguments=_arguments(parser),
    )


def parse_arguments(text: str) -> tuple[tuple[Option, ...], tuple[Argument, ...]]:
    """Return the options and the arguments, place by place, that the text of a word's arguments shows."""
    options: list[Option] = []
    places: list[Argument] = []
    is_alternative = False
    for found in _TOKENS.finditer(text):
        if found["taker"]:
            options.append(Option((found["taker"],), found["value"]))
        elif found["flag"]:
            options.append(Option((found["flag"],)))
        elif found["repeats"]:
            places[-1] = Argument(places[-1].name, repeats=True)
        elif name := found["open"] or found["literal"]:
            if is_alternative and places:
                name = f"{places.pop().name}|{name}"
            places.append(Argument(name))
        is_alternative = bool(found["bar"])
    return tuple(options), tuple(places)


def _command(
    path: tuple[str, ...], parser: argparse.ArgumentParser, *, about: str, more: str = "", examples: str = ""
) -> Command:
    return Command(
        path,
        _usage(parser).removeprefix("sekisho "),
        " ".join(about.split()),
        more=more.strip(),
        options=_options(parser),
        arguments=_arguments(parser),
        examples=tuple(examples.splitlines()),
    )


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    shown = [action for action in parser._actions if action.help != argparse.SUPPRESS]  # noqa: SLF001 - nothing public lists them
    return [action for action in shown if not isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001


def _subcommands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser, str]]:
    for action in parser._actions:  # noqa: SLF001
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}  # noqa: SLF001
            for word, below in action.choices.items():
                yield word, below, helps.get(word, "")


def _options(parser: argparse.ArgumentParser) -> tuple[Option, ...]:
    return tuple(
        Option(tuple(action.option_strings), _metavar(action) if action.nargs != 0 else "", _help(parser, action))
        for action in _actions(parser)
        if action.option_strings
    )


def _arguments(parser: argparse.ArgumentParser) -> tuple[Argument, ...]:
    found: list[Argument] = []
    for action in _actions(parser):
        if not action.option_strings:
            *firsts, last = _metavar(action).split()  # `JAIL ADDRESS`: a jail, then addresses
            help_ = _help(parser, action)
            found += [Argument(first, help_) for first in firsts]
            found.append(Argument(last, help_, repeats=action.nargs in ("+", "*")))
    return tuple(found)


def _metavar(action: argparse.Action) -> str:
    if action.choices is not None:
        return "|".join(map(str, action.choices))
    return str(action.metavar or action.dest.upper())


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    return (action.help or "") % {**vars(action), "prog": parser.prog}


def _usage(parser: argparse.ArgumentParser) -> str:
    vars(parser)["color"] = False  # Python 3.14 paints the usage wherever standard output is a terminal
    return " ".join(parser.format_usage().removeprefix("usage: ").split())
