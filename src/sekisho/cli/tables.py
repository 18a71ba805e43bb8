"""Tables for people: with lines and colour on a terminal, plain aligned columns in a pipe, which stay as they are."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from sekisho.cli.beautify import printable


@dataclass(frozen=True, slots=True)
class Table:
    """A heading, the columns' names, and rows of as many cells; `numbers` are the columns to align at the right."""

    heading: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    numbers: frozenset[str] = frozenset()


_MANY = 1000  # rows; rich measures each cell several times, which takes half a minute for a hundred thousand


def print_table(table: Table) -> None:
    """Print the table as suits standard output."""
    if sys.stdout.isatty() and len(table.rows) <= _MANY:
        _print_rich(table)
    else:
        print(render_plain(table))


def render_plain(table: Table) -> str:
    """Return the table as lines of columns, two blanks apart; the heading is the first line."""
    plain = (row if "".join(row).isprintable() else [printable(cell) for cell in row] for row in table.rows)
    rows = [table.columns, *plain]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = [">" if name in table.numbers else "<" for name in table.columns]
    line = "  ".join(
        f"{{:{side}{width}}}" for side, width in zip(sides, widths, strict=True)
    )  # one format for all rows
    lines = [line.format(*row).rstrip() for row in rows]
    return "\n".join([*([table.heading] if table.heading else []), *lines])


def _print_rich(table: Table) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable(
        title=Text(table.heading) if table.heading else None,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=0,
        header_style="bold cyan",
    )
    for number, name in enumerate(table.columns):
        side: Literal["left", "right"] = "right" if name in table.numbers else "left"
        shown.add_column(name, justify=side, overflow="fold", no_wrap=number == 0 or name in table.numbers)
    for row in table.rows:
        shown.add_row(*(Text(printable(cell)) for cell in row))  # Text: brackets in a cell are no markup
    Console().print(shown)


def print_json(document: object) -> None:
    """Print one JSON document; what is no plain ASCII is escaped, so that it can neither steer a terminal nor break."""
    print(
        msgspec.json.format(json.dumps(document), indent=2)
    )  # json's own indentation is slow, a second for 50,000 bans


_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def paint(text: str, style: str) -> str:
    """Return `text` in a style of one or more words (`bold red`) on a terminal, as it is anywhere else."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{';'.join(_STYLES[word] for word in style.split())}m{text}\x1b[0m"
