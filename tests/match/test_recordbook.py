"""Rules on records, through the matcher: who failed, which rule says so, and why a line is no failure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.matching import NOON, block_of, failures, matcher_of, read, records_of

from sekisho.match.finding import Remark
from sekisho.match.matcher import Matcher
from sekisho.model.block import Block, Phase
from sekisho.model.position import JournalPosition
from sekisho.model.specs import RecordSpec
from sekisho.model.verdict import Failure
from sekisho.scan.bundle import Bundle

LOGIN = r"^Failed login of <F-USER>\S*</F-USER> from <ADDR>$"
AT = "2026-07-14T11:59:00Z"


def line(**fields: object) -> str:
    """A line of a service at 11:59."""
    return json.dumps({"time": AT, **fields})


def docker(text: str) -> str:
    """A line of Docker's at 11:59."""
    return json.dumps({"log": text + "\n", "stream": "stderr", "time": AT})


def said(matcher: Matcher, text: str, *, check_all: bool = False) -> list[tuple[int, str, Any]]:
    """Which rules a line fits, whom it concerns and what user it names."""
    hits = matcher.examine(text, now=NOON, check_all=check_all).hits
    return [(hit.regex, str(hit.subject or hit.hostname), hit.captured.get("user")) for hit in hits]


def found_in(matcher: Matcher, lines: Sequence[str], **more: Any) -> list[tuple[str, float]]:  # noqa: ANN401
    """Who failed in a log, read as the daemon reads it."""
    return failures(read(matcher, "".join(f"{each}\n" for each in lines).encode(), **more))


def test_a_failure_by_its_fields() -> None:
    """The rules are numbered from 0, the first that holds decides, and all are told where all are tried."""
    matcher = records_of("status = 401", "status in 401 403", host="ip", user="user")
    assert said(matcher, line(status=401, ip="192.0.2.1", user="bob")) == [(0, "192.0.2.1", "bob")]
    assert said(matcher, line(status=403, ip="192.0.2.1")) == [(1, "192.0.2.1", None)]
    assert [each[0] for each in said(matcher, line(status=401, ip="192.0.2.1"), check_all=True)] == [0, 1]
    assert said(matcher, line(status=200, ip="192.0.2.1")) == []
    assert found_in(matcher, [line(status=401, ip="192.0.2.1"), line(status=200, ip="192.0.2.2")]) == [
        ("192.0.2.1", -60)
    ]


def test_expressions_on_the_message_come_first() -> None:
    """They are numbered before the rules of `when`, and may take from fields what their text does not name."""
    matcher = records_of("status = 401", failregex=[LOGIN, "^Locked out$"], message="msg", host="ip", user="user")
    assert said(matcher, line(msg="Failed login of bob from 192.0.2.1", ip="192.0.2.9", user="x")) == [
        (0, "192.0.2.1", "bob")
    ]
    assert said(matcher, line(msg="Locked out", ip="192.0.2.9", user="x")) == [(1, "192.0.2.9", "x")]
    assert said(matcher, line(msg="?", status=401, ip="192.0.2.9")) == [(2, "192.0.2.9", None)]
    log = [
        line(msg="Locked out", ip="192.0.2.9"),
        line(status=401, ip="192.0.2.8"),
        line(msg="Failed login of  from 192.0.2.1"),
    ]
    assert [who for who, _ in found_in(matcher, log)] == ["192.0.2.9", "192.0.2.8", "192.0.2.1"]


@pytest.mark.parametrize(
    "text",
    [
        "Failed login of bob from 192.0.2.1",
        "2026-07-14 11:00:00 Failed login of bob from 192.0.2.1",
        "[11:00:00]Failed login",
    ],
)
def test_a_text_is_read_with_and_without_its_date(text: str) -> None:
    """A container's own date is cut as a log file's is; the time is Docker's."""
    matcher = records_of(
        logformat="docker", failregex=[r"^\s?Failed login of \S* from <ADDR>$", r"^\[\]Failed (?P<fid>login)$"]
    )
    (hit,) = matcher.examine(docker(text), now=NOON).hits
    assert hit.time == NOON - 60
    assert len(found_in(matcher, [docker(text)])) == 1


