r"""One way to write a date: a pattern, the expression it becomes, and how a match becomes an instant (COMPAT 2.8).

Group 1 of the expression is what gets cut out of the line. A pattern without a plain group gets one around everything
but a leading `^` and a trailing `$`. Unless the pattern says otherwise, a date may not begin or end inside a word.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from sekisho.match.fields import LAST_YEAR, expand_fields, has_names, show_fields
from sekisho.match.stamps import stamp_of

NOT_INSIDE_WORD = r"(?!\B\w)"
"""Holds everywhere but between two word characters."""


class Begin(enum.Enum):
    """Where in a line the date may begin: at its start, behind at most two non-word characters, or anywhere."""

    STRICT = "^"
    LOOSE = "{^LN-BEG}"
    ANYWHERE = ""


_NO_MORE = re.compile(r"[^\w\s.,+-]| [^\s\d.,+-]")
_NO_MORE_WITH_ZONE = re.compile(r"[^\w\s.,+-]| [^\s\d.,+\-zugZUG]")
_LEADS = {Begin.STRICT: "^", Begin.LOOSE: r"^\W{0,2}?", Begin.ANYWHERE: ""}

Reader = Callable[[re.Match[str], float, int | None], float | None]


@dataclass(frozen=True)
class DateTemplate:
    """A kind of date. `text` is the pattern without its prefix; `bounded` False lets it touch words on both sides.

    `reader` is None for a pattern of fields; otherwise it makes the instant of a match. `is_enclosed`: a
    default kind of date, or the only group, behind a character that belongs to no word, at the pattern's end.
    """

    text: str
    begin: Begin = Begin.ANYWHERE
    bound_left: bool = True
    bound_right: bool = True
    name: str = ""
    reader: Reader | None = None
    custom: bool = True
    is_enclosed: bool = False
    last_year: int = LAST_YEAR

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", self.begin.value + show_fields(self.text))

    @property
    def is_anchored(self) -> bool:
        """True when a match can only lie at the start of the line."""
        return self.begin is not Begin.ANYWHERE

    @property
    def is_snug(self) -> bool:
        """True when what the cut of such a date joins belongs to no word, or is an end of the line (`Cut.SNUG`)."""
        if not self.custom or self.is_enclosed:
            return True
        return self.begin is Begin.STRICT and not _PLAIN_GROUP.search(self.text)

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """The expression. Raises re.error or KeyError for a pattern that means nothing."""
        return _compile(self)

    @cached_property
    def search(self) -> Callable[[str], re.Match[str] | None]:
        """Finds the date in a line; at its start only, where it can be nowhere else."""
        return self.regex.match if self.is_anchored else self.regex.search

    @cached_property
    def slots(self) -> tuple[tuple[str, int], ...]:
        """The parts of the date that the expression gives, and their group numbers."""
        return tuple((slot, number) for slot, number in self.regex.groupindex.items() if not slot.startswith("_"))

    @cached_property
    def second(self) -> int | None:
        """The number of the group of the seconds, where an instant is the minute's plus these."""
        has_day = {"d", "j", "w", "a"} & self.regex.groupindex.keys()
        return self.regex.groupindex.get("S") if self.reader is None and has_day else None

    @cached_property
    def fraction(self) -> int | None:
        """The number of the group of the second's fraction, which never changes an instant."""
        return self.regex.groupindex.get("f")

    @cached_property
    def behind(self) -> re.Pattern[str] | None:
        """What, standing right behind a date, shows that no text further behind had a say in where the date ends.

        The default kinds end in optional parts only: a fraction, a year, a zone, perhaps behind blanks. What cannot
        begin one of these ends the date. None: not known, as for what an administrator wrote.
        """
        if self.custom or not self.is_anchored:
            return None
        return _NO_MORE_WITH_ZONE if "z" in self.regex.groupindex else _NO_MORE

    def anchored_at(self, begin: Begin) -> DateTemplate:
        """The same kind of date, at the start of a line only."""
        name = begin.value + self.name if self.reader else ""
        return replace(self, text=self.text.removeprefix(_EPOCH_PLACE), begin=begin, name=name)

    def read(self, found: re.Match[str], *, now: float, zone: int | None) -> float | None:
        """Seconds since the epoch of a match; None when it is no valid date."""
        if self.reader is not None:
            return self.reader(found, now, zone)
        if not self.slots:
            return None  # like {NONE}: it says where a date would be, and gives none
        return stamp_of({slot: found[number] for slot, number in self.slots}, now=now, zone=zone)


_PLAIN_GROUP = re.compile(r"(?<!\\)(?:\\\\)*\((?!\?)")


@lru_cache(maxsize=512)
def _compile(template: DateTemplate) -> re.Pattern[str]:
    body = template.text
    if not _PLAIN_GROUP.search(body) and not body.startswith(_EPOCH_PLACE):
        tail = "$" if body.endswith("$") and not body.endswith(r"\$") else ""
        body = f"({body.removesuffix('$') if tail else body}){tail}"
    left = NOT_INSIDE_WORD if template.bound_left and not template.text.startswith((r"\b", "(?<")) else ""
    right = NOT_INSIDE_WORD if template.bound_right and not template.text.endswith((r"\b", "$")) else ""
    flags = re.IGNORECASE if has_names(template.text) else 0
    expanded = expand_fields(body, last_year=template.last_year)
    return re.compile(_LEADS[template.begin] + left + expanded + right, flags)


# -- dates that are numbers

_SECONDS = r"\d{10,11}(?:\.\d{3,6})?"
_LONG = r"\d{10,11}(?:\d{3}(?:\.\d{1,6})?|\d{6})?"
_EPOCH_PLACE = r"(?:^|(?<=^\[)|(?<=\baudit\())"


def _read_epoch(found: re.Match[str], _now: float, _zone: int | None) -> float:
    whole, _, fraction = (found["epoch"] or "").partition(".")
    scale = {13: 1000, 14: 1000, 16: 1000000, 17: 1000000}.get(len(whole), 1)
    return float(f"{whole}.{fraction or 0}") / scale


def _read_tai64n(found: re.Match[str], _now: float, _zone: int | None) -> float:
    return float(int(found["tai"][2:16], 16))


def _read_nothing(_found: re.Match[str], _now: float, _zone: int | None) -> None:
    return None


EPOCH = DateTemplate(
    rf"{_EPOCH_PLACE}(?P<epoch>{_SECONDS})", bound_left=False, name="Epoch", reader=_read_epoch, custom=False
)
LONG_EPOCH = replace(EPOCH, text=rf"{_EPOCH_PLACE}(?P<epoch>{_LONG})", name="LongEpoch")
TAI64N = DateTemplate("@(?P<tai>[0-9a-f]{24})", name="TAI64N", reader=_read_tai64n, custom=False)
NO_DATE = DateTemplate("^()", bound_left=False, bound_right=False, name="^", reader=_read_nothing, custom=False)

EMBEDDED = {
    "{EPOCH}": rf"(?P<epoch>{_SECONDS})(?!\d)",
    "{LEPOCH}": rf"(?P<epoch>{_LONG})(?!\d)",
}


def epoch_within(pattern: DateTemplate) -> DateTemplate:
    """`pattern` with its `{EPOCH}` or `{LEPOCH}` made digits."""
    text = pattern.text
    for mark, digits in EMBEDDED.items():
        text = text.replace(mark, digits)
    return replace(pattern, text=text, name=pattern.begin.value + pattern.text, reader=_read_epoch)
