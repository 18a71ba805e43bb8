"""Tests of enforce.ipset_firewall over a host in memory; test_ipset_firewall_packets.py has the real one."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.memory_ipset import MemoryIpset

from sekisho.enforce.fence import Fence
from sekisho.enforce.ipset_firewall import IpsetAction
from sekisho.enforce.ipset_rules import parse_ipset_rules
from sekisho.enforce.ipset_wire import LONGEST, Entry
from sekisho.enforce.iptables import Iptables
from sekisho.enforce.program import ProgramError
from sekisho.model.action import ActionError
from sekisho.model.address import Subject, parse_subject
from sekisho.model.ports import PortRange
from sekisho.model.proof import Count, Witness
from sekisho.model.specs import PERMANENT
from sekisho.model.verdict import Ban

NOW = 1_800_000_000.0
DAY = 86400
T = TypeVar("T")


def ban(who: str, *, seconds: float = 600, at: float = NOW, address: str = "") -> Ban:
    """A ban of jail sshd."""
    return Ban("sshd", parse_subject(who), at, seconds, address=parse_subject(address) if address else None)


@dataclass
class Stage:
    """One action over a host in memory, and a clock that the test sets."""

    host: MemoryIpset = field(default_factory=MemoryIpset)
    now: float = NOW
    cut: Callable[[Sequence[Subject]], None] = lambda _: None
    action: IpsetAction = field(init=False)

    def __post_init__(self) -> None:
        self.action = self.successor()

    def successor(self, **properties: str) -> IpsetAction:
        """The action of a daemon that starts over what is on the host."""
        fence = Fence(connect=self.host.connect, iptables=lambda family: Iptables(family, run=self.host.run))
        rules = parse_ipset_rules("sshd", "ipset", properties, (PortRange(22, 22),))
        return IpsetAction(fence=fence, jail="sshd", actname="ipset", rules=rules, clock=lambda: self.now, cut=self.cut)

    def listed(self, *, action: IpsetAction | None = None) -> set[str]:
        """Who is barred, as texts."""
        found = do((action or self.action).listed())
        assert found is not None
        return {subject.text for subject in found}

    def timeout(self, address: str, prefix: int = 32) -> int | None:
        """What is left of an element, in seconds."""
        return self.host.held["sekisho4-sshd"][bytes(map(int, address.split("."))), prefix].timeout


def do(play: Coroutine[object, object, T]) -> T:
    """Run one call to its end."""
    return asyncio.run(play)


@pytest.fixture
def stage() -> Stage:
    """An action that has started with nobody."""
    built = Stage()
    do(built.action.start([]))
    return built


def test_a_ban_lasts_what_is_left_of_it(stage: Stage) -> None:
    """Whole seconds, rather one too many; for ever where it has no end, and nothing where it is over."""
    stage.now = NOW + 99.5
    bans = [ban("192.0.2.1"), ban("192.0.2.2", seconds=PERMANENT), ban("192.0.2.3", seconds=50), ban("2001:db8::1")]
    assert do(stage.action.ban(bans)) == []
    assert (stage.timeout("192.0.2.1"), stage.timeout("192.0.2.2")) == (501, None)
    assert stage.listed() == {"192.0.2.1", "192.0.2.2", "2001:db8::1"}


def test_a_ban_of_a_year_is_renewed_every_day_until_its_end_can_be_counted(stage: Stage) -> None:
    """The kernel holds it for 24.8 days; after each day it is written again, in the end with what is left."""
    do(stage.action.ban([ban("192.0.2.1", seconds=365 * DAY), ban("192.0.2.2", seconds=365 * DAY)]))
    assert stage.timeout("192.0.2.1") == LONGEST
    do(stage.action.unban([ban("192.0.2.2")]))
    key = bytes([192, 0, 2, 1]), 32
    for now, held, wanted in ((DAY - 1, 7, 7), (DAY, 7, LONGEST), (350 * DAY, 7, 15 * DAY), (352 * DAY, 7, 7)):
        stage.host.held["sekisho4-sshd"][key] = Entry(*key, held)
        stage.now = NOW + now
        assert stage.listed() == {"192.0.2.1"}
        assert stage.timeout("192.0.2.1") == wanted


def test_what_cannot_be_barred_fails_alone_and_for_good(stage: Stage) -> None:
    """A name is no address, and a set holds no network of everybody; the others are barred."""
    failed = do(stage.action.ban([ban("192.0.2.1"), ban("alice"), ban("0.0.0.0/0"), ban("::/0")]))
    assert [(each.reason, each.is_final) for each in failed] == [
        ("it is no address, so no firewall can bar it", True),
        ("ipset: a set holds no network as wide as 0.0.0.0/0; bar its two halves", True),
        ("ipset: a set holds no network as wide as ::/0; bar its two halves", True),
    ]
    assert stage.listed() == {"192.0.2.1"}


def test_what_the_kernel_refuses_is_failed_alone(stage: Stage) -> None:
    """One address is refused; its ban comes back with the kernel's reason, the other's is in force."""
    stage.host.refuses[bytes([192, 0, 2, 1])] = errno.ENOMEM
    failed = do(stage.action.ban([ban("192.0.2.1"), ban("192.0.2.2")]))
    assert [(each.ban.subject.text, each.reason) for each in failed] == [
        ("192.0.2.1", "ipset: the kernel says: Cannot allocate memory")
    ]
    assert stage.listed() == {"192.0.2.2"}


def test_connections_are_cut_of_whom_the_kernel_has_just_barred() -> None:
    """Not of who stood at the start, was refused, is no address, or is over; of an identifier, of its address."""
    told: list[list[str]] = []
    stage = Stage(cut=lambda subjects: told.append([subject.text for subject in subjects]))
    stage.host.refuses[bytes([192, 0, 2, 1])] = errno.ENOMEM
    do(stage.action.start([ban("192.0.2.9")]))
    over = ban("192.0.2.3", at=NOW - 700)
    do(stage.action.ban([ban("192.0.2.1"), ban("192.0.2.2"), ban("bob"), over, ban("alice", address="2001:db8::1")]))
    assert told == [["192.0.2.2", "2001:db8::1"]]


def test_a_full_set_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    """Room for two: two are barred, each further one fails, and one line says what is wrong and how to mend it."""
    stage = Stage()
    action = stage.successor(maxelem="2")
    do(action.start([]))
    people = [ban(f"192.0.2.{number}") for number in range(1, 6)]
    with caplog.at_level(logging.WARNING):
        assert [each.ban.subject.text for each in do(action.ban(people))] == ["192.0.2.3", "192.0.2.4", "192.0.2.5"]
        assert do(action.ban([ban("192.0.2.1", seconds=900)])) == []
        assert len(do(action.ban(people[2:]))) == 3
    (told,) = [record.getMessage() for record in caplog.records]
    assert told == (
        "[sshd] the set sekisho4-sshd is full with its 2 elements: nobody more is barred until one of them ends "
        "(set maxelem = of the action higher)"
    )
    assert stage.listed(action=action) == {"192.0.2.1", "192.0.2.2"}
    do(action.unban(people[:1]))
    assert do(action.ban(people[2:3])) == []


def test_lifting_what_is_not_in_force_is_no_failure(stage: Stage) -> None:
    """Unban twice, unban a stranger, or what could never be barred: nothing is wrong."""
    do(stage.action.ban([ban("192.0.2.1")]))
    strangers = [ban("192.0.2.9"), ban("10.0.0.0/8"), ban("alice"), ban("0.0.0.0/0")]
    for _ in range(2):
        assert do(stage.action.unban([ban("192.0.2.1"), *strangers])) == []
    assert stage.listed() == set()


def test_one_address_of_two_identifiers_stays_until_the_last_is_lifted(stage: Stage) -> None:
    """Two users came from one address; it is barred until the longer ban ends, and lifted with the second."""
    alice, bob = ban("alice", seconds=100, address="192.0.2.1"), ban("bob", address="192.0.2.1")
    do(stage.action.ban([bob]))
    do(stage.action.ban([alice]))
    assert stage.timeout("192.0.2.1") == 600
    do(stage.action.unban([bob]))
    assert stage.timeout("192.0.2.1") == 100
    do(stage.action.unban([alice]))
    assert stage.listed() == set()


def test_two_identifiers_that_are_forgiven_together_leave_nobody_barred(stage: Stage) -> None:
    """One unban of both: neither is kept for the other's sake."""
    both = [ban("alice", address="192.0.2.1"), ban("bob", address="192.0.2.1")]
    do(stage.action.ban(both))
    do(stage.action.unban(both))
    assert stage.listed() == set()


