"""How a line of the log looks (COMPAT 3.6). Pure, apart from the local time zone.

Other programs read this log, recidive jails foremost, and much of it was written by strangers: user names, host names,
whole log lines. So a message is one line whatever it contains: `one_line` shows each character that could end a line,
move a cursor or turn the writing direction as an escape.
"""

from __future__ import annotations

import re
import time

from sekisho.model.loglevel import SHOWN
from sekisho.model.logtarget import LogTarget, TargetKind

_UNSAFE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_NAMED = {"\n": "\\n", "\r": "\\r"}
_LONGEST = 16384  # characters; journald cuts at 48 KiB, and nobody reads further


def one_line(message: str) -> str:
    """Return `message` with everything that is not plain text of one line escaped, and cut where it is endless."""
    if len(message) > _LONGEST:
        message = f"{message[:_LONGEST]}... ({len(message) - _LONGEST} more)"
    return message if message.isprintable() else _UNSAFE.sub(_escape, message)


def _escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    if 0xDC80 <= code <= 0xDCFF:  # a byte that did not decode
        code -= 0xDC00
    return _NAMED.get(found.group()) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


class Layout:
    """Renders lines for one target. The clock's second is rendered once."""

    def __init__(self, target: LogTarget, pid: int) -> None:
        self._target = target
        self._pid = pid
        self._second = -1
        self._stamp = ""

    def lines(self, *, name: str, level: int, now: float, messages: list[str]) -> list[str]:
        """Return one line (no newline) for each message, all of logger `name`, at `level`, at `now` (epoch seconds)."""
        if not "".join(messages).isprintable() or max(map(len, messages), default=0) > _LONGEST:
            messages = [one_line(message) for message in messages]
        shown = SHOWN.get(level) or str(level)
        if self._target.form is not None:
            fields = {"asctime": self._asctime(now), "created": now, "name": name, "process": self._pid}
            fields |= {"levelname": shown, "levelno": level}
            return [self._target.form % (fields | {"message": message}) for message in messages]
        if self._target.kind is TargetKind.JOURNAL:
            return messages  # the journal has fields for the rest
        stamp = f"{self._asctime(now)} " if self._target.datetime else ""
        prefix = (
            f"{stamp}{name:<24}[{self._pid}]: {shown:<7} "
            if self._target.padding
            else f"{stamp}{name}[{self._pid}]: {shown} "
        )
        return [prefix + message for message in messages]

    def _asctime(self, now: float) -> str:
        """Return `now` as local time with comma and milliseconds."""
        second = int(now)
        if second != self._second:
            self._second = second
            self._stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))
        return f"{self._stamp},{int((now - second) * 1000):03d}"
