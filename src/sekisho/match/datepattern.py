"""What an administrator may write as `datepattern`, and the templates that it stands for (COMPAT 2.8)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from sekisho.match.datetemplate import (
    EMBEDDED,
    EPOCH,
    LONG_EPOCH,
    NO_DATE,
    TAI64N,
    Begin,
    DateTemplate,
    epoch_within,
)
from sekisho.match.fields import LAST_YEAR
from sekisho.match.rule import RuleError

_DAY_OF_LOG = r"(?:%a )?%b %d %k:%M:%S(?:\.%f)?(?: %ExY)?"

_DEFAULTS: tuple[tuple[Begin, str] | DateTemplate, ...] = (
    (Begin.ANYWHERE, r"%ExY(?P<_sep>[-/.])%m(?P=_sep)%d(?:T|  ?)%H:%M:%S(?:[.,]%f)?(?:\s*%z)?"),
    (Begin.ANYWHERE, _DAY_OF_LOG),
    (Begin.ANYWHERE, r"(?:%a )?%b %d %ExY %k:%M:%S(?:\.%f)?"),
    (Begin.ANYWHERE, r"%d(?P<_sep>[-/])%m(?P=_sep)(?:%ExY|%Exy) %k:%M:%S"),
    (Begin.ANYWHERE, r"%d(?P<_sep>[-/])%b(?P=_sep)%ExY[ :]?%H:%M:%S(?:\.%f)?(?: %z)?"),
    (Begin.ANYWHERE, r"%m/%d/%ExY:%H:%M:%S"),
    (Begin.ANYWHERE, r"%m-%d-%ExY %k:%M:%S(?:\.%f)?"),
    EPOCH,
    (Begin.LOOSE, r"%H:%M:%S"),
    (Begin.STRICT, r"<%m/%d/%Exy@%H:%M:%S>"),
    (Begin.ANYWHERE, r"%Exy%Exm%Exd  ?%H:%M:%S"),
    (Begin.ANYWHERE, r"%b %d, %ExY %I:%M:%S %p"),
    (Begin.STRICT, r"%b-%d-%Exy %k:%M:%S"),
    (Begin.ANYWHERE, r"%ExY%Exm%Exd(?:T|  ?|-)%ExH:?%ExM:?%ExS(?:[.,]%f)?(?:\s*%z)?"),
    (Begin.ANYWHERE, rf"(?:%Z )?{_DAY_OF_LOG}"),
    (Begin.ANYWHERE, rf"(?:%z )?{_DAY_OF_LOG}"),
    TAI64N,
)

_NAMED = {"EPOCH": EPOCH, "LEPOCH": LONG_EPOCH, "TAI64N": TAI64N}
_PREFIX = re.compile(r"\{(\^LN-BEG|UNB)\}|(\^)", re.IGNORECASE)


@lru_cache(maxsize=8)
def default_templates(last_year: int = LAST_YEAR) -> tuple[DateTemplate, ...]:
    """The default templates, those for the start of a line first (COMPAT 2.8)."""
    plain = _plain_templates(last_year)
    anchored = [each.anchored_at(Begin.LOOSE) for each in plain if not each.is_anchored]
    return (*anchored, *plain)


@lru_cache(maxsize=8)
def _plain_templates(last_year: int) -> tuple[DateTemplate, ...]:
    return tuple(
        each
        if isinstance(each, DateTemplate)
        else DateTemplate(each[1], begin=each[0], custom=False, last_year=last_year)
        for each in _DEFAULTS
    )


def parse_datepatterns(patterns: Sequence[str], *, last_year: int = LAST_YEAR) -> tuple[DateTemplate, ...]:
    """The templates of a filter's date patterns, none meaning the default ones. Raises RuleError."""
    if not patterns:
        return default_templates(last_year)
    found: dict[str, DateTemplate] = {}
    for pattern in patterns:
        for template in _parse(pattern.strip(), last_year):
            if template.name in found and template.custom and "{DATE}" not in pattern.upper():
                raise RuleError(f"There is already a template with name {template.name}")
            found.setdefault(template.name, template)
    return tuple(found.values())


