"""`ignorecache`: how the answers of ignorecommand are remembered, as it is written (COMPAT 1.9).

    key="<ip>", max-count=100, max-time=5m

Tags of the key are filled in for each failure; answers with the same key are one.
"""

from __future__ import annotations

import re

from sekisho.model.duration import parse_duration
from sekisho.model.specs import IgnoreCacheSpec

_OPTION = re.compile(r"""\s*(?P<name>[\w-]+)\s*=\s*(?:"(?P<d>[^"]*)"|'(?P<s>[^']*)'|(?P<bare>[^,]*?))\s*(?:,|\Z)""")
_FORM = 'write it as key="<ip>", max-count=100, max-time=5m'


def parse_ignorecache(text: str) -> IgnoreCacheSpec | None:
    """Return what `text` says; None for an empty one, with which nothing is remembered. Raises ValueError."""
    found: dict[str, str] = {}
    at, text = 0, text.strip()
    while at < len(text):
        option = _OPTION.match(text, at)
        if option is None or option["name"] not in ("key", "max-count", "max-time"):
            raise ValueError(f"did not understand {text[at:]!r}; {_FORM}")
        found[option["name"]] = option["d"] or option["s"] or option["bare"] or ""
        at = option.end()
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
