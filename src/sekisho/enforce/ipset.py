"""The kernel's ipset, reached without any program: sets are made, swapped and removed, elements added and listed.

A message of a thousand elements takes a millisecond or two, so calls are made on the engine's loop; a listing of a
hundred thousand belongs into a thread. After a message that was refused its elements are sent again one by one, in one
go: that tells which of them is bad, and the others are in force.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from errno import ENOENT
from typing import TypeVar

from sekisho.enforce.ipset_wire import (
    ERRORS,
    FULL,
    PER_MESSAGE,
    Entry,
    Header,
    pack_add,
    pack_create,
    pack_delete,
    pack_destroy,
    pack_headers,
    pack_listing,
    pack_question,
    pack_swap,
    parse_entries,
    parse_header,
)
from sekisho.enforce.nfnetlink import conversations, in_parts, open_socket, read_replies
from sekisho.enforce.wire import Reply

T = TypeVar("T")

_Pack = Callable[[str, Sequence[Entry], int], bytes]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An element that the kernel did not take, with its errno or ipset's own number."""

    entry: Entry
    error: int

    @property
    def is_for_room(self) -> bool:
        """Whether there was no room for it."""
        return self.error == FULL

    def __str__(self) -> str:
        return f"the kernel says: {_words(self.error)}"


class IpsetSocket:
    """The sets of one network namespace. Every method raises OSError where the kernel says no.

    FileNotFoundError: there is no such set; FileExistsError: there is a different one of that name.
    """

    def __init__(self, *, timeout: float = 5.0) -> None:
        """Open the socket. Raises OSError where the kernel has no ipset, or forbids it."""
        self._numbers = conversations()
        self._socket = open_socket(timeout)
        try:
            self._ask(pack_question)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def create(self, name: str, *, width: int, most: int) -> None:
        """Make a set of networks with room for `most` unless it is there; `width` is the length of an address."""
        self._ask(lambda sequence: pack_create(name, width, most, sequence))

    def destroy(self, name: str) -> None:
        """Remove a set; one that is not there is no fault (older kernels say so, newer ones do not)."""
        with contextlib.suppress(FileNotFoundError):
            self._ask(lambda sequence: pack_destroy(name, sequence))

    def swap(self, name: str, other: str) -> None:
        """Let two sets change places, at one stroke."""
        self._ask(lambda sequence: pack_swap(name, other, sequence))

    def add(self, name: str, entries: Sequence[Entry]) -> list[Refusal]:
        """Put elements into a set, each with its time even where it was there before; those refused."""
        return self._change(pack_add, name, entries)

    def delete(self, name: str, entries: Sequence[Entry]) -> list[Refusal]:
        """Take elements out of a set; one that is not there is no refusal."""
        return self._change(pack_delete, name, entries)

    def entries(self, name: str) -> list[Entry]:
        """Return the elements of a set."""
        bodies = self._dump(lambda sequence: pack_listing(name, sequence))
        return [entry for body in bodies for entry in parse_entries(body)]

    def header(self, name: str) -> Header:
        """Return what is known of a set without its elements."""
        return parse_header(self._dump(lambda sequence: pack_headers(name, sequence))[0])

    def headers(self) -> list[Header]:
        """Return what is known of every set of the host without its elements."""
        return [parse_header(body) for body in self._dump(lambda sequence: pack_headers(None, sequence))]

    def _change(self, pack: _Pack, name: str, entries: Sequence[Entry]) -> list[Refusal]:
        refused: list[Refusal] = []
        for part in in_parts(entries, PER_MESSAGE):
            sequence = next(self._numbers)
            if self._errors([pack(name, part, sequence)], sequence)[0]:
                errors = self._errors([pack(name, [one], sequence + at) for at, one in enumerate(part)], sequence)
                refused += [Refusal(one, error) for one, error in zip(part, errors, strict=True) if error]
                if ENOENT in errors:
                    raise FileNotFoundError(ENOENT, os.strerror(ENOENT), f"set {name}")
        return refused

    def _errors(self, messages: Sequence[bytes], sequence: int) -> list[int]:
        """Send messages that are numbered from `sequence`, in one go, and return the status of each."""
        self._socket.sendall(b"".join(messages))
        errors: dict[int, int] = {}
        while len(errors) < len(messages):
            for reply in self._read():
                at = reply.sequence - sequence
                if 0 <= at < len(messages) and reply.error is not None:
                    errors[at] = reply.error
        return [errors[at] for at in range(len(messages))]

    def _ask(self, pack: Callable[[int], bytes]) -> None:
        """Make one request, and return when it is granted."""
        sequence = next(self._numbers)
        self._socket.sendall(pack(sequence))
        while True:
            for reply in self._read():
                if reply.sequence == sequence:
                    _raise_for(reply.error)
                    return

    def _dump(self, pack: Callable[[int], bytes]) -> list[bytes]:
        """Return the bodies of a listing."""
        sequence = next(self._numbers)
        self._socket.sendall(pack(sequence))
        bodies: list[bytes] = []
        while True:
            for reply in self._read():
                if reply.sequence != sequence:
                    continue
                _raise_for(reply.error)
                if reply.done or reply.error == 0:
                    return bodies
                bodies.append(reply.body)

    def _read(self) -> Iterator[Reply]:
        return read_replies(self._socket)


def _raise_for(error: int | None) -> None:
    if error:
        raise OSError(error, _words(error))


def _words(error: int) -> str:
    return ERRORS.get(error) or os.strerror(error)
