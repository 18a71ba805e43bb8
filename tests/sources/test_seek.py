"""A log is entered where a time begins, without reading what is older."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.sources.listening import leading_number

from sekisho.sources.seek import first_at


def seek(log: bytes, since: float) -> bytes:
    """Return what is read of the log when entering it at `since`."""
    return log[first_at(lambda at, size: log[at : at + size], leading_number, since=since, end=len(log)) :]


def dated(*dates: int, padding: int = 0) -> bytes:
    """A log with one line for each date."""
    return b"".join(b"%d %s\n" % (date, b"x" * padding) for date in dates)


def test_the_first_line_of_that_time_is_the_first_read() -> None:
    """Lines before `since` are left out, lines at it are in."""
    assert seek(dated(1, 2, 2, 3), since=2) == dated(2, 2, 3)


def test_before_all_and_after_all() -> None:
    """An early time gives everything, a late one nothing."""
    assert seek(dated(5, 6), since=0) == dated(5, 6)
    assert seek(dated(5, 6), since=7) == b""


@given(st.lists(st.integers(0, 50), min_size=1, max_size=60), st.integers(0, 51))
def test_a_sorted_log_is_entered_exactly(dates: list[int], since: int) -> None:
    """In a log of any size, in order, exactly the lines from `since` on are read."""
    dates.sort()
    for padding in (0, 9_000):  # with the second the log is far larger than one window
        log = dated(*dates, padding=padding)
        assert seek(log, since) == dated(*[date for date in dates if date >= since], padding=padding)


@given(st.lists(st.one_of(st.none(), st.integers(0, 9)), max_size=40), st.integers(0, 9), st.integers(0, 20_000))
def test_undated_lines_only_make_it_start_earlier(dates: list[int | None], since: int, padding: int) -> None:
    """Where lines without a date (or too long) stand between, nothing that is dated late enough is lost."""
    known = sorted(date for date in dates if date is not None)
    rows = [b"- " if date is None else b"%d " % known.pop(0) for date in dates]
    log = b"".join(row + b"x" * padding + b"\n" for row in rows)
    read = seek(log, since).split(b"\n")
    for row in rows:
        date = leading_number(row)
        if date is not None and date >= since:
            assert read.count(row + b"x" * padding) == rows.count(row)


def test_a_stray_old_date_does_not_hide_what_follows() -> None:
    """A single line that claims to be from long ago, where the search happens to look, misleads nobody."""
    lines = [b"%d %s\n" % (n, b"x" * 50) for n in range(10_000)]
    for at in range(0, 10_000, 97):
        lines[at] = b"0 " + lines[at]
    log = b"".join(lines)
    assert b"\n5000 " in b"\n" + seek(log, since=5000)
    assert len(seek(log, since=5000)) < 0.51 * len(log)


def test_a_log_without_dates_is_read_whole() -> None:
    """Nothing says that any of it is older."""
    for count in (1, 100_000):
        assert len(seek(b"no date\n" * count, since=5)) == count * len(b"no date\n")


def test_an_unfinished_last_line_is_not_passed_over() -> None:
    """A half line may still turn out to be late enough."""
    assert seek(b"1 a\n9 b", since=5) == b"9 b"


def test_a_large_log_is_not_read_to_be_searched() -> None:
    """A gigabyte costs some dozens of windows."""
    line = b"%015d padded to be a hundred bytes long, newline included, as lines of a log often are, more or less\n"
    size = len(line % 0)
    read_bytes = 0

    def read(at: int, length: int) -> bytes:
        nonlocal read_bytes
        read_bytes += length
        first = at // size
        text = b"".join(line % n for n in range(first, (at + length) // size + 1))
        return text[at - first * size :][:length]

    start = first_at(read, leading_number, since=7_654_321, end=10_000_000 * size)
    assert start == 7_654_321 * size
    assert read_bytes < 4_000_000
