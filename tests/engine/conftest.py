"""What every play of the engine leaves behind is put away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.house import OPENED


@pytest.fixture(autouse=True)
def _closed_ledgers() -> Iterator[None]:
    """Close the ledgers of lives that ended by death."""
    yield
    while OPENED:
        OPENED.pop().close()
