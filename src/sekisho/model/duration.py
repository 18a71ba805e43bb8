"""Spans of time as administrators write them and as the log prints them (COMPAT 1.9).

`parse_duration` reads numbers with units (`1h 30m`, `1d12h`, `1y-6mo`), joined by `+ - * /`, parentheses, or nothing
(which adds). It is a grammar of its own, never Python's: nothing in a configuration file is evaluated.

    sum     = product { ["+" | "-"] product }
    product = factor { ("*" | "/") factor }
    factor  = ["-" | "+"] ( "(" sum ")" | number [unit] )
"""

from __future__ import annotations

import re

Seconds = int | float

LONGEST: int = 10**10
"""Seconds, three centuries: firewalls and ledgers count no further."""

_MINUTE, _HOUR, _DAY, _WEEK = 60, 3600, 86400, 604800
_UNITS: dict[str, Seconds] = {
    **dict.fromkeys(("s", "ss", "sec", "second", "seconds"), 1),
    **dict.fromkeys(("m", "mm", "min", "minute", "minutes"), _MINUTE),
    **dict.fromkeys(("h", "hh", "hou", "hour", "hours"), _HOUR),
    **dict.fromkeys(("d", "dd", "da", "day", "days"), _DAY),
    **dict.fromkeys(("w", "ww", "wee", "week", "weeks"), _WEEK),
    **dict.fromkeys(("mo", "mon", "month", "months"), 2629800.0),  # a twelfth of 365.25 days
    **dict.fromkeys(("y", "yy", "yea", "year", "years"), 31557600.0),
}
_TOKEN = re.compile(r"\s*(?:(?P<number>\d+(?:\.\d*)?|\.\d+)|(?P<word>[A-Za-z]+)|(?P<sign>[-+*/()]))")
_MULTIPLIER = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)
_DEPTH = 20  # parentheses nested deeper than this are no duration that a person wrote


def parse_duration(text: str) -> Seconds:
    """Return the seconds that `text` stands for.

    Raises:
        ValueError: `text` is not a duration; the message says which part was not understood.

    """
    parser = _Parser(text)
    value = parser.sum(0)
    if parser.peek() is not None:
        raise ValueError(f"duration {text!r}: did not expect {parser.peek()!r}")
    return value


def parse_multipliers(text: str) -> tuple[Seconds, ...]:
    """Return the numbers of a list such as `1 2 4.5`; raises ValueError for anything else."""
    words = text.replace(",", " ").split()
    wrong = next((word for word in words if _MULTIPLIER.fullmatch(word) is None), None)
    if wrong is not None:
        raise ValueError(f"expected numbers such as 1 2 4 8, found {wrong!r}")
    return tuple(float(word) if "." in word else int(word) for word in words)


class _Parser:
    """Recursive descent over the tokens of one duration."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[str] = []
        position = 0
        stripped = text.strip()
        while position < len(stripped):
            token = _TOKEN.match(stripped, position)
            if token is None:
                raise ValueError(f"duration {text!r}: did not understand {stripped[position:]!r}")
            self.tokens.append(token.group().strip())
            position = token.end()
        if not self.tokens:
            raise ValueError("duration is empty: expected for example 10m, 1h 30m or 3600")
        self.at = 0

    def peek(self) -> str | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self) -> str:
        token = self.peek()
        if token is None:
            raise ValueError(f"duration {self.text!r} ends too early")
        self.at += 1
        return token

    def sum(self, depth: int) -> Seconds:
        value = self.product(depth)
        while (token := self.peek()) is not None and token not in "*/)":
            if token in "+-":
                self.take()
            term = self.product(depth)
            value = value - term if token == "-" else value + term
        return value

    def product(self, depth: int) -> Seconds:
        value = self.factor(depth)
        while (token := self.peek()) in ("*", "/"):
            self.take()
            right = self.factor(depth)
            if token == "/" and right == 0:
                raise ValueError(f"duration {self.text!r} divides by zero")
            value = value * right if token == "*" else value / right
        return value

    def factor(self, depth: int) -> Seconds:
        if depth > _DEPTH:
            raise ValueError(f"duration {self.text!r} is nested too deeply")
        token = self.take()
        if token in "+-":
            value = self.factor(depth + 1)
            return -value if token == "-" else value
        if token == "(":
            value = self.sum(depth + 1)
            if self.take() != ")":
                raise ValueError(f"duration {self.text!r}: a parenthesis is not closed")
            return value
        if not (token[0].isdigit() or token[0] == "."):
            raise ValueError(f"duration {self.text!r}: name {token!r} is not defined")
        number: Seconds = float(token) if "." in token else int(token)
        unit = self.peek()
        if unit is None or not unit.isalpha():
            return number
        self.take()
        if unit.lower() not in _UNITS:
            raise ValueError(f"duration {self.text!r}: unknown unit {unit!r}; known are s m h d w mo y")
        return number * _UNITS[unit.lower()]


_YEAR = 365 * _DAY
_SHOWN = ((_YEAR, "y"), (_WEEK, "w"), (_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m"), (1, "s"))
_GRAINS = ((_YEAR, _DAY), (_WEEK, _HOUR), (_DAY, _MINUTE), (3595, 10))


def render_duration(seconds: Seconds) -> str:
    """Return `seconds` as the log prints them: at most three groups, rounded the coarser the longer they are."""
    if seconds < 0:
        return "-" + render_duration(-seconds)
    grain = next((grain for least, grain in _GRAINS if seconds >= least), 1)
    left = round(seconds / grain) * grain
    groups: list[str] = []
    for size, unit in _SHOWN:
        if seconds < size and size >= _DAY:  # 86399 s is 24h: a day that has not passed is not named
            continue
        count, left = divmod(left, size)
        if count:
            groups.append(f"{count}{unit}")
    return " ".join(groups[:3]) or "0"
