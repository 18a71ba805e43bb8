"""Tables in a pipe and on a terminal."""

from __future__ import annotations

import pytest

from sekisho.cli.tables import Table, paint, print_json, print_table, render_plain

TABLE = Table("Two", ("NAME", "COUNT"), [["a[bold]", "5"], ["b\x1b", "12"]], frozenset({"COUNT"}))


def test_columns_are_aligned_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """Two blanks between columns, numbers at the right, nothing that a terminal obeys."""
    print_table(TABLE)
    assert capsys.readouterr().out == render_plain(TABLE) + "\n"
    assert render_plain(TABLE).splitlines() == ["Two", "NAME     COUNT", "a[bold]      5", "b\\x1b       12"]


def test_a_terminal_gets_the_same_cells(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Brackets in a cell are no markup, and control characters stay visible."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    print_table(TABLE)
    out = capsys.readouterr().out
    assert "a[bold]" in out
    assert "b\\x1b" in out


def test_words_are_coloured_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a pipe, and for whoever wants no colour, text is text."""
    assert paint("x", "bold red") == "x"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert paint("x", "bold red") == "\x1b[1;31mx\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert paint("x", "bold red") == "x"


def test_json_is_laid_out_and_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    """A document for programs may be looked at: what a stranger wrote stays escaped."""
    print_json({"user": "\x1b]0;owned\x07\x9b", "jails": []})
    out = capsys.readouterr().out
    assert out == '{\n  "user": "\\u001b]0;owned\\u0007\\u009b",\n  "jails": []\n}\n'
