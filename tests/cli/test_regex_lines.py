"""Where fail2ban-regex takes its lines from."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from tests.support.matching import NOON

from sekisho.cli.regex_lines import find_lines, shortened
from sekisho.cli.regex_output import Output, parse_output
from sekisho.cli.regex_trial import Trial
from sekisho.match.filter import compile_filter
from sekisho.model.specs import FilterSpec


def tried(log: str | Path, encoding: str | None = None) -> tuple[tuple[str, ...], list[str]]:
    """What stands above the report, and the lines that were tried."""
    compiled = compile_filter(FilterSpec("f", ("never <HOST>",)), logencoding=encoding or "auto")
    said: list[str] = []
    output = Output(compiled, parse_output("msg"), said.append, inverted=True)
    lines = find_lines(argparse.Namespace(log=str(log), encoding=encoding, journalmatch=None), compiled)
    for _ in lines.tried_by(Trial(compiled, output, now=NOON, check_all=True)):
        pass
    return lines.heading, said


def test_a_file_in_any_encoding(tmp_path: Path) -> None:
    """Lines end where the encoding says so; the last one counts without an end."""
    log = tmp_path / "x.log"
    for encoding in ("utf-8", "latin-1", "utf-16", "utf-32-be"):
        log.write_bytes("\u00fc 1\r\n\r\n# no\n\u00e4".encode(encoding))
        heading, said = tried(log, encoding)
        assert heading == (f"Use         log file : {log}", f"Use         encoding : {encoding}")
        assert said == ["\u00fc 1", "\u00e4"]


@pytest.mark.parametrize(
    ("text", "heading", "lines"),
    [
        ("a b", ("Use      single line : a b",), ["a b"]),
        ("a\n#b\n", ("Use      multi line : 3 line(s)", "|  1: a", "|  2: #b", "|  3: ", "`-"), ["a"]),
        (
            "\n".join("abcdef"),
            ("Use      multi line : 6 line(s)", *(f"|  {n}: {c}" for n, c in enumerate("abcde", 1)), "| ...", "`-"),
            list("abcdef"),
        ),
    ],
)
def test_lines_of_the_command_line(text: str, heading: tuple[str, ...], lines: list[str]) -> None:
    """The first five are shown above the report; all are tried."""
    assert tried(text) == (heading, lines)


def test_what_is_no_file_is_a_line(tmp_path: Path) -> None:
    """A directory, or a file that is not there."""
    assert tried(tmp_path)[1] == [str(tmp_path)]
    assert tried("/no/such.log")[1] == ["/no/such.log"]
    assert shortened("x" * 54) == "x" * 50 + "..."
