"""How our commands reach the server, and how they tell that they could not."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Sequence
from typing import Any

from sekisho.cli.beautify import printable
from sekisho.cli.socket_path import find_socket
from sekisho.control.client import ControlError, Kind, NoServer, ServerError, ask

DONE, FAILED, MISUSED = 0, 1, 2


class Unreached(ControlError):  # noqa: N818 - named as people would say it
    """There is no server to ask."""


def add_reach_arguments(parser: argparse.ArgumentParser) -> tuple[argparse.Action, ...]:
    """Give a command the options that say where the server is, and return them."""
    text = "the server's socket, if fail2ban.conf does not name it"
    return (
        parser.add_argument("-c", "--config", metavar="DIR", help="configuration directory"),
        parser.add_argument("-s", "--socket", metavar="FILE", help=text),
    )


def reach(args: argparse.Namespace, words: Sequence[str]) -> Any:  # noqa: ANN401 - JSON, whose shape the word decides
    """Return what the server answers to `words`.

    Raises:
        ControlError: with a text that says what to do next.

    """
    path = args.socket or find_socket(args.config) or _configured_socket(args.config)
    try:
        return ask(path, words, timeout=None, by=os.environ.get("SUDO_USER") or os.environ.get("USER", ""))
    except NoServer as error:
        raise Unreached(f"no server answers at {path}; start it: systemctl start sekisho") from error
    except ServerError as error:
        if error.kind is Kind.UNKNOWN_JAIL:
            raise ControlError(_about_jail(path, error.detail)) from error
        raise


def _configured_socket(directory: str | None) -> str:
    from sekisho.config.load import ConfigError, find_directory, load_server

    try:
        return load_server(find_directory(directory)).socket
    except ConfigError as error:
        raise ControlError(str(error)) from None


def _about_jail(path: str, jail: str) -> str:
    status: Any = ask(path, ["overview", "--most", "0"])
    return f"no jail '{jail}' runs; " + nearest(jail, [str(entry["name"]) for entry in status["jails"]])


def nearest(name: str, names: Sequence[str]) -> str:
    """Return what to say to whoever typed a name that is none of `names`."""
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"there are: {', '.join(names) or 'none'}" if len(names) <= _MOST else "all there are: sekisho jails --all"


_MOST = 20  # names; the stock configuration has a hundred, which nobody reads in a line


def barred(args: argparse.Namespace, address: str) -> list[dict[str, Any]]:
    """Return the bans, in whichever jail, of an address or of a network around it; errors as with `reach`."""
    return [ban for jail in reach(args, ["overview", "--of", address])["jails"] for ban in jail["bans"]]


def complain(text: str) -> int:
    """Say on standard error what failed; the exit status for it."""
    print(f"sekisho: {printable(text)}", file=sys.stderr)
    return FAILED
