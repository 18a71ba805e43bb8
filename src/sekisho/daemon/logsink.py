"""Where log lines go: files, streams, syslog, the journal. Each `write` either takes its lines or raises OSError."""

from __future__ import annotations

import os
import socket
import struct
import sys
import time
from collections.abc import Sequence
from typing import Protocol

from sekisho.daemon.logformat import LogTarget, TargetKind

_PATIENCE = 0.25  # seconds that a syslog or journal with a full queue may hold us, once in _GRUDGE seconds
_GRUDGE = 10.0
_IDENTIFIER = "fail2ban"  # what administrators ask journalctl -t for
_JOURNAL = "/run/systemd/journal/socket"  # systemd.io/JOURNAL_NATIVE_PROTOCOL
_SEVERITIES = ((50, 2), (40, 3), (30, 4), (25, 5), (18, 6))  # RFC 5424, table 2; anything lower is 7, debug


class Sink(Protocol):
    """Somewhere that lines go. `write` and `reopen` raise OSError; lines written before the error stay written."""

    def write(self, lines: Sequence[str], *, name: str, level: int) -> None:
        """Write every line."""

    def reopen(self) -> bool:
        """Begin a new file where there is one; True when this is a file."""

    def close(self) -> None:
        """Let go."""


class DescriptorSink:
    """A file (with a path, which it can reopen) or a stream that is open already."""

    def __init__(self, path: str | None, descriptor: int = -1) -> None:
        self._path = path
        self._descriptor = _open(path) if path is not None else descriptor
        self._torn = False  # the last write ended in the middle of a line

    def write(self, lines: Sequence[str], *, name: str, level: int) -> None:  # noqa: ARG002 - they are in the lines
        """Append the lines in one system call; a full disk may take a part of it."""
        text = "\n".join(lines) + "\n"
        data = memoryview(("\n" + text if self._torn else text).encode("utf-8", "backslashreplace"))
        while data:
            written = os.write(self._descriptor, data)
            self._torn = data[written - 1] != ord("\n")
            data = data[written:]

    def reopen(self) -> bool:
        """Open the path anew; the old file stays in use when that fails."""
        if self._path is None:
            return False
        fresh = _open(self._path)
        os.close(self._descriptor)
        self._descriptor = fresh
        self._torn = False
        return True

    def close(self) -> None:
        """Close the file; a stream belongs to the process."""
        if self._path is not None:
            os.close(self._descriptor)


def _open(path: str) -> int:
    # O_NONBLOCK: a FIFO that nobody reads must not hold us. 0600: the lines hold what users typed
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)


class DatagramSink:
    """Syslog or the journal: one datagram a line, to a socket that may come and go."""

    def __init__(self, path: str, facility: int, *, journal: bool) -> None:
        self._path = path
        self._facility = facility
        self._journal = journal
        self._angry_until = 0.0
        self._socket = self._connect()

    def _connect(self) -> socket.socket:
        # some syslogs listen on a stream instead (syslog(3) tries both as well)
        failure: OSError | None = None
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            channel = socket.socket(socket.AF_UNIX, kind)
            channel.settimeout(_PATIENCE)
            try:
                channel.connect(self._path)
            except OSError as error:
                channel.close()
                failure = failure or OSError(error.errno, error.strerror, self._path)
            else:
                return channel
        assert failure is not None
        raise failure

    def write(self, lines: Sequence[str], *, name: str, level: int) -> None:
        """Send each line; when the listener has been replaced, connect to the new one."""
        priority = next((code for least, code in _SEVERITIES if level >= least), 7)
        for line in lines:
            packet = self._render(line, name=name, priority=priority)
            try:
                self._send(packet)
            except BlockingIOError:
                raise
            except OSError:
                self._socket.close()
                self._socket = self._connect()
                self._send(packet)

    def _render(self, line: str, *, name: str, priority: int) -> bytes:
        text = line.encode("utf-8", "backslashreplace")
        if not self._journal:
            end = b"\n" if self._socket.type == socket.SOCK_STREAM else b""
            return b"<%d>%s%s" % (self._facility * 8 + priority, text, end)
        fields = (
            f"PRIORITY={priority}\nSYSLOG_IDENTIFIER={_IDENTIFIER}\nSYSLOG_FACILITY={self._facility}\nLOGGER={name}\n"
        )
        if b"\n" in text:  # only a format of the administrator's own can do that
            return fields.encode() + b"MESSAGE\n" + struct.pack("<Q", len(text)) + text + b"\n"
        return fields.encode() + b"MESSAGE=" + text + b"\n"

    def _send(self, packet: bytes) -> None:
        now = time.monotonic()
        self._socket.settimeout(_PATIENCE if now >= self._angry_until else 0)
        try:
            self._socket.sendall(packet)
        except (TimeoutError, BlockingIOError):
            self._angry_until = now + _GRUDGE
            raise BlockingIOError(f"{self._path} does not take lines") from None

    def reopen(self) -> bool:
        """Nothing to begin anew."""
        return False

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def open_sink(target: LogTarget, syslogsocket: str) -> Sink:
    """Return the sink that `target` names, open. Raises OSError when it cannot be opened."""
    match target.kind:
        case TargetKind.FILE:
            return DescriptorSink(target.path)
        case TargetKind.STDOUT | TargetKind.SYSOUT:
            sys.stdout.flush()
            return DescriptorSink(None, 1)
        case TargetKind.STDERR:
            return DescriptorSink(None, 2)
        case TargetKind.SYSLOG:
            path = "/dev/log" if syslogsocket == "auto" else syslogsocket
            return DatagramSink(path, target.facility, journal=False)
        case TargetKind.JOURNAL:
            return DatagramSink(_JOURNAL, target.facility, journal=True)
