"""How a date pattern is told."""

from __future__ import annotations

import pytest

from sekisho.control.datepattern import date_patterns
from sekisho.model.specs import FilterSpec


@pytest.mark.parametrize(
    ("patterns", "shown"),
    [
        (("%Y-%m-%d", "%d/%m"), ("%Y-%m-%d", "Year-Month-Day")),
        (("%Y", "%m", "%d"), (None, "Default Detectors")),
        (("{^LN-BEG}%ExY %H:%M",), ("{^LN-BEG}%ExY %H:%M", "{^LN-BEG}ExYear 24hour:Minute")),
        (("a%%b%d",), ("a%%b%d", "a%bDay")),
        (("TAI64N",), (None, "TAI64N")),
        (("LEPOCH",), (None, "LongEpoch")),
        (("^(ts={EPOCH} )",), (None, "^(ts={EPOCH} )")),
        (("{NONE}",), ("{UNB}^", "^")),
    ],
)
def test_date_patterns_are_named(patterns: tuple[str, ...], shown: tuple[str | None, str]) -> None:
    """A pattern is shown with its directives in words."""
    assert date_patterns(FilterSpec("x", ("<HOST>",), datepattern=patterns)) == shown
