"""The words about a configuration on trial."""

from __future__ import annotations

from tests.control.conftest import Say
from tests.support.fake_engine import NOW, FakeEngine

from sekisho.control.protocol import Denied, Granted, Kind


def test_a_trial_is_begun_looked_at_and_confirmed(say: Say, engine: FakeEngine) -> None:
    """Once; then there is nothing to confirm."""
    assert say("trial") == Granted({"until": None, "rolled_back": None})
    assert say("apply", "2m") == Granted({"jails": [], "server": [], "problems": []})
    assert engine.calls == [("apply", 120)]
    assert say("trial") == Granted({"until": NOW + 120, "rolled_back": None})
    assert say("confirm") == Granted(None)
    assert say("confirm") == Denied(Kind.REFUSED, "No configuration awaits confirmation")


def test_a_trial_is_neither_endless_nor_over_at_once(say: Say, engine: FakeEngine) -> None:
    """An hour at most, since what is decided meanwhile may be undone."""
    for text in ("0", "-1", "2h"):
        assert say("apply", text) == Denied(Kind.VALUE, f"a trial lasts from 1 to 3600 seconds, not {text}")
    assert isinstance(say("apply"), Denied)
    assert isinstance(say("apply", "soon"), Denied)
    assert engine.calls == []
