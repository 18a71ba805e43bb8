"""The options of a jail that let a command decide whom to ignore (COMPAT 1.9)."""

from __future__ import annotations

from sekisho.config.values import Values
from sekisho.model.ignorecache import parse_ignorecache
from sekisho.model.specs import IgnoreCommandSpec


def read_ignorecommand(values: Values) -> IgnoreCommandSpec:
    """Return the jail's ignorecommand and its cache; a cache that is not understood is noted as a mistake."""
    command = values.text_or_default("ignorecommand").strip()
    try:
        return IgnoreCommandSpec(command, parse_ignorecache(values.text("ignorecache") or ""))
    except ValueError as error:
        values.error(f"'ignorecache': {error}", values.origin("ignorecache"))
        return IgnoreCommandSpec(command)
