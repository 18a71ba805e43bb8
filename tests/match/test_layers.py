"""What comes off a line before it is a record."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.match.layers import FORMATS, Peeled, parse_logformat, peel_entry, peel_line
from sekisho.match.record import Refused

DATE = "Jul 14 11:59:00"


def date_of(line: str) -> tuple[int, float | None] | None:
    """The one date that these lines have in front."""
    return (len(DATE), 0.0) if line.startswith(DATE) else None


def docker(text: str, **more: object) -> str:
    """A line of Docker's."""
    return json.dumps({"log": text, "stream": "stdout", "time": "2026-07-14T11:59:00Z"} | more)


@pytest.mark.parametrize(
    ("logformat", "line", "text"),
    [
        ("json", '{"a":"1"}', '{"a":"1"}'),
        ("logfmt", "a=1", "a=1"),
        ("docker", docker("plain words\n"), "plain words"),
        ("docker", docker("no end"), "no end"),
        ("docker", docker("a\rb\0\r\n"), r"a\rb" + "\ufffd"),
        ("docker json", docker('{"a":"1"}\n'), '{"a":"1"}'),
        ("docker logfmt", docker("a=1\n"), "a=1"),
        ("syslog json", DATE + ' host app[12]: {"a":"1"}', '{"a":"1"}'),
        ("syslog json", DATE + ' app: {"a":"1"}', '{"a":"1"}'),
        ("syslog logfmt", DATE + " host kernel: [ 123.456789] a=1", "a=1"),
        ("Syslog  LOGFMT", DATE + " host app/x[12]: a=1", "a=1"),
    ],
)
def test_what_is_left(logformat: str, line: str, text: str) -> None:
    """Layers come off from left to right."""
    peeled = peel_line(line, parse_logformat(logformat), date_of)
    assert isinstance(peeled, Peeled), peeled
    assert peeled.text == text
    assert peeled.record == (None if logformat == "docker" else {"a": "1"})


@pytest.mark.parametrize(
    ("logformat", "line", "why"),
    [
        ("docker", "plain words", "it is no JSON object"),
        ("docker", '{"log":{"a":1}}', "it is no line of Docker's: it has no `log` that is text"),
        ("docker", '{"time":"x"}', "it is no line of Docker's: it has no `log` that is text"),
        ("docker json", docker("plain words\n"), "it is no JSON object"),
        ("docker json", docker('{"a":1}{"a":1}\n'), "it is no whole JSON object: Extra data at character 8"),
        ("syslog json", 'host app: {"a":1}', "no date of syslog stands in front"),
        ("syslog json", DATE + ' {"a":1}', "no `HOST IDENT[PID]: ` of syslog stands behind the date"),
        (
            "syslog json",
            DATE + ' host app: said: {"a":1}',
            "it is no JSON object",
        ),
        ("syslog json", DATE + ' app: said: {"a":1}', "it is no JSON object"),
    ],
)
def test_what_does_not_come_off(logformat: str, line: str, why: str) -> None:
    """A line that is wrapped otherwise is refused; words of a message are no wrapping."""
    assert peel_line(line, parse_logformat(logformat), date_of) == Refused(why)


@pytest.mark.parametrize(
    ("logformat", "line"),
    [
        ("json", 'host app[12]: {"a":"1"}'), ("syslog json", 'host app: {"a":"1"}'), ("json", '{"a":"1"}'),
        ("json", 'app: {"a":"1"}'), ("json", 'fe80::1 app[1]: {"a":"1"}'), ("logfmt", "host app[12]: a=1"),
        ("logfmt", "a=1"),
    ],
)  # fmt: skip
def test_the_journals_prefix_comes_off_by_itself(logformat: str, line: str) -> None:
    """Whole, in part, or not there."""
    peeled = peel_entry(line, parse_logformat(logformat))
    assert isinstance(peeled, Peeled)
    assert peeled.record == {"a": "1"}


def test_a_value_with_a_colon_is_no_prefix() -> None:
    """What stands in front of a colon within a record stays a part of it."""
    peeled = peel_entry('msg="login: x" a=1', parse_logformat("logfmt"))
    assert isinstance(peeled, Peeled)
    assert peeled.record == {"msg": "login: x", "a": "1"}


def test_the_journal_has_no_lines_of_docker() -> None:
    """There the container's own lines are."""
    assert isinstance(peel_entry(docker("x\n"), parse_logformat("docker")), Refused)


@pytest.mark.parametrize("logformat", ["", "xml", "json docker", "docker docker", "syslog", "docker syslog json"])
def test_unknown_formats(logformat: str) -> None:
    """Are told with those that there are."""
    with pytest.raises(ValueError, match="known are 'json', 'logfmt', 'docker',"):
        parse_logformat(logformat)


@given(st.sampled_from(sorted(FORMATS)), st.text() | st.text().map(docker) | st.text('{}":, a1\\=[]'))
def test_no_line_raises(logformat: str, line: str) -> None:
    """It comes off, or the line is refused."""
    peel_line(line, FORMATS[logformat], date_of)
    peel_line(DATE + line, FORMATS[logformat], date_of)
    peel_entry(line, FORMATS[logformat])
