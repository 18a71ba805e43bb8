"""Mistakes in a configuration: where, what, and how to mend it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class Severity(enum.Enum):
    """`ERROR`: the thing named does not work as written. `WARNING`: it works, but probably not as meant."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an option was set: `file` as shown to people, `line` from 1 (0 where the file as a whole is meant)."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. `jail` is the jail that it concerns, None where it concerns the whole tree."""

    severity: Severity
    text: str
    origin: Origin | None = None
    jail: str | None = None
    remedy: str = ""

    def __str__(self) -> str:
        where = f"{self.origin}: " if self.origin else ""
        who = f"jail {self.jail!r}: " if self.jail else ""
        mend = f" ({self.remedy})" if self.remedy else ""
        return f"{where}{who}{self.text}{mend}"

    def document(self) -> dict[str, str | int | None]:
        """Return the problem for programs, and for the other end of a socket (`parse_problem`)."""
        return {
            "severity": self.severity.value,
            "file": self.origin.file if self.origin else None,
            "line": (self.origin.line or None) if self.origin else None,
            "jail": self.jail,
            "text": self.text,
            "remedy": self.remedy,
        }


def parse_problem(document: Mapping[str, Any]) -> Problem:
    """Return the problem that `document` was made of."""
    origin = Origin(document["file"], document["line"] or 0) if document["file"] else None
    return Problem(Severity(document["severity"]), document["text"], origin, document["jail"], document["remedy"])
