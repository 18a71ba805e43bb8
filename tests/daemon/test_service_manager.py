"""The init system is told by one datagram, and where nobody listens nothing happens (sd_notify(3))."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from sekisho.daemon.service_manager import tell_service_manager


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_a_listener_hears_the_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Both kinds of address that NOTIFY_SOCKET may hold are reached."""
    address = str(tmp_path / "notify") if kind == "path" else f"@sekisho-test-{os.getpid()}"
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address.replace("@", "\0", 1))

        tell_service_manager("READY=1")

        listener.settimeout(5)
        assert listener.recv(64) == b"READY=1"


@pytest.mark.parametrize("address", ["", "/nonexistent/notify"])
def test_nobody_listens(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Without an address, or with a dead one, the daemon goes on."""
    monkeypatch.setenv("NOTIFY_SOCKET", address)

    tell_service_manager("READY=1")
