"""The matcher as a jail uses it: blocks in, findings out."""

from __future__ import annotations

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st
from tests.support.matching import JAIL, NOON, failures, matcher_of, read

from sekisho.match.finding import Remark
from sekisho.model.block import Block, Phase
from sekisho.model.position import JournalPosition
from sekisho.model.verdict import Failure
from sekisho.scan.bundle import Bundle

RULE = r"^ \S+ sshd: Failed password for <F-USER>\S+</F-USER> from <HOST>$"
LINE = b"2026-07-14 11:59:50 srv sshd: Failed password for root from 192.0.2.1\n"


def journal(data: bytes, channels: tuple[int, ...] | None = None, phase: Phase = Phase.LIVE) -> Block:
    """Entries a second apart, the last one at NOON."""
    count = data.count(b"\n")
    stamps = tuple(NOON - count + number for number in range(1, count + 1))
    return Block("journal", data, JournalPosition("c", NOON), phase, stamps, channels)


def test_a_failure_carries_its_evidence() -> None:
    """Jail, subject, time, the line as it was written, and what was captured."""
    (failure,) = read(matcher_of(RULE), LINE)
    assert isinstance(failure, Failure)
    assert (failure.jail, failure.subject.text, failure.time) == (JAIL, "192.0.2.1", NOON - 10)
    assert failure.matches == (LINE.decode().strip(),)
    assert failure.captured == {"user": "root", "ip4": "192.0.2.1"}


def test_an_identifier_beside_the_address_is_the_subject() -> None:
    """Actions get the address, the jail counts the identifier."""
    (failure,) = read(matcher_of(r"<F-ID>\w+</F-ID> from <HOST>$"), b"Jul 14 12:00:00 bob from 192.0.2.1\n")
    assert isinstance(failure, Failure)
    assert failure.subject.text == "bob"
    assert failure.address is not None
    assert failure.address.text == "192.0.2.1"


def test_context_and_exceptions_yield_nothing() -> None:
    """Only countable failures are found."""
    matcher = matcher_of(r"<F-NOFAIL>ok</F-NOFAIL> from <HOST>$", "from <HOST>$", ignoreregex=["good"])
    data = b"Jul 14 12:00:00 ok from 192.0.2.1\nJul 14 12:00:00 good from 192.0.2.1\n"
    assert read(matcher, data) == []


def test_journal_entries_bring_their_time() -> None:
    """No date is searched; the evidence begins with the entry's local time; channels tell entries apart."""
    data = b"srv x: from 192.0.2.1\nsrv y: 2020-01-01 10:00:00 from 192.0.2.2\nsrv x: other\nsrv x: from 192.0.2.3\n"
    matcher = matcher_of("from <HOST>$")
    block = journal(data, channels=(1, 2, 3, 3))
    candidates = Bundle([(JAIL, matcher.filter.searches)]).scan(data)
    findings = matcher.read(block, candidates, now=NOON, findtime=600)
    assert failures(findings) == [("192.0.2.1", -3), ("192.0.2.2", -2), ("192.0.2.3", 0)]
    assert isinstance(findings[0], Failure)
    moment = datetime.fromtimestamp(NOON - 3).isoformat()  # noqa: DTZ006 - local time is what is shown
    assert findings[0].matches == (f"{moment} srv x: from 192.0.2.1",)
    assert failures(matcher.read(block, candidates, now=NOON, findtime=600, channel=2)) == [
        ("192.0.2.2", -2),
        ("192.0.2.3", 0),
    ]


def test_old_journal_entries_are_dropped_while_catching_up() -> None:
    """As those of a file are."""
    matcher, data = matcher_of("from <HOST>$"), b"x: from 192.0.2.1\n"
    block = journal(data, phase=Phase.CATCHUP)
    candidates = Bundle([(JAIL, matcher.filter.searches)]).scan(data)
    assert failures(matcher.read(block, candidates, now=NOON + 700, findtime=600)) == []


def test_bytes_that_are_no_text_are_remarked_once_and_read_anyway() -> None:
    """With the log's name, and what to do."""
    matcher = matcher_of("from <HOST>$")
    data = b"Jul 14 12:00:00 \xff\x00 from 192.0.2.1\n"
    findings = read(matcher, data)
    assert failures(findings) == [("192.0.2.1", 0)]
    (remark,) = [each for each in findings if isinstance(each, Remark)]
    assert remark.text.startswith("Error decoding line from '/var/log/demo.log' with 'UTF-8'. Consider")
    assert [each for each in read(matcher, data) if isinstance(each, Remark)] == []


def test_a_line_of_megabytes_is_survived() -> None:
    """Its beginning is looked at, the rest is not."""
    matcher = matcher_of("^ from <HOST>( |$)")
    data = b"Jul 14 12:00:00 from 192.0.2.1 " + b"x" * 3_000_000 + b" from 192.0.2.2\n"
    assert failures(read(matcher, data)) == [("192.0.2.1", 0)]


@given(
    st.lists(st.sampled_from([LINE, b"noise\n", b"\xff\xfe\x00\n", b"2026-07-14 11:59:40 x\n"]), max_size=12), st.data()
)
def test_verdicts_do_not_depend_on_how_lines_came_in_blocks(lines: list[bytes], data: st.DataObject) -> None:
    """One block or many, the failures are the same."""
    whole = failures(read(matcher_of(RULE), b"".join(lines)))
    matcher, found, rest = matcher_of(RULE), [], lines
    while rest:
        count = data.draw(st.integers(1, len(rest)))
        found += failures(read(matcher, b"".join(rest[:count])))
        rest = rest[count:]
    assert found == whole


def test_a_matcher_says_who_it_is() -> None:
    """For tracebacks and logs."""
    assert repr(matcher_of(RULE)) == "<Matcher demo: 1 rules, 0 sessions>"


LINE_FORMS = (
    b"2026-07-14 11:59:30 fail user=a from 192.0.2.1\n",
    b"2026-07-14 11:59:30 fail user=b from 2001:db8::1\n",
    b"2026-07-14 11:59:30.25 fail user=c from 192.0.2.2\n",
    b"2026-07-14 11:59:30 fail user=\xff\xfe from 192.0.2.3\r\n",
    "2026-07-14 11:59:30 fail user=\u00e9 from 192.0.2.3\n".encode(),
    b"2026-07-14 11:59:31 fail user=d from 192.0.2.4\n",
    b"2026-07-14 11:40:00 fail user=e from 192.0.2.5\n",
    b"fail user=f from 192.0.2.6\n",
    b"2026-07-14 11:59:30 nothing\n",
    b"2026-07-14 11:59:300 fail user=g from 192.0.2.7\n",
)


@given(st.lists(st.sampled_from(LINE_FORMS), max_size=12), st.sampled_from((Phase.LIVE, Phase.CATCHUP)))
def test_lines_of_one_second_are_read_as_each_alone(lines: list[bytes], phase: Phase) -> None:
    """A block takes the date of a line from the one before it where both begin alike; that changes nothing."""
    together, alone = (
        matcher_of(r"fail user=<F-USER>.*</F-USER> from <HOST>$"),
        matcher_of(r"fail user=<F-USER>.*</F-USER> from <HOST>$"),
    )
    at_once = read(together, b"".join(lines), phase=phase)
    one_by_one = [each for line in lines for each in read(alone, line, phase=phase)]
    assert [each for each in at_once if isinstance(each, Failure)] == [
        each for each in one_by_one if isinstance(each, Failure)
    ]
