"""The logs that a jail names, and what becomes of one that has none yet (COMPAT 1.10, 4.2)."""

from __future__ import annotations

from dataclasses import dataclass

from sekisho.config.options import parse_bool, parse_lines
from sekisho.config.values import Values
from sekisho.model.specs import BackendSpec, LogPath


def not_found(jail: str) -> str:
    """Return how people know that none of a jail's logs exists (COMPAT 1.10)."""
    return f"Have not found any log file for {jail!r} jail."


def left_out(jail: str) -> str:
    """Return how people know that a jail is left out for that."""
    return f"Jail {jail!r} skipped, because of missing log files."


@dataclass(frozen=True, slots=True)
class Outlook:
    """By which backend a jail can read, and whether it is left out because it has nothing to read."""

    backend: BackendSpec
    is_skipped: bool = False


def read_logpaths(values: Values) -> tuple[LogPath, ...]:
    """Return the log paths, each once; a mistake is noted."""
    paths: list[LogPath] = []
    for line in parse_lines(values.text_or_default("logpath")):
        pattern, _, last = line.rpartition(" ")
        if not pattern:
            pattern, last = line, "head"
        if last in ("head", "tail"):
            paths.append(LogPath(pattern.rstrip(), tail=last == "tail"))
        else:
            values.error(
                f"'logpath' line {line!r} ends in {last!r}, which is neither head nor tail",
                values.origin("logpath", line),
                "put each path on a line of its own; a path cannot hold blanks",
            )
    return tuple(dict.fromkeys(paths))


def without_logs(values: Values, backend: BackendSpec) -> Outlook:
    """Return what serves a jail none of whose logs exists yet.

    By default the jail waits for its log. It reads the journal where it may and says which entries, and is left out
    where its administrator prefers that.
    """
    if backend.is_journal:
        return Outlook(backend)
    origin = values.origin("logpath")
    may_switch = backend.name.startswith("auto") and values.typed("systemd_if_nologs", parse_bool)
    if may_switch and values.is_set("journalmatch"):
        values.warn(f"{not_found(values.jail)} Jail will monitor systemd journal.", origin)
        return Outlook(BackendSpec("systemd"))
    is_skipped = values.typed("skip_if_nologs", parse_bool)
    if is_skipped:
        values.warn(left_out(values.jail), origin)
    return Outlook(backend, is_skipped)
