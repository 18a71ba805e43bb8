"""Tests of enforce.firewall with a kernel in memory; tests/enforce/test_firewall_packets.py has the real one."""

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
from tests.support.memory_sets import MemorySets

from sekisho.enforce.firewall import NftablesAction
from sekisho.enforce.nft import NftError
from sekisho.enforce.ranges import Range, covers, flatten, summarize
from sekisho.enforce.ruleset import parse_rules
from sekisho.enforce.table import NftTable
from sekisho.enforce.wire import Element
from sekisho.model.action import ActionError
from sekisho.model.address import Network, Subject, parse_subject
from sekisho.model.ports import PortRange
from sekisho.model.specs import PERMANENT
from sekisho.model.verdict import Ban

NOW = 1_800_000_000.0
T = TypeVar("T")


def ban(who: str, *, seconds: float = 600, at: float = NOW, address: str = "") -> Ban:
    """A ban of jail sshd."""
    return Ban("sshd", parse_subject(who), at, seconds, address=parse_subject(address) if address else None)


@dataclass
class Stage:
    """One action over a kernel in memory, and a clock that the test sets."""

    kernel: MemorySets = field(default_factory=MemorySets)
    now: float = NOW
    cut: Callable[[Sequence[Subject]], None] = lambda _: None
    action: NftablesAction = field(init=False)

    def __post_init__(self) -> None:
        self.action = self.successor()

    def successor(self) -> NftablesAction:
        """The action of a daemon that starts over what is in the kernel."""
        table = NftTable(run=self.kernel.run, connect=lambda: self.kernel)
        rules = parse_rules("sshd", "nftables", {}, (PortRange(22, 22),))
        return NftablesAction(
            table=table, jail="sshd", actname="nftables", rules=rules, clock=lambda: self.now, cut=self.cut
        )

    def listed(self, *, action: NftablesAction | None = None) -> set[str]:
        """Who is barred, as texts, after another program has changed something."""
        self.kernel.others += 1
        found = do((action or self.action).listed())
        assert found is not None
        return {subject.text for subject in found}

    def timeout(self, key: str, set_name: str = "addr-set-sshd") -> int | None:
        """What is left of an address, in milliseconds."""
        return self.kernel.held[set_name][bytes(map(int, key.split(".")))].timeout


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
    """An element's timeout is the rest of the ban, for ever where it has no end, and nothing where it is over."""
    stage.now = NOW + 100
    bans = [ban("192.0.2.1"), ban("192.0.2.2", seconds=PERMANENT), ban("192.0.2.3", seconds=50), ban("2001:db8::1")]
    assert do(stage.action.ban(bans)) == []
    assert stage.timeout("192.0.2.1") == 500_000
    assert stage.timeout("192.0.2.2") is None
    assert stage.listed() == {"192.0.2.1", "192.0.2.2", "2001:db8::1"}


def test_a_ban_of_a_thousand_years_is_as_long_as_the_kernel_can_count(stage: Stage) -> None:
    """The kernel's clock ends after some 300 years; nobody will notice."""
    do(stage.action.ban([ban("192.0.2.1", seconds=86400 * 365 * 1000)]))
    assert stage.timeout("192.0.2.1") == 10**13


def test_who_is_no_address_cannot_be_barred(stage: Stage) -> None:
    """A name for an identifier comes back as failed, with the reason; the others are barred."""
    failed = do(stage.action.ban([ban("192.0.2.1"), ban("alice"), ban("1.2.3.400")]))
    assert [each.reason for each in failed] == [
        "it is no address, so no firewall can bar it",
        "it is no address, so no firewall can bar it",
    ]
    assert stage.listed() == {"192.0.2.1"}


def test_what_the_kernel_refuses_is_failed_alone(stage: Stage) -> None:
    """One address is refused; its ban comes back with the kernel's reason, the other's is in force."""
    stage.kernel.refuses[bytes([192, 0, 2, 1])] = errno.ENOMEM
    failed = do(stage.action.ban([ban("192.0.2.1"), ban("192.0.2.2")]))
    assert [(each.ban.subject.text, each.reason) for each in failed] == [
        ("192.0.2.1", "nftables: the kernel says ENOMEM (Cannot allocate memory)")
    ]
    assert stage.listed() == {"192.0.2.2"}


