"""The kernel's sets, reached without any program: adds, deletes, lists and flushes elements over one netlink socket.

A call costs microseconds (the kernel works while we send), so it is made on the engine's loop and waits for nothing
but the answers, which are there when the send returns; a time limit guards against a kernel that does not answer.

A batch is all or nothing, yet one bad element must not lose the others. So after a refusal the messages that the
kernel named are sent again in a milder way: what exists already is replaced (`ENSURE`, `DELETE`, `ADD` in one batch,
so there is no moment without it), what is gone already counts as deleted, and anything else is halved until the bad
element stands alone and is returned with its error.

The socket belongs to the network namespace in which it was opened.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from sekisho.enforce.nfnetlink import conversations, in_parts, open_socket, read_replies
from sekisho.enforce.structure import CHAINS, RULES, SETS, TABLES, Structure, pack_listing, parse_structure
from sekisho.enforce.wire import (
    PER_MESSAGE,
    Change,
    Element,
    Reply,
    Verb,
    join_ranges,
    pack_batch,
    pack_chain_dump,
    pack_dump,
    pack_generation_request,
    parse_chain,
    parse_elements,
    parse_generation,
)

_LISTING_TRIES = 5
_ROUND = 1000  # steps a batch: half a million elements, and as many answers as surely fit the buffer
_Verbs = tuple[Verb, ...]
_ADD: _Verbs = (Verb.ADD,)
_REPLACE: _Verbs = (Verb.ENSURE, Verb.DELETE, Verb.ADD)
_DELETE: _Verbs = (Verb.DELETE,)
_DROP: _Verbs = (Verb.ENSURE, Verb.DELETE)
_SURE = {_ADD: _REPLACE, _DELETE: _DROP}  # right whether or not the elements are there
_LOST_ANSWERS = 3  # times that the answers to a batch may overrun our buffer (ENOBUFS) before we give up
_MILDER: dict[tuple[_Verbs, int], _Verbs] = {(_ADD, errno.EEXIST): _REPLACE, (_DELETE, errno.ENOENT): _DROP}


@dataclass(frozen=True, slots=True)
class Refusal:
    """An element that the kernel did not take, with its errno."""

    element: Element
    error: int

    def __str__(self) -> str:
        return f"the kernel says {errno.errorcode.get(self.error, self.error)} ({os.strerror(self.error)})"


@dataclass(frozen=True, slots=True)
class _Step:
    """What is to happen to some elements, as the verbs that one batch applies to them in turn."""

    verbs: _Verbs
    elements: Sequence[Element]

    def milder(self, error: int) -> list[_Step]:
        """Return what to try after `error`."""
        if verbs := _MILDER.get((self.verbs, error)):
            return [_Step(verbs, self.elements)]
        middle = len(self.elements) // 2
        return [_Step(self.verbs, self.elements[:middle]), _Step(self.verbs, self.elements[middle:])]

    def is_hopeless(self, error: int) -> bool:
        """Return whether nothing milder is left. Raises FileNotFoundError where the set itself is missing."""
        if (self.verbs, error) in _MILDER:
            return False
        if error == errno.ENOENT:
            raise FileNotFoundError(error, os.strerror(error))
        return len(self.elements) == 1


class NftSocket:
    """Elements of the sets of one `inet` table."""

    def __init__(self, table: str, *, timeout: float = 5.0) -> None:
        """Open the socket.

        Raises:
            OSError: the kernel has no netlink for netfilter, or forbids it.

        """
        self._table = table
        self._numbers = conversations()
        self._own_changes = 0
        self._socket = open_socket(timeout)

    @property
    def port(self) -> int:
        """The socket's port, by which the kernel tells whose change a change is."""
        port: int = self._socket.getsockname()[0]
        return port

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def add(self, set_name: str, elements: Sequence[Element]) -> list[Refusal]:
        """Put elements into a set, each with its timeout even where it was there before; those refused.

        Raises:
            OSError: the kernel took no part of it (FileNotFoundError: there is no such set).

        """
        unique = {element.key: element for element in elements}  # the last wins; the kernel refuses twins
        return self._settle(set_name, [_Step(_ADD, part) for part in in_parts(list(unique.values()), PER_MESSAGE)])

    def delete(self, set_name: str, elements: Sequence[Element]) -> list[Refusal]:
        """Take elements out of a set; one that is not there is no refusal.

        Raises:
            OSError: the kernel took no part of it (FileNotFoundError: there is no such set).

        """
        unique = {element.key: element for element in elements}
        return self._settle(set_name, [_Step(_DELETE, part) for part in in_parts(list(unique.values()), PER_MESSAGE)])

    def exchange(self, set_name: str, *, remove: Sequence[Element], add: Sequence[Element]) -> None:
        """Take `remove` out and put `add` in, at one stroke.

        Raises:
            OSError: nothing was changed.

        """
        changes = [Change(Verb.DELETE, set_name, part) for part in in_parts(remove, PER_MESSAGE)]
        self._apply(changes + [Change(Verb.ADD, set_name, part) for part in in_parts(add, PER_MESSAGE)])

    def refill(self, set_name: str, elements: Sequence[Element]) -> None:
        """Make a set hold exactly `elements`, at one stroke.

        Raises:
            OSError: nothing was changed.

        """
        fill = [Change(Verb.ADD, set_name, part) for part in in_parts(elements, PER_MESSAGE)]
        self._apply([Change(Verb.DELETE, set_name), *fill])

    def flush(self, set_name: str) -> None:
        """Empty a set.

        Raises:
            OSError: nothing was changed.

        """
        self._apply([Change(Verb.DELETE, set_name)])

    def addresses(self, set_name: str) -> list[Element]:
        """Return the elements of a hash set as they stand.

        A set that is growing moves its elements about, and the kernel may then show one twice and another not at all;
        so what was shown twice is asked again, and in the end everything that was ever seen counts.

        Raises:
            OSError: the kernel did not answer (FileNotFoundError: there is no such set).

        """
        seen: dict[bytes, Element] = {}
        for _ in range(_LISTING_TRIES):
            listed = self._list(set_name)
            unique = {element.key: element for _, element in listed}
            if len(unique) == len(listed):
                return list(unique.values())
            seen |= unique
        return list(seen.values())

    def ranges(self, set_name: str, width: int) -> list[Element]:
        """Return the ranges of an interval set with keys of `width` bytes. Raises OSError as `addresses` does."""
        return join_ranges(self._list(set_name), width)

    def chains(self) -> frozenset[str]:
        """Return the names of the table's chains, empty where there is no such table. Raises OSError."""
        chains = map(parse_chain, self._dump(pack_chain_dump))
        return frozenset(name for table, name in chains if table == self._table)

    def structure(self) -> Structure:
        """Return what stands of the table besides its elements. Raises OSError."""
        kinds = (TABLES, CHAINS, RULES, SETS)
        return parse_structure(self._table, [(kind, self._dump(partial(pack_listing, kind))) for kind in kinds])

    def others_changes(self) -> int:
        """Return a number that stays the same as long as nobody but this socket changes any rule of the host.

        It is the ruleset's generation less the batches that we made. Raises OSError.
        """
        sequence = next(self._numbers)
        self._socket.sendall(pack_generation_request(sequence))
        while True:
            for reply in self._read():
                if reply.sequence == sequence and reply.error:
                    raise OSError(reply.error, os.strerror(reply.error), "the generation of the ruleset")
                if reply.sequence == sequence:
                    return (parse_generation(reply.body) - self._own_changes) & 0xFFFFFFFF

    def note_own_change(self) -> None:
        """Take note that one change was made for us by another program."""
        self._own_changes += 1

    def _list(self, set_name: str) -> list[tuple[bool, Element]]:
        bodies = self._dump(lambda sequence: pack_dump(self._table, set_name, sequence))
        return [part for body in bodies for part in parse_elements(body)]

    def _settle(self, set_name: str, steps: list[_Step]) -> list[Refusal]:
        """Carry the steps out, each refused one in a milder way until it passes or is a single bad element."""
        refused: list[Refusal] = []
        lost = _LOST_ANSWERS
        while steps:
            round_, steps = steps[:_ROUND], steps[_ROUND:]
            changes = [Change(verb, set_name, step.elements) for step in round_ for verb in step.verbs]
            try:
                errors = self._transact(changes)
            except OSError as refusal:
                lost -= refusal.errno == errno.ENOBUFS
                if refusal.errno != errno.ENOBUFS or not lost:
                    raise
                steps = [_Step(_SURE.get(step.verbs, step.verbs), step.elements) for step in round_] + steps
                continue
            if not any(errors):
                continue
            verdicts = iter(errors)  # nothing was applied: those without an error go again as they are
            milder: list[_Step] = []
            for step in round_:
                error = next(filter(None, [next(verdicts) for _ in step.verbs]), 0)
                if error and step.is_hopeless(error):
                    refused.append(Refusal(step.elements[0], error))
                else:
                    milder += step.milder(error) if error else [step]
            steps = milder + steps
        return refused

    def _apply(self, changes: Sequence[Change]) -> None:
        error = next(filter(None, self._transact(changes)), 0) if changes else 0
        if error:
            raise OSError(error, os.strerror(error), f"set {changes[0].set_name} of table inet {self._table}")

    def _transact(self, changes: Sequence[Change]) -> list[int]:
        """Send one batch and return the errno of each change, 0 for those without fault.

        Raises:
            OSError: the batch as a whole was refused, or its answers were lost.

        """
        sequence = next(self._numbers)
        self._socket.sendall(pack_batch(self._table, changes, sequence))
        errors: dict[int, int] = {}
        while len(errors) < len(changes):
            for reply in self._read():
                index = reply.sequence - sequence - 1
                if index == -1 and reply.error:
                    raise OSError(reply.error, os.strerror(reply.error), f"table inet {self._table}")
                if 0 <= index < len(changes) and reply.error is not None:
                    errors[index] = reply.error
        self._own_changes += not any(errors.values())
        return [errors[index] for index in range(len(changes))]

    def _dump(self, request: Callable[[int], bytes]) -> list[bytes]:
        """Return the bodies of a listing that no change has interrupted."""
        for _ in range(_LISTING_TRIES):
            sequence = next(self._numbers)
            self._socket.sendall(request(sequence))
            bodies: list[bytes] = []
            done = interrupted = False
            while not done:
                for reply in self._read():
                    if reply.sequence != sequence:
                        continue
                    if reply.error:
                        raise OSError(reply.error, os.strerror(reply.error), f"table inet {self._table}")
                    interrupted |= reply.interrupted
                    done |= reply.done or reply.error == 0
                    if reply.error is None:
                        bodies.append(reply.body)
            if not interrupted:
                return bodies
        raise OSError(errno.EINTR, os.strerror(errno.EINTR), f"table inet {self._table}: it changes without end")

    def _read(self) -> Iterator[Reply]:
        return read_replies(self._socket)