def test_sessions_go_on_in_a_container() -> None:
    """Lines of one connection belong together, as in a file."""
    matcher = records_of(
        logformat="docker",
        failregex=[
            r"^<F-MLFID>\w+</F-MLFID>: from <ADDR><F-NOFAIL> ok</F-NOFAIL>$",
            r"^<F-MLFID>\w+</F-MLFID>: failed$",
        ],
    )
    assert found_in(matcher, [docker("c1: from 192.0.2.1 ok"), docker("c2: failed"), docker("c1: failed")]) == [
        ("192.0.2.1", -60)
    ]


def test_expressions_over_several_lines() -> None:
    """Are filled with each line once."""
    matcher = matcher_of(r"^start <ADDR>\n end$", maxlines=2, record=RecordSpec("docker"))
    log = [docker("start 192.0.2.1"), docker("2026-07-14 11:00:00 end"), docker("2026-07-14 11:00:00 end")]
    assert found_in(matcher, log) == [("192.0.2.1", -60)]


def test_exceptions() -> None:
    """`ignorewhen` makes a line nothing, whichever rule fits it; so does an ignoreregex that fits the message."""
    matcher = records_of("status = 401", host="ip", failregex=[LOGIN], message="msg", ignorewhen="agent ~ ^monitor")
    failing = {"status": 401, "ip": "192.0.2.1", "msg": "Failed login of bob from 192.0.2.1"}
    assert matcher.examine(line(**failing, agent="monitor/1"), now=NOON).ignored
    assert found_in(matcher, [line(**failing, agent="monitor/1"), line(**failing)]) == [("192.0.2.1", -60)]


def test_names_and_ids() -> None:
    """A name is left to whoever looks names up; an id is who is counted, the address who is barred."""
    matcher = records_of("status = 401", host="ip", id="session", usedns="warn")
    assert said(matcher, line(status=401, ip="a.example.com")) == [(0, "a.example.com", None)]
    (hit,) = matcher.examine(line(status=401, ip="192.0.2.1", session="s1"), now=NOON).hits
    assert (str(hit.subject), str(hit.address)) == ("s1", "192.0.2.1")
    assert said(records_of("status = 401", host="ip", usedns="no"), line(status=401, ip="a.example.com")) == []


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ('{"status":', ("it is no whole JSON object: Expecting value at character 11",)),
        ('{"status":1,"status":401}', ("the key 'status' stands twice in one object",)),
        (line(status=200, msg="x"), ("no failregex matches 'x'", "when 1: status is '200', asked for is = 401")),
        (line(ip="192.0.2.1"), ("no failregex: msg is missing", "when 1: status is missing, asked for is = 401")),
        (line(status=401, msg="x"), ("no failregex matches 'x'", "when 1: it holds, and names nobody: ip is missing")),
        (line(status=401, msg="x", ip="-"), (
            "no failregex matches 'x'", "when 1: it holds, and names nobody: ip is '-', which is no address")),
        (line(agent="monitor"), ("ignorewhen 1 holds",)),
    ],
)  # fmt: skip
def test_why_a_line_is_no_failure(text: str, reasons: tuple[str, ...]) -> None:
    """Its form, or the first condition of each rule that it does not fulfil."""
    matcher = records_of("status = 401", host="ip", failregex=[LOGIN], message="msg", ignorewhen="agent = monitor")
    assert matcher.records is not None
    assert matcher.records.explain(text, now=NOON).reasons == reasons


# -- time


def test_a_line_without_a_time() -> None:
    """Was written now while the log is followed, else with the last one before; where there is none it is told."""
    matcher = records_of("status = 401", host="ip")
    bare, dated = '{"status":401,"ip":"192.0.2.1"}', line(status=401, ip="192.0.2.2")
    assert found_in(matcher, [bare]) == [("192.0.2.1", 0)]
    fresh = records_of("status = 401", host="ip")
    (remark,) = read(fresh, f"{bare}\n".encode(), phase=Phase.CATCHUP)
    assert isinstance(remark, Remark)
    assert remark.text.startswith("Found a match but no valid date/time found")
    assert found_in(fresh, [dated, bare], phase=Phase.CATCHUP) == [("192.0.2.2", -60), ("192.0.2.1", -60)]


def test_old_lines_do_not_count() -> None:
    """Nor do they in other logs; and a seek finds the place by the records' times."""
    matcher = records_of("status = 401", host="ip")
    old = line(status=401, ip="192.0.2.1", time="2026-07-14T10:00:00Z")
    assert found_in(matcher, [old], phase=Phase.CATCHUP) == []
    assert matcher.filter.date_of(old.encode() + b"\n", NOON) == NOON - 7200
    assert matcher.filter.date_of(b"half", NOON) is None


