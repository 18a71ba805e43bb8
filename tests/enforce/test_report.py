"""How the end of a command is told."""

from __future__ import annotations

import logging

import pytest

from sekisho.enforce.render import Script
from sekisho.enforce.report import report
from sekisho.enforce.runner import Outcome


def told(caplog: pytest.LogCaptureFixture, outcome: Outcome, *, text: str = "do it") -> list[tuple[int, str]]:
    """The lines of the log, without the mark in front."""
    with caplog.at_level(logging.DEBUG, logger="fail2ban.utils"):
        report(Script(text), outcome, 60)
    return [(record.levelno, record.message.partition(" -- ")[2]) for record in caplog.records]


def test_an_error_is_told_in_full(caplog: pytest.LogCaptureFixture) -> None:
    """The command, what it said, and how it ended; what it said cannot forge a line (COMPAT 3.6)."""
    lines = told(caplog, Outcome(3, stdout="a\n2026-11-22 08:35:35,070 Ban x\n", stderr="b\r\x1b[2J"))
    assert {level for level, _ in lines} == {logging.ERROR}
    assert [text for _, text in lines] == [
        *("exec: do it", "stdout: 'a'", "stdout: '2026-11-22 08:35:35,070 Ban x'", "stderr: 'b'", "stderr: '\\x1b[2J'"),
        "returned 3",
    ]


def test_a_success_is_for_who_debugs(caplog: pytest.LogCaptureFixture) -> None:
    """All of the same lines, at DEBUG; nothing at all for an empty command."""
    assert {level for level, _ in told(caplog, Outcome(0))} == {logging.DEBUG}
    caplog.clear()
    assert told(caplog, Outcome(0), text=" ") == []


@pytest.mark.parametrize(
    ("outcome", "end"),
    [
        (Outcome(-15, timed_out=True), "killed with signal 15 (return code: -15)"),
        (Outcome(-9), "killed with signal 9 (return code: -9)"),
    ],
)
def test_a_violent_end_has_its_signal(caplog: pytest.LogCaptureFixture, outcome: Outcome, end: str) -> None:
    """And a command that overstayed says so before."""
    lines = [text for _, text in told(caplog, outcome)]
    assert lines[-1] == end
    assert ("timed out after 60 seconds." in lines) is outcome.timed_out
