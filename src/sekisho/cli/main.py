"""The `sekisho` command: finds the module of a verb, and gives it its arguments.

A verb is a module with a docstring (its first line is the help), `EXAMPLES`, `add_arguments(parser)` and
`run(args) -> exit status`. Only the module of the verb that was called is imported.
"""

from __future__ import annotations

import argparse
import difflib
import functools
import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType, ModuleType

from sekisho import __version__

DONE, FAILED, MISUSED = 0, 1, 2

_LAST = "set up"
_GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "look": ("status", "jails", "log", "verify", "doctor"),
        "act": ("ban", "unban", "reload", "apply", "confirm"),
        "prepare": ("suggest", "filters", "check", "config", "match", "demo"),
        _LAST: ("service", "completion"),
    }
)
"""The verbs of this room as the overview has them; those of others are listed with the last."""

VERBS: Mapping[str, str] = MappingProxyType(
    {verb: f"sekisho.cli.{verb}" for group in _GROUPS.values() for verb in group}
)
"""The verbs of this room and their modules."""

_ABOUT = "Sekisho reads a server's logs, recognises abuse, and bars its source at the firewall."


def main(arguments: Sequence[str] | None = None, *, verbs: Mapping[str, str] = VERBS) -> int:  # noqa: PLR0911
    """Carry out one command line; 0: done, 1: refused or failed, 2: not understood.

    `verbs` are the modules by verb: `sekisho.__main__`, which stands above all rooms, knows of more than this room.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words:
        print(overview(verbs))
        return MISUSED
    verb, *rest = words
    if verb in ("-h", "--help", "help"):
        print(overview(verbs))
        return DONE
    if verb in ("-V", "--version"):
        print(f"sekisho {__version__}")
        return DONE
    if verb not in verbs:
        near = difflib.get_close_matches(verb, verbs, n=1)
        hint = f"did you mean '{near[0]}'?" if near else "see: sekisho --help"
        print(f"sekisho: no command '{verb}'; {hint}", file=sys.stderr)
        return MISUSED
    try:
        module = importlib.import_module(verbs[verb])
        status: int = module.run(
            build_parser(verb, module, wants_help=not {"-h", "--help"}.isdisjoint(rest)).parse_args(
                rest, argparse.Namespace(verbs=verbs)
            )
        )
    except KeyboardInterrupt:
        return FAILED
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return status


def build_parser(verb: str, module: ModuleType, *, wants_help: bool = False) -> argparse.ArgumentParser:
    """Return the parser of a verb; the coloured help is only imported where it will be seen."""
    parser = argparse.ArgumentParser(
        prog=f"sekisho {verb}",
        description=(module.__doc__ or "").partition("\n\n")[0],
        epilog="examples:\n" + "".join(f"  {line}\n" for line in module.EXAMPLES.splitlines()),
        formatter_class=_formatter(coloured=wants_help and sys.stdout.isatty()),
    )
    module.add_arguments(parser)
    return parser


def _formatter(*, coloured: bool) -> Callable[..., argparse.HelpFormatter]:
    if not coloured:
        return functools.partial(argparse.RawDescriptionHelpFormatter, max_help_position=28)
    from rich_argparse import RawDescriptionRichHelpFormatter

    return RawDescriptionRichHelpFormatter


def overview(verbs: Mapping[str, str] = VERBS) -> str:
    """Return the help of the command as a whole: a line for each verb, those together that belong together."""
    lines = []
    for title, group in _GROUPS.items():
        others = [verb for verb in verbs if verb not in VERBS] if title == _LAST else []
        present = [verb for verb in (*others, *group) if verb in verbs]
        if present:
            lines += ["", f"{title}:", *(f"  {verb:<12}{about(verbs[verb])}" for verb in present)]
    return "\n".join(
        [
            "usage: sekisho COMMAND [...]",
            "",
            _ABOUT,
            *lines,
            "",
            "sekisho COMMAND --help tells more; fail2ban-client and fail2ban-regex work as they always did.",
        ]
    )


def about(module: str) -> str:
    """Return what a verb does: the first line of its module."""
    return (importlib.import_module(module).__doc__ or "").partition("\n")[0]
