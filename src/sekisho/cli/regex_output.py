"""What `fail2ban-regex -o TOKEN` prints instead of its report (COMPAT 7)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from ipaddress import ip_address

from sekisho.cli.logtext import host_of
from sekisho.match.filter import CompiledFilter
from sekisho.match.finding import Hit, LineVerdict
from sekisho.match.groups import text_of
from sekisho.model.address import Family

_TAG = re.compile(r"<([^<> ]+)>")
_GROUPS = {"id": "fid", "port": "fport"}
_INTERNAL = re.compile(r"content$|alt_|tuple_|skiplines|_")

Render = Callable[[CompiledFilter, Hit, str], str]
"""The text for one failure of a line."""


class Output:
    """Says one text for each failure; `inverted`, each line that has none."""

    def __init__(
        self, compiled: CompiledFilter, render: Render, say: Callable[[str], None], *, inverted: bool = False
    ) -> None:
        self._filter = compiled
        self._render = render
        self._say = say
        self._inverted = inverted

    def hear(self, line: str, verdict: LineVerdict) -> None:
        """Say the failures of a line."""
        hits = list(_failures(verdict))
        if not self._inverted:
            for hit in hits:
                self._say(self._render(self._filter, hit, line))
        elif not hits:
            self._say(line)

    def pass_over(self, raw: bytes, template: str | None, remainder: str | None = None) -> None:  # noqa: ARG002 - a listener's
        """Say a line without failures, where these are asked for."""
        if self._inverted:
            self._say(self._filter.decode(raw)[0])


def _failures(verdict: LineVerdict) -> Iterator[Hit]:
    """The failures of a line, up to the first hit that is mere context."""
    for hit in verdict.hits:
        if hit.nofail:
            return
        if hit.counts:
            yield hit


def parse_output(token: str) -> Render:
    """The text that a token asks for: `row`, `id`, `fid`, `ip`, `msg`, a group, or a text with tags."""
    if "<msg>" in token:
        return lambda _, hit, line: "\n".join(_filled(token, hit, each) for each in hit.matches or (line,))
    if "<" in token:
        return lambda _, hit, line: _filled(token, hit, line)
    if token == "row":
        return lambda compiled, hit, _: f"['{_id(hit)}',\t{hit.time},\t{_row(compiled, hit)}],"
    if token == "msg":
        return lambda _, hit, line: "\n".join(hit.matches or (line,))
    return lambda _, hit, __: _value(hit, token)


def _row(compiled: CompiledFilter, hit: Hit) -> dict[str, object]:
    """All groups that the expression has, matched or not, and what else is known."""
    names = [*(compiled.prefix.pattern.groupindex if compiled.prefix else ()), *_pattern(compiled, hit).groupindex]
    row: dict[str, object] = {name: None for name in names if not _INTERNAL.match(name)}
    row |= {name: set(value) if name == "users" else value for name, value in hit.captured.items() if name != "content"}
    if hit.address is not None:
        row["ip"] = hit.address.text
    return row


def _pattern(compiled: CompiledFilter, hit: Hit) -> re.Pattern[str]:
    return compiled.rules[hit.regex].pattern


def _id(hit: Hit) -> str:
    return hit.subject.text if hit.subject is not None else hit.hostname or ""


def _value(hit: Hit, token: str) -> str:
    known: dict[str, str] = {"id": _id(hit), "fid": _id(hit), "ip": host_of(hit) or "", "host": host_of(hit) or ""}
    known |= {"time": str(hit.time), "matches": "\n".join(hit.matches)}
    return known[token] if token in known else str(text_of(hit.captured.get(token)))


def _filled(text: str, hit: Hit, line: str) -> str:
    """`text` with its tags filled in; an unknown one stays."""
    known = {tag: _value(hit, tag) for tag in ("ip", "fid", "time", "matches")}
    known |= {"msg": line, "family": _family(hit), "ip-rev": _reversed(hit), "failures": "0", "br": "\n", "sp": " "}

    def fill(found: re.Match[str]) -> str:
        tag = found[1]
        if tag.startswith("F-"):
            name = tag[2:].lower()
            return text_of(hit.captured.get(_GROUPS.get(name, name))) or ""
        return known.get(tag, found[0])

    return _TAG.sub(fill, text)


def _reversed(hit: Hit) -> str:
    """The address as name servers are asked about it (RFC 1035, 3.5), with the dot but without the zone."""
    if not _family(hit):
        return ""
    return ip_address(host_of(hit) or "").reverse_pointer.removesuffix("in-addr.arpa").removesuffix("ip6.arpa")


def _family(hit: Hit) -> str:
    who = hit.address or hit.subject
    return who.family.value if who is not None and who.is_single and who.family is not Family.OTHER else ""
