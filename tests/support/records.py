"""Lines that are records, taken apart and put together again with another text in one of their fields.

A text that is itself a record (what Docker wraps) is gone into: `INSIDE` stands for that step in a path.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

INSIDE = "{}"

Path = tuple[str | int, ...]


def texts_of(line: str) -> Iterator[tuple[Path, str]]:
    """Each text in the record that a line holds, and the way to it; none where it holds no record."""
    record = _record_in(line[line.find("{") :])
    return _texts(record, ()) if record is not None else iter(())


def with_text(line: str, path: Path, text: str, *, ascii_only: bool = False) -> str:
    """The line as its service would have written it with another text at `path`."""
    begin = line.find("{")
    return f"{line[:begin]}{_put(line[begin:], (INSIDE, *path), text, ascii_only=ascii_only)}"


def dotted(path: Path) -> str:
    """A path as a filter names it; of what Docker wraps, that within the innermost record."""
    steps = path[max((number + 1 for number, step in enumerate(path) if step == INSIDE), default=0) :]
    return ".".join(str(step) for step in steps)


def _record_in(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _texts(value: object, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(each, (*path, key))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _texts(each, (*path, number))
    elif isinstance(value, str):
        inner = _record_in(value)
        if inner is None:
            yield path, value
        else:
            yield from _texts(inner, (*path, INSIDE))


def _put(value: Any, path: Path, text: str, *, ascii_only: bool) -> Any:  # noqa: ANN401 - any value of a record
    if not path:
        return text
    step, rest = path[0], path[1:]
    if step == INSIDE:
        end = "\n" if value.endswith("\n") else ""
        inner = _put(json.loads(value), rest, text, ascii_only=ascii_only)
        return json.dumps(inner, ensure_ascii=ascii_only, separators=(",", ":")) + end
    changed: Any = dict(value) if isinstance(value, dict) else list(value)
    changed[step] = _put(value[step], rest, text, ascii_only=ascii_only)
    return changed
