"""The names of the log levels (COMPAT section 0)."""

from __future__ import annotations

from types import MappingProxyType

NOTICE = 25
"""What administrators look for: bans and unbans."""

MSG = 18
TRACEDEBUG = 7
HEAVYDEBUG = 5

LEVELS = MappingProxyType(
    {
        "CRITICAL": 50,
        "ERROR": 40,
        "WARNING": 30,
        "NOTICE": NOTICE,
        "INFO": 20,
        "MSG": MSG,
        "DEBUG": 10,
        "TRACEDEBUG": TRACEDEBUG,
        "HEAVYDEBUG": HEAVYDEBUG,
    }
)
SHOWN = MappingProxyType({TRACEDEBUG: "TRACE", HEAVYDEBUG: "HEAVY"} | {LEVELS[n]: n for n in list(LEVELS)[:-2]})
"""What stands in the log's level column."""


def parse_level(text: str) -> int:
    """Return the number of the level that `text` names in any case, or is.

    Raises:
        ValueError: there is no such level; the message is Fail2ban's, with the names that there are.

    """
    word = text.strip().upper()
    if word in LEVELS:
        return LEVELS[word]
    if word.isascii() and word.isdigit():
        return int(word)
    raise ValueError(f"Invalid log level {text!r}: expected a number or one of {', '.join(LEVELS)}")
