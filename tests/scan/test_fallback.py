"""The scanner in plain Python; what it finds is tested beside the other one in test_scanner."""

from __future__ import annotations

from sekisho.model.candidate import Candidate
from sekisho.scan.fallback import FallbackScanner
from sekisho.scan.patterns import Pattern


def test_marks_of_all_patterns_of_a_line_are_joined() -> None:
    """A line is one candidate, however much was found in it."""
    scanner = FallbackScanner([Pattern(b"a+", 1), Pattern(b"b", 6)], always=8)
    assert scanner.scan(b"aab\nx") == [Candidate(0, 3, 15), Candidate(4, 5, 8)]
    assert repr(scanner) == "<FallbackScanner: 2 patterns>"
