"""What the tests of reading share."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.sources.journals import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """A journal that does not exist until it is written to."""
    return Journal(tmp_path / "journal")
