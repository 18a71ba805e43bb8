"""What `fail2ban-regex -o TOKEN` prints instead of its report (COMPAT 7).

A token without tags is one of `id`, `fid`, `ip`, `msg`, `row`, `matches`, or the name of a group. A text with tags is
filled in as an action's command would be, with `<msg>` for each line of a failure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sekisho.cli.logtext import host_of
from sekisho.match.filter import CompiledFilter
from sekisho.match.finding import Hit, LineVerdict
from sekisho.match.rule import Rule
from sekisho.model.address import Network
from sekisho.model.verdict import Captured

_TAG = re.compile(r"<([\w-]+)>")
_HIDDEN = re.compile(r"content$|skiplines|_")
_FIXED = {"failures": "0", "bancount": "0", "restored": "0", "br": "\n", "sp": " "}
"""Nobody counts here, so these say what they say of a failure that nobody has counted."""

Render = Callable[[Hit, str], str]


@dataclass(frozen=True, slots=True)
class Output:
    """Says one text for each failure; with `inverted`, each line that has none."""

    render: Render
    say: Callable[[str], None]
    inverted: bool = False
    needs_others: bool = False

    def add(self, line: str, verdict: LineVerdict) -> None:
        """Say the failures of a line."""
        hits = [hit for hit in verdict.hits if hit.counts]
        if self.inverted and not hits:
            self.say(line)
        for hit in () if self.inverted else hits:
            self.say(self.render(hit, line))

    def miss(self, line: str, _remainder: str, _template: str | None) -> None:
        """Say a line that no rule can match, where those are wanted."""
        if self.inverted:
            self.say(line)

    def skip(self, _number: int, _template: str | None) -> None:
        """Lines that nobody wants."""

    @property
    def is_curious(self) -> bool:
        """Whether lines that have no failure are wanted."""
        return self.inverted


def parse_output(token: str, compiled: CompiledFilter) -> Render:
    """How a failure of this filter is said that a token asks for."""
    if "<msg>" in token:
        return lambda hit, line: "\n".join(_filled(token, hit, each) for each in hit.matches or (line,))
    if "<" in token:
        return lambda hit, line: _filled(token, hit, line)
    return _TOKENS.get(token) or (
        (lambda hit, _: f"[{_id(hit)!r},\t{hit.time},\t{_row(hit, compiled)}],")
        if token == "row"
        else (lambda hit, _: _written(token, hit.captured.get(token)))
    )


def _id(hit: Hit) -> str:
    return hit.subject.text if hit.subject is not None else hit.hostname or ""


def _row(hit: Hit, compiled: CompiledFilter) -> str:
    """All groups, those that took no part as None; of several lines of a session, those that they have captured."""
    groups: dict[str, Captured | None] = {}
    if "mlfid" not in hit.captured or len(hit.matches) == 1:
        rules = (compiled.prefix, compiled.numbered[hit.regex])
        names = [name for rule in rules if isinstance(rule, Rule) for name in rule.pattern.groupindex]
        groups = {name: None for name in names if not _HIDDEN.match(name)}
    groups |= hit.captured
    if hit.address is not None:
        groups["ip"] = hit.address.text
    return "{" + ", ".join(f"{name!r}: {_quoted(name, value)}" for name, value in groups.items()) + "}"


def _quoted(name: str, value: Captured | None) -> str:
    return _written(name, value) if name == "users" else repr(value)


def _written(name: str, value: Captured | None) -> str:
    """A group's value as Python writes it; the users of a session are a set."""
    if name == "users" and isinstance(value, tuple):
        return "{" + ", ".join(map(repr, value)) + "}"
    return str(value)


def _filled(text: str, hit: Hit, line: str) -> str:
    """A text with its tags filled in; those that nobody knows stay as they are."""

    def fill(found: re.Match[str]) -> str:
        tag = found[1]
        if tag.startswith("F-"):
            name = tag[2:].lower()
            name = {"id": "fid", "port": "fport"}.get(name, name)
            return _written(name, hit.captured[name]) if name in hit.captured else ""
        if known := _TAGS.get(tag):
            return known(hit, line)
        return _FIXED.get(tag, found[0])

    return _TAG.sub(fill, text)


def _matches(hit: Hit, line: str) -> str:
    return "\n".join(hit.matches or (line,))


def _ip(hit: Hit, _line: str) -> str:
    return host_of(hit) or ""


def _family(hit: Hit, _line: str) -> str:
    network = _network(hit)
    return f"inet{network.version}" if network is not None else "None"


def _reversed(hit: Hit, _line: str) -> str:
    network = _network(hit)
    return network.network_address.reverse_pointer.rsplit(".", 2)[0] + "." if network is not None else ""


def _network(hit: Hit) -> Network | None:
    who = hit.address or hit.subject
    return who.network if who is not None else None


_TOKENS: dict[str, Render] = {
    "msg": _matches,
    "matches": _matches,
    "id": lambda hit, _: _id(hit),
    "fid": lambda hit, _: _id(hit),
    "ip": _ip,
}
_TAGS: dict[str, Render] = {
    "msg": lambda _, line: line,
    "matches": _matches,
    "ip": _ip,
    "fid": lambda hit, _: _id(hit),
    "time": lambda hit, _: str(hit.time),
    "family": _family,
    "ip-rev": _reversed,
}
