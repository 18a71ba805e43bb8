"""`ignorecache`: how the answers of ignorecommand are remembered, as it is written (COMPAT 1.9).

    key="<ip>", max-count=100, max-time=5m

Tags of the key are filled in for each failure; answers with the same key are one.
"""

from __future__ import annotations

from sekisho.model.duration import parse_duration
from sekisho.model.pairs import parse_pairs
from sekisho.model.specs import IgnoreCacheSpec

_OPTIONS = ("key", "max-count", "max-time")
_FORM = 'write it as key="<ip>", max-count=100, max-time=5m'


def parse_ignorecache(text: str) -> IgnoreCacheSpec | None:
    """Return what `text` says; None for an empty one, with which nothing is remembered. Raises ValueError."""
    try:
        found = dict(parse_pairs(text.strip()))
    except ValueError as error:
        raise ValueError(f"{error}; {_FORM}") from None
    unknown = next((name for name in found if name not in _OPTIONS), None)
    if unknown is not None:
        raise ValueError(f"did not understand {unknown!r}; {_FORM}")
    if not found:
        return None
    default = IgnoreCacheSpec(found.get("key", ""))
    if not default.key:
        raise ValueError(f"there is no key; {_FORM}")
    count = found.get("max-count", str(default.most))
    if not count.isascii() or not count.isdecimal() or not int(count[:9]):
        raise ValueError(f"max-count is {count!r}, and must be a whole number from 1 on")
    return IgnoreCacheSpec(default.key, int(count[:9]), parse_duration(found.get("max-time", str(default.seconds))))


def render_ignorecache(cache: IgnoreCacheSpec | None) -> list[str | int | float] | None:
    """Return it as the client shows it (COMPAT 6.3)."""
    return None if cache is None else [cache.key, cache.most, cache.seconds]
