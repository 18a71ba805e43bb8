"""What a stranger would write into a log to have somebody else barred.

A sample's line is taken apart by the rule that matches it (`grammar`). Who controls a field, the rule itself says:

* what repeats digits, letters or blanks only is the service's own: ports, ids, names of methods;
* what repeats no blanks is a word, such as a host's name: a stranger may choose it, of the characters that the rule
  lets stand there, as many as it lets, since so much the service or the resolver sees to;
* anything else, and whatever is kept as a user name and the like, is free text, whatever the rule would have it be.

The date and the host of a syslog header are the logger's, the address is the kernel's. A field is then filled with
imitations: pieces of the line itself and of other lines of the filter, in which the bystander has the offender's
place, behind and before whatever might end a field or begin one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from random import Random

from tests.support.grammar import Field, fields_of

from sekisho.match.filter import CompiledFilter
from sekisho.match.finding import LineVerdict

BYSTANDER = "198.51.100.99"
MANY = 16384
"""Characters of a text that is only long."""

_HEADER = re.compile(
    r"(?:<\d+>\d )?(?:[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d+)?|\d{4}-\d\d-\d\dT\S+) (?!\[)\S+ (?=\S)"
)
_QUOTED = re.compile(r""""([^"]*)"|'([^']*)'|<([^<>]*)>""")
_JOINT = re.compile(r"(?<!\w)\w|(?<=\w)\W|$")

_ENDS = ('"', "'", ">", ")", "]", '", ', ">, ", '\\"', "\0", "x\n", "\r", "\xe9", "\ufffd", "((", "[[", "A" * MANY)
_BEGINS = (" x", "x", ' "', "'", '"', "<", "(", "[", "\0", "\n", "\xe9", f" {'A' * MANY}")


@dataclass(frozen=True, slots=True)
class Place:
    """A part of a line, from `start` to `end`, that a stranger fills; `word`: what can stand there, None: anything."""

    start: int
    end: int
    word: Field | None = None

    def filled(self, line: str, text: str) -> str:
        """The line with the text in this place, as much of it as can stand there."""
        if self.word is not None:
            text = "".join(filter(self.word.takes, text))[: self.word.most]
        return line[: self.start] + text + line[self.end :]


def header_of(line: str) -> int:
    """Where a line of the system log begins to say what a program said; 0 in other logs."""
    found = _HEADER.match(line)
    return found.end() if found else 0


def places_of(compiled: CompiledFilter, line: str, verdict: LineVerdict) -> list[Place]:
    """What a stranger controls of a line, by the rules that hit it; of a line without hits, what is in quotes."""
    head = header_of(line)
    if not verdict.hits and line.startswith("{"):
        return []  # a record, of which what is in quotes may be a whole line of the service's
    if not verdict.hits:
        return [Place(*found.span(found.lastindex or 0)) for found in _QUOTED.finditer(line, head)]
    cut = len(line) - len(verdict.remainder)
    before = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(line, verdict.remainder, strict=False)))
    places = {}
    for (start, end), word in _spans(compiled, verdict).items():
        first, last = (at if at <= before else at + cut for at in (start, end))
        if first >= head and not start < before < end:
            places[first, last] = Place(first, min(last, len(line)), word)
    return [places[span] for span in sorted(places)]


def _spans(compiled: CompiledFilter, verdict: LineVerdict) -> dict[tuple[int, int], Field | None]:
    """The places in what is left of a line without its date."""
    spans: dict[tuple[int, int], Field | None] = {}
    for shift, field in _fields(compiled, verdict):
        span = (shift + field.start, shift + field.end)
        if field.is_word and not field.is_own:
            spans.setdefault(span, field)
        elif not field.is_own:
            spans[span] = None
            for found in _QUOTED.finditer(verdict.remainder, *span):
                spans[found.span(found.lastindex or 0)] = None
    return spans


def _fields(compiled: CompiledFilter, verdict: LineVerdict) -> Iterator[tuple[int, Field]]:
    """The fields by prefregex and by each rule, with where the text begins that they are placed in."""
    text, shift = f"{verdict.remainder}\n", 0
    if compiled.prefix is not None and (found := compiled.prefix.pattern.search(text)):
        start, end = found.span("content") if "content" in compiled.prefix.groups else (0, 0)
        for field in fields_of(compiled.prefix.pattern, text):
            if field.end <= start or field.start >= end:
                yield 0, field
        text, shift = (text[start:], start) if end > start else (text, 0)
    for hit in verdict.hits:
        if hit.regex < len(compiled.rules):
            for field in fields_of(compiled.rules[hit.regex].pattern, text):
                yield shift, field


def imitations(line: str, truth: str | None, place: Place, others: Sequence[str], choice: Random) -> Iterator[str]:
    """Pieces of the line and of others with the bystander in them, most telling first; `truth`: the offender here."""
    if truth is not None:
        forged = line.replace(truth, BYSTANDER)
        start, end = (len(line[:at].replace(truth, BYSTANDER)) for at in (place.start, place.end))
        yield from (forged[end:], forged[start:], forged, forged[header_of(forged) :], BYSTANDER, f"[{BYSTANDER}]")
        last = forged.rfind(BYSTANDER)
        joints = [found.start() for found in _JOINT.finditer(forged)]
        heads = [at for at in joints if at <= last]
        tails = [at for at in joints if at >= last + len(BYSTANDER)]
        if end <= last:
            yield from (forged[end:tail] for tail in tails)
        yield from (forged[head:] for head in heads)
        yield from (forged[choice.choice(heads) : choice.choice(tails)] for _ in range(12))
    yield from choice.sample(others, min(len(others), 12))


def texts_for(line: str, truth: str | None, place: Place, others: Sequence[str], choice: Random) -> Iterator[str]:
    """What to fill the place of a line with: imitations, each by itself and between what may end or begin a field."""
    around = line[max(0, place.start - 3) : place.start] + "x"
    for text in imitations(line, truth, place, others, choice):
        if BYSTANDER in text:
            yield text
            yield f"x{text}"
            yield f"x {text} x"
            yield f"{choice.choice(_ENDS)}{text}{choice.choice(_BEGINS)}"
            yield f"{choice.choice(_ENDS)}{text}{around}"
