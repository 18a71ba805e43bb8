r"""The journal's entries as the lines that a filter sees, for a person who tries a filter out (COMPAT 4.4)."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_FIELDS = (
    "MESSAGE,_HOSTNAME,SYSLOG_IDENTIFIER,_COMM,SYSLOG_PID,_PID,_SOURCE_REALTIME_TIMESTAMP,_SOURCE_MONOTONIC_TIMESTAMP"
)


class JournalError(Exception):
    """The journal cannot be read; the text says why."""


def journal_lines(options: Mapping[str, str], matches: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Each entry's line and its time, oldest first.

    `options` are the brackets of `systemd-journal[...]` (`journalpath`, `journalfiles`, `namespace`), `matches` the
    journal matches, one alternative a line. Raises JournalError.
    """
    command = ["journalctl", "--quiet", "--no-pager", "--output=json", f"--output-fields={_FIELDS}"]
    for option, flag in (("journalpath", "--directory"), ("journalfiles", "--file"), ("namespace", "--namespace")):
        if value := options.get(option):
            command.append(f"{flag}={value}")
    command += shlex.split(" + ".join(matches))
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as reader:
            assert reader.stdout is not None
            assert reader.stderr is not None
            for record in reader.stdout:
                entry = json.loads(record)
                yield _line(entry), _seconds(entry)
            complaint = reader.stderr.read().decode(errors="replace").strip()
    except FileNotFoundError as error:
        raise JournalError("journalctl is not installed: there is no journal to search") from error
    if reader.returncode:
        raise JournalError(complaint or f"journalctl ended with status {reader.returncode}")


def _line(entry: Mapping[str, Any]) -> str:
    name = _text(entry, "SYSLOG_IDENTIFIER", "_COMM")
    process = _text(entry, "SYSLOG_PID", "_PID")
    words = [_text(entry, "_HOSTNAME")]
    if name:
        words.append(f"{name}[{process}]:" if process else f"{name}:")
        if name == "kernel" and not process:
            uptime = _text(entry, "_SOURCE_MONOTONIC_TIMESTAMP", "__MONOTONIC_TIMESTAMP")
            words.append(f"[{int(uptime or 0) / 1e6:12.6f}]")
    words.append(_text(entry, "MESSAGE"))
    return " ".join(word for word in words if word).replace("\n", "\\n")


def _seconds(entry: Mapping[str, Any]) -> float:
    return int(_text(entry, "_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP") or 0) / 1e6


def _text(entry: Mapping[str, Any], *names: str) -> str:
    """The first of the fields that is there; bytes that are no text come as a list of numbers."""
    for name in names:
        value = entry.get(name)
        if isinstance(value, list):
            if all(isinstance(each, int) for each in value):
                return bytes(value).decode(errors="replace")
            value = " ".join(map(str, value))
        if value:
            return str(value)
    return ""
