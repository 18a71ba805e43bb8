"""Write docs/catalogue.md on standard output, out of what the filters say of themselves (`make docs`)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from sekisho.cli.filters import use_of
from sekisho.config.catalogue import Entry, read_catalogue
from sekisho.config.files import Files
from sekisho.config.interpolate import Scope
from sekisho.config.layers import merge
from sekisho.config.load import constants_of

_NOWHERE = Path("/nonexistent")
"""A host that tells nothing of itself has Debian's paths: so the page is the same wherever it is made."""

_HEAD = """\
# The catalogue of filters

{count} filters, and what each recognises. How they are used, and what some need more words for, is in
[filters.md](filters.md). This page is made from the section `[Catalogue]` of each filter (`make docs`);
`sekisho filters` shows the same, `sekisho suggest` finds those that a host needs. Logs are named as on Debian.

| filter | service | what counts |
|---|---|---|"""


def page() -> Iterator[str]:
    """Yield the page's lines."""
    files, constants = Files(None, root=_NOWHERE), constants_of(None)
    jails = merge(files, "jail")
    entries = read_catalogue(files, jails, constants)
    yield _HEAD.format(count=len(entries))
    for entry in entries:
        yield f"| [`{entry.filter}`](#{entry.filter}) | {_cell(entry.service)} | {_cell(entry.counts)} |"
    for entry in entries:
        yield from _section(entry)
        for jail in entry.jails:
            yield f"Jail `{jail}`: {use_of(Scope(jails, jail, constants=constants))}.\n"


def _section(entry: Entry) -> Iterator[str]:
    yield f"\n## {entry.filter}\n"
    yield f"{entry.service}.\n"
    yield f"Counts: {entry.counts}.\n"
    if entry.modes:
        yield "| mode | what counts |"
        yield "|---|---|"
        for mode, text in entry.modes.items():
            yield f"| `{mode}`{' (default)' if mode == entry.default else ''} | {_cell(text)} |"
        yield ""
    if entry.needs:
        yield f"Needs {entry.needs}.\n"
    if entry.note:
        yield f"Note: {entry.note}.\n"
    yield "\n".join(("```text", *entry.example, "```", ""))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write("\n".join(page()).rstrip("\n") + "\n")
