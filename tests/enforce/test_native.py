"""The contract that both native firewalls keep, over kernels in memory; `test_*_packets` have the real ones."""

from __future__ import annotations

import errno
import logging

import pytest
from hypothesis import given
from tests.support.walls import NOW, IpsetWall, NftablesWall, Wall, ban, do, play, stories_of

from sekisho.enforce.program import ProgramError
from sekisho.model.action import ActionError
from sekisho.model.specs import PERMANENT

WALLS = pytest.mark.parametrize("make", [NftablesWall, IpsetWall])


@pytest.fixture(params=[NftablesWall, IpsetWall])
def wall(request: pytest.FixtureRequest) -> Wall:
    """Either firewall, whose action has started with nobody."""
    built: Wall = request.param()
    do(built.action.start([]))
    return built


def test_a_ban_lasts_what_is_left_of_it(wall: Wall) -> None:
    """An element's timeout is the rest of the ban, for ever where it has no end, and nothing where it is over."""
    wall.now = NOW + 100
    bans = [ban("192.0.2.1"), ban("192.0.2.2", seconds=PERMANENT), ban("192.0.2.3", seconds=50), ban("2001:db8::1")]
    assert do(wall.action.ban(bans)) == []
    assert (wall.left("192.0.2.1"), wall.left("192.0.2.2")) == (500, None)
    assert wall.listed() == {"192.0.2.1", "192.0.2.2", "2001:db8::1"}


def test_who_is_no_address_cannot_be_barred(wall: Wall) -> None:
    """A name for an identifier comes back as failed for good, with the reason; the others are barred."""
    failed = do(wall.action.ban([ban("192.0.2.1"), ban("alice"), ban("1.2.3.400")]))
    assert [(each.reason, each.is_final) for each in failed] == [
        ("it is no address, so no firewall can bar it", True),
        ("it is no address, so no firewall can bar it", True),
    ]
    assert wall.listed() == {"192.0.2.1"}


def test_what_the_kernel_refuses_is_failed_alone(wall: Wall) -> None:
    """One address is refused; its ban comes back with the kernel's reason, the other's is in force."""
    wall.refuse(errno.ENOMEM, "192.0.2.1")
    (failed,) = do(wall.action.ban([ban("192.0.2.1"), ban("192.0.2.2")]))
    assert failed.ban.subject.text == "192.0.2.1"
    assert failed.reason.startswith(f"{wall.action.firewall}: the kernel says")
    assert "Cannot allocate memory" in failed.reason
    assert wall.listed() == {"192.0.2.2"}


@WALLS
def test_connections_are_cut_of_whom_the_kernel_has_just_barred(make: type[NftablesWall | IpsetWall]) -> None:
    """Not of who stood at the start, was refused, is no address, or is over; of an identifier, of its address."""
    told: list[list[str]] = []
    wall = make(cut=lambda subjects: told.append([subject.text for subject in subjects]))
    wall.refuse(errno.ENOMEM, "192.0.2.1")
    do(wall.action.start([ban("192.0.2.9")]))
    over = ban("192.0.2.3", at=NOW - 700)
    do(wall.action.ban([ban("192.0.2.1"), ban("192.0.2.2"), ban("bob"), over, ban("alice", address="2001:db8::1")]))
    assert told == [["192.0.2.2", "2001:db8::1"]]


def test_lifting_what_is_not_in_force_is_no_failure(wall: Wall) -> None:
    """Unban twice, unban a stranger, or what could never be barred: nothing is wrong."""
    do(wall.action.ban([ban("192.0.2.1")]))
    strangers = [ban("192.0.2.9"), ban("10.0.0.0/8"), ban("alice")]
    for _ in range(2):
        assert do(wall.action.unban([ban("192.0.2.1"), *strangers])) == []
    assert wall.listed() == set()


def test_a_network_swallows_no_other_ban(wall: Wall) -> None:
    """Networks overlap; each is listed as it was banned, and lifting the wide one leaves the narrow one barred."""
    do(wall.action.ban([ban("10.0.0.0/8"), ban("10.1.0.0/16", seconds=900), ban("10.1.2.3")]))
    assert wall.listed() == {"10.0.0.0/8", "10.1.0.0/16", "10.1.2.3"}
    do(wall.action.unban([ban("10.0.0.0/8")]))
    assert wall.listed() == {"10.1.0.0/16", "10.1.2.3"}


