"""What `fail2ban-regex -o TOKEN` prints instead of its report (COMPAT 7)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sekisho.cli.logtext import host_of
from sekisho.match.finding import Hit, LineVerdict
from sekisho.match.groups import text_of

_TAG = re.compile(r"<([^<> ]+)>")

Render = Callable[[Hit, str], str]


@dataclass(frozen=True, slots=True)
class Output:
    """Prints one text for each failure."""

    render: Render

    def write(self, line: str, verdict: LineVerdict, *, inverted: bool = False) -> None:
        """Print the failures of a line; with `inverted`, the line itself where it has none."""
        hits = [hit for hit in verdict.hits if hit.counts]
        if inverted:
            if not hits:
                print(line)
            return
        for hit in hits:
            print(self.render(hit, line))


def parse_output(token: str) -> Output:
    """The output that a token asks for: `row`, `id`, `fid`, `ip`, `msg`, a group, or a text with tags."""
    if "<" in token:
        return Output(lambda hit, line: "\n".join(_filled(token, hit, each) for each in hit.matches or (line,)))
    if token == "row":
        return Output(lambda hit, _: f"['{_id(hit)}',\t{hit.time},\t{dict(hit.captured)}],")
    if token == "msg":
        return Output(lambda hit, line: "\n".join(hit.matches or (line,)))
    return Output(lambda hit, _: _value(hit, token))


def _id(hit: Hit) -> str:
    return hit.subject.text if hit.subject is not None else hit.hostname or ""


def _value(hit: Hit, token: str) -> str:
    known: dict[str, str] = {"id": _id(hit), "fid": _id(hit), "ip": host_of(hit) or "", "host": host_of(hit) or ""}
    known |= {"time": str(hit.time), "matches": "\n".join(hit.matches)}
    return known[token] if token in known else str(text_of(hit.captured.get(token)))


def _filled(text: str, hit: Hit, line: str) -> str:
    def fill(found: re.Match[str]) -> str:
        tag = found[1]
        if tag == "msg":
            return line
        if tag.startswith("F-"):
            name = tag[2:].lower()
            return text_of(hit.captured.get({"id": "fid", "port": "fport"}.get(name, name))) or ""
        return (
            _value(hit, tag)
            if tag in {"ip", "id", "fid", "time", "matches", "host"} or tag in hit.captured
            else found[0]
        )

    return _TAG.sub(fill, text)
