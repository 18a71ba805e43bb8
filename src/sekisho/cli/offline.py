"""What `fail2ban-client` does without a server: `-t` checks the tree, `-d` and `--dp` print what it stands for.

The tree is read where it is needed only, since every command of the client passes by here.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from pathlib import Path

    from sekisho.control.client import Value
    from sekisho.model.specs import Configuration


class Failed(Exception):  # noqa: N818 - ends the command, with a text for standard error
    """The command cannot be carried out; `shown` goes to standard output before."""

    def __init__(self, text: str, *, shown: str = "") -> None:
        super().__init__(text)
        self.shown = shown


def complain(level: str, text: str) -> None:
    """Write a line to standard error in the format of the server's log."""
    now = time.time()
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
    print(f"{stamp},{int(now % 1 * 1000):03d} {'fail2ban':<24}[{os.getpid()}]: {level:<7} {text}", file=sys.stderr)


def find(explicit: str | None) -> Path:
    """Return the configuration directory, which exists. Raises Failed."""
    from sekisho.config.load import ConfigError, find_directory

    try:
        return find_directory(explicit)
    except ConfigError as error:
        known = f"Base configuration directory {explicit} does not exist"
        raise Failed("Init of command line failed", shown=f"ERROR: {known if explicit else error}") from None


def read(directory: Path, overrides: Mapping[str, str]) -> Configuration:
    """Return what the tree means, after saying every mistake in it, and which jails have no log yet.

    Ours wait for theirs (COMPAT 1.10).
    """
    from sekisho.config.load import load
    from sekisho.config.logpaths import not_found
    from sekisho.config.stream import unlogged

    found = load(directory, overrides=overrides)
    for problem in found.problems:
        complain(problem.severity.name, str(problem))
    for jail in unlogged(found):
        complain("WARNING", not_found(jail))
    return found


def test(directory: Path, overrides: Mapping[str, str]) -> None:
    """Read the whole tree; raises Failed if there is an error in it."""
    found = read(directory, overrides)
    if found.broken or any(problem.severity.name == "ERROR" for problem in found.problems):
        raise Failed("test configuration failed", shown="ERROR: test configuration failed")


def dump(directory: Path, overrides: Mapping[str, str], *, is_pretty: bool) -> None:
    """Print the commands that the tree stands for, one a line, or laid out for reading; raises Failed."""
    from pprint import pformat

    found = read(directory, overrides)
    if found.broken:
        shown = "ERROR: The configuration stream failed because of the invalid syntax."
        raise Failed("Failed during configuration", shown=shown)
    for command in stream(found):
        print(pformat(command, sort_dicts=False) if is_pretty else repr(command))
    if found.failed and not found.jails:
        raise Failed("no jail can run")


def stream(found: Configuration) -> list[list[Value]]:
    """Return the commands that a configuration stands for (COMPAT 6.1, `-d`)."""
    from sekisho.config.stream import stream_of

    return [cast("list[Value]", command) for command in stream_of(found)]
