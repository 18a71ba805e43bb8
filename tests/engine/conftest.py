"""A house for every play of the engine, and what it leaves behind is put away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.house import OPENED, MemoryHouse


@pytest.fixture
def house(tmp_path: Path) -> MemoryHouse:
    """Return a house whose ledger lies in a file."""
    return MemoryHouse(str(tmp_path / "ledger.sqlite"))


@pytest.fixture(autouse=True)
def _closed_ledgers() -> Iterator[None]:
    """Close the ledgers of lives that ended by death."""
    yield
    while OPENED:
        OPENED.pop().close()
