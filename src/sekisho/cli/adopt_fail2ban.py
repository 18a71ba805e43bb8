"""The installed Fail2ban, asked by its own programs: what it makes of its tree."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Sequence
from pathlib import Path

from sekisho.config.comparison import Command

PLACES = (Path("/usr/bin"), Path("/usr/sbin"), Path("/usr/local/bin"), Path("/usr/local/sbin"))
"""Where distributions and administrators put it; not the PATH, on which our own program of that name may come first."""

_PATIENCE = 120  # seconds


class NoFail2ban(Exception):  # noqa: N818 - a fact that the report tells
    """Fail2ban's own program is not there, or says nothing; the message tells which."""


def find_program(name: str, places: Sequence[Path] = PLACES) -> Path:
    """Return Fail2ban's own program of a name; raises NoFail2ban where there is none but ours.

    Ours call themselves by the same names, but beside them lies our client, which says whose it is.
    """
    for place in places:
        client, path = place / "fail2ban-client", place / name
        if client.is_file() and path.is_file():
            version = _run([str(client), "--version"]).stdout
            if version and "Sekisho" not in version:
                return path
    raise NoFail2ban(f"there is no {name} of Fail2ban's own on this host")


def read_stream(directory: Path) -> list[Command]:
    """Return the commands that Fail2ban makes of a tree; raises NoFail2ban where it makes none."""
    done = _run([str(find_program("fail2ban-client")), "-c", str(directory), "-d"])
    commands = [_parse(line) for line in done.stdout.splitlines() if line.startswith("[")]
    if not commands:
        last = done.stderr.strip().rpartition("\n")[2]
        raise NoFail2ban(f"Fail2ban itself does not understand the tree: {last or 'it does not say why'}")
    return commands


def _parse(line: str) -> Command:
    try:
        command = ast.literal_eval(line)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        command = None
    return command if isinstance(command, list) else []


def _run(words: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=_PATIENCE, errors="replace")
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoFail2ban(f"{words[0]}: {error}") from error
