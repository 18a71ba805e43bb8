"""English short names of countries."""

from __future__ import annotations

from sekisho.lookup.country_names import NAMES


def test_each_code_of_iso_3166_has_one_name() -> None:
    """249 officially assigned codes and XK; two capital letters each; no name twice."""
    assert len(NAMES) == len(set(NAMES.values())) == 250
    assert all(len(code) == 2 and code.isupper() and name[0].isupper() for code, name in NAMES.items())