def test_a_new_life_takes_over_what_the_old_one_left() -> None:
    """After kill -9 the sets hold stale, missing and outlived bans; start leaves exactly those that stand."""
    stage = Stage()
    do(stage.action.start([ban("192.0.2.1"), ban("192.0.2.2"), ban("192.0.2.3"), ban("10.0.0.0/8"), ban("11.0.0.0/8")]))
    kept = stage.host.held["sekisho4-sshd"][bytes([192, 0, 2, 1]), 32]
    successor = stage.successor()
    standing = [
        ban("192.0.2.1"),
        ban("192.0.2.2", seconds=9000),
        ban("192.0.2.4"),
        ban("10.0.0.0/8"),
        ban("12.0.0.0/9"),
    ]
    assert do(successor.start(standing)) == []
    assert stage.listed(action=successor) == {"192.0.2.1", "192.0.2.2", "192.0.2.4", "10.0.0.0/8", "12.0.0.0/9"}
    assert stage.host.held["sekisho4-sshd"][bytes([192, 0, 2, 1]), 32] is kept  # nobody touched who stood already
    assert stage.timeout("192.0.2.2") == 9000


def test_a_full_set_has_room_for_who_comes_when_others_have_gone() -> None:
    """At the start those who are over leave first."""
    stage = Stage()
    do(stage.successor(maxelem="2").start([ban("192.0.2.1"), ban("192.0.2.2")]))
    assert do(stage.successor(maxelem="2").start([ban("192.0.2.3"), ban("192.0.2.4")])) == []


