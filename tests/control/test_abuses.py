"""What peers do wrong is counted, and does not fill the log."""

from __future__ import annotations

import pytest

from sekisho.control.abuses import Abuses


def test_each_kind_is_logged_once_a_minute_with_its_count(caplog: pytest.LogCaptureFixture) -> None:
    """However often it comes; what stands behind the colon makes no new kind."""
    now = 1000.0
    abuses = Abuses(lambda: now)
    for number in range(100):
        abuses.report(f"no request: {number}", "root")
    abuses.report("half a request", "ann")
    now += 59
    abuses.report("no request: again", "root")
    now += 1
    abuses.report("no request: again", "root")
    assert caplog.messages == [
        "Control socket: no request: 0 (root; 1 so far)",
        "Control socket: half a request (ann; 1 so far)",
        "Control socket: no request: again (root; 102 so far)",
    ]
    assert abuses.counts == {"no request": 102, "half a request": 1}
