"""What is found: failures, and names still to be looked up."""

from __future__ import annotations

from tests.support.matching import NOON, matcher_of, read

from sekisho.match.finding import LineVerdict, Unresolved
from sekisho.model.address import parse_subject
from sekisho.model.verdict import Failure


def test_a_name_becomes_one_failure_for_each_of_its_addresses() -> None:
    """And none where it has none (COMPAT 2.6)."""
    findings = read(matcher_of("from <HOST>$", usedns="warn"), b"Jul 14 12:00:00 from example.com\n")
    (finding,) = findings
    assert isinstance(finding, Unresolved)
    assert (finding.hostname, finding.warn) == ("example.com", True)
    addresses = [parse_subject("192.0.2.1"), parse_subject("2001:db8::1")]
    assert [each.subject for each in finding.resolved(addresses)] == addresses
    assert finding.resolved([]) == ()


def test_names_are_not_looked_up_unless_asked() -> None:
    """`raw` takes the text for the identifier, `no` does not see it at all."""
    line = b"Jul 14 12:00:00 from example.com\n"
    (finding,) = read(matcher_of("from <HOST>$", usedns="raw"), line)
    assert isinstance(finding, Failure)
    assert finding.subject.text == "example.com"
    assert read(matcher_of("from <HOST>$", usedns="no"), line) == []
    assert read(matcher_of("from <DNS>$", usedns="no"), line) == []
    (finding,) = read(matcher_of("from <HOST>$", usedns="yes"), line)
    assert isinstance(finding, Unresolved)
    assert not finding.warn


def test_a_verdict_without_hits_has_not_matched() -> None:
    """Nothing found is not a failure."""
    assert not LineVerdict(time=NOON).matched
