"""Tests of enforce.nfnetlink."""

from __future__ import annotations

import contextlib
import errno
import os
import socket

import pytest

from sekisho.enforce.nfnetlink import open_socket, read_replies


@pytest.mark.system
def test_the_socket_waits_no_longer_than_it_was_told() -> None:
    """Where nobody answers, reading ends with an error."""
    with contextlib.closing(open_socket(0.01)) as opened, pytest.raises(TimeoutError):
        opened.recv(100)


@pytest.mark.system
def test_a_batch_of_megabytes_goes_in_one_piece() -> None:
    """The buffers hold a hundred thousand ranges, and as many answers."""
    with contextlib.closing(open_socket(1)) as opened:
        assert opened.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) >= 32 << 20
        assert opened.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) >= 8 << 20


class Overrun(socket.socket):
    """A socket whose buffer was too small for the answers: it says so once, and holds those that did fit."""

    def __init__(self, held: int) -> None:
        super().__init__(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.settimeout(5)
        self.held: list[bytes | int] = [errno.ENOBUFS, *([b"an answer"] * held), errno.EAGAIN]

    def recv(self, *_: int) -> bytes:
        """Return the next thing, or raise it."""
        told = self.held.pop(0)
        if isinstance(told, int):
            raise OSError(told, os.strerror(told))
        return told


def test_after_an_overrun_nothing_is_left_to_be_read() -> None:
    """Answers to the next request must not be dropped behind those of the last, and not be waited for less long."""
    with Overrun(held=3) as opened:
        with pytest.raises(OSError, match="buffer"):
            read_replies(opened)
        assert (opened.held, opened.gettimeout()) == ([], 5)
