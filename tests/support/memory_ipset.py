"""A host that fits on a page: its ipsets, and the iptables whose rules refer to them."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence

from sekisho.enforce.ipset import Refusal
from sekisho.enforce.ipset_wire import BUSY, FULL, Entry, Header
from sekisho.enforce.program import ProgramError

Key = tuple[bytes, int]


class MemoryIpset:
    """Sets and rules in memory, with the kernel's manners.

    `broken` are the programs that do not work, `missing` the tables that no program finds, `refuses` the addresses that
    no set takes, with the error; `connects` counts who has reached the kernel, `argvs` are the programs that were run.
    """

    def __init__(self) -> None:
        self.held: dict[str, dict[Key, Entry]] = {}
        self.most: dict[str, int] = {}
        self.rules: dict[tuple[str, str], list[str]] = {}  # of a family's program and a table
        self.refuses: dict[bytes, int] = {}
        self.broken: set[str] = set()
        self.missing: set[str] = set()
        self.argvs: list[str] = []
        self.listings: list[str] = []
        self.texts: list[str] = []
        self.connects = 0

    def connect(self) -> MemoryIpset:
        """Return a connection."""
        self.connects += 1
        return self

    # -- iptables

    async def run(self, argv: Sequence[str], text: str) -> str:
        """Do what iptables-save and iptables-restore do."""
        self.argvs.append(" ".join(argv))
        program = argv[0].rpartition("-")[0]
        if program in self.broken:
            raise ProgramError(f"{argv[0]} returned 3: it does not work")
        family = program.partition("-")[0]
        if {argv[-1], text.partition("\n")[0].removeprefix("*")} & self.missing:
            raise ProgramError(f"{argv[0]} returned 3: Table does not exist")
        if argv[0].endswith("-save"):
            return "\n".join([f"*{argv[2]}", *(f"-A {rule}" for rule in self.rules.get((family, argv[2]), []))])
        self.texts.append(text)
        table, *lines, end = text.splitlines()
        assert end == "COMMIT"
        rules = list(self.rules.get((family, table[1:]), []))
        for verb, chain, *words in map(str.split, lines):
            if verb == "-D":
                rules.remove(" ".join([chain, *words]))
            else:
                assert verb == "-I"
                rules.insert(int(words[0]) - 1, " ".join([chain, *words[1:]]))
        self.rules[family, table[1:]] = rules
        return ""

    # -- sets

    def create(self, name: str, *, width: int, most: int) -> None:
        """Make a set; a different one of that name is in the way."""
        assert len(name) <= 31
        if self.most.setdefault(name, most) != most:
            raise FileExistsError(errno.EEXIST, "it is different")
        self.held.setdefault(name, {})

    def destroy(self, name: str) -> None:
        """Remove a set to which no rule refers."""
        if name not in self.held:
            return
        if self.header(name).references:
            raise OSError(BUSY, "rules refer to the set")
        del self.held[name], self.most[name]

    def swap(self, name: str, other: str) -> None:
        """Let two sets change places."""
        for each in (self.held, self.most):
            _swap(each, name, other)

    def add(self, name: str, entries: Sequence[Entry]) -> list[Refusal]:
        """Put elements into a set."""
        held = self._set(name)
        refused = []
        for entry in entries:
            key = entry.key, entry.prefix
            assert entry.prefix, "no set of networks takes all of them"
            if error := self.refuses.get(entry.key, 0):
                refused.append(Refusal(entry, error))
            elif key not in held and len(held) >= self.most[name]:
                refused.append(Refusal(entry, FULL))
            else:
                held[key] = entry
        return refused

    def delete(self, name: str, entries: Sequence[Entry]) -> list[Refusal]:
        """Take elements out of a set."""
        held = self._set(name)
        for entry in entries:
            held.pop((entry.key, entry.prefix), None)
        return []

    def entries(self, name: str) -> list[Entry]:
        """List a set."""
        self.listings.append(name)
        return list(self._set(name).values())

    def header(self, name: str) -> Header:
        """Tell of a set without its elements."""
        references = sum(rule.split().count(name) for rules in self.rules.values() for rule in rules)
        return Header(name, len(self._set(name)), references)

    def headers(self) -> list[Header]:
        """Tell of every set without its elements."""
        return [self.header(name) for name in self.held]

    def close(self) -> None:
        """Let go."""

    def _set(self, name: str) -> dict[Key, Entry]:
        if name not in self.held:
            raise FileNotFoundError(errno.ENOENT, "no such set", name)
        return self.held[name]


def _swap(names: Mapping[str, object], name: str, other: str) -> None:
    assert isinstance(names, dict)
    names[name], names[other] = names[other], names[name]
