"""What a `logtarget` says: where the log goes, and how its lines look there (COMPAT 1.8)."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from sekisho.model.pairs import parse_pairs
from sekisho.model.switch import parse_switch


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