def test_connections_are_cut_of_whom_the_kernel_has_just_barred() -> None:
    """Not of who stood at the start, was refused, is no address, or is over; of an identifier, of its address."""
    told: list[list[str]] = []
    stage = Stage(cut=lambda subjects: told.append([subject.text for subject in subjects]))
    stage.kernel.refuses[bytes([192, 0, 2, 1])] = errno.ENOMEM
    do(stage.action.start([ban("192.0.2.9")]))
    over = ban("192.0.2.3", at=NOW - 700)
    do(stage.action.ban([ban("192.0.2.1"), ban("192.0.2.2"), ban("bob"), over, ban("alice", address="2001:db8::1")]))
    assert told == [["192.0.2.2", "2001:db8::1"]]


def test_lifting_what_is_not_in_force_is_no_failure(stage: Stage) -> None:
    """Unban twice, unban a stranger: nothing is wrong."""
    do(stage.action.ban([ban("192.0.2.1")]))
    for _ in range(2):
        assert do(stage.action.unban([ban("192.0.2.1"), ban("192.0.2.9"), ban("10.0.0.0/8"), ban("alice")])) == []
    assert stage.listed() == set()


def test_a_network_swallows_no_other_ban(stage: Stage) -> None:
    """Networks overlap; each is listed as it was banned, and lifting the wide one leaves the narrow one barred."""
    do(stage.action.ban([ban("10.0.0.0/8"), ban("10.1.0.0/16", seconds=900), ban("10.1.2.3")]))
    assert stage.listed() == {"10.0.0.0/8", "10.1.0.0/16", "10.1.2.3"}
    do(stage.action.unban([ban("10.0.0.0/8")]))
    assert stage.listed() == {"10.1.0.0/16", "10.1.2.3"}


def test_one_address_of_two_identifiers_stays_until_the_last_is_lifted(stage: Stage) -> None:
    """Two users came from one address; it is barred until the longer ban ends, and lifted with the second."""
    alice, bob = ban("alice", seconds=100, address="192.0.2.1"), ban("bob", address="192.0.2.1")
    do(stage.action.ban([bob]))
    do(stage.action.ban([alice]))
    assert stage.timeout("192.0.2.1") == 600_000
    do(stage.action.unban([bob]))
    assert stage.timeout("192.0.2.1") == 100_000
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
    kept = stage.kernel.held["addr-set-sshd"][bytes([192, 0, 2, 1])]
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
    assert stage.kernel.held["addr-set-sshd"][bytes([192, 0, 2, 1])] is kept  # nobody touched who stood already
    assert stage.timeout("192.0.2.2") == 9_000_000
    assert not any("delete" in text or "flush set" in text for text in stage.kernel.texts)


