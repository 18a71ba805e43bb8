"""Filters: `filter.d/X` with its arguments becomes a FilterSpec (COMPAT 2.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from sekisho.config.definition import Definition
from sekisho.config.errors import ConfigError, mistake
from sekisho.config.files import Files, Layer, Source
from sekisho.config.layers import merge, merge_sources
from sekisho.config.mistakes import near
from sekisho.config.options import parse_lines, parse_whole
from sekisho.match.when import RecordError, compile_record
from sekisho.model.problem import Origin
from sekisho.model.specs import FilterSpec, RecordSpec

OVERRIDABLE = ("failregex", "ignoreregex", "prefregex", "maxlines", "datepattern", "journalmatch", "usedns")
"""What a jail section may set in its filter's place (COMPAT 1.5)."""

RECORD = ("logformat", "when", "ignorewhen", "host", "user", "id", "fields", "time", "message")
"""The same for logs whose lines are no plain text. Without a `logformat` the others are names like any other."""

_REMEDY = 'docs/filters.md, "Logs in JSON and logfmt", has the forms'

Place = Callable[[str, str], Origin | None]
"""Where an option is set, and in it the line that holds a part of its text."""


def read_definition(
    files: Files,
    name: str,
    arguments: Mapping[str, str],
    *,
    journal: bool,
    constants: Mapping[str, str],
    path: Path | None = None,
) -> Definition:
    """Return the options of the filter `name`, or of the file at `path`.

    Raises ConfigError when there is no such filter, or one of its files is broken.
    """
    merged = merge_sources(files, _apart(path)) if path else merge(files, f"filter.d/{name}")
    if not merged.files:
        remedy = near(name, files.names("filter.d")) or "filter.d/NAME.conf or .local would define one"
        if len(name.split()) > 1:
            remedy = "a jail has exactly one filter"
        raise mistake(f"there is no filter {name!r}", remedy=remedy)
    if merged.broken:
        raise ConfigError(*merged.problems)
    definition = Definition(merged, arguments, constants, init_first=True)
    if definition.defines("logtype"):
        return definition
    logtype = "bare" if definition.value("logformat") else "journal" if journal else "file"
    return Definition(merged, {**arguments, "logtype": logtype}, constants, init_first=True)


def read_texts(definition: Definition) -> dict[str, str]:
    """Return every option of the filter that can be read, its tags filled in.

    One that cannot does no harm unless it is one of the filter's own words: then ConfigError is raised.
    """
    texts: dict[str, str] = {}
    own = (*OVERRIDABLE, *(RECORD if definition.value("logformat") else ()))
    for name in dict.fromkeys((*own, *definition.names())):
        try:
            text = definition.value(name)
        except ConfigError:
            if name in own:
                raise
            continue
        if text is not None:
            texts[name] = text
    return texts


def _nowhere(_option: str, _part: str) -> None:
    return None


def make_filter(name: str, texts: Mapping[str, str], place: Place = _nowhere) -> FilterSpec:
    """Return the filter that `texts` describe.

    Raises ConfigError for a `maxlines` that is no number, and for whatever of its record options cannot be used.
    """
    maxlines = texts.get("maxlines", "").strip()
    try:
        lines = parse_whole(maxlines) if maxlines else 1
    except ValueError as error:
        raise mistake(f"'maxlines': {error}", place("maxlines", "")) from None
    record = _record(texts, place)
    words = OVERRIDABLE if record is None else (*OVERRIDABLE, *RECORD)
    return FilterSpec(
        name,
        failregex=parse_lines(texts.get("failregex", "")),
        prefregex=texts.get("prefregex", "").strip() or None,
        ignoreregex=parse_lines(texts.get("ignoreregex", "")),
        datepattern=parse_lines(texts.get("datepattern", "")),
        journalmatch=parse_lines(texts.get("journalmatch", "")),
        maxlines=max(1, lines),
        usedns=texts.get("usedns", "").strip().lower() or None,
        record=record,
        options=MappingProxyType({key: text for key, text in texts.items() if key not in words}),
    )


def _record(texts: Mapping[str, str], place: Place) -> RecordSpec | None:
    logformat = texts.get("logformat", "").strip()
    if not logformat:
        return None
    spec = RecordSpec(logformat, *(parse_lines(texts.get(name, "")) for name in RECORD[1:]))
    try:
        compile_record(spec)
    except RecordError as error:
        raise mistake(str(error), place(error.option, error.part), remedy=_REMEDY) from None
    return spec


def _apart(path: Path) -> list[Source]:
    """The file at a path and the `.local` beside it; what it includes is looked for as if it lay in `filter.d`."""
    paths = [path] if path.suffix == ".local" else [path, path.with_suffix(".local")]
    return [Source(each, f"filter.d/{each.name}", Layer.APART) for each in paths if each.is_file()]
