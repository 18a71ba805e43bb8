"""What reading a line yields: failures, names still to be looked up, and remarks for the log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from sekisho.model.address import Subject
from sekisho.model.verdict import Captured, Failure

_NOTHING: Mapping[str, Captured] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A failure of whoever stands behind `hostname`; `failure.subject` is the name as text until it is looked up.

    An identifier beside the name does not count, as in Fail2ban: who is looked up is who is barred.
    """

    failure: Failure
    hostname: str
    warn: bool  # usedns = warn: say which addresses were found

    def resolved(self, addresses: Iterable[Subject]) -> tuple[Failure, ...]:
        """One failure for each address of the name; none when there is no address (COMPAT 2.6)."""
        return tuple(self.failure._replace(subject=address) for address in addresses)


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about the lines that the administrator should read in the log; said once a day each."""

    level: str
    text: str


Finding = Failure | Unresolved | Remark


@dataclass(frozen=True, slots=True)
class Hit:
    """One rule matched. `regex` counts from 0; no subject and no hostname: the session has no identifier yet."""

    regex: int
    subject: Subject | None
    time: float | None
    nofail: bool = False
    hostname: str | None = None
    address: Subject | None = None
    matches: tuple[str, ...] = ()
    captured: Mapping[str, Captured] = field(default_factory=lambda: _NOTHING, hash=False)

    @property
    def pending(self) -> bool:
        """True when nobody is known to whom the failure could be counted."""
        return self.subject is None and self.hostname is None

    @property
    def counts(self) -> bool:
        """True for a countable failure."""
        return not self.pending and not self.nofail


@dataclass(frozen=True, slots=True)
class LineVerdict:
    """What a line says. `template` is the name of the date template that fitted it, `time` its instant.

    `remainder` is the line as the expressions saw it, without its date; of a record the text that they saw. `retells`:
    it would be a failure, if lines before had not told of the same try.
    """

    hits: tuple[Hit, ...] = ()
    ignored: bool = False
    time: float | None = None
    template: str | None = None
    remainder: str = ""
    retells: bool = False

    @property
    def matched(self) -> bool:
        """True when at least one hit is a countable failure."""
        return any(hit.counts for hit in self.hits)
