"""Tests of enforce.netlink: the kernel's own sets, in a network namespace; the fake passes the same contract."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator

import pytest
from tests.support.memory_sets import MemorySets
from tests.support.namespace import play_in_namespace, run

from sekisho.enforce.netlink import NftSocket, Refusal
from sekisho.enforce.table import Sets
from sekisho.enforce.wire import Element, Reply

TABLE = """
add table inet sekisho
add set inet sekisho a4 { type ipv4_addr; flags timeout; counter; }
add set inet sekisho n4 { type ipv4_addr; flags interval, timeout; counter; }
add chain inet sekisho jail-x
"""


def element(number: int, timeout: int | None = 600_000) -> Element:
    """An address in 10/8."""
    return Element((0x0A000000 + number).to_bytes(4, "big"), None, timeout)


def span(first: str, last: str, timeout: int | None = None) -> Element:
    """A range by the hex of its first and last address."""
    return Element(bytes.fromhex(first), bytes.fromhex(last), timeout)


def contract(play: Callable[[Sets], None]) -> Callable[[str], None]:
    """Make a test that plays with the real kernel and with the fake one."""

    def test(kind: str) -> None:
        if kind == "memory":
            fake = MemorySets()
            fake.held = {"a4": {}, "n4": {}}
            fake.chain_names = {"jail-x"}
            play(fake)
            return

        async def live() -> None:
            run("nft", "-f", "-", text=TABLE)
            real = NftSocket("sekisho")
            try:
                play(real)
            finally:
                real.close()

        play_in_namespace(live)

    test.__doc__ = play.__doc__
    kinds = [pytest.param("kernel", marks=pytest.mark.system), "memory"]
    mark: Callable[[Callable[[str], None]], Callable[[str], None]] = pytest.mark.parametrize("kind", kinds)
    return mark(test)


def _adds(sets: Sets) -> None:
    """What is added is listed; what is deleted is not; deleting again is no refusal."""
    assert sets.add("a4", [element(n) for n in range(3)]) == []
    assert sets.delete("a4", [element(1), element(9)]) == []
    assert {each.key for each in sets.addresses("a4")} == {element(0).key, element(2).key}


def _prolongs(sets: Sets) -> None:
    """Adding again gives an element its new timeout, and takes nothing from its neighbours."""
    sets.add("a4", [element(n, 60_000) for n in range(4)])
    assert sets.add("a4", [element(3, 900_000), element(4, None), element(2, None)]) == []
    left = {each.key: each.timeout for each in sets.addresses("a4")}
    assert left[element(4).key] is None
    assert left[element(2).key] is None
    prolonged, short = left[element(3).key], left[element(0).key]
    assert prolonged is not None
    assert short is not None
    assert 800_000 < prolonged <= 900_000
    assert 50_000 < short <= 60_000


def _twins(sets: Sets) -> None:
    """The same address twice in one call is one element, with the later timeout."""
    assert sets.add("a4", [element(1, 1000), element(1, None)]) == []
    assert [each.timeout for each in sets.addresses("a4")] == [None]


def _missing(sets: Sets) -> None:
    """A set that is not there is said to be missing, whatever is asked of it."""
    for ask in (sets.add, sets.delete):
        with pytest.raises(FileNotFoundError):
            ask("no", [element(1)])
    with pytest.raises(FileNotFoundError):
        sets.addresses("no")
    with pytest.raises(FileNotFoundError):
        sets.refill("no", [])


def _ranges(sets: Sets) -> None:
    """Ranges are exchanged at one stroke; a bad exchange changes nothing; a refill replaces everything."""
    first, last = span("0a000000", "0affffff"), span("ff000000", "ffffffff")
    sets.exchange("n4", remove=[], add=[first, last])
    assert sets.ranges("n4", 4) == [first, last]
    with pytest.raises(OSError):  # noqa: PT011 - which one is the kernel's affair
        sets.exchange("n4", remove=[], add=[span("0b000000", "0b0000ff"), span("0a010000", "0a01ffff")])
    assert sets.ranges("n4", 4) == [first, last]
    halves = [span("0a000000", "0a7fffff"), span("0a800000", "0affffff")]
    sets.exchange("n4", remove=[first], add=halves)
    assert sets.ranges("n4", 4) == [*halves, last]
    sets.refill("n4", [span("00000000", "ffffffff")])
    assert sets.ranges("n4", 4) == [span("00000000", "ffffffff")]


def _chains(sets: Sets) -> None:
    """The table's chains are named."""
    assert sets.chains() == {"jail-x"}