def test_one_address_of_two_identifiers_stays_until_the_last_is_lifted(wall: Wall) -> None:
    """Two users came from one address; it is barred until the longer ban ends, and lifted with the second."""
    alice, bob = ban("alice", seconds=100, address="192.0.2.1"), ban("bob", address="192.0.2.1")
    do(wall.action.ban([bob]))
    do(wall.action.ban([alice]))
    assert wall.left("192.0.2.1") == 600
    do(wall.action.unban([bob]))
    assert wall.left("192.0.2.1") == 100
    do(wall.action.unban([alice]))
    assert wall.listed() == set()


def test_two_identifiers_that_are_forgiven_together_leave_nobody_barred(wall: Wall) -> None:
    """One unban of both: neither is kept for the other's sake."""
    both = [ban("alice", address="192.0.2.1"), ban("bob", address="192.0.2.1")]
    do(wall.action.ban(both))
    do(wall.action.unban(both))
    assert wall.listed() == set()


def test_a_new_life_takes_over_what_the_old_one_left(wall: Wall) -> None:
    """After kill -9 the sets hold stale, missing and outlived bans; start leaves exactly those that stand."""
    do(wall.action.ban([ban("192.0.2.1"), ban("192.0.2.2"), ban("192.0.2.3"), ban("10.0.0.0/8"), ban("11.0.0.0/8")]))
    kept = wall.element("192.0.2.1")
    wall.action = wall.successor()
    longer, nets = ban("192.0.2.2", seconds=9000), [ban("10.0.0.0/8"), ban("12.0.0.0/9")]
    assert do(wall.action.start([ban("192.0.2.1"), longer, ban("192.0.2.4"), *nets])) == []
    assert wall.listed() == {"192.0.2.1", "192.0.2.2", "192.0.2.4", "10.0.0.0/8", "12.0.0.0/9"}
    assert wall.element("192.0.2.1") is kept  # nobody touched who stood already
    assert wall.left("192.0.2.2") == 9000


def test_rules_and_sets_that_are_gone_come_back_with_the_next_ban(wall: Wall, caplog: pytest.LogCaptureFixture) -> None:
    """Another program removed everything: nobody is listed, and the next ban is in force with a word in the log."""
    do(wall.action.ban([ban("192.0.2.1")]))
    wall.lose_everything()
    assert wall.listed() == set()
    with caplog.at_level(logging.INFO):
        assert do(wall.action.ban([ban("192.0.2.2")])) == []
    assert wall.listed() == {"192.0.2.2"}
    assert "[sshd] the firewall's" in caplog.text
    assert "were gone" in caplog.text
    wall.lose_everything()
    assert do(wall.action.unban([ban("192.0.2.2")])) == []


def test_stopping_leaves_nothing(wall: Wall) -> None:
    """Rules and sets go."""
    do(wall.action.ban([ban("192.0.2.1"), ban("10.0.0.0/8")]))
    do(wall.action.stop([]))
    assert wall.is_bare()


def test_a_program_that_fails_is_named(wall: Wall, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names action, jail and what the program said, at start and at stop."""

    async def fail() -> None:
        raise ProgramError("it returned 1: Operation not permitted")

    monkeypatch.setattr(wall.action, "_set_up", fail)
    monkeypatch.setattr(wall.action, "_take_down", fail)
    who = f"action '{wall.action.firewall}' of jail 'sshd'"
    with pytest.raises(ActionError, match=f"^{who} cannot start: it returned 1: Operation not permitted$"):
        do(wall.action.start([]))
    with pytest.raises(ActionError, match=f"^{who} is not gone: it returned 1: Operation not permitted$"):
        do(wall.action.stop([]))


def test_a_kernel_that_refuses_everything_fails_each_ban(wall: Wall) -> None:
    """EPERM on the socket: every ban comes back as failed, the list as unknown."""
    wall.refuse(errno.EPERM)
    failed = do(wall.action.ban([ban("192.0.2.1"), ban("2001:db8::1")]))
    assert [each.reason for each in failed] == [f"{wall.action.firewall}: [Errno 1] it must not be"] * 2
    assert len(do(wall.action.unban([ban("192.0.2.1")]))) == 1
    assert do(wall.action.listed()) is None


PEOPLE = ["192.0.2.1", "192.0.2.2", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "2001:db8::/32"]


@WALLS
@given(stories_of(PEOPLE))
def test_after_any_story_the_kernel_bars_who_stands(
    make: type[NftablesWall | IpsetWall], story: list[tuple[str, str, int]]
) -> None:
    """Bans and unbans in any order, overlapping as they please: exactly what stands is listed, as it was banned."""
    wall = make()
    standing = play(wall, story)
    assert wall.listed() == set(standing)
    for who in standing.keys() & {"192.0.2.1", "192.0.2.2"}:
        assert wall.left(who) == standing[who].duration
