"""The init system is told by one datagram, where anybody listens (sd_notify(3)), and asked for its list of jobs."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import pytest

from sekisho.daemon import service_manager
from sekisho.daemon.service_manager import is_restarting, parse_unit, tell_service_manager


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


@pytest.mark.parametrize(
    ("jobs", "restarts"),
    [
        ("  41 other.service restart running\\n  42 sekisho.service restart running\\n", True),
        ("  42 sekisho.service stop running\\n", False),
        ("  41 other.service restart waiting\\n", False),
        ("", False),
    ],
)
def test_a_restart_is_told_from_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: str, *, restarts: bool
) -> None:
    """The list of jobs says what systemd is about to do with our unit; no other unit's job counts."""
    program = tmp_path / "systemctl"
    program.write_text(f"#!/bin/sh\nprintf '{jobs}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("INVOCATION_ID", "0" * 32)
    monkeypatch.setattr(service_manager, "parse_unit", lambda _: "sekisho.service")
    assert asyncio.run(is_restarting()) is restarts


def test_without_systemd_an_end_is_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is asked where systemd has not started us, or is not there."""
    monkeypatch.delenv("INVOCATION_ID", raising=False)
    assert not asyncio.run(is_restarting())
    monkeypatch.setenv("INVOCATION_ID", "0" * 32)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not asyncio.run(is_restarting())


@pytest.mark.parametrize(
    ("cgroups", "unit"),
    [
        ("0::/system.slice/sekisho.service\n", "sekisho.service"),
        ("0::/system.slice/sekisho.service/control\n", "sekisho.service"),
        ("12:pids:/x\n1:name=systemd:/system.slice/sekisho@a.service\n", "sekisho@a.service"),
        ("0::/user.slice/session-1.scope\n", ""),
        ("", ""),
    ],
)
def test_the_unit_is_that_of_the_control_group(cgroups: str, unit: str) -> None:
    """proc_pid_cgroup(5), in both hierarchies."""
    assert parse_unit(cgroups) == unit
