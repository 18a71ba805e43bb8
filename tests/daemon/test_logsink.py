"""Where log lines go."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sekisho.daemon import logsink
from sekisho.daemon.logformat import parse_target
from sekisho.daemon.logsink import DatagramSink, open_sink


def _listen(path: Path, kind: socket.SocketKind = socket.SOCK_DGRAM) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, kind)
    listener.bind(str(path))
    listener.settimeout(10)
    return listener


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    """A syslog or journal of our own."""
    with _listen(tmp_path / "s") as made:
        yield made


def test_syslog_gets_facility_and_severity(listener: socket.socket, tmp_path: Path) -> None:
    """A ban is a notice (5) of the facility that was asked for (auth is 4)."""
    sink = open_sink(parse_target("SYSLOG[facility=auth]"), str(tmp_path / "s"))
    sink.write(["fail2ban.actions[1]: NOTICE [demo] Ban 192.0.2.1"], name="fail2ban.actions", level=25)
    assert listener.recv(4096) == b"<37>fail2ban.actions[1]: NOTICE [demo] Ban 192.0.2.1"
    assert not sink.reopen()
    sink.close()


def test_the_journal_gets_fields(listener: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message stands alone; identity and severity are fields."""
    monkeypatch.setattr(logsink, "_JOURNAL", str(tmp_path / "s"))
    sink = open_sink(parse_target("journal"), "auto")
    sink.write(["[demo] Ban 192.0.2.1", "two\nlines"], name="fail2ban.actions", level=25)
    fields = b"PRIORITY=5\nSYSLOG_IDENTIFIER=fail2ban\nSYSLOG_FACILITY=3\nLOGGER=fail2ban.actions\n"
    assert listener.recv(4096) == fields + b"MESSAGE=[demo] Ban 192.0.2.1\n"
    assert listener.recv(4096) == fields + b"MESSAGE\n" + (9).to_bytes(8, "little") + b"two\nlines\n"
    sink.close()


def test_a_syslog_that_was_restarted_is_found_again(listener: socket.socket, tmp_path: Path) -> None:
    """The line that met the broken socket reaches the new one."""
    sink = DatagramSink(str(tmp_path / "s"), 3, journal=False)
    listener.close()
    (tmp_path / "s").unlink()
    with pytest.raises(OSError, match="s"):
        sink.write(["nobody hears"], name="x", level=20)
    with _listen(tmp_path / "s") as again:
        sink.write(["back"], name="x", level=20)
        assert again.recv(4096) == b"<30>back"
    sink.close()


def test_a_syslog_on_a_stream_is_served(tmp_path: Path) -> None:
    """Where the socket is a stream, lines end with a newline."""
    with _listen(tmp_path / "s", socket.SOCK_STREAM) as listener:
        listener.listen()
        sink = DatagramSink(str(tmp_path / "s"), 3, journal=False)
        peer, _ = listener.accept()
        with peer:
            sink.write(["a", "b"], name="x", level=40)
            sink.close()
            assert peer.makefile("rb").read() == b"<27>a\n<27>b\n"


def test_a_syslog_that_hangs_holds_us_once(
    listener: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full queue is waited for briefly, then not at all for a while."""
    monkeypatch.setattr(logsink, "_PATIENCE", 0.01)
    sink = DatagramSink(str(tmp_path / "s"), 3, journal=False)
    with pytest.raises(BlockingIOError, match="does not take lines"):
        sink.write(["x" * 1000] * 100_000, name="x", level=20)
    monkeypatch.setattr(logsink, "_PATIENCE", 3600)  # waiting again would hang this test
    with pytest.raises(BlockingIOError):
        sink.write(["x"] * 100_000, name="x", level=20)
    sink.close()
