"""Which database a Fail2ban keeps, as the fail2ban.conf of its tree says."""

from __future__ import annotations

from pathlib import Path

from sekisho.config.errors import ConfigError
from sekisho.config.files import Files, is_stock
from sekisho.config.interpolate import Scope
from sekisho.config.layers import merge
from sekisho.config.load import constants_of

DEFAULT = Path("/var/lib/fail2ban/fail2ban.sqlite3")
"""Where it is when nobody says otherwise (COMPAT 1.8)."""

_SECTION = "Definition"
_NOWHERE = ("none", ":memory:")


def find_database(directory: Path) -> Path | None:
    """Return the path of the database of the Fail2ban whose tree this is; None where it keeps none in a file."""
    merged = merge(Files(directory), "fail2ban")
    option = merged.find(_SECTION, "dbfile")
    if option is None or is_stock(option.origin):
        return DEFAULT
    try:
        text = (Scope(merged, _SECTION, {}, constants_of(directory)).expand("dbfile") or "").strip()
    except ConfigError:
        return DEFAULT
    return None if text.lower() in _NOWHERE else Path(text) if text else DEFAULT
