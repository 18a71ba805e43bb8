"""Print what completes our commands on a shell's Tab key: for bash, zsh or fish.

The script knows every verb, option and word; jails and banned addresses are asked of the server while you type.
`sekisho service install` puts the scripts where the shells look.
"""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from sekisho.cli.reach import DONE, MISUSED, add_reach_arguments, complain, reach
from sekisho.cli.socket_path import DIRECTORIES
from sekisho.control.client import ControlError

EXAMPLES = """\
source <(sekisho completion bash)                          in this shell only
sekisho completion fish > ~/.config/fish/completions/sekisho.fish
"""

SHELLS = ("bash", "zsh", "fish")
PROGRAMS = ("sekisho", "fail2ban-client", "fail2ban-server", "fail2ban-regex")

_MOST = 200
"""Candidates that are told at once: nobody chooses among more, and a server may hold a hundred thousand bans."""

_SAFE = re.compile(r"[\w:/][\w.:/+@%-]*", re.ASCII)
"""What may stand on a command line as it is. Identifiers come from logs, which strangers write: others are left out."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("shell", nargs="?", choices=SHELLS, help="the shell")
    asking = parser.add_argument_group()  # the scripts themselves ask with these
    asking.add_argument("--ask", choices=sorted(_ASKED), help=argparse.SUPPRESS)
    for option in ("--jail", "--prefix"):
        asking.add_argument(option, default="", help=argparse.SUPPRESS)
    for action in add_reach_arguments(parser):
        action.help = argparse.SUPPRESS


def run(args: argparse.Namespace) -> int:
    """Print a script, or what a script asks for; the exit status."""
    if args.ask:
        _tell(args)
    elif args.shell:
        from sekisho.cli.service import find_programs

        print(render_script(args.shell, args.verbs, sekisho=str(find_programs() / "sekisho")), end="")
    else:
        complain(f"which shell? {', '.join(SHELLS)}")
        return MISUSED
    return DONE


def render_script(shell: str, verbs: Mapping[str, str], *, sekisho: str) -> str:
    """Return the script for `shell`; `sekisho` is the program that it asks."""
    from importlib.resources import files

    from sekisho.cli.grammar import rows
    from sekisho.cli.manual import programs

    lines = list(rows([program for program in programs(verbs) if program.name != "fail2ban-server"]))
    if shell == "bash":  # it shows no help
        lines = ["|".join(line.split("|")[:4]) for line in lines]
    quote = _quote_fish if shell == "fish" else shlex.quote
    text = files("sekisho.stock").joinpath("completion", shell).read_text()
    table = " \\\n".join(map(quote, lines)) if shell == "fish" else "\n".join(map(quote, lines))
    for mark, value in (("@PROGRAMS@", " ".join(PROGRAMS)), ("@SEKISHO@", quote(sekisho)), ("@ROWS@", table)):
        text = text.replace(mark, value)
    return text


def _quote_fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _tell(args: argparse.Namespace) -> None:
    """Print the candidates that begin with the prefix, one a line; nothing where there is no server."""
    try:
        names = _ASKED[args.ask](args)
        fitting = (name for name in names if name.startswith(args.prefix) and _SAFE.fullmatch(name))
        print("".join(f"{name}\n" for name in islice(fitting, _MOST)), end="")
    except (ControlError, OSError):
        return


def _jails(args: argparse.Namespace) -> Iterator[str]:
    tree = dict(reach(args, ["status"]))
    yield from str(tree["Jail list"]).split(", ")


def _banned(args: argparse.Namespace) -> Iterator[str]:
    seen: set[str] = set()
    for entry in reach(args, ["banned"]):
        for jail, addresses in entry.items():
            if args.jail in ("", jail):
                yield from (address for address in addresses if address not in seen)
                seen.update(addresses)


def _filters(args: argparse.Namespace) -> Iterator[str]:
    stock = Path(__file__).parents[1] / "stock"
    found = {
        path.stem
        for directory in (stock, *([args.config] if args.config else DIRECTORIES))
        for path in Path(directory, "filter.d").glob("*.conf")
    }
    yield from sorted(found)


_ASKED: Mapping[str, Callable[[argparse.Namespace], Iterator[str]]] = {
    "jail": _jails,
    "banned": _banned,
    "filter": _filters,
}
