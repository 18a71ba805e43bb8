r"""An entry becomes the line that Fail2ban would make of it (COMPAT 4.4; all observed)."""

from __future__ import annotations

import pytest

from sekisho.model.position import JournalPosition
from sekisho.sources.entry import position, render_line, stamp


def entry(**fields: str) -> dict[bytes, list[bytes]]:
    """An entry of `mx`, written at 7 s, with these fields."""
    base = {"__REALTIME_TIMESTAMP": "1700000007000000", "__MONOTONIC_TIMESTAMP": "7000000", "__CURSOR": "s=1;i=2"}
    return {name.encode(): [value.encode()] for name, value in (base | {"_HOSTNAME": "mx"} | fields).items() if value}


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"SYSLOG_IDENTIFIER": "sshd", "_PID": "7", "MESSAGE": "hello"}, "mx sshd[7]: hello"),
        ({"SYSLOG_IDENTIFIER": "sshd", "SYSLOG_PID": "8", "_PID": "9", "MESSAGE": "hello"}, "mx sshd[8]: hello"),
        ({"_COMM": "comm", "_PID": "7", "MESSAGE": "hello"}, "mx comm[7]: hello"),
        ({"SYSLOG_IDENTIFIER": "dup", "MESSAGE": "hello"}, "mx dup: hello"),
        ({"MESSAGE": "no identifier", "_PID": "9"}, "mx no identifier"),
        ({"_HOSTNAME": "", "SYSLOG_IDENTIFIER": "id", "MESSAGE": "no host"}, "id: no host"),
        ({"_HOSTNAME": "", "MESSAGE": "bare"}, "bare"),
        ({"SYSLOG_IDENTIFIER": "s", "_PID": "9"}, "mx s[9]:"),
        ({"SYSLOG_IDENTIFIER": "kernel", "MESSAGE": "drop"}, "mx kernel: [    7.000000] drop"),
        (
            {"SYSLOG_IDENTIFIER": "kernel", "_SOURCE_MONOTONIC_TIMESTAMP": "3500000", "MESSAGE": "drop"},
            "mx kernel: [    3.500000] drop",
        ),
        ({"SYSLOG_IDENTIFIER": "kernel", "_PID": "5", "MESSAGE": "a process says"}, "mx kernel[5]: a process says"),
        ({"SYSLOG_IDENTIFIER": "s", "MESSAGE": "one\ntwo\n"}, r"mx s: one\ntwo\n"),
        ({"SYSLOG_IDENTIFIER": "s\nx", "MESSAGE": "m"}, r"mx s\nx: m"),
        ({"SYSLOG_IDENTIFIER": "s", "MESSAGE": "a\rb\0c "}, "mx s: a\rb\0c "),
    ],
)
def test_the_line_of_an_entry(fields: dict[str, str], line: str) -> None:
    """Host, identifier with process, message; what is absent is left out, and it is one line in any case."""
    assert render_line(entry(**fields)) == line.encode() + b"\n"


def test_messages_are_joined_and_empty_fields_count_as_absent() -> None:
    """A field may occur twice, and may be there without a value."""
    twice = entry(SYSLOG_IDENTIFIER="s") | {b"MESSAGE": [b"one", b"two"], b"SYSLOG_PID": [b""], b"_PID": [b"3"]}
    assert render_line(twice) == b"mx s[3]: one two\n"
    unnamed = entry(_COMM="comm", MESSAGE="m") | {b"SYSLOG_IDENTIFIER": [b""]}
    assert render_line(unnamed) == b"mx comm: m\n"


def test_the_time_is_the_writers_where_known() -> None:
    """_SOURCE_REALTIME_TIMESTAMP before __REALTIME_TIMESTAMP; nonsense counts as absent."""
    assert stamp(entry()) == 1700000007.0
    assert stamp(entry(_SOURCE_REALTIME_TIMESTAMP="1600000000123456")) == 1600000000.123456
    assert stamp(entry(_SOURCE_REALTIME_TIMESTAMP="9" * 400)) == 1700000007.0
    assert stamp(entry(_SOURCE_REALTIME_TIMESTAMP="soon")) == 1700000007.0


def test_the_position_is_the_journals_own() -> None:
    """Cursor and receipt time, since these are what the journal can be asked for."""
    assert position(entry(_SOURCE_REALTIME_TIMESTAMP="1")) == JournalPosition("s=1;i=2", 1700000007.0)
