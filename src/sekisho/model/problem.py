"""Mistakes in a configuration: where, what, and how to mend it."""

from __future__ import annotations

import enum
from dataclasses import dataclass


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
