"""What the filters say of themselves: the section `[Catalogue]` at the head of each, which nothing that matches reads.

    service        the program, and where it matters which of its logs
    counts         what is a failure, in the filter's default mode
    example        a line that counts (several where a failure takes several), as it stands: `%` means nothing here
    mode-NAME      what counts in a mode, for each that there is
    needs          what the service must be told so that it logs this at all
    note           what to know before enabling it
    program        the service's processes and programs on disk, by which it is seen on a host

Texts are plain, with code between backticks. What several filters include has no section.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sekisho.config.brackets import parse_brackets
from sekisho.config.errors import ConfigError
from sekisho.config.files import Files
from sekisho.config.ini import DEFAULT, Option
from sekisho.config.interpolate import Scope
from sekisho.config.layers import Merged, merge, merge_sources

SECTION = "Catalogue"
OPTIONS = ("service", "counts", "example", "needs", "note", "program")
MODE = "mode-"


@dataclass(frozen=True, slots=True)
class Entry:
    """A filter as it describes itself, and the jails of the configuration that use it.

    `default` is the mode without another word; empty where there are no modes. `instead` is the administrator's file
    that stands in place of the stock one and describes nothing: what is said here is said of the stock one.
    """

    filter: str
    service: str = ""
    counts: str = ""
    example: tuple[str, ...] = ()
    modes: Mapping[str, str] = field(default_factory=dict)
    default: str = ""
    needs: str = ""
    note: str = ""
    programs: tuple[str, ...] = ()
    jails: tuple[str, ...] = ()
    instead: str = ""

    @property
    def product(self) -> str:
        """The service's name without what follows it: versions, which of its logs."""
        return self.service.partition(",")[0].partition(":")[0]


def read_catalogue(files: Files, jails: Merged, constants: Mapping[str, str]) -> tuple[Entry, ...]:
    """Return an entry for each filter that describes itself, by name; `jails` is the tree's merged jail.conf."""
    users: dict[str, list[str]] = {}
    for jail, name in filters_of(jails, constants):
        users.setdefault(name, []).append(jail)
    entries = (_entry(files, name, tuple(users.get(name, ()))) for name in files.names("filter.d"))
    return tuple(entry for entry in entries if entry is not None)


def filters_of(jails: Merged, constants: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each jail and the name of its filter; those whose filter cannot be told are left out."""
    for jail in jails.sections:
        if jail == DEFAULT:
            continue
        try:
            text = Scope(jails, jail, constants=constants).expand("filter")
            yield jail, parse_brackets((text or jail).strip())[0]
        except (ConfigError, ValueError):  # a mistake that loading tells
            continue


def _entry(files: Files, name: str, jails: tuple[str, ...]) -> Entry | None:
    merged, instead = merge(files, f"filter.d/{name}"), ""
    if SECTION not in merged.sections:
        own, merged = merged, merge_sources(files, files.stock(f"filter.d/{name}"))
        if SECTION not in merged.sections:
            return None
        instead = str(own.files[-1].path)
    section = merged.sections[SECTION]
    mode = merged.sections.get("Definition", {}).get("mode")
    modes = {key.removeprefix(MODE): _text(section, key) for key in section if key.startswith(MODE)}
    return Entry(
        filter=name,
        service=_text(section, "service"),
        counts=_text(section, "counts"),
        example=tuple(filter(None, section["example"].text.split("\n"))) if "example" in section else (),
        modes=modes,
        default=mode.text if mode and modes else "",
        needs=_text(section, "needs"),
        note=_text(section, "note"),
        programs=tuple(_text(section, "program").split()),
        jails=jails,
        instead=instead,
    )


def _text(section: Mapping[str, Option], name: str) -> str:
    """Return an option's text as one line; empty where it is not set."""
    return " ".join(section[name].text.split()) if name in section else ""
