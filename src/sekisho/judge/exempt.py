"""Who is never banned by a machine's decision: `ignoreip` and `ignoreself` (COMPAT 1.9).

Pure: names and the host's own addresses are resolved elsewhere and handed in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sekisho.model.address import Family, Subject, parse_subject

Resolved = Mapping[str, frozenset[Subject]]
"""What each ignored name stood for when last asked."""


MOST_ANSWERS = 16384
"""Answers remembered per jail, a few megabytes: more attackers than this at a time make the work be done again."""

_WIDEST = {Family.INET4: 8, Family.INET6: 16}
"""Shortest prefixes that a machine may bar: no registry hands out more to one holder, and a log line may claim /0."""

_LOOPBACK = parse_subject("127.0.0.0/8")


@dataclass(frozen=True, slots=True)
class Exemptions:
    """One jail's exemptions, sorted by how they are checked. `names` are host names or raw identifiers."""

    addresses: frozenset[Subject]
    networks: tuple[Subject, ...]
    names: tuple[str, ...]
    itself: bool

    def source(self, subject: Subject, *, own: frozenset[Subject], resolved: Resolved) -> str | None:
        """Return which rule exempts `subject`, in the words of the log, or None when it counts.

        A prefix is exempt when it overlaps an exempt address or network: a ban must never cover one.
        """
        prefix = None if subject.is_single else subject.network
        if prefix is not None and prefix.prefixlen < _WIDEST[subject.family]:
            return "size"
        if self.itself and (subject in own or _overlaps(subject, own)):
            return "ignoreself rule"
        if subject in self.addresses or _overlaps(subject, self.addresses):
            return "ip"
        if any(network.covers(subject) or subject.covers(network) for network in self.networks):
            return "ip"
        for name in self.names:
            if name == subject.text or any(subject.covers(address) for address in resolved.get(name, ())):
                return "dns"
        return "ignoreself rule" if self.itself and _LOOPBACK.covers(subject) else None


class Screen:
    """Exemptions and what they must know of the world, with the answers that were given before.

    The same few subjects fail over and over. The answers hold as long as what they were made of `is_made_of`.
    """

    __slots__ = ("_answers", "_exemptions", "_own", "_resolved")

    def __init__(self, exemptions: Exemptions, *, own: frozenset[Subject], resolved: Resolved) -> None:
        self._exemptions = exemptions
        self._own = own
        self._resolved = resolved
        self._answers: dict[str, str | None] = {}

    def __len__(self) -> int:
        return len(self._answers)

    def is_made_of(self, exemptions: Exemptions, *, own: frozenset[Subject], resolved: Resolved) -> bool:
        """True when the answers are what these very objects would answer."""
        return self._exemptions is exemptions and self._own is own and self._resolved is resolved

    def source(self, subject: Subject) -> str | None:
        """Return which rule exempts `subject`, as `Exemptions.source` does."""
        answers, key = self._answers, subject.text
        if key in answers:
            return answers[key]
        if len(answers) >= MOST_ANSWERS:
            answers.clear()
        source = answers[key] = self._exemptions.source(subject, own=self._own, resolved=self._resolved)
        return source


def _overlaps(subject: Subject, addresses: Iterable[Subject]) -> bool:
    return (
        not subject.is_single and subject.network is not None and any(subject.covers(address) for address in addresses)
    )


def parse_exemptions(words: Iterable[str], *, itself: bool) -> Exemptions:
    """Sort the words of `ignoreip`; host bits of a network are cleared, anything else is a name."""
    addresses: set[Subject] = set()
    networks: dict[Subject, None] = {}
    names: dict[str, None] = {}
    for word in words:
        subject = parse_subject(word)
        if subject.family is Family.OTHER:
            names[word] = None
        elif subject.is_single:
            addresses.add(subject)
        else:
            networks[subject] = None
    return Exemptions(frozenset(addresses), tuple(networks), tuple(names), itself)
