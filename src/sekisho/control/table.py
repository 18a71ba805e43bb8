"""What one word of the command table is, and how its arguments are counted.

A word is a row: the literal part (`set <JAIL> bantime`), the arguments as the help shows them (`<TIME>`), the section
of the help, one line of help, and the coroutine that answers. The arguments' text is the grammar too: each `<X>`
outside brackets must be there, `[...]` may be, `...` lets the last repeat; further words are ignored (COMPAT 6.3). The
coroutine gets the engine, the jail where the word has one, and the arguments.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sekisho.control.protocol import Granted, Kind, Value
from sekisho.model.duration import parse_duration

JAIL = "<JAIL>"

Run = Callable[..., Awaitable[Value | Granted]]

BASIC = "BASIC"
LOGGING = "LOGGING"
DATABASE = "DATABASE"
CONTROL = "JAIL CONTROL"
CHANGES = "JAIL CONFIGURATION"
FACTS = "JAIL INFORMATION"
ACTIONS = "ACTIONS"
SECTIONS = (BASIC, LOGGING, DATABASE, CONTROL, CHANGES, FACTS, ACTIONS)


class Unmet(Exception):  # noqa: N818 - an answer, not an error of the program
    """The words cannot be acted on; becomes the answer `Denied(kind, detail)`."""

    def __init__(self, kind: Kind, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Word:
    """One row of the table.

    `changes` rows are logged with who asked, and are not for who may only read. Nor are `private` ones, which show or
    take a value that may be a secret; it is not logged either. `exclusive` ones read a specification and write it back,
    so that two of them must not run at the same time. `internal` ones serve our own programs and are not in the help.
    """

    path: str
    arguments: str
    section: str
    help: str
    run: Run
    changes: bool = False
    exclusive: bool = False
    internal: bool = False
    private: bool = False

    @property
    def key(self) -> tuple[str, ...]:
        """The literal words, `<JAIL>` standing for any jail."""
        return tuple(self.path.split())

    @property
    def usage(self) -> str:
        """The whole line as the help shows it."""
        return f"{self.path} {self.arguments}".rstrip()

    @property
    def least(self) -> int:
        """How many arguments there must be."""
        bare, found = self.arguments, 1
        while found:  # innermost brackets first
            bare, found = re.subn(r"\[[^\[\]]*\]", "", bare)
        return len(re.findall(r"<[^>]*>", bare))

    @property
    def most(self) -> int | None:
        """How many arguments are looked at; None: all."""
        return None if "..." in self.arguments else len(re.findall(r"<[^>]*>|\[[^<\]]+\]", self.arguments))

    def pick(self, rest: tuple[str, ...]) -> tuple[str, ...]:
        """Return the arguments among `rest`, the words after the literal ones.

        Raises:
            Unmet: there are too few.

        """
        if len(rest) < self.least:
            raise Unmet(Kind.ARGUMENTS, f"expected: {self.usage}")
        return rest if self.most is None else rest[: self.most]


def parse_seconds(text: str) -> int:
    """Return the whole seconds of a time such as `1h`; raises ValueError."""
    return int(parse_duration(text))


def parse_count(text: str) -> int:
    """Return the number in `text`; the message of the ValueError is the one that Fail2ban's users know."""
    return int(text)
