"""Lists of the form `name=value, name="a, b"`, as `logtarget` and `ignorecache` have them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PAIR = re.compile(r"""\s*(?P<name>[\w-]+)\s*=\s*(?:"(?P<d>[^"]*)"|'(?P<s>[^']*)'|(?P<bare>[^,]*?))\s*(?:,|\Z)""")


def parse_pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield the names and values in their order; raises ValueError, naming the rest, at what is no pair."""
    at = 0
    while at < len(text):
        found = _PAIR.match(text, at)
        if found is None:
            raise ValueError(f"did not understand {text[at:]!r}")
        yield found["name"], found["d"] or found["s"] or found["bare"] or ""
        at = found.end()
