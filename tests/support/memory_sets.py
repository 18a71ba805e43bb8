"""A kernel that fits on a page: the sets that `enforce.table` needs, and the nft that sets them up."""

from __future__ import annotations

import errno
import re
from collections import Counter
from collections.abc import Sequence

from sekisho.enforce.netlink import Refusal
from sekisho.enforce.structure import Structure
from sekisho.enforce.wire import Element


class MemorySets:
    """Sets in memory with the kernel's manners; it must pass the same contract tests as the real one."""

    port = 1

    def __init__(self) -> None:
        self.held: dict[str, dict[bytes, Element]] = {}
        self.chain_names: set[str] = set()
        self.rule_counts: Counter[str] = Counter()
        self.others = 0
        self.closed = False
        self.texts: list[str] = []
        self.refuses: dict[bytes, int] = {}

    async def run(self, text: str) -> None:
        """Take the sets and chains that a set-up adds, and lose those that it deletes, as nft would."""
        self.texts.append(text)
        for verb, kind, name in re.findall(r"^(add|delete) (set|chain|table) inet sekisho ?(\S*)", text, re.MULTILINE):
            if kind == "table" and verb == "delete":
                self.flush_ruleset()
            elif kind == "set":
                if verb == "add":
                    self.held.setdefault(name, {})
                else:
                    del self.held[name]
            elif kind == "chain":
                (self.chain_names.add if verb == "add" else self.chain_names.remove)(name)
        for verb, name in re.findall(r"^(add rule|flush chain) inet sekisho (\S+)", text, re.MULTILINE):
            self.rule_counts[name] = self.rule_counts[name] + 1 if verb == "add rule" else 0

    def flush_ruleset(self) -> None:
        """Lose everything, as when another program flushes the ruleset."""
        self.held.clear()
        self.chain_names.clear()

    def add(self, set_name: str, elements: Sequence[Element]) -> list[Refusal]:
        """Put elements into a set."""
        held = self._set(set_name)
        refused = [element for element in elements if element.key in self.refuses]
        held.update({element.key: element for element in elements if element.key not in self.refuses})
        return [Refusal(element, self.refuses[element.key]) for element in refused]

    def delete(self, set_name: str, elements: Sequence[Element]) -> list[Refusal]:
        """Take elements out of a set."""
        held = self._set(set_name)
        for element in elements:
            held.pop(element.key, None)
        return []

    def exchange(self, set_name: str, *, remove: Sequence[Element], add: Sequence[Element]) -> None:
        """Take some out and put some in, at one stroke."""
        held = dict(self._set(set_name))
        for element in remove:
            if element.key not in held or held[element.key].last != element.last:
                raise OSError(errno.ENOENT, "not there")
            del held[element.key]
        for element in add:
            if any(element.key <= (o.last or o.key) and o.key <= (element.last or element.key) for o in held.values()):
                raise OSError(errno.EEXIST, "overlaps")
            held[element.key] = element
        self.held[set_name] = held

    def refill(self, set_name: str, elements: Sequence[Element]) -> None:
        """Make a set hold exactly these."""
        self._set(set_name)
        self.held[set_name] = {}
        self.exchange(set_name, remove=[], add=elements)

    def addresses(self, set_name: str) -> list[Element]:
        """List a hash set."""
        return list(self._set(set_name).values())

    def ranges(self, set_name: str, width: int) -> list[Element]:
        """List an interval set."""
        return sorted(self._set(set_name).values(), key=lambda element: element.key)

    def chains(self) -> frozenset[str]:
        """Name the table's chains."""
        return frozenset(self.chain_names)

    def structure(self) -> Structure:
        """Return what stands, every chain with as many rules as it was last given."""
        rules = Counter({name: self.rule_counts.get(name, 0) for name in self.chain_names})
        return Structure(rules, frozenset(self.held))

    def others_changes(self) -> int:
        """Return a number that the test raises when it plays another program."""
        return self.others

    def note_own_change(self) -> None:
        """There is nothing to tell apart."""

    def close(self) -> None:
        """Note that nobody needs the kernel any more."""
        self.closed = True

    def _set(self, name: str) -> dict[bytes, Element]:
        if name not in self.held:
            raise FileNotFoundError(errno.ENOENT, "no such set", name)
        return self.held[name]
