"""Which failures of an action the log tells."""

from __future__ import annotations

from sekisho.engine.complaints import MOST_TOLD, Complaints
from sekisho.model.action import Failed
from sekisho.model.address import parse_subject
from sekisho.model.verdict import Ban


def failed(number: int, reason: str = "refused", *, is_final: bool = False) -> Failed:
    """Return a failed ban of the 10.0.0.0/8 address of that number."""
    subject = parse_subject(f"10.{number // 65536}.{number // 256 % 256}.{number % 256}")
    return Failed(Ban("demo", subject, 1000, 600), reason, is_final=is_final)


def test_ten_thousand_failures_are_one_line() -> None:
    """In one call or in a thousand, a trouble is told once, and once more after it was over."""
    complaints = Complaints()
    assert complaints.untold([failed(n) for n in range(10_000)]) == ["10.0.0.0 and 9999 more: refused"]
    assert [complaints.untold([failed(n)]) for n in range(1000)] == [[]] * 1000
    assert complaints.end() == 11_000
    assert complaints.end() == 0
    assert complaints.untold([failed(7)]) == ["10.0.0.7: refused"]


def test_each_reason_is_told() -> None:
    """A second trouble within the first is news."""
    complaints = Complaints()
    told = complaints.untold([failed(1, "full"), failed(2, "no memory"), failed(3, "full")])
    assert told == ["10.0.0.1 and 1 more: full", "10.0.0.2: no memory"]


def test_reasons_without_end_come_to_an_end() -> None:
    """A script whose every complaint is another does not fill the log."""
    complaints = Complaints()
    told = [line for n in range(10_000) for line in complaints.untold([failed(n, f"pid {n} failed")])]
    assert len(told) == MOST_TOLD


def test_what_can_never_be_is_told_for_good() -> None:
    """An identifier that no firewall can bar is no trouble that ends: one line for all of them, whatever ends."""
    complaints = Complaints()
    assert complaints.untold([failed(1, "no address", is_final=True)]) == ["10.0.0.1: no address"]
    assert complaints.end() == 0
    assert complaints.untold([failed(2, "no address", is_final=True)]) == []
