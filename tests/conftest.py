"""What every test may rely on: `system` tests run where they can, and nowhere pass by not running."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator

import pytest
from tests.support.lab import Lab

from sekisho.cli import demo_stage


def pytest_configure() -> None:
    """Let Ctrl-C end what the tests start, though a shell that ran them in the background has them ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a `system` test where its needs are not met; with CI set, fail it instead.

    `@pytest.mark.system(needs=("sshd", "ssh"))` names programs beyond root and namespaces.
    """
    marker = item.get_closest_marker("system")
    if marker is None:
        return
    reason = "not root" if os.geteuid() != 0 else demo_stage.missing()
    absent = [name for name in marker.kwargs.get("needs", ()) if shutil.which(name) is None]
    if not reason and absent:
        reason = f"missing programs: {', '.join(absent)}"
    if reason and os.environ.get("CI"):
        pytest.fail(f"a system test must run in CI: {reason}", pytrace=False)
    if reason:
        pytest.skip(reason)


@pytest.fixture
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A mail server of the test's own, with strangers outside (tests/support/lab.py)."""
    with Lab(tmp_path_factory.mktemp("lab")) as built:
        yield built


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time is UTC."""
    with monkeypatch.context() as changed:
        changed.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()
