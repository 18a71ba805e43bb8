"""What the daemon's tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.host import Host


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A host whose daemons end with the test."""
    host = Host(tmp_path)
    yield host
    for daemon in host.daemons:
        if daemon.poll() is None:
            daemon.kill()
        daemon.wait(10)