def test_a_flushed_ruleset_is_set_up_again_by_the_next_ban(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """Another program removed the table: the list is empty, and the next ban is in force with a word in the log."""
    do(stage.action.ban([ban("192.0.2.1")]))
    stage.kernel.flush_ruleset()
    assert stage.listed() == set()
    with caplog.at_level(logging.INFO):
        assert do(stage.action.ban([ban("192.0.2.2")])) == []
    assert stage.listed() == {"192.0.2.2"}
    assert "[sshd] the firewall's rules were gone" in caplog.text
    stage.kernel.flush_ruleset()
    assert do(stage.action.unban([ban("192.0.2.2")])) == []


def test_the_kernel_is_listed_only_after_anothers_change(stage: Stage) -> None:
    """A start has seen to its sets, and what we do ourselves is known; another's change is looked for, once."""
    do(stage.action.ban([ban("192.0.2.1"), ban("192.0.2.2")]))
    assert do(stage.action.listed()) is None
    del stage.kernel.held["addr-set-sshd"][bytes([192, 0, 2, 1])]
    assert stage.listed() == {"192.0.2.2"}
    assert do(stage.action.listed()) is None


def test_strangers_in_our_sets_are_listed_too(stage: Stage) -> None:
    """Whom somebody else put into our sets is barred, so it is named."""
    do(stage.action.ban([ban("10.0.0.0/9")]))
    stage.kernel.held["net-set-sshd"][b"\x0a\x80\0\0"] = Element(b"\x0a\x80\0\0", b"\x0a\xff\xff\xff", None)
    stage.kernel.held["addr-set-sshd"][b"\1\2\3\4"] = Element(b"\1\2\3\4")
    assert stage.listed() == {"10.0.0.0/9", "10.128.0.0/9", "1.2.3.4"}


def test_an_element_that_expired_under_the_exchange_is_no_obstacle(stage: Stage) -> None:
    """The kernel dropped a range between our listing and our batch: the set is written anew."""
    do(stage.action.ban([ban("10.0.0.0/8", seconds=100), ban("11.0.0.0/8")]))
    actual = stage.kernel.ranges("net-set-sshd", 4)
    del stage.kernel.held["net-set-sshd"][b"\x0a\0\0\0"]
    stage.kernel.ranges = lambda set_name, width: actual  # type: ignore[method-assign]
    stage.now = NOW + 101
    assert do(stage.action.ban([ban("13.0.0.0/9")])) == []
    assert [element.key[0] for element in stage.kernel.held["net-set-sshd"].values()] == [11, 13]


def test_stopping_leaves_nothing(stage: Stage) -> None:
    """With its only jail the table goes."""
    do(stage.action.ban([ban("192.0.2.1"), ban("10.0.0.0/8")]))
    do(stage.action.stop([]))
    assert stage.kernel.held == {}
    assert stage.kernel.chains() == frozenset()


def test_a_firewall_that_refuses_is_named(stage: Stage) -> None:
    """When nft fails the error names action, jail and what nft said, at start and at stop."""

    async def refuse(text: str) -> None:
        raise NftError("nft returned 1: Operation not permitted")

    stage.action._table._run = refuse
    with pytest.raises(ActionError, match="action 'nftables' of jail 'sshd' cannot start: nft returned 1: Operation"):
        do(stage.action.start([]))
    with pytest.raises(ActionError, match="action 'nftables' of jail 'sshd' is not gone: nft returned 1"):
        do(stage.action.stop([]))


def test_a_kernel_that_refuses_everything_fails_each_ban(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """EPERM on the socket: every ban comes back as failed, the list as unknown, which the log is told once."""

    def refuse(*_: object, **__: object) -> list[Element]:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    for name in ("add", "delete", "others_changes"):
        setattr(stage.kernel, name, refuse)
    for _ in range(2):
        assert do(stage.action.listed()) is None
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == "[sshd] nftables cannot be asked: [Errno 1] Operation not permitted"
    failed = do(stage.action.ban([ban("192.0.2.1"), ban("2001:db8::1")]))
    assert [each.reason for each in failed] == ["nftables: [Errno 1] Operation not permitted"] * 2
    assert len(do(stage.action.unban([ban("192.0.2.1")]))) == 1
    assert do(stage.action.listed()) is None
    assert len(caplog.records) == 1  # the failed bans tell the rest


NETS = ["10.0.0.0/8", "10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16", "10.1.2.0/24", "2001:db8::/32"]
people = st.sampled_from(["192.0.2.1", "192.0.2.2", *NETS])
acts = st.lists(st.tuples(st.sampled_from(["ban", "unban"]), people, st.sampled_from(range(10, 5000, 10))), max_size=15)


@given(acts)
def test_after_any_story_the_kernel_bars_who_stands(story: list[tuple[str, str, int]]) -> None:
    """Bans and unbans in any order, overlapping as they please: the sets bar exactly what stands.

    The ends of two bans differ by more than `TOLERANCE`, or not at all.
    """
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
    nets = {each.subject.network: each.until for each in standing.values() if each.subject.text.startswith("10.")}
    wanted = flatten({net: until for net, until in nets.items() if net is not None})
    held: dict[Network, float | None] = {}
    for element in stage.kernel.ranges("net-set-sshd", 4):  # neighbours with one end may be one range, or two
        assert element.last is not None
        end = None if element.timeout is None else NOW + element.timeout / 1000
        held |= dict.fromkeys(summarize(Range(*(int.from_bytes(e) for e in (element.key, element.last))), 4), end)
    assert flatten(held) == wanted
    assert all(covers(list(wanted), net) for net in nets if net is not None)
