"""Where the lines of a fail2ban-regex come from."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.matching import matcher_of

from sekisho.cli.regex_lines import LogFile, LogLines, find_lines
from sekisho.cli.regex_rules import Unusable

ONE = matcher_of("<HOST>").filter


def test_a_file_is_read_and_all_else_is_a_line(tmp_path: Path) -> None:
    """Be it the name of a directory, or of a file that is not there."""
    (tmp_path / "log").write_text("x\n")
    found = find_lines(str(tmp_path / "log"), ONE, encoding="latin1", journalmatch=None)
    assert isinstance(found, LogFile)
    assert found.heading == (f"Use         log file : {tmp_path}/log", "Use         encoding : latin1")
    for text in (str(tmp_path), str(tmp_path / "nosuch"), "x" * 5000, ""):
        line = find_lines(text, ONE, encoding=None, journalmatch=None)
        assert isinstance(line, LogLines)
        assert list(line.lines) == [(text, None)]


def test_several_lines_are_numbered() -> None:
    """So is a single one where an expression may reach over more."""
    found = find_lines("a\nb", ONE, encoding=None, journalmatch=None)
    assert found.heading == ("Use      multi line : 2 line(s)", "|  1: a", "|  2: b", "`-")
    found = find_lines("a", matcher_of("<HOST>", maxlines=2).filter, encoding=None, journalmatch=None)
    assert found.heading[0] == "Use      multi line : 1 line(s)"


def test_of_many_lines_the_first_few_are_shown() -> None:
    """All are tried; the report is about something else."""
    found = find_lines("1\n2\n3\n4\n5\n6", ONE, encoding=None, journalmatch=None)
    assert found.heading == ("Use      multi line : 6 line(s)", *(f"|  {n}: {n}" for n in range(1, 6)), "| ...", "`-")
    assert isinstance(found, LogLines)
    assert [text for text, _ in found.lines] == ["1", "2", "3", "4", "5", "6"]


def test_a_log_of_wide_characters_is_read_as_text(tmp_path: Path) -> None:
    """Its bytes say nothing of where a line ends."""
    (tmp_path / "log").write_bytes("a\u0a0a\r\nb".encode("utf-16-be"))
    wide = matcher_of("<HOST>", logencoding="utf-16-be").filter
    found = find_lines(str(tmp_path / "log"), wide, encoding="utf-16-be", journalmatch=None)
    assert isinstance(found, LogLines)
    assert list(found.lines) == [("a\u0a0a", None), ("b", None)]


def test_a_journal_that_is_none() -> None:
    """Brackets that do not close are the user's mistake."""
    with pytest.raises(Unusable, match=r"systemd-journal\["):
        find_lines("systemd-journal[", ONE, encoding=None, journalmatch=None)
