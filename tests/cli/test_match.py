"""`sekisho match`: a filter's verdicts on a log."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from sekisho.cli import logtext
from sekisho.cli.main import main

pytestmark = pytest.mark.usefixtures("utc")  # times are shown in the local zone

NOON = "1784030400"  # 2026-07-14 12:00 UTC
FILTER = r"""
[Definition]
failregex = ^ bad %(who)s from <HOST>$
            ^ name from <DNS>$
            ^ <F-NOFAIL>fine</F-NOFAIL> from <HOST>$
ignoreregex = good
who = <F-USER>\S+</F-USER>
[Init]
"""
LOG = """\
Jul 14 11:00:00 bad root from 192.0.2.1
Jul 14 11:00:01 bad good from 192.0.2.2
Jul 14 11:00:02 nothing
Jul 14 11:00:03 fine from 192.0.2.3
Jul 14 11:00:04 name from mail.example.com
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A configuration directory with one filter, and a log."""
    (tmp_path / "filter.d").mkdir()
    (tmp_path / "filter.d" / "demo.conf").write_text(FILTER)
    (tmp_path / "app.log").write_text(LOG)
    return tmp_path


def match(place: Path, *words: str) -> int:
    """Run the command on the log."""
    log = [] if words and words[-1].startswith("/") else [str(place / "app.log")]
    return main(["match", "-c", str(place), "--filter", "demo", "--now", NOON, *words, *log])


def records(out: str) -> list[dict[str, Any]]:
    """The objects that were printed."""
    return [json.loads(line) for line in out.splitlines()]


def test_verdicts_for_programs(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One object a line that matched anything, in the form that oracles can be compared with."""
    assert match(place, "--json") == 0
    found = records(capsys.readouterr().out)
    assert found[0] == {
        "lineno": 1,
        "matched": True,
        "ignored": False,
        "hits": [{"regex": 0, "host": "192.0.2.1", "time": 1784026800.0, "nofail": False}],
    }
    assert [(each["lineno"], each["matched"], each["ignored"]) for each in found] == [
        (1, True, False),
        (2, False, True),
        (4, False, False),
        (5, True, False),
    ]
    assert found[2]["hits"][0]["nofail"]
    assert found[3]["hits"][0]["host"] == "mail.example.com"


