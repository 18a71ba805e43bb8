"""Remarks: once a day, and a bounded number of them."""

from __future__ import annotations

from sekisho.match.finding import Remark
from sekisho.match.remarks import Remarks


def test_a_thing_is_said_once_a_day() -> None:
    """Of other things something may be said meanwhile."""
    remarks = Remarks()
    remarks.begin_day(0)
    for text in ("one", "two"):
        remarks.say("WARNING", "dates", text)
    remarks.say("ERROR", "encoding", "three")
    assert remarks.take() == [Remark("WARNING", "one"), Remark("ERROR", "three")]
    remarks.begin_day(86399)
    remarks.say("WARNING", "dates", "four")
    assert remarks.take() == []
    remarks.begin_day(86400)
    remarks.say("WARNING", "dates", "five")
    assert remarks.take() == [Remark("WARNING", "five")]


def test_not_everything_is_said_that_a_stranger_could_give_rise_to() -> None:
    """A crowd of subjects ends in silence until tomorrow."""
    remarks = Remarks()
    for number in range(1000):
        remarks.say("WARNING", str(number), "odd")
    assert len(remarks.take()) == 256
