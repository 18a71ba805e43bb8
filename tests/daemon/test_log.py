"""Writing the log."""

from __future__ import annotations

import errno
import logging
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sekisho.daemon.log import LogControl, set_up
from sekisho.model.loglevel import NOTICE

Make = Callable[..., LogControl]
_ACTIONS = logging.getLogger("fail2ban.actions")


@pytest.fixture
def make() -> Iterator[Make]:
    """Make logs that are closed when the test is over."""
    made: list[LogControl] = []

    def build(logtarget: str | Path, loglevel: str = "INFO", syslogsocket: str = "auto") -> LogControl:
        made.append(set_up(logtarget=str(logtarget), loglevel=loglevel, syslogsocket=syslogsocket))
        return made[-1]

    yield build
    for control in made:
        control.close()
    logging.getLogger("fail2ban").setLevel(logging.NOTSET)


def _fail(why: str) -> None:
    raise ValueError(why)


def _messages(path: Path) -> list[str]:
    return [line.split("]: ", 1)[1] for line in path.read_text().splitlines()]


def test_records_and_batches_make_the_same_lines(make: Make, tmp_path: Path) -> None:
    """The fast path differs from `logging` in nothing but its speed."""
    path = tmp_path / "f.log"
    control = make(path)
    _ACTIONS.log(NOTICE, "[%s] Ban %s", "demo", "192.0.2.1")
    control.write_batch("fail2ban.actions", NOTICE, ["[demo] Ban 192.0.2.1", "[demo] Ban 192.0.2.2"])
    stamp = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ")
    lines = [stamp.sub("", line, count=1) for line in path.read_text().splitlines()]
    assert lines[0] == lines[1] == f"fail2ban.actions        [{os.getpid()}]: NOTICE  [demo] Ban 192.0.2.1"
    assert lines[2].endswith("192.0.2.2")
    assert path.stat().st_mode & 0o777 == 0o600
    assert control.statistics().written == 3


def test_the_level_decides_what_is_written(make: Make, tmp_path: Path) -> None:
    """Lines below the level are dropped on both paths; the level changes while running."""
    path = tmp_path / "f.log"
    control = make(path, loglevel="NOTICE")
    _ACTIONS.info("quiet")
    control.write_batch("fail2ban.filter", logging.INFO, ["quiet too"])
    assert control.set_level("debug") == control.level == "DEBUG"
    _ACTIONS.debug("heard")
    assert control.set_level("15") == "15"
    with pytest.raises(ValueError, match="Invalid log level"):
        control.set_level("loud")
    assert control.level == "15"
    assert _messages(path) == ["DEBUG   heard"]


def test_flush_follows_a_rotation(make: Make, tmp_path: Path) -> None:
    """After logrotate has renamed the file, lines go to the new one."""
    path = tmp_path / "f.log"
    control = make(path)
    _ACTIONS.warning("one")
    path.rename(tmp_path / "f.log.1")
    assert control.flush() == "rolled over"
    _ACTIONS.warning("two")
    assert _messages(path) == ["WARNING two"]
    assert _messages(tmp_path / "f.log.1") == ["WARNING one"]


def test_a_stream_is_only_flushed(make: Make, capfd: pytest.CaptureFixture[str]) -> None:
    """Streams have nothing to reopen; the reserved words count in any case."""
    control = make("sysout[padding=off]")
    assert control.flush() == "flushed"
    _ACTIONS.warning("hello")
    assert capfd.readouterr().out == f"fail2ban.actions[{os.getpid()}]: WARNING hello\n"


def test_a_target_that_cannot_be_opened_changes_nothing(make: Make, tmp_path: Path) -> None:
    """`set logtarget` with a mistake leaves the log where it was."""
    path = tmp_path / "f.log"
    control = make(path)
    with pytest.raises(OSError, match="nowhere"):
        control.set_target(str(tmp_path / "nowhere" / "f.log"))
    with pytest.raises(ValueError, match="unknown option"):
        control.set_target(f"{path}[x=1]")
    assert control.target == str(path)
    _ACTIONS.warning("still here")
    assert _messages(path) == ["WARNING still here"]


def test_a_start_without_a_log_is_a_start(make: Make, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A missing directory, or an option that is misspelt, costs the log, not the protection; standard error says so."""
    for target in (tmp_path / "nowhere" / "f.log", "SYSLOG[facility=NOSUCH]", f"{tmp_path}/f.log[color=on]"):
        control = make(target)
        assert control.target == "STDERR"
        assert "Unable to log to" in capfd.readouterr().err
        control.close()


def test_a_full_disk_costs_lines_and_says_how_many(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the disk is full lines are counted; afterwards their number is told and no line is torn."""
    path = tmp_path / "f.log"
    control = make(path)
    genuine = os.write

    def full(descriptor: int, data: memoryview) -> int:
        if path.stat().st_size < 20:
            return genuine(descriptor, data[:20])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        _ACTIONS.warning("lost")
        control.write_batch("fail2ban.filter", logging.INFO, ["lost", "lost"])
    _ACTIONS.warning("kept")
    lines = path.read_text().splitlines()
    assert len(lines[0]) == 20  # what the disk took of the first
    assert lines[1].endswith("WARNING 3 log line(s) before this one were lost: [Errno 28] No space left on device")
    assert lines[2].endswith("WARNING kept")
    assert control.statistics().lost == 3


def test_a_traceback_is_marked_line_by_line(make: Make, tmp_path: Path) -> None:
    """What an exception says cannot pass for a line of the log's own."""
    path = tmp_path / "f.log"
    make(path)
    try:
        _fail("x\n[demo] Ban 192.0.2.9")
    except ValueError:
        _ACTIONS.exception("oh\nno")
    first, *rest = _messages(path)
    assert first == r"ERROR   oh\nno"
    assert rest[-1] == "ERROR     | [demo] Ban 192.0.2.9"
    assert all(line.startswith("ERROR     | ") for line in rest)


def test_arguments_that_do_not_fit_are_shown_raw(make: Make, tmp_path: Path) -> None:
    """A mistake in a log call is logged, not raised."""
    path = tmp_path / "f.log"
    record = _ACTIONS.makeRecord("fail2ban.actions", logging.WARNING, "", 0, "%d things", ("many",), None)
    make(path)._handler.emit(record)  # not by the logger: pytest's own handler raises
    assert "'%d things' ('many',)" in path.read_text()


def test_a_fifo_without_a_reader_holds_nobody(make: Make, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Opening such a target fails at once instead of waiting for ever."""
    os.mkfifo(tmp_path / "fifo")
    assert make(tmp_path / "fifo").target == "STDERR"
