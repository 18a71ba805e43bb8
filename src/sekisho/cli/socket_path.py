"""The server's socket, found without loading the configuration machinery, where the files are plain enough for that.

Reading fail2ban.conf properly takes longer than all the rest of `fail2ban-client ping`. So this looks at the text: when
it says nothing about the socket, or names one path on one plain line, that is the answer. At the first sign of anything
else (an include, an interpolation, two lines about it) the answer is None, and whoever asked reads it properly.
"""

from __future__ import annotations

import os
import re
from itertools import pairwise

DEFAULT = "/run/sekisho/sekisho.sock"
"""What the stock fail2ban.conf says; a test compares."""

DIRECTORIES = ("/etc/sekisho", "/etc/fail2ban")

_SECTION = re.compile(rb"^\[(?:Definition|DEFAULT)\]\s*$")
_SOCKET = re.compile(rb"^socket[ \t]*=[ \t]*(/[\w./-]+)[ \t]*$")
_OPTION = re.compile(rb"^\s*socket\b", re.IGNORECASE)


def find_socket(explicit: str | None) -> str | None:
    """Return the socket that the tree in the directory names, or None where only a proper reading can tell."""
    directory = explicit or next(filter(os.path.isdir, DIRECTORIES), "")
    if not os.path.isdir(directory):
        return None
    found: set[str] = set()
    try:
        for path in _files(directory):
            with open(path, "rb") as file:
                if not _collect(file.read(), found):
                    return None
    except OSError:
        return None
    return found.pop() if found else DEFAULT


def _files(directory: str) -> list[str]:
    """Return the files that may speak of the socket, in any order: two that do make it no plain case."""
    paths = [os.path.join(directory, name) for name in ("fail2ban.conf", "fail2ban.local")]
    folder = os.path.join(directory, "fail2ban.d")
    if os.path.isdir(folder):
        paths += [os.path.join(folder, name) for name in os.listdir(folder)]
    return [path for path in paths if os.path.exists(path)]


def _collect(text: bytes, found: set[str]) -> bool:
    """Add the socket that `text` names, if it does; False when it is not plain."""
    in_section = False
    for line, after in pairwise([*text.splitlines(), b""]):
        if line.startswith(b"["):
            in_section = bool(_SECTION.match(line))
            if line.upper().startswith(b"[INCLUDES"):
                return False
        elif _OPTION.match(line):
            named = _SOCKET.match(line)
            if not in_section or named is None or found or after[:1] in (b" ", b"\t"):
                return False
            found.add(named.group(1).decode())
    return True
