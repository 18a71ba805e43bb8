r"""The `%` fields of date patterns: what each matches, and which part of a date it gives (COMPAT 2.8).

A field becomes a named group, called after the part (`slot`) that it gives. `%ExY` and `%Y` give the same slot, so a
pattern that has both in one alternative is a pattern that cannot be compiled.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sekisho.match.zones import ABBREVIATION_PATTERN, OFFSET_PATTERN

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH_NAMES = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEKDAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

LAST_YEAR = 2099
"""The last year of `%ExY` where nothing narrower is asked for."""


@dataclass(frozen=True, slots=True)
class Field:
    """`slot` is the part of the date, `pattern` what the field matches, `word` how people are shown it."""

    slot: str
    pattern: str
    word: str


_OFFSET = rf"(?:Z|UTC|GMT|{OFFSET_PATTERN})"
_NAMED_OFFSET = rf"(?:{ABBREVIATION_PATTERN}(?:{OFFSET_PATTERN})?|{OFFSET_PATTERN})"

FIELDS: dict[str, Field] = {
    "Y": Field("Y", r"\d{4}", "Year"),
    "y": Field("y", r"\d{2}", "Year2"),
    "m": Field("m", r"(?:1[0-2]|0[1-9]|[1-9])", "Month"),
    "d": Field("d", r"(?:3[01]|[12]\d|0[1-9]|[1-9]| [1-9])", "Day"),
    "H": Field("H", r"(?:2[0-3]|[01]\d|\d)", "24hour"),
    "k": Field("H", r" ?(?:2[0-3]|[01]\d|\d)", "%k"),
    "I": Field("I", r"(?:1[0-2]|0[1-9]|[1-9])", "12hour"),
    "l": Field("I", r" ?(?:1[0-2]|0[1-9]|[1-9])", "%l"),
    "M": Field("M", r"(?:[0-5]\d|\d)", "Minute"),
    "S": Field("S", r"(?:6[01]|[0-5]\d|\d)", "Second"),
    "f": Field("f", r"\d{1,6}", "Microseconds"),
    "p": Field("p", r"(?:AM|PM)", "AMPM"),
    "b": Field("b", f"(?:{'|'.join(MONTHS)})", "MON"),
    "h": Field("b", f"(?:{'|'.join(MONTHS)})", "MON"),
    "B": Field("b", f"(?:{'|'.join(MONTH_NAMES)})", "Month"),
    "a": Field("a", f"(?:{'|'.join(WEEKDAYS)})", "DAY"),
    "A": Field("a", f"(?:{'|'.join(WEEKDAY_NAMES)})", "DAYNAME"),
    "j": Field("j", r"(?:36[0-6]|3[0-5]\d|[12]\d\d|0[1-9]\d|00[1-9]|[1-9]\d|0[1-9]|[1-9])", "Yearday"),
    "U": Field("U", r"(?:5[0-3]|[0-4]\d|\d)", "Yearweek"),
    "W": Field("W", r"(?:5[0-3]|[0-4]\d|\d)", "Yearweek"),
    "w": Field("w", r"[0-6]", "Weekday"),
    "z": Field("z", _OFFSET, "Zone offset"),
    # where case is ignored, a weekday would pass for a zone, and the date would be lost
    "Z": Field("z", rf"(?:Z|(?!(?:{'|'.join(WEEKDAYS)})\b)[A-Z]{{3,5}})", "Zone name"),
    "Exm": Field("m", r"(?:1[0-2]|0[1-9])", "ExMonth"),
    "Exd": Field("d", r"(?:3[01]|[12]\d|0[1-9])", "ExDay"),
    "ExH": Field("H", r"(?:2[0-3]|[01]\d)", "Ex24hour"),
    "Exk": Field("H", r" ?(?:2[0-3]|[01]\d)", "%k"),
    "ExI": Field("I", r"(?:1[0-2]|0[1-9])", "Ex12hour"),
    "Exl": Field("I", r" ?(?:1[0-2]|0[1-9])", "%l"),
    "ExM": Field("M", r"[0-5]\d", "ExMinute"),
    "ExS": Field("S", r"(?:6[01]|[0-5]\d)", "ExSecond"),
    "Exy": Field("y", r"\d{2}", "ExYear2"),
    "Exz": Field("z", _NAMED_OFFSET, "Zone"),
    "ExZ": Field("z", ABBREVIATION_PATTERN, "Zone name"),
}
_WHOLE = {"c": "%a %b %d %H:%M:%S %Y", "x": "%m/%d/%y", "X": "%H:%M:%S"}

_FIELD = re.compile(r"%(Ex[A-Za-z]|[A-Za-z%])")
_NAME_FIELD = re.compile(r"(?<!%)(?:%%)*%[aAbBphc]")


def has_names(pattern: str) -> bool:
    """True when the pattern has a field of names, which makes all of it case-insensitive."""
    return bool(_NAME_FIELD.search(pattern))


def expand_fields(pattern: str, *, last_year: int = LAST_YEAR) -> str:
    """The pattern as a regular expression. Raises KeyError with the name of an unknown field."""

    def expand(found: re.Match[str]) -> str:
        name = found[1]
        if name == "%":
            return "%"
        if name in _WHOLE:
            return expand_fields(_WHOLE[name], last_year=last_year)
        if name == "ExY":
            return f"(?P<Y>{_years(last_year)})"
        field = FIELDS[name]
        return f"(?P<{field.slot}>{field.pattern})"

    return _FIELD.sub(expand, pattern)


def show_fields(pattern: str) -> str:
    """The pattern with a word for each field, as people are shown it."""

    def show(found: re.Match[str]) -> str:
        name = found[1]
        if name == "%":
            return "%"
        return "ExYear" if name == "ExY" else FIELDS[name].word if name in FIELDS else found[0]

    return _FIELD.sub(show, pattern)


def last_year_at(year: int) -> int:
    """The last year that `%ExY` admits in `year`: the end of the decade that is current three years later."""
    return (year + 3) // 10 * 10 + 9


def _years(last: int) -> str:
    """The years from 2000 to the end of the decade of `last`."""
    if last >= 2100:
        return r"2[01]\d\d"
    return rf"20[0-{last // 10 % 10}]\d"
