"""One file of Fail2ban's INI dialect, with the line of everything kept (COMPAT 1.2).

The dialect is that of Python's configparser with `;` as the only inline comment, and then only after white space:

    [section]
    name = value        ; a comment, from a semicolon that follows white space
    name : value # 1    this is all value
        continued       because it is indented deeper than the name; blank lines inside belong to the value

A file is strict in itself: an option or a section twice is an error, since one of the two would be lost unseen. Reading
goes on after an error, so that one look finds every mistake. Nothing is expanded here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sekisho.model.problem import Origin, Problem, Severity

DEFAULT = "DEFAULT"

_HEADER = re.compile(r"\[([^\]]+)\](.*)", re.DOTALL)
_OPTION = re.compile(r"(?P<name>[^=:]*)[=:](?P<value>.*)", re.DOTALL)
_INLINE = re.compile(r"(?:^|(?<=\s));")


@dataclass(frozen=True, slots=True)
class Option:
    """An option as written: raw text, where its name stands, and the line number of each line of the text."""

    name: str
    text: str
    origin: Origin
    lines: tuple[int, ...]

    def at(self, part: str) -> Origin:
        """Where `part` stands in this option; its name's place when it is not found."""
        for number, line in zip(self.lines, self.text.split("\n"), strict=False):
            if part in line:
                return Origin(self.origin.file, number)
        return self.origin


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file. `broken`: it holds an error that makes Fail2ban refuse the whole configuration."""

    sections: Mapping[str, Mapping[str, Option]]
    headers: Mapping[str, Origin]
    problems: tuple[Problem, ...] = ()
    broken: bool = False


class _Open:
    """An option whose continuation lines may still come."""

    def __init__(self, name: str, origin: Origin, indent: int, text: str) -> None:
        self.name = name
        self.origin = origin
        self.indent = indent
        self.pieces = [text]
        self.lines = [origin.line]

    def closed(self) -> Option:
        text = "\n".join(self.pieces).rstrip()
        return Option(self.name, text, self.origin, tuple(self.lines[: text.count("\n") + 1]))


class _Parser:
    def __init__(self, file: str) -> None:
        self.file = file
        self.sections: dict[str, dict[str, Option]] = {}
        self.headers: dict[str, Origin] = {}
        self.problems: list[Problem] = []
        self.broken = False
        self.section: dict[str, Option] | None = None
        self.section_name = ""
        self.option: _Open | None = None
        self.headless = False

    def report(self, text: str, line: int, remedy: str, *, fatal: bool = True) -> None:
        self.broken |= fatal
        self.problems.append(Problem(Severity.ERROR, text, Origin(self.file, line), remedy=remedy))

    def close(self) -> None:
        """File the open option, unless its name is taken (which was reported when it was opened)."""
        if self.option is not None and self.section is not None:
            self.section.setdefault(self.option.name, self.option.closed())
        self.option = None

    def line(self, number: int, line: str) -> None:
        inline = _INLINE.search(line)
        value = line[: inline.start()].strip() if inline else line.strip()
        if value.startswith("#"):
            return
        if not value:
            if inline is None and self.option is not None:
                self.option.pieces.append("")
                self.option.lines.append(number)
            return
        indent = len(line) - len(line.lstrip())
        if self.option is not None and indent > self.option.indent:
            self.option.pieces.append(value)
            self.option.lines.append(number)
            return
        header = _HEADER.match(value)
        if header:
            self.open_section(number, header[1], header[2].strip())
        elif self.section is None:
            if not self.headless:
                self.report(
                    f"text before the first section header: {value!r}",
                    number,
                    "put a header such as [DEFAULT] above it",
                )
            self.headless = True
        else:
            self.open_option(number, value, indent)

    def open_section(self, number: int, name: str, rest: str) -> None:
        self.close()
        if name in self.sections and name != DEFAULT:
            self.report(
                f"section {name!r} already exists",
                number,
                f"move its options to line {self.headers[name].line}, where the section is already",
            )
        if rest and not rest.startswith("#"):
            self.report(
                f"text after the header [{name}] is lost: {rest!r}", number, "put it on a line of its own", fatal=False
            )
        self.section_name = name
        self.section = self.sections.setdefault(name, {})
        self.headers.setdefault(name, Origin(self.file, number))

    def open_option(self, number: int, value: str, indent: int) -> None:
        self.close()
        match = _OPTION.match(value)
        name = match["name"].strip().lower() if match else ""
        if match is None or not name:
            self.report(
                f"{value!r} is neither `name = value` nor a [section]",
                number,
                "indent it if it continues the value above it, begin it with # if it is a comment",
            )
            # what follows indented belongs to what was not understood
            self.option = _Open(f"\0{number}", Origin(self.file, number), indent, value)
            return
        if self.section is not None and name in self.section:
            self.report(
                f"option {name!r} in section {self.section_name!r} already exists",
                number,
                f"keep one of the two; the other is in line {self.section[name].origin.line}",
            )
        self.option = _Open(name, Origin(self.file, number), indent, match["value"].strip())


def parse_ini(text: str, file: str) -> Document:
    """Return the content of one file, whatever it holds; mistakes are in its `problems`."""
    parser = _Parser(file)
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff")), start=1):
        parser.line(number, line)
    parser.close()
    sections = {
        section: {name: option for name, option in options.items() if not name.startswith("\0")}
        for section, options in parser.sections.items()
    }
    return Document(sections, parser.headers, tuple(parser.problems), parser.broken)
