"""Files laid over each other: includes resolved, sections merged, the previous value of each option kept (COMPAT 1.1).

Later files win, option by option. For every option that a later file repeats, the text that it had before is kept once,
for `%(known/x)s` and nothing else; one generation, as in Fail2ban.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sekisho.config.files import Files, Source
from sekisho.config.ini import DEFAULT, Option
from sekisho.model.problem import Origin, Problem

INCLUDES = "INCLUDES"
_RULES = {"filter.d": frozenset({"failregex", "when"}), "action.d": frozenset({"actionban"})}
"""The options by which a file of that folder, or what it includes, brings rules of its own."""


@dataclass(slots=True)
class Merged:
    """All layers of one name. `sections` always holds `DEFAULT`; the others stand in the order of their first file."""

    files: tuple[Source, ...]
    sections: dict[str, dict[str, Option]] = field(default_factory=lambda: {DEFAULT: {}})
    known: dict[str, dict[str, Option]] = field(default_factory=dict)
    headers: dict[str, Origin] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    broken: bool = False

    def find(self, section: str, name: str) -> Option | None:
        """Return the option in force in `section`: its own, else the default one."""
        return self.sections.get(section, {}).get(name) or self.sections[DEFAULT].get(name)


def merge(files: Files, name: str) -> Merged:
    """Return what all layers of `name` (`jail`, `action.d/nftables`) say together; without any file, nothing."""
    stock, own = files.stock(name), files.own(name)
    return merge_sources(files, own if _replaces(files, name, own) else stock + own)


def merge_sources(files: Files, sources: list[Source]) -> Merged:
    """Return what `sources` and all that they include say together."""
    listed = {source.path for source in sources}
    order: list[Source] = []
    for source in sources:
        order += _reading_order(files, source, listed, ())
    merged = Merged(tuple(order))
    for source in order:
        _lay(merged, files, source)
    return merged


def _replaces(files: Files, name: str, own: list[Source]) -> bool:
    """Whether the administrator's `name.conf` stands instead of the stock one, not over it (DESIGN section 3)."""
    base = own[:1] if own and own[0].relative == f"{name}.conf" else []
    if not base or name == "jail":
        return bool(base)
    rules = _RULES.get(name.partition("/")[0], frozenset())
    return any(not rules.isdisjoint(options) for options in merge_sources(files, base).sections.values())


def _reading_order(files: Files, source: Source, listed: set[Path], open_: tuple[Source, ...]) -> Iterator[Source]:
    """The files that `source` wants read before it, itself, and those after it."""
    inside = (*open_, source)
    for name in _included_names(files, source, "before"):
        yield from _include(files, name, listed, inside)
    yield source
    for name in _included_names(files, source, "after"):
        yield from _include(files, name, listed, inside)


def _include(files: Files, name: str, listed: set[Path], inside: tuple[Source, ...]) -> Iterator[Source]:
    for found in files.included(name, inside[-1]):
        if all(found.path != each.path for each in inside) and found.path not in listed:
            yield from _reading_order(files, found, listed, inside)


def _included_names(files: Files, source: Source, when: str) -> list[str]:
    option = files.document(source).sections.get(INCLUDES, {}).get(when)
    return [line.strip() for line in option.text.split("\n") if line.strip()] if option else []


def _lay(merged: Merged, files: Files, source: Source) -> None:
    """Put one file over what was read before it."""
    document = files.document(source)
    merged.problems += [problem for problem in document.problems if problem not in merged.problems]
    merged.broken |= document.broken
    for section, options in document.sections.items():
        if section == INCLUDES:
            continue
        target = merged.sections.setdefault(section, {})
        merged.headers.setdefault(section, document.headers.get(section, Origin(str(source.path), 0)))
        for name, option in options.items():
            if name in target and section != DEFAULT:
                merged.known.setdefault(section, {})[name] = target[name]
            target[name] = option
