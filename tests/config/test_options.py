"""The table of options and the readers of their texts."""

from __future__ import annotations

import pytest

from sekisho.config.options import JAIL, KNOWN, SERVER, parse_bool, parse_lines, parse_time, parse_whole, parse_words
from sekisho.config.values import READERS


@pytest.mark.parametrize("row", [*JAIL, *SERVER], ids=lambda row: row.name)
def test_every_default_is_what_its_kind_reads(row: object) -> None:
    """A default that its own reader refuses would break every jail that relies on it."""
    known = next(each for each in (*JAIL, *SERVER) if each is row)
    if known.kind in READERS and known.default is not None:
        READERS[known.kind](known.default)
    assert not known.choices or known.default in known.choices
    assert known.doc


def test_no_option_has_two_rows() -> None:
    """One option, one row."""
    assert len(KNOWN) == len({*KNOWN})
    assert len({row.name for row in JAIL}) == len(JAIL)


def test_a_boolean_is_a_yes_or_a_no() -> None:
    """Fail2ban takes every other word for false; here it is a mistake."""
    assert [parse_bool(text) for text in ("1", "on", "TRUE", "yes")] == [True] * 4
    assert [parse_bool(text) for text in ("0", "off", "False", "no", "")] == [False] * 5
    with pytest.raises(ValueError, match="expected true or false, found 'maybe'"):
        parse_bool("maybe")


@pytest.mark.parametrize("text", ["x", "3.0", "", "1 2", "٣", "9" * 30])
def test_a_whole_number_is_digits(text: str) -> None:
    """Nothing else is taken for one, nor a number that no counter holds."""
    with pytest.raises(ValueError, match="expected a whole number"):
        parse_whole(text)


def test_times_have_an_end() -> None:
    """A time that no ledger could store is a mistake; `-1` is none."""
    assert (parse_time("1h 30m"), parse_time("-1")) == (5400, -1)
    for text in ("999999y", "9" * 400 + ".0"):
        with pytest.raises(ValueError, match="longer than"):
            parse_time(text)


def test_lists_are_split_by_blanks_commas_and_lines() -> None:
    """A tab too (COMPAT 9, case 65)."""
    assert parse_words("127.0.0.1/8 ::1,\t192.0.2.77\n10.0.0.1") == ("127.0.0.1/8", "::1", "192.0.2.77", "10.0.0.1")
    assert parse_lines("\n one \n\n two") == ("one", "two")
