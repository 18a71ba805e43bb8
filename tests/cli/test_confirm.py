"""`sekisho confirm`."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.fake_engine import FakeEngine
from tests.support.served import Served

from sekisho.cli.main import main
from sekisho.engine.api import TrialStatus


def test_what_is_on_trial_is_confirmed_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Then nothing is left to confirm, which is an error."""
    with Served(tmp_path, FakeEngine(tried=TrialStatus(until=1.0))) as served:
        assert main(["confirm", "-s", served.path]) == 0
        assert main(["confirm", "-s", served.path]) == 1
    shown = capsys.readouterr()
    assert shown.out == "Confirmed: the new configuration stays.\n"
    assert shown.err == "sekisho: No configuration awaits confirmation\n"
