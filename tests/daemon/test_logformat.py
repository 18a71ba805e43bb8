"""How a line of the log looks, and what a `logtarget` says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.daemon.logformat import Layout, LogTarget, TargetKind, one_line, parse_target

_NOON = 1_700_000_000.25


def _render(target: str, message: str = "[demo] Ban 192.0.2.1") -> str:
    layout = Layout(parse_target(target), 77)
    (line,) = layout.lines(name="fail2ban.actions", level=25, now=_NOON, messages=[message])
    return line


def test_a_file_has_time_padded_name_pid_and_padded_level(monkeypatch: pytest.MonkeyPatch) -> None:
    """Third parties parse exactly these columns."""
    line = _render("/var/log/fail2ban.log")
    assert line[4] == "-"
    assert line[19:] == ",250 fail2ban.actions        [77]: NOTICE  [demo] Ban 192.0.2.1"


@pytest.mark.parametrize(
    ("target", "line"),
    [
        ("SYSLOG", "fail2ban.actions[77]: NOTICE [demo] Ban 192.0.2.1"),
        ("syslog[padding=on]", "fail2ban.actions        [77]: NOTICE  [demo] Ban 192.0.2.1"),
        ("SYSOUT", "fail2ban.actions        [77]: NOTICE  [demo] Ban 192.0.2.1"),
        ("SYSOUT[padding=off]", "fail2ban.actions[77]: NOTICE [demo] Ban 192.0.2.1"),
        ("stdout[datetime=off]", "fail2ban.actions        [77]: NOTICE  [demo] Ban 192.0.2.1"),
        ("journal", "[demo] Ban 192.0.2.1"),
        ("SYSTEMD-JOURNAL", "[demo] Ban 192.0.2.1"),
        ('STDERR[format="%(levelname)s|%(message)s"]', "NOTICE|[demo] Ban 192.0.2.1"),
    ],
)
def test_each_target_has_its_layout(target: str, line: str) -> None:
    """What a target adds by itself (a time, an identity) is not said twice."""
    assert _render(target) == line


def test_a_target_is_read_with_its_options() -> None:
    """Reserved words count in any case; anything else is a file."""
    assert parse_target("SysLog[facility=auth, padding=on]") == LogTarget(
        TargetKind.SYSLOG, padding=True, datetime=False, facility=4
    )
    assert parse_target("/var/log/f.log[padding=off]") == LogTarget(
        TargetKind.FILE, path="/var/log/f.log", padding=False
    )


@pytest.mark.parametrize(
    ("target", "complaint"),
    [
        ("", "expected a file"),
        ("/x[colour=on]", "unknown option 'colour'"),
        ("/x[padding]", "did not understand 'padding'"),
        ("syslog[facility=moon]", "unknown facility 'MOON'"),
        ('/x[format="%(bogus)s"]', "does not work"),
        ('/x[format="%"]', "does not work"),
    ],
)
def test_a_wrong_target_is_refused_by_name(target: str, complaint: str) -> None:
    """The message says which word was not understood."""
    with pytest.raises(ValueError, match=complaint):
        parse_target(target)


def test_a_user_name_cannot_forge_a_line_or_move_the_cursor() -> None:
    """Line ends, escapes, bytes that did not decode and direction marks are shown, not obeyed."""
    assert one_line("root\n2026 x\r\x1b[2J\udcff\u2028\u202eé日") == r"root\n2026 x\r\x1b[2J\xff\u2028\u202eé日"


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_any_message_is_one_line(messages: list[str]) -> None:
    """As many lines as messages, whatever they contain, and each can be encoded."""
    lines = Layout(parse_target("/x"), 1).lines(name="fail2ban", level=20, now=_NOON, messages=messages)
    assert "\n".join(lines).splitlines() == lines
    assert len(lines) == len(messages)
    assert "\n".join(lines).encode()


def test_an_endless_message_is_cut() -> None:
    """A log line of megabytes costs the log a page, and says what is missing."""
    assert one_line("x" * 20_000).endswith("... (3616 more)")


def test_a_level_without_a_name_shows_its_number() -> None:
    """A library may log at a level of its own."""
    (line,) = Layout(parse_target("SYSOUT[padding=off]"), 1).lines(name="a", level=33, now=_NOON, messages=["m"])
    assert line == "a[1]: 33 m"