test_what_is_added_is_there = contract(_adds)
test_adding_again_prolongs = contract(_prolongs)
test_twins_are_one = contract(_twins)
test_a_missing_set_is_said_to_be_missing = contract(_missing)
test_ranges_change_at_one_stroke = contract(_ranges)
test_chains_are_named = contract(_chains)


@pytest.mark.system
def test_one_bad_element_does_not_lose_the_others() -> None:
    """Among 2,000 addresses one has the wrong length; it alone is refused, and the rest is in force."""

    async def play() -> None:
        run("nft", "-f", "-", text=TABLE)
        sets = NftSocket("sekisho")
        bad = Element(b"\1" * 16, None, 5000)
        refused = sets.add("a4", [*(element(n) for n in range(1500)), bad, *(element(n) for n in range(1500, 2000))])
        assert refused == [Refusal(bad, errno.EINVAL)]
        assert "EINVAL" in str(refused[0])
        assert len(sets.addresses("a4")) == 2000
        sets.close()

    play_in_namespace(play)


@pytest.mark.system
def test_lost_answers_are_no_lost_bans() -> None:
    """The kernel's answers overran the buffer, so nobody knows what took: it is done again, and comes out right."""

    async def play() -> None:
        run("nft", "-f", "-", text=TABLE)
        sets = NftSocket("sekisho")
        read = sets._read
        losses = 2

        def lossy() -> Iterator[Reply]:
            nonlocal losses
            losses -= 1
            if losses >= 0:
                list(read())
                raise OSError(errno.ENOBUFS, "No buffer space available")
            return read()

        sets._read = lossy  # type: ignore[method-assign]
        assert sets.add("a4", [element(n, 900_000) for n in range(1200)]) == []
        assert len(sets.addresses("a4")) == 1200
        losses = 1
        assert sets.delete("a4", [element(n) for n in range(1500)]) == []
        assert sets.addresses("a4") == []
        losses = 9
        with pytest.raises(OSError, match="No buffer space"):
            sets.add("a4", [element(1)])
        sets.close()

    play_in_namespace(play)


@pytest.mark.system
def test_a_full_set_takes_what_it_can() -> None:
    """A set with room for ten holds ten; the others are refused one by one."""

    async def play() -> None:
        run("nft", "-f", "-", text="add table inet sekisho\nadd set inet sekisho a4 { type ipv4_addr; size 10; }")
        sets = NftSocket("sekisho")
        refused = sets.add("a4", [element(n, None) for n in range(16)])
        assert {refusal.error for refusal in refused} == {errno.ENFILE}
        assert len(refused) == 6
        assert len(sets.addresses("a4")) == 10
        sets.close()

    play_in_namespace(play)


@pytest.mark.system
def test_thousands_are_listed_right_after_they_were_added() -> None:
    """A set that is still growing moves its elements; the listing is complete all the same."""

    async def play() -> None:
        run("nft", "-f", "-", text=TABLE)
        sets = NftSocket("sekisho")
        for start in range(0, 30_000, 10_000):
            assert sets.add("a4", [element(n * 7) for n in range(start, start + 10_000)]) == []
            assert len(sets.addresses("a4")) == start + 10_000
        assert sets.delete("a4", [element(n * 7) for n in range(40_000)]) == []
        assert sets.addresses("a4") == []
        sets.close()

    play_in_namespace(play)


@pytest.mark.system
def test_another_programs_change_is_noticed() -> None:
    """Our own batches leave the number as it is; any change of another program raises it; listing does not."""

    async def play() -> None:
        run("nft", "-f", "-", text=TABLE)
        sets = NftSocket("sekisho")
        before = sets.others_changes()
        sets.add("a4", [element(1)])
        sets.add("a4", [element(1)])
        sets.delete("a4", [element(2)])
        run("nft", "list", "ruleset")
        assert sets.others_changes() == before
        run("nft", "add", "table", "ip", "other")
        assert sets.others_changes() != before
        sets.close()

    play_in_namespace(play)


@pytest.mark.system
def test_what_the_kernel_cannot_count_is_refused() -> None:
    """A timeout beyond the kernel's clock is refused with its reason, and nothing else is."""

    async def play() -> None:
        run("nft", "-f", "-", text=TABLE)
        sets = NftSocket("sekisho")
        assert [refusal.error for refusal in sets.add("a4", [element(1, 10**15), element(2, 10**13)])] == [errno.ERANGE]
        sets.close()

    play_in_namespace(play)