def test_all_lines_are_shown_on_request(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those that match nothing, too."""
    assert match(place, "--json", "--all") == 0
    assert [each["lineno"] for each in records(capsys.readouterr().out)] == [1, 2, 3, 4, 5]


def test_verdicts_for_people(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line a verdict, and a summary; nothing of the log reaches the terminal's controls."""
    (place / "app.log").write_text(LOG + "Jul 14 11:00:05 bad \x1b[2J from 192.0.2.1\n")
    assert match(place, "--all") == 0
    out = capsys.readouterr().out
    assert "failure of 192.0.2.1 at 2026-07-14 11:00:00 by expression 1" in out
    assert "no match  Jul 14 11:00:02 nothing" in out
    assert "6 lines: 3 matched, 1 ignored, 2 missed" in out
    assert "\x1b" not in out


def test_names_are_looked_up_on_request(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hit for each address; without addresses there is no failure; `no` does not ask."""
    answers = {"mail.example.com": ["192.0.2.9", "2001:db8::9"]}
    asked = []

    def getaddrinfo(name: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        asked.append(name)
        return [(0, 0, 0, "", (address, 0)) for address in answers[name]]

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    logtext.lookup.cache_clear()
    assert match(place, "--json", "--dns", "yes") == 0
    assert [hit["host"] for hit in records(capsys.readouterr().out)[-1]["hits"]] == ["192.0.2.9", "2001:db8::9"]
    assert match(place, "--json", "--dns", "no") == 0
    assert asked == ["mail.example.com"]
    assert records(capsys.readouterr().out)[-1]["lineno"] == 4


def test_journal_lines_have_no_date_of_their_own(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole line is the message, written now."""
    (place / "app.log").write_text(" bad root from 192.0.2.1\nJul 14 11:00:00 bad root from 192.0.2.1\n")
    assert match(place, "--json", "--journal") == 0
    assert [(each["lineno"], each["hits"][0]["time"]) for each in records(capsys.readouterr().out)] == [
        (1, float(NOON))
    ]


def test_zone_options_and_several_logs(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--tz` for dates that name none, `-o` for the filter, and which log it was when there are several."""
    other = place / "other.log"
    other.write_text("Jul 14 11:00:00 bad me from 192.0.2.1")
    assert match(place, "--json", "--tz", "CET-01", "-o", "who=me", str(place / "app.log"), str(other)) == 0
    found = records(capsys.readouterr().out)
    assert (found[-1]["log"], found[-1]["hits"][0]["time"]) == (str(other), 1784026800.0 - 3600)
    assert [each["lineno"] for each in found if each["log"] != str(other)] == [4, 5]


def test_standard_input_is_a_log(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dash names it; a file of a filter may be named instead of its name."""

    class Piped:
        buffer = io.BytesIO(LOG.encode())

    monkeypatch.setattr(sys, "stdin", Piped)
    path = str(place / "filter.d" / "demo.conf")
    assert main(["match", "--filter", path, "--json", "--now", NOON, "-"]) == 0
    assert len(records(capsys.readouterr().out)) == 4


def test_what_cannot_be_done_is_said(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing log or filter fails with status 1, a wrong option with 2."""
    assert match(place, str(place / "nosuch.log")) == 1
    assert "cannot read" in capsys.readouterr().err
    assert main(["match", "-c", str(place), "--filter", "nosuch", "x"]) == 1
    assert "nosuch" in capsys.readouterr().err
    assert match(place, "-o", "mode") == 2
    (place / "filter.d" / "demo.conf").write_text("[Definition]\nfailregex = bad\n")
    assert match(place) == 1
    assert "No failure-id group in 'bad'" in capsys.readouterr().err


RECORDS = """\
{"time":"2026-07-14T11:00:00Z","status":401,"ip":"192.0.2.1"}
{"time":"2026-07-14T11:00:01Z","status":200,"ip":"192.0.2.2"}
{"time":"2026-07-14T11:00:02Z","status":401,"ip":"192.0.2.3","agent":"monitor"}
{"time":"2026-07-14T11:00:03Z","status":401,"status":401,"ip":"192.0.2.4"}
"""


def test_why_a_record_is_no_failure(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its form, the condition that does not hold, or the exception, for people and for programs."""
    rules = "logformat = json\nwhen = status = 401\nignorewhen = agent = monitor\nhost = ip\n"
    (place / "filter.d" / "web.conf").write_text(f"[Definition]\n{rules}")
    (place / "web.log").write_text(RECORDS)
    assert match(place, "--filter", "web", "--all", str(place / "web.log")) == 0
    out = capsys.readouterr().out
    assert "failure of 192.0.2.1 at 2026-07-14 11:00:00 by expression 1" in out
    whys = ["when 1: status is '200', asked for is = 401", "ignorewhen 1 holds",
            "the key 'status' stands twice in one object"]  # fmt: skip
    assert [line.strip(" -") for line in out.splitlines() if line.startswith("        - ")] == whys
    assert "4 lines: 1 matched, 1 ignored, 2 missed" in out
    assert match(place, "--filter", "web", "--all", "--json", str(place / "web.log")) == 0
    assert [record.get("why") for record in records(capsys.readouterr().out)] == [None, *([why] for why in whys)]


def test_why_a_line_is_no_failure_whose_try_has_been_told(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By a line of the same session, or of the same address."""
    told = r"^ (?:<F-MLFID>\[\d+\]</F-MLFID> )?<F-MLFTRY>(?:unknown|wrong)</F-MLFTRY> from <ADDR>$"
    (place / "filter.d" / "demo.conf").write_text(f"[Definition]\nfailregex = {told}\n")
    lines = [
        f"Jul 14 11:00:00{session} {kind} from 192.0.2.1\n" for session in ("", " [7]") for kind in ("unknown", "wrong")
    ]
    (place / "app.log").write_text("".join(lines))
    assert match(place, "--json", "--all") == 0
    found = records(capsys.readouterr().out)
    assert [each["matched"] for each in found] == [True, False, True, False]
    assert [each.get("why") for each in found] == [None, ["lines before have told of this try"]] * 2
