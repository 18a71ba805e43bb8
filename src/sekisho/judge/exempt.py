"""Who is never banned by a machine's decision: `ignoreip` and `ignoreself` (COMPAT 1.9).

Pure: names are resolved, lists in files read, and the host's own addresses learned elsewhere, and all are handed in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sekisho.model.address import Family, Subject, parse_subject, subject_of
from sekisho.model.prefix import SINGLE, Prefixes

FILE = "file:"
"""Begins a word of `ignoreip` that names a file with more such words."""


MOST_ANSWERS = 16384
"""Answers remembered per jail, a few megabytes: more attackers than this at a time make the work be done again."""

WIDEST = {Family.INET4: 8, Family.INET6: 16}
"""Shortest prefixes that a machine may bar: no registry hands out more to one holder, and a log line may claim /0."""

_LOOPBACK = parse_subject("127.0.0.0/8")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the exemptions must know of the world: our own addresses, what names stand for, what ignored files say.

    `resolved` is by name, `lists` by the word of `ignoreip` that names the file.
    """

    own: frozenset[Subject] = frozenset()
    resolved: Mapping[str, frozenset[Subject]] = field(default_factory=dict)
    lists: Mapping[str, Exemptions] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Exemptions:
    """One jail's exemptions, sorted by how they are checked.

    `lengths` are the prefix lengths that `networks` have, so that a list of many thousand networks is asked once a
    length. `names` are host names or raw identifiers, `files` the words that name files.
    """

    addresses: frozenset[Subject]
    networks: frozenset[Subject]
    lengths: frozenset[tuple[Family, int]]
    names: tuple[str, ...]
    files: tuple[str, ...]
    itself: bool

    def source(self, subject: Subject, around: Surroundings) -> str | None:
        """Return which rule exempts `subject`, in the words of the log, or None when it counts.

        A prefix is exempt when it overlaps an exempt address or network: a ban must never cover one.
        """
        prefix = None if subject.is_single else subject.network
        if prefix is not None and prefix.prefixlen < WIDEST[subject.family]:
            return "size"
        if self.itself and (subject in around.own or _overlaps(subject, around.own)):
            return "ignoreself rule"
        if (listed := self.listed(subject, around)) is not None:
            return listed
        for word in self.files:
            if word in around.lists and around.lists[word].listed(subject, around) is not None:
                return word
        return "ignoreself rule" if self.itself and _LOOPBACK.covers(subject) else None

    def listed(self, subject: Subject, around: Surroundings) -> str | None:
        """Return `ip` or `dns` where the subject is named here, whatever files and ourselves say."""
        if subject in self.addresses or self._has_network_of(subject) or _overlaps(subject, self.addresses):
            return "ip"
        for name in self.names:
            if name == subject.text or any(subject.covers(address) for address in around.resolved.get(name, ())):
                return "dns"
        return None

    def inside(self, subject: Subject, around: Surroundings) -> Subject | None:
        """Return an exempt address or network that is a part of `subject`, a network, but not all of it."""
        if subject.is_single:
            return None
        named = (address for name in self.names for address in around.resolved.get(name, ()))
        here = (*self.addresses, *self.networks, *named)
        found = next((exempt for exempt in here if exempt != subject and subject.covers(exempt)), None)
        lists = (around.lists[word] for word in self.files if word in around.lists)
        within = (listed.inside(subject, replace(around, lists={})) for listed in lists)
        return found or next(filter(None, within), None)

    def _has_network_of(self, subject: Subject) -> bool:
        network = subject.network if self.networks else None
        if network is None:
            return False
        lengths = (size for family, size in self.lengths if family is subject.family and size <= network.prefixlen)
        if any(subject_of(network.supernet(new_prefix=size)) in self.networks for size in lengths):
            return True
        return _overlaps(subject, self.networks)


class Screen:
    """Exemptions and what they must know of the world, with the answers that were given before.

    The same few subjects fail over and over. The answers hold as long as what they were made of `is_made_of`.
    """

    __slots__ = ("_answers", "_around", "_exemptions", "_prefixes", "_shared", "_suspects")

    def __init__(self, exemptions: Exemptions, around: Surroundings, prefixes: Prefixes = SINGLE) -> None:
        self._exemptions = exemptions
        self._around = around
        self._prefixes = prefixes
        self._suspects: dict[str, Subject] = {}
        self._shared: dict[str, bool] = {}
        self._answers: dict[str, str | None] = {}

    def __len__(self) -> int:
        return len(self._answers)

    def is_made_of(self, exemptions: Exemptions, around: Surroundings, prefixes: Prefixes = SINGLE) -> bool:
        """True when the answers are what these very objects would answer."""
        return self._exemptions is exemptions and self._around is around and self._prefixes is prefixes

    def source(self, subject: Subject) -> str | None:
        """Return which rule exempts `subject`, as `Exemptions.source` does."""
        answers, key = self._answers, subject.text
        if key in answers:
            return answers[key]
        if len(answers) >= MOST_ANSWERS:
            answers.clear()
        source = answers[key] = self._exemptions.source(subject, self._around)
        return source

    def suspect(self, subject: Subject) -> Subject:
        """Return whom a failure of `subject` counts against: the prefix around it, as long as that may be barred.

        Where it holds somebody exempt, or this host itself, an address counts alone.
        """
        suspects, key = self._suspects, subject.text
        if key in suspects:
            return suspects[key]
        if len(suspects) >= MOST_ANSWERS:
            suspects.clear()
        prefix = self._prefixes.around(subject)
        if prefix is not subject and self._is_shared(prefix):
            prefix = subject
        suspects[key] = prefix
        return prefix

    def _is_shared(self, prefix: Subject) -> bool:
        """Return whether a prefix holds somebody who is not to be barred; a few prefixes have addresses without end."""
        shared = self._shared
        if prefix.text not in shared:
            if len(shared) >= MOST_ANSWERS:
                shared.clear()
            shared[prefix.text] = self.source(prefix) is not None or _overlaps(prefix, self._around.own)
        return shared[prefix.text]


def _overlaps(subject: Subject, addresses: Iterable[Subject]) -> bool:
    return (
        not subject.is_single and subject.network is not None and any(subject.covers(address) for address in addresses)
    )


def parse_exemptions(words: Iterable[str], *, itself: bool = False) -> Exemptions:
    """Sort the words of `ignoreip`; host bits of a network are cleared, anything else is a name or a file."""
    subjects = dict.fromkeys(map(parse_subject, words))
    texts = [subject.text for subject in subjects if subject.family is Family.OTHER]
    networks = {subject: subject.network for subject in subjects if not subject.is_single}
    return Exemptions(
        addresses=frozenset(subject for subject in subjects if subject.is_single),
        networks=frozenset(subject for subject, network in networks.items() if network is not None),
        lengths=frozenset((subject.family, network.prefixlen) for subject, network in networks.items() if network),
        names=tuple(text for text in texts if not text.startswith(FILE)),
        files=tuple(text for text in texts if text.startswith(FILE)),
        itself=itself,
    )
