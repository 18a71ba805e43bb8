"""How a line of the log looks, and what a `logtarget` says (COMPAT 1.8, 3.6). Pure, apart from the local time zone.

Other programs read this log, recidive jails foremost, and much of it was written by strangers: user names, host names,
whole log lines. So a message is one line whatever it contains: `one_line` shows each character that could end a line,
move a cursor or turn the writing direction as an escape.
"""

from __future__ import annotations

import enum
import re
import time
from dataclasses import dataclass

from sekisho.model.loglevel import SHOWN
from sekisho.model.pairs import parse_pairs
from sekisho.model.switch import parse_switch

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


class TargetKind(enum.Enum):
    """Where log lines go; the values are the reserved words, a file has none."""

    FILE = "FILE"
    STDOUT = "STDOUT"
    STDERR = "STDERR"
    SYSOUT = "SYSOUT"
    SYSLOG = "SYSLOG"
    JOURNAL = "SYSTEMD-JOURNAL"


_WORDS = {kind.value: kind for kind in TargetKind if kind is not TargetKind.FILE} | {"JOURNAL": TargetKind.JOURNAL}
_FACILITIES = (
    *("KERN", "USER", "MAIL", "DAEMON", "AUTH", "SYSLOG", "LPR", "NEWS", "UUCP", "CRON", "AUTHPRIV", "FTP"),
    *("NTP", "SECURITY", "CONSOLE", "SOLARIS-CRON", "LOCAL0", "LOCAL1", "LOCAL2", "LOCAL3", "LOCAL4", "LOCAL5"),
    *("LOCAL6", "LOCAL7"),
)  # by number: RFC 5424, table 1
_TARGET = re.compile(r"(?P<place>[^\[\]]+?)\s*(?:\[(?P<options>.*)\])?", re.DOTALL)
_OPTIONS = ("padding", "datetime", "format", "facility")
_SAMPLE = {"asctime": "", "created": 0.0, "levelname": "", "levelno": 0, "message": "", "name": "", "process": 0}


@dataclass(frozen=True, slots=True)
class LogTarget:
    """A parsed `logtarget`. `path` is a file's; `form` replaces the whole line's layout; `facility` is a number."""

    kind: TargetKind
    path: str = ""
    padding: bool = True
    datetime: bool = True
    form: str | None = None
    facility: int = _FACILITIES.index("DAEMON")


def parse_target(text: str) -> LogTarget:
    """Return what `text` (`/var/log/x.log`, `STDOUT[padding=off]`, `syslog[facility=AUTH]` ...) names.

    Raises:
        ValueError: it is empty, an option is unknown or malformed, or the format names an unknown field.

    """
    found = _TARGET.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"logtarget {text!r}: expected a file, or one of {', '.join(_WORDS)}, with [options] or not")
    place = found["place"]
    kind = _WORDS.get(place.upper(), TargetKind.FILE)
    options = _parse_options(text, found["options"] or "")
    facility = options.get("facility", "DAEMON").upper()
    if facility not in _FACILITIES:
        raise ValueError(f"logtarget {text!r}: unknown facility {facility!r}; known are {', '.join(_FACILITIES)}")
    form = options.get("format")
    if form is not None:
        try:
            form % _SAMPLE
        except (KeyError, TypeError, ValueError) as error:
            known = ", ".join(f"%({name})s" for name in _SAMPLE)
            raise ValueError(f"logtarget {text!r}: format {form!r} does not work ({error!r}); use {known}") from None
    plain = kind in (TargetKind.SYSLOG, TargetKind.SYSOUT, TargetKind.JOURNAL)
    return LogTarget(
        kind,
        path=place if kind is TargetKind.FILE else "",
        padding=parse_switch(options.get("padding", "off" if kind is TargetKind.SYSLOG else "on")),
        datetime=parse_switch(options.get("datetime", "off" if plain else "on")),
        form=form,
        facility=_FACILITIES.index(facility),
    )


def _parse_options(target: str, text: str) -> dict[str, str]:
    try:
        options = dict(parse_pairs(text))
    except ValueError as error:
        raise ValueError(f"logtarget {target!r}: {error}; expected name=value, ...") from None
    unknown = next((name for name in options if name not in _OPTIONS), None)
    if unknown is not None:
        raise ValueError(f"logtarget {target!r}: unknown option {unknown!r}; known are {', '.join(_OPTIONS)}")
    return options


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
