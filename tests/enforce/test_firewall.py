"""What nf_tables has beside the contract of all native firewalls (`test_native`); packets: `test_firewall_packets`."""

from __future__ import annotations

import errno

import pytest
from hypothesis import given
from tests.support.walls import NOW, NftablesWall, ban, do, play, stories_of

from sekisho.enforce.ranges import Range, covers, flatten, summarize
from sekisho.enforce.wire import Element
from sekisho.model.address import Network


@pytest.fixture
def wall() -> NftablesWall:
    """An action that has started with nobody."""
    built = NftablesWall()
    do(built.action.start([]))
    return built


def test_a_ban_of_a_thousand_years_is_as_long_as_the_kernel_can_count(wall: NftablesWall) -> None:
    """The kernel's clock ends after some 300 years; nobody will notice."""
    do(wall.action.ban([ban("192.0.2.1", seconds=86400 * 365 * 1000)]))
    assert wall.left("192.0.2.1") == 10**10


def test_the_kernel_is_listed_only_after_anothers_change(wall: NftablesWall) -> None:
    """A start has seen to its sets, and what we do ourselves is known; another's change is looked for, once."""
    do(wall.action.ban([ban("192.0.2.1"), ban("192.0.2.2")]))
    assert do(wall.action.listed()) is None
    del wall.kernel.held["addr-set-sshd"][bytes([192, 0, 2, 1])]
    assert wall.listed() == {"192.0.2.2"}
    assert do(wall.action.listed()) is None


def test_strangers_in_our_sets_are_listed_too(wall: NftablesWall) -> None:
    """Whom somebody else put into our sets is barred, so it is named."""
    do(wall.action.ban([ban("10.0.0.0/9")]))
    wall.kernel.held["net-set-sshd"][b"\x0a\x80\0\0"] = Element(b"\x0a\x80\0\0", b"\x0a\xff\xff\xff", None)
    wall.kernel.held["addr-set-sshd"][b"\1\2\3\4"] = Element(b"\1\2\3\4")
    assert wall.listed() == {"10.0.0.0/9", "10.128.0.0/9", "1.2.3.4"}


def test_an_element_that_expired_under_the_exchange_is_no_obstacle(wall: NftablesWall) -> None:
    """The kernel dropped a range between our listing and our batch: the set is written anew."""
    do(wall.action.ban([ban("10.0.0.0/8", seconds=100), ban("11.0.0.0/8")]))
    actual = wall.kernel.ranges("net-set-sshd", 4)
    del wall.kernel.held["net-set-sshd"][b"\x0a\0\0\0"]
    wall.kernel.ranges = lambda set_name, width: actual  # type: ignore[method-assign]
    wall.now = NOW + 101
    assert do(wall.action.ban([ban("13.0.0.0/9")])) == []
    assert [element.key[0] for element in wall.kernel.held["net-set-sshd"].values()] == [11, 13]


def test_a_kernel_that_refuses_everything_is_told_of_once(wall: NftablesWall, caplog: pytest.LogCaptureFixture) -> None:
    """EPERM on the socket: the log says it when the list is asked for; the failed bans tell the rest."""
    wall.refuse(errno.EPERM)
    for _ in range(2):
        assert do(wall.action.listed()) is None
    assert [record.getMessage() for record in caplog.records] == [
        "[sshd] nftables cannot be asked: [Errno 1] it must not be"
    ]
    assert len(do(wall.action.ban([ban("192.0.2.1")]))) == 1
    assert do(wall.action.listed()) is None
    assert len(caplog.records) == 1


NETS = ["10.0.0.0/8", "10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16", "10.1.2.0/24", "2001:db8::/32"]


@given(stories_of(NETS))
def test_after_any_story_the_ranges_are_those_of_who_stands(story: list[tuple[str, str, int]]) -> None:
    """Networks that overlap as they please: each address is barred until the last of those around it ends."""
    wall = NftablesWall()
    standing = play(wall, story)
    nets = {each.subject.network: each.until for each in standing.values() if each.subject.text.startswith("10.")}
    wanted = flatten({net: until for net, until in nets.items() if net is not None})
    held: dict[Network, float | None] = {}
    for element in wall.kernel.ranges("net-set-sshd", 4):  # neighbours with one end may be one range, or two
        assert element.last is not None
        end = None if element.timeout is None else NOW + element.timeout / 1000
        held |= dict.fromkeys(summarize(Range(*(int.from_bytes(e) for e in (element.key, element.last))), 4), end)
    assert flatten(held) == wanted
    assert all(covers(list(wanted), net) for net in nets if net is not None)
