"""Tests of enforce.nfnetlink."""

from __future__ import annotations

import contextlib
import socket

import pytest

from sekisho.enforce.nfnetlink import open_socket


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
