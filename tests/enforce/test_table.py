"""Tests of enforce.table."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.memory_sets import MemorySets

from sekisho.enforce.nft import NftError
from sekisho.enforce.ruleset import JailRules, Reach
from sekisho.enforce.table import NftTable

SSHD, POSTFIX = JailRules("sshd", Reach()), JailRules("postfix", Reach())


def make() -> tuple[NftTable, MemorySets]:
    """A table over a kernel in memory."""
    kernel = MemorySets()
    return NftTable(run=kernel.run, connect=lambda: kernel), kernel


def test_the_table_goes_with_its_last_jail() -> None:
    """Two jails stand; when the first stops the second's chain stays, when that stops nothing does."""
    table, kernel = make()

    async def play() -> None:
        await asyncio.gather(table.set_up(SSHD, "a"), table.set_up(POSTFIX, "b"))
        assert kernel.chains() == {"prerouting", "jail-sshd", "jail-postfix"}
        await table.take_down(SSHD, "a")
        assert kernel.chains() == {"prerouting", "jail-postfix"}
        assert not kernel.closed
        await table.take_down(POSTFIX, "b")

    asyncio.run(play())
    assert kernel.chains() == frozenset()
    assert kernel.held == {}
    assert kernel.closed


def test_who_was_replaced_takes_nothing_down() -> None:
    """A reload starts the jail's new action before it drops the old one; the old one's stop leaves the chain."""
    table, kernel = make()

    async def play() -> None:
        await table.set_up(SSHD, "old")
        await table.set_up(SSHD, "new")
        await table.take_down(SSHD, "old")

    asyncio.run(play())
    assert "jail-sshd" in kernel.chains()


def test_what_an_earlier_life_left_is_kept_until_all_have_started() -> None:
    """Chains of a life that was killed stay in force while jails start; then those of jails that are no more go."""
    table, kernel = make()

    async def play() -> None:
        dead = NftTable(run=kernel.run, connect=lambda: kernel)
        await dead.set_up(SSHD, "x")
        await dead.set_up(POSTFIX, "x")
        await table.set_up(SSHD, "a")
        assert "jump jail-postfix" in kernel.texts[-1]
        assert await table.settle() == ("postfix",)
        assert await table.settle() == ()

    asyncio.run(play())
    assert kernel.chains() == {"prerouting", "jail-sshd"}


def test_a_flushed_ruleset_is_no_obstacle_to_stopping() -> None:
    """Another program removed everything; taking down the rest succeeds all the same."""
    table, kernel = make()

    async def play() -> None:
        await table.set_up(SSHD, "a")
        await table.set_up(POSTFIX, "b")
        kernel.flush_ruleset()
        await table.take_down(SSHD, "a")
        await table.take_down(POSTFIX, "b")

    asyncio.run(play())
    assert kernel.chains() == frozenset()


def test_a_set_up_that_fails_owns_nothing() -> None:
    """The set-up was refused: the jail has no chain, and stopping it asks nothing of nft."""

    async def refuse(text: str) -> None:
        raise NftError("no")

    async def play() -> None:
        table = NftTable(run=refuse, connect=MemorySets)
        with pytest.raises(NftError):
            await table.set_up(SSHD, "a")
        await table.take_down(SSHD, "a")

    asyncio.run(play())
