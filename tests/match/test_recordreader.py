"""What a line holds, and when it was written."""

from __future__ import annotations

import pytest
from tests.support.matching import NOON

from sekisho.match.datepattern import default_templates
from sekisho.match.dates import DateDetector
from sekisho.match.record import Refused
from sekisho.match.recordreader import Entry, RecordMemory, RecordReader
from sekisho.match.when import compile_record
from sekisho.model.specs import RecordSpec

UTC = DateDetector(default_templates(2029), zone=0)


def entry(line: str, logformat: str = "json", stamp: float | None = None, **options: str) -> Entry:
    """What a line by itself holds."""
    spec = RecordSpec(logformat, **{name: (text,) for name, text in options.items()})
    reader = RecordReader(compile_record(spec), UTC, last_year=2029)
    found = reader.read(line, RecordMemory(), stamp=stamp, now=NOON)
    assert not isinstance(found, Refused), found
    return found


@pytest.mark.parametrize("name", ["time", "ts", "timestamp", "@timestamp"])
def test_usual_names_of_the_time(name: str) -> None:
    """Are looked at where the filter says none."""
    assert entry(f'{{"{name}":"2026-07-14T11:59:00Z"}}').stamp == NOON - 60


def test_the_filters_own_name_of_the_time() -> None:
    """Goes before, and the usual ones are not asked."""
    assert entry('{"at":1784030340,"time":1}', time="at").stamp == NOON - 60
    assert entry('{"time":1784030340}', time="at").stamp is None


def test_the_time_is_the_inmost_one() -> None:
    """The record's own, else Docker's, else syslog's; the journal's is always right."""
    wrapped = '{{"log":"{}\\n","stream":"stdout","time":"2026-07-14T11:58:00.5Z"}}'
    assert entry(wrapped.format('{\\"time\\":1784030340}'), "docker json").stamp == NOON - 60
    assert entry(wrapped.format('{\\"time\\":\\"soon\\"}'), "docker json").stamp == NOON - 120
    assert entry(wrapped.format("words"), "docker").stamp == NOON - 120
    assert entry("Jul 14 11:57:00 host app: a=1", "syslog logfmt").stamp == NOON - 180
    assert entry('host app: {"time":1784030340}', stamp=NOON).stamp == NOON
    assert entry("{}").stamp is None


def test_the_text_for_expressions() -> None:
    """Of a record the message as one line; of what Docker wrapped all of it; of a record without a message none."""
    assert entry('{"msg":"a\\nb"}', message="text msg").text == r"a\nb"
    assert entry('{"log":"a\\n"}', "docker").text == "a"
    assert entry('{"msg":""}', message="msg").text is None
    assert entry('{"msg":"a"}').text is None
