"""An engine to talk about, and a way to say words to it without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from tests.support.fake_engine import FakeEngine

from sekisho.control.protocol import Answer, Denied
from sekisho.control.table import Unmet
from sekisho.control.words import answer, find

Say = Callable[..., Answer]


@pytest.fixture
def engine() -> FakeEngine:
    """Two jails, nobody banned."""
    return FakeEngine()


@pytest.fixture
def say(engine: FakeEngine) -> Say:
    """Say words to the engine, as the server does; the answer."""

    def speak(*words: str) -> Answer:
        try:
            word, arguments = find(words)
        except Unmet as error:
            return Denied(error.kind, error.detail)
        return asyncio.run(answer(engine, word, arguments))

    return speak