def _parse(pattern: str, last_year: int) -> Iterable[DateTemplate]:
    plain = pattern.upper()
    if plain in {"{DEFAULT}", "DEFAULT"}:
        return default_templates(last_year)
    if plain == "{^LN-BEG}":
        return [each for each in default_templates(last_year) if each.is_anchored]
    if plain == "{NONE}":
        return [NO_DATE]
    template = _split_prefix(pattern)
    if named := _NAMED.get(template.text.upper()):
        return [named.anchored_at(Begin.LOOSE) if template.is_anchored else named]
    if template.text.upper() == "{DATE}" and template.bound_left and template.bound_right:
        return [_begun(date, template.begin) for date in _plain_templates(last_year)]
    if "{DATE}" in plain:
        templates = [_with_date(template, date) for date in _plain_templates(last_year) if date.reader is None]
    elif any(mark in template.text for mark in EMBEDDED):
        templates = [epoch_within(template)]
    else:
        is_enclosed = template.bound_right and bool(_ENCLOSED_GROUP.fullmatch(template.text))
        templates = [replace(template, is_enclosed=is_enclosed)]
    templates = [replace(each, last_year=last_year) for each in templates]
    for each in templates:
        _check(each, pattern)
    return templates


def _split_prefix(pattern: str) -> DateTemplate:
    begin, bound = Begin.ANYWHERE, True
    text = pattern
    while found := _PREFIX.match(text):
        text = text[found.end() :]
        if found[2]:
            begin = Begin.STRICT
            break
        if found[1].upper() == "UNB":
            bound = False
        else:
            begin = Begin.LOOSE
    left, right = not text.startswith("**"), not text.endswith("**")
    text = text.removeprefix("**").removesuffix("**")
    return DateTemplate(text, begin=begin, bound_left=bound and left, bound_right=bound and right)


_ENCLOSED = re.compile(r"(?<!\\)\\[^\w\s]\(\{DATE\}\)$", re.IGNORECASE)
_LED = re.compile(r"\(\?:[^()]*\\[^\w\s]\)\?\\s\{\d,\d\}\(\{DATE\}\)", re.IGNORECASE)
"""What stands before an enclosed date: such a character; or at a line's start a bracket and blanks, each or neither."""

_ENCLOSED_GROUP = re.compile(r"[^()]*(?<!\\)\\[^\w\s]\((?!\?)[^()|]*%\w+\)")
"""A pattern of fields that ends with its only group, behind such a character; the group ends with a field."""

_DATE_MARK = re.compile(r"\{DATE\}", re.IGNORECASE)


def _begun(date: DateTemplate, begin: Begin) -> DateTemplate:
    """What `{DATE}` alone makes of one default kind of date, with or without a mark for the line's start before it."""
    if date.reader is not None and begin is not Begin.ANYWHERE:
        return date.anchored_at(Begin.LOOSE)
    return date if date.begin is Begin.STRICT or date.reader is not None else date.anchored_at(begin)


def _with_date(pattern: DateTemplate, date: DateTemplate) -> DateTemplate:
    """`pattern` with one default kind of date in the place of `{DATE}`; none of those that are numbers can be there.

    A kind that stands strictly at the start of a line still demands that start, wherever the pattern puts it.
    """
    lead = "^" if date.begin is Begin.STRICT else ""
    text = _DATE_MARK.sub(lambda _: lead + date.text, pattern.text)
    is_led = pattern.begin is Begin.STRICT and _LED.fullmatch(pattern.text)
    is_enclosed = pattern.bound_right and bool(is_led or _ENCLOSED.search(pattern.text))
    return replace(pattern, text=text, name="", is_enclosed=is_enclosed)


def _check(template: DateTemplate, pattern: str) -> None:
    try:
        _ = template.regex
    except (re.error, KeyError, RecursionError, OverflowError) as error:
        reason = f"unknown field %{error.args[0]}" if isinstance(error, KeyError) else error
        raise RuleError(
            f"Failed to set datepattern '{pattern}' (may be an invalid format or unescaped percent char): {reason}"
        ) from error
