"""The words of `sekisho apply` and `sekisho confirm`: a configuration that is taken back unless it is confirmed."""

from __future__ import annotations

from sekisho.control.protocol import Granted, Kind, Value
from sekisho.control.status import reload_document
from sekisho.control.table import BASIC, Unmet, Word, parse_seconds
from sekisho.engine.api import EngineApi

LONGEST = 3600  # seconds: what machines decide meanwhile is undone when nobody confirms


async def apply(engine: EngineApi, text: str) -> Granted:
    """Reload, and take it back after that time; what the reload came to."""
    seconds = parse_seconds(text)
    if not 0 < seconds <= LONGEST:
        raise Unmet(Kind.VALUE, f"a trial lasts from 1 to {LONGEST} seconds, not {text}")
    return Granted(reload_document(await engine.apply(seconds)))


async def confirm(engine: EngineApi) -> Value:
    """Let the configuration on trial stay."""
    await engine.confirm()
    return None


async def trial(engine: EngineApi) -> Value:
    """Return until when a configuration awaits confirmation, and when the last one was taken back; null: neither."""
    status = engine.trial()
    return {"until": status.until, "rolled_back": status.rolled_back}


WORDS = (
    Word("apply", "<TIME>", BASIC, "reload, and take it back after that time unless confirmed", apply,
         changes=True, exclusive=True, internal=True),
    Word("confirm", "", BASIC, "keep what was applied", confirm, changes=True, internal=True),
    Word("trial", "", BASIC, "whether a configuration awaits confirmation", trial, internal=True),
)  # fmt: skip
