"""Tests of enforce.observe."""

from __future__ import annotations

import asyncio
import logging

import pytest

from sekisho.enforce.observe import ObserveAction
from sekisho.model.address import parse_subject
from sekisho.model.verdict import Ban


def test_nobody_is_barred_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """At start, at a ban and at its end there is a line; there is no firewall to ask."""
    action = ObserveAction(jail="sshd", reason="not root")
    bans = [Ban("sshd", parse_subject("192.0.2.1"), 1.0, 600)]

    async def play() -> None:
        assert await action.start(bans) == []
        assert await action.ban(bans) == []
        assert await action.unban(bans) == []
        assert await action.listed() is None
        await action.stop(bans)

    with caplog.at_level(logging.INFO):
        asyncio.run(play())
    assert caplog.messages == [
        "[sshd] only observing (not root): bans are counted and listed, but nothing is barred; 1 stand",
        "[sshd] observed: 192.0.2.1 would be barred now",
        "[sshd] observed: 192.0.2.1 would be admitted again",
    ]
