"""The word with which `sekisho adopt` has a running daemon take over from a Fail2ban.

It names a file of this host, which the daemon reads as root, and only reads: what is no database of Fail2ban's is
refused before anything in it counts. Whoever may say it may ban and unban as well, and the log says who did.
"""

from __future__ import annotations

from sekisho.control.protocol import Value
from sekisho.control.table import DATABASE, Word
from sekisho.engine.api import EngineApi

MOST_REMARKS = 1000
"""Rows of which the answer tells why they were left out; how many there were, it tells in any case."""


async def adopt(engine: EngineApi, database: str) -> Value:
    """Take over bans and history from a database; how many, by jail."""
    adopted = await engine.adopt(database)
    return {
        "standing": adopted.standing,
        "past": adopted.past,
        "known": adopted.known,
        "remarks": adopted.remarks[:MOST_REMARKS],
        "unread": len(adopted.remarks),
    }


WORDS = (
    Word(
        "adopt",
        "<DATABASE>",
        DATABASE,
        "take over the bans in a database of Fail2ban's",
        adopt,
        changes=True,
        internal=True,
    ),
)
