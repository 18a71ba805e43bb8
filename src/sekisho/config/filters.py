"""Filters: `filter.d/X` with its arguments becomes a FilterSpec (COMPAT 2.1)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from sekisho.config.definition import Definition
from sekisho.config.errors import ConfigError, mistake
from sekisho.config.files import Files, Layer, Source
from sekisho.config.layers import merge, merge_sources
from sekisho.config.mistakes import near
from sekisho.config.options import parse_lines, parse_whole
from sekisho.model.problem import Origin
from sekisho.model.specs import FilterSpec

OVERRIDABLE = ("failregex", "ignoreregex", "prefregex", "maxlines", "datepattern", "journalmatch", "usedns")
"""What a jail section may set in its filter's place (COMPAT 1.5)."""


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
    logtype = "journal" if journal else "file"
    return Definition(merged, {**arguments, "logtype": logtype}, constants, init_first=True)


def read_texts(definition: Definition) -> dict[str, str]:
    """Return every option of the filter that can be read, its tags filled in.

    One that cannot does no harm unless it is one of the filter's own words: then ConfigError is raised.
    """
    texts: dict[str, str] = {}
    for name in dict.fromkeys((*OVERRIDABLE, *definition.names())):
        try:
            text = definition.value(name)
        except ConfigError:
            if name in OVERRIDABLE:
                raise
            continue
        if text is not None:
            texts[name] = text
    return texts


def make_filter(name: str, texts: Mapping[str, str], origin: Origin | None = None) -> FilterSpec:
    """Return the filter that `texts` describe; raises ConfigError for a `maxlines` that is no number."""
    maxlines = texts.get("maxlines", "").strip()
    try:
        lines = parse_whole(maxlines) if maxlines else 1
    except ValueError as error:
        raise mistake(f"'maxlines': {error}", origin) from None
    return FilterSpec(
        name,
        failregex=parse_lines(texts.get("failregex", "")),
        prefregex=texts.get("prefregex", "").strip() or None,
        ignoreregex=parse_lines(texts.get("ignoreregex", "")),
        datepattern=parse_lines(texts.get("datepattern", "")),
        journalmatch=parse_lines(texts.get("journalmatch", "")),
        maxlines=max(1, lines),
        usedns=texts.get("usedns", "").strip().lower() or None,
        options=MappingProxyType({key: text for key, text in texts.items() if key not in OVERRIDABLE}),
    )


def _apart(path: Path) -> list[Source]:
    """The file at a path and the `.local` beside it; what it includes is looked for as if it lay in `filter.d`."""
    paths = [path] if path.suffix == ".local" else [path, path.with_suffix(".local")]
    return [Source(each, f"filter.d/{each.name}", Layer.APART) for each in paths if each.is_file()]