def test_rules_and_sets_that_are_gone_come_back(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """Another program removed everything: nobody is listed, the next ban is in force, and a start makes it whole."""
    do(stage.action.ban([ban("192.0.2.1")]))
    stage.host.rules.clear()
    assert not do(stage.action.is_whole())
    stage.host.held.clear()
    stage.host.most.clear()
    assert stage.listed() == set()
    with caplog.at_level(logging.WARNING):
        assert do(stage.action.ban([ban("192.0.2.2")])) == []
    assert "[sshd] the firewall's sets were gone; setting them up again" in caplog.text
    assert stage.listed() == {"192.0.2.2"}
    assert do(stage.action.is_whole())
    stage.host.held.clear()
    assert do(stage.action.unban([ban("192.0.2.2")])) == []


def test_a_set_is_listed_only_when_its_number_is_not_ours(stage: Stage) -> None:
    """What we did ourselves is known; whom another program took out, or an end, changes the number."""
    do(stage.action.ban([ban("192.0.2.1"), ban("192.0.2.2")]))
    stage.host.listings.clear()
    do(stage.action.unban([ban("192.0.2.2")]))
    do(stage.action.ban([ban("192.0.2.3"), ban("192.0.2.3", seconds=900)]))
    assert stage.listed() == {"192.0.2.1", "192.0.2.3"}
    assert stage.host.listings == []
    del stage.host.held["sekisho4-sshd"][bytes([192, 0, 2, 1]), 32]
    assert stage.listed() == {"192.0.2.3"}
    stage.host.add("sekisho6-sshd", [Entry(bytes(16), 100)])
    assert stage.listed() == {"192.0.2.3", "::/100"}
    assert stage.host.listings == ["sekisho4-sshd", "sekisho6-sshd"]


def test_a_family_without_iptables_is_no_hope_for_its_bans() -> None:
    """IPv6 cannot be barred here: such a ban fails for good, the others do not notice."""
    stage = Stage()
    stage.host.broken = {"ip6tables", "ip6tables-legacy", "ip6tables-nft"}
    (failed,) = do(stage.action.start([ban("192.0.2.1"), ban("2001:db8::1")]))
    assert (failed.ban.subject.text, failed.is_final) == ("2001:db8::1", True)
    assert failed.reason == "ipset: ip6tables-save returned 3: it does not work"
    assert do(stage.action.is_whole())
    assert stage.listed() == {"192.0.2.1"}


def test_stopping_leaves_nothing(stage: Stage) -> None:
    """Sets and rules go."""
    do(stage.action.ban([ban("192.0.2.1"), ban("10.0.0.0/8")]))
    do(stage.action.stop([]))
    assert stage.host.held == {}
    assert [rule for rules in stage.host.rules.values() for rule in rules] == []


def test_a_firewall_that_refuses_is_named(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """When iptables fails the error names action, jail and what it said, at start and at stop."""

    async def refuse(*_: object) -> str:
        raise ProgramError("iptables-restore returned 4: Resource temporarily unavailable")

    monkeypatch.setattr(Iptables, "restore", refuse)
    with pytest.raises(ActionError, match="action 'ipset' of jail 'sshd' cannot start: iptables-restore returned 4"):
        do(stage.action.start([]))
    with pytest.raises(ActionError, match="action 'ipset' of jail 'sshd' is not gone: iptables-restore returned 4"):
        do(stage.action.stop([]))


def test_a_kernel_that_refuses_everything_fails_each_ban(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """EPERM on the socket: every ban comes back as failed, the list as unknown, and nothing is taken for broken."""

    def refuse(*_: object, **__: object) -> list[Entry]:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    for name in ("add", "delete", "header", "entries"):
        setattr(stage.host, name, refuse)
    failed = do(stage.action.ban([ban("192.0.2.1"), ban("2001:db8::1")]))
    assert [each.reason for each in failed] == ["ipset: [Errno 1] Operation not permitted"] * 2
    assert len(do(stage.action.unban([ban("192.0.2.1")]))) == 1
    assert do(stage.action.listed()) is None
    assert do(stage.action.is_whole())
    assert "[sshd] ipset cannot be asked" in caplog.text
    for ask in (stage.action.counted(), stage.action.barrier([])):
        with pytest.raises(ActionError, match="ipset cannot be asked for jail 'sshd'"):
            do(ask)


def test_each_ban_counts_for_itself(stage: Stage) -> None:
    """A network and an address in it are two elements, and the sum is theirs; both families are in it."""
    do(stage.action.ban([ban("10.0.0.0/8"), ban("10.1.2.3"), ban("2001:db8::1")]))
    held = stage.host.held["sekisho4-sshd"]
    held[bytes([10, 0, 0, 0]), 8] = Entry(bytes([10, 0, 0, 0]), 8, 600, packets=3, octets=180)
    held[bytes([10, 1, 2, 3]), 32] = Entry(bytes([10, 1, 2, 3]), 32, 600, packets=1, octets=60)
    tally = do(stage.action.counted())
    assert tally.total == Count(4, 240)
    assert {subject.text: count.packets for subject, count in tally.of.items()} == {
        "10.0.0.0/8": 3,
        "10.1.2.3": 1,
        "2001:db8::1": 0,
    }


def test_who_is_held_and_until_when_is_told(stage: Stage) -> None:
    """An address is held by its own element and by any network around it, until the last of them ends."""
    do(stage.action.ban([ban("10.0.0.0/8", seconds=900), ban("10.1.2.3"), ban("11.0.0.0/8", seconds=PERMANENT)]))
    asked = [parse_subject(who) for who in ("10.1.2.3", "10.9.0.0/16", "11.0.0.1", "12.0.0.1", "alice")]
    barrier = do(stage.action.barrier(asked))
    assert [(holding.is_held, holding.until) for holding in barrier.holdings] == [
        (True, NOW + 900),
        (True, NOW + 900),
        (True, None),
        (False, None),
        (False, None),
    ]
    assert (barrier.chain, barrier.fault, barrier.protocols, barrier.ports) == (
        "raw PREROUTING",
        "",
        ("tcp",),
        (PortRange(22, 22),),
    )
    assert barrier.witness is Witness.COUNTER
    stage.host.rules.clear()
    stage.host.held.clear()
    barrier = do(stage.action.barrier(asked))
    assert barrier.fault == "the set sekisho4-sshd is gone"
    assert not any(holding.is_held for holding in barrier.holdings)


people = st.sampled_from(["192.0.2.1", "192.0.2.2", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "2001:db8::/32"])
acts = st.lists(st.tuples(st.sampled_from(["ban", "unban"]), people, st.integers(10, 5000)), max_size=15)


@given(acts)
def test_after_any_story_the_kernel_bars_who_stands(story: list[tuple[str, str, int]]) -> None:
    """Bans and unbans in any order, overlapping as they please: the sets hold exactly what stands, as it was banned."""
    stage = Stage()
    standing: dict[str, Ban] = {}

    async def play() -> None:
        await stage.action.start([])
        for act, who, seconds in story:
            if act == "ban":
                standing[who] = ban(who, seconds=seconds)
                assert await stage.action.ban([standing[who]]) == []
            else:
                standing.pop(who, None)
                assert await stage.action.unban([ban(who)]) == []

    do(play())
    assert stage.listed() == set(standing)
    held = {entry.timeout for entries in stage.host.held.values() for entry in entries.values()}
    assert held == {each.duration for each in standing.values()}
