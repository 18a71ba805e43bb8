"""Reading logs at a keyboard: blocks of whole lines, the rules that read them, names looked up, text made safe."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import BinaryIO

from sekisho.match.fields import last_year_at
from sekisho.match.filter import CompiledFilter
from sekisho.match.finding import Hit, LineVerdict
from sekisho.match.matcher import Matcher
from sekisho.model.address import Subject, parse_subject
from sekisho.model.candidate import Search
from sekisho.scan.bundle import Bundle

BLOCK = 1 << 20
_JAIL = "match"


class Rules:
    """A filter with its scanner and its memory, as one jail of the daemon would hold it.

    `others` are searched for beside the filter's own expressions.
    """

    def __init__(self, compiled: CompiledFilter, others: Sequence[Search] = ()) -> None:
        self.filter = compiled
        self.matcher = Matcher(compiled, jail=_JAIL)
        self._bundle = Bundle([(_JAIL, (*compiled.searches, *others))])

    def masks_of(self, block: bytes) -> dict[int, int]:
        """Where the lines begin that matter, and why: bit k for rule k; behind the rules, for `others`."""
        return {start: mask for start, _, mask in self._bundle.scan(block)}

    def lines_of(self, block: bytes) -> Iterator[tuple[str, int]]:
        """Each line of a block, decoded, and the mask of the rules that may match it."""
        masks = self.masks_of(block)
        start = 0
        for raw in split_lines(block):
            yield raw.decode(self.filter.encoding, "replace").rstrip("\r\n"), masks.get(start, 0)
            start += len(raw)


def split_lines(block: bytes) -> Iterator[bytes]:
    """The lines of a block, ended by newlines alone: a log line may contain any other control character."""
    start = 0
    while start < len(block):
        end = block.find(b"\n", start) + 1 or len(block)
        yield block[start:end]
        start = end


def read_blocks(log: BinaryIO) -> Iterator[bytes]:
    """The log in blocks of whole lines; the last line may lack its newline."""
    rest = b""
    while data := log.read(BLOCK):
        end = data.rfind(b"\n") + 1
        if end:
            yield rest + data[:end]
            rest = data[end:]
        else:
            rest += data
    if rest:
        yield rest


def admitted_year(*moments: float) -> int:
    """The last year that a date may have, so that it suits the latest of several presents."""
    return last_year_at(max(time.localtime(moment).tm_year for moment in moments))


def host_of(hit: Hit) -> str | None:
    """Whom a hit concerns: the address where the identifier is something else."""
    who = hit.address or hit.subject
    return who.text if who is not None else hit.hostname


@lru_cache(maxsize=4096)
def lookup(name: str) -> tuple[Subject, ...]:
    """The addresses of a host name, none when it has none."""
    try:
        answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(sorted({parse_subject(str(answer[4][0])) for answer in answers}, key=str))


def resolved(verdict: LineVerdict) -> LineVerdict:
    """The verdict with a hit for each address of a host name; none where a name has no address (COMPAT 2.6)."""
    for hit in verdict.hits:
        if hit.hostname is not None:
            break
    else:
        return verdict
    hits: list[Hit] = []
    for hit in verdict.hits:
        if hit.hostname is None:
            hits.append(hit)
        else:
            hits += [replace(hit, hostname=None, subject=address) for address in lookup(hit.hostname)]
    return replace(verdict, hits=tuple(hits))
