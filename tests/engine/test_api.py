"""What the engine answers to whoever speaks for a person."""

from __future__ import annotations

from sekisho.engine.api import EngineApi, Refused, UnknownJail
from sekisho.engine.engine import Engine


def test_an_unknown_jail_is_refused_in_the_words_that_scripts_know() -> None:
    """The text is the one of COMPAT 6.1, and the jail's name is at hand for a suggestion."""
    error = UnknownJail("sshdd")
    assert isinstance(error, Refused)
    assert (str(error), error.jail) == ("Sorry but the jail 'sshdd' does not exist", "sshdd")


def test_the_engine_answers_everything_that_the_api_promises() -> None:
    """Control knows only the protocol; a word that the engine lacks would fail at three in the morning."""
    promised = {name for name in vars(EngineApi) if not name.startswith("_")}
    assert promised <= set(dir(Engine))
