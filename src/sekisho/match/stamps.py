"""Makes an instant of the parts of a date: missing years and days, zones (COMPAT 2.9).

`now` is always given. The local zone is the process' (`TZ`), asked through `time.mktime` and `time.localtime`, which
are functions of their arguments and `TZ` alone.
"""

from __future__ import annotations

import calendar
import time
from collections.abc import Mapping
from datetime import date, timedelta

from sekisho.match.fields import MONTHS, WEEKDAYS
from sekisho.match.zones import zone_offset

_DAY = 86400

Parts = Mapping[str, str | None]


def stamp_of(parts: Parts, *, now: float, zone: int | None) -> float | None:
    """Seconds since the epoch of a date's parts by slot (`fields`); None when they make no valid date.

    `zone` (seconds east) holds for a date that names none; None: the process' local zone.
    """
    named = parts.get("z")
    if named:
        zone = zone_offset(named)
        if zone is None:
            return None
    here = time.localtime(now)
    clock = _clock(parts)
    year = _year(parts)
    try:
        day, what_is_missing = _day(parts, year, date(here.tm_year, here.tm_mon, here.tm_mday))
        stamp = _instant(day, clock, zone)
        if what_is_missing == "day" and stamp > now:
            return _instant(day - timedelta(days=1), clock, zone)
        if what_is_missing == "year" and stamp > now + _DAY:
            day, _ = _day(parts, day.year - 1, day)
            return _instant(day, clock, zone)
    except (ValueError, OverflowError):
        return None
    return stamp


def _clock(parts: Parts) -> int:
    """Seconds since midnight."""
    if hour := parts.get("H"):
        hours = int(hour)
    elif hour := parts.get("I"):
        hours = int(hour) % 12 + (12 if (parts.get("p") or "").lower() == "pm" else 0)
    else:
        hours = 0
    return hours * 3600 + int(parts.get("M") or 0) * 60 + int(parts.get("S") or 0)


def _year(parts: Parts) -> int | None:
    if text := parts.get("Y"):
        return int(text)
    if text := parts.get("y"):
        return 2000 + int(text)
    return None


def _day(parts: Parts, year: int | None, today: date) -> tuple[date, str]:
    """The day, and what had to be guessed of it: "", "year" or "day". Raises ValueError when there is no such day."""
    guessed = "year" if year is None else ""
    year = today.year if year is None else year
    month = _month(parts)
    day = parts.get("d")
    if month or day:
        return date(year, month or today.month, int(day or 1)), guessed
    if yearday := parts.get("j"):
        found = date(year, 1, 1) + timedelta(days=int(yearday) - 1)
        if found.year != year:
            raise ValueError("day of another year")
        return found, guessed
    weekday = _weekday(parts)
    if weekday is not None and (week := parts.get("U") or parts.get("W")):
        return _day_of_week(year, int(week), weekday, from_sunday=bool(parts.get("U"))), guessed
    return today.replace(year=year), "day"


def _month(parts: Parts) -> int | None:
    if number := parts.get("m"):
        return int(number)
    if name := parts.get("b"):
        return MONTHS.index(name[:3].lower()) + 1
    return None


def _weekday(parts: Parts) -> int | None:
    """Days since Monday."""
    if number := parts.get("w"):
        return (int(number) - 1) % 7
    if name := parts.get("a"):
        return WEEKDAYS.index(name[:3].lower())
    return None


def _day_of_week(year: int, week: int, weekday: int, *, from_sunday: bool) -> date:
    """The day of a week counted as `%U` (from Sunday) or `%W` does: week 1 begins with the year's first such day."""
    first = date(year, 1, 1)
    start = 6 if from_sunday else 0
    first_week = first + timedelta(days=(start - first.weekday()) % 7)
    return first_week + timedelta(days=7 * (week - 1) + (weekday - start) % 7)


def _instant(day: date, clock: int, zone: int | None) -> float:
    if zone is not None:
        return float(calendar.timegm((day.year, day.month, day.day, 0, 0, 0)) + clock - zone)
    minutes, second = divmod(clock, 60)
    return time.mktime((day.year, day.month, day.day, minutes // 60, minutes % 60, second, -1, -1, -1))
