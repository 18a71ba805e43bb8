"""How ignorecache is written."""

from __future__ import annotations

import pytest

from sekisho.model.ignorecache import parse_ignorecache, render_ignorecache
from sekisho.model.specs import IgnoreCacheSpec


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ('key="<ip>"', IgnoreCacheSpec("<ip>", 100, 300)),
        ("key='<ip>, <F-USER>', max-count=5, max-time=1m", IgnoreCacheSpec("<ip>, <F-USER>", 5, 60)),
        (" max-time = 2h , key = <ip-host> ", IgnoreCacheSpec("<ip-host>", 100, 7200)),
    ],
)
def test_a_cache_is_a_key_a_number_and_a_time(text: str, expected: IgnoreCacheSpec | None) -> None:
    """The number and the time may be left out; nothing at all means that nothing is remembered."""
    assert parse_ignorecache(text) == expected


@pytest.mark.parametrize("text", ["<ip>", "max-count=5", "key=a, max-count=0", "key=a, max-count=x", "keys=a", "key="])
def test_anything_else_is_refused(text: str) -> None:
    """The message says how it is written."""
    with pytest.raises(ValueError, match=r"key=|whole number"):
        parse_ignorecache(text)


def test_it_is_shown_as_a_list() -> None:
    """As Fail2ban's client shows it."""
    assert render_ignorecache(IgnoreCacheSpec("<ip>", 5, 60)) == ["<ip>", 5, 60]
    assert render_ignorecache(None) is None