def test_a_journal_brings_its_times_and_channels() -> None:
    """The entry's time holds, its prefix comes off, and a jail reads only what it listens to."""
    matcher = records_of("status = 401", host="ip")
    entry = 'host app[1]: {"status":401,"ip":"192.0.2.1","time":1}\n'
    data = (entry * 3).encode()
    block = Block("journal", data, JournalPosition("c", NOON), Phase.LIVE, (NOON - 3, NOON - 2, NOON - 1), (1, 2, 3))
    bundle = Bundle([("demo", matcher.filter.searches)])
    found = matcher.read(block, bundle.scan(data), now=NOON, findtime=600, channel=2)
    assert failures(found) == [("192.0.2.1", -2), ("192.0.2.1", -1)]
    (first, _) = (each for each in found if isinstance(each, Failure))
    assert first.matches[0].endswith(entry.rstrip())
    assert first.matches[0][:4] == "2026"


# -- what strangers write


def test_a_refused_line_is_told_once_a_day() -> None:
    """And blames nobody."""
    matcher = records_of("status = 401", host="ip")
    bad = b'{"status":401,"ip":"192.0.2.1","ip":"198.51.100.66"}\n'
    (remark,) = read(matcher, bad * 3)
    assert remark == Remark(
        "WARNING", "A line of '/var/log/demo.log' counts for nobody: the key 'ip' stands twice in one object"
    )


def test_a_line_that_docker_has_cut_counts_for_nobody() -> None:
    """However a stranger lets a piece begin, and wherever the blocks end."""
    matcher = records_of(logformat="docker", failregex=[LOGIN])
    first = json.dumps({"log": "Failed login of " + "x" * 16368, "stream": "stdout", "time": AT})
    second = json.dumps({"log": "Failed login of eve from 198.51.100.66\n", "stream": "stdout", "time": AT})
    honest = docker("Failed login of bob from 192.0.2.1")
    assert found_in(matcher, [first, honest, second, honest]) == [("192.0.2.1", -60)] * 2
    assert found_in(matcher, [first]) == []
    assert found_in(matcher, [second, honest]) == [("192.0.2.1", -60)]
    assert [bool(matcher.examine(each, now=NOON).hits) for each in (first, second, second)] == [False, False, True]


def test_a_long_record_is_read_to_its_end() -> None:
    """A stranger who sends long headers does not escape by them; more than a source hands over is no line."""
    matcher = records_of("status = 401", host="ip")
    assert found_in(matcher, [line(status=401, agent="x" * 200000, ip="192.0.2.1")]) == [("192.0.2.1", -60)]
    assert found_in(matcher, [line(status=401, agent="x" * 300000, ip="192.0.2.1")]) == []


TEXTS = st.text(st.characters(exclude_categories=[])) | st.sampled_from(
    ['","ip":"198.51.100.66', '"} {"status":401,"ip":"198.51.100.66"}', "\\", "\0",
     '\n{"status":401,"ip":"198.51.100.66"}',
     "status=401 ip=198.51.100.66", '" ip=198.51.100.66 x="', "198.51.100.66", "Failed login of x from 198.51.100.66\n"]
)  # fmt: skip


@given(st.dictionaries(TEXTS, TEXTS, max_size=3), TEXTS, TEXTS, st.sampled_from([200, 401]), st.sampled_from(["", "x"]))
def test_no_field_blames_a_bystander(headers: dict[str, str], user: str, msg: str, status: int, way: str) -> None:
    """Whatever stands in the fields that a stranger fills, the peer is the one who failed, if anybody has."""
    matcher = records_of("status = 401", host="ip", user="user", fields="msg=msg", failregex=[LOGIN], message="event")
    record = {"headers": headers, "user": user, "msg": msg, "status": status, "ip": "192.0.2.1",
              "event": f"Failed login of {user} from 192.0.2.1"}  # fmt: skip
    written = json.dumps(record, ensure_ascii=not way).encode("utf-8", "surrogatepass") + b"\n"
    for found in matcher.read(
        block_of(written), Bundle([("demo", matcher.filter.searches)]).scan(written), now=NOON, findtime=600
    ):
        if isinstance(found, Failure):
            assert str(found.subject) == "192.0.2.1"
            for value in found.captured.values():
                str(value).encode()
                assert not {"\0", "\n"} & set(value)
