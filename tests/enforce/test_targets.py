"""Tests of enforce.targets."""

from __future__ import annotations

from sekisho.enforce.targets import Holders, by_family, pack_address, sort_out
from sekisho.model.address import Family, parse_subject
from sekisho.model.specs import PERMANENT
from sekisho.model.verdict import Ban

NOW = 1_800_000_000.0


def ban(who: str, *, seconds: float = 600, address: str = "") -> Ban:
    """A ban of jail sshd."""
    return Ban("sshd", parse_subject(who), NOW, seconds, address=parse_subject(address) if address else None)


def test_who_is_no_address_and_whose_time_is_over_are_sorted_out() -> None:
    """A name fails for good, a ban that is over is nobody's business any more."""
    failed, good = sort_out([ban("alice"), ban("192.0.2.1"), ban("192.0.2.2", seconds=50)], NOW + 100)
    assert [(each.ban.subject.text, each.is_final) for each in failed] == [("alice", True)]
    assert [each.subject.text for each in good] == ["192.0.2.1"]


def test_a_target_stays_until_its_last_holder_goes() -> None:
    """Alice and Bob come from one address: it is barred until the later end, and lifted with the second."""
    alice, bob = ban("alice", address="192.0.2.1"), ban("bob", seconds=PERMANENT, address="192.0.2.1")
    holders = Holders()
    holders.note(alice)
    assert holders.end_of(alice) == NOW + 600
    holders.note(bob)
    assert holders.end_of(alice) is None
    assert holders.release([bob]) == ([], [bob])
    assert holders.end_of(alice) == NOW + 600
    assert holders.release([alice]) == ([alice], [])


def test_an_address_of_its_own_is_nobody_elses() -> None:
    """An ordinary ban is remembered by nobody but the kernel."""
    holders = Holders()
    holders.note(ban("192.0.2.1"))
    assert holders.end_of(ban("192.0.2.1", seconds=5)) == NOW + 5
    assert holders.release([ban("192.0.2.1")]) == ([ban("192.0.2.1")], [])


def test_who_share_a_target_and_go_together_leave_nobody_behind() -> None:
    """Alice and Bob are forgiven in one breath: neither is kept for the other's sake."""
    both = [ban("alice", address="192.0.2.1"), ban("bob", address="192.0.2.1")]
    holders = Holders()
    for each in both:
        holders.note(each)
    assert holders.release(both) == (both, [])


def test_each_family_is_a_call_of_its_own() -> None:
    """A family of which there is nobody is not called, and a name is of none."""
    four, six = ban("192.0.2.1"), ban("2001:db8::/32")
    assert list(by_family([six, ban("alice"), four])) == [(Family.INET4, [four]), (Family.INET6, [six])]
    assert list(by_family([four])) == [(Family.INET4, [four])]


def test_an_address_is_as_many_bytes_as_its_family_has() -> None:
    """In network order."""
    assert pack_address(parse_subject("192.0.2.1")) == bytes([192, 0, 2, 1])
    assert pack_address(parse_subject("2001:db8::1")) == bytes.fromhex("20010db8") + bytes(11) + b"\1"
