"""Writing the log: to a file, a stream, syslog or the journal, in Fail2ban's format (COMPAT 1.8, 3.6).

Every room logs through `logging.getLogger("fail2ban.actions")` and its kin; here those records become lines. At
Sekisho's rates `logging` itself costs more than the work it tells of, so whoever has many lines at once hands them to
`LogControl.write_batch`, which renders the common part once and writes all of them in one call.

A log that cannot be written (a full disk, a syslog that hangs) never ends or holds the daemon: such lines are counted,
and their number is the first line written once the target takes lines again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sekisho.daemon.logformat import Layout, LogTarget, TargetKind, parse_target
from sekisho.daemon.logsink import DescriptorSink, Sink, open_sink
from sekisho.model.loglevel import LEVELS, SHOWN, parse_level

_ROOT = "fail2ban"  # the name that other programs know


@dataclass(frozen=True, slots=True)
class LogStatistics:
    """Lines written and lines lost since the start."""

    written: int
    lost: int


class _Handler(logging.Handler):
    """The one handler: owns the sink and the layout; its lock orders records and batches."""

    def __init__(self) -> None:
        super().__init__()
        self.sink: Sink = DescriptorSink(None, 2)
        self.layout = Layout(LogTarget(TargetKind.STDERR), os.getpid())
        self.written = 0
        self.lost = 0
        self._untold = 0
        self._why = ""

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep every other writer out."""
        self.acquire()
        try:
            yield
        finally:
            self.release()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; a traceback follows as lines of its own that begin with a bar."""
        try:
            messages = [record.getMessage()]
        except (TypeError, ValueError) as error:  # arguments that do not fit are our mistake, not a reason to fall
            messages = [f"{record.msg!r} {record.args!r} ({error})"]
        if record.exc_info and record.exc_info[0] is not None:
            trace = "".join(traceback.format_exception(*record.exc_info))
            messages.extend(f"  | {line}" for line in trace.splitlines())
        self.write(record.name, record.levelno, now=record.created, messages=messages)

    def write(self, name: str, level: int, *, now: float, messages: list[str]) -> None:
        """Write lines, or count them as lost. The caller holds the lock."""
        try:
            if self._untold:
                told = f"{self._untold} log line(s) before this one were lost: {self._why}"
                self._put("fail2ban.server", logging.WARNING, now=now, messages=[told])
                self._untold = 0
            self._put(name, level, now=now, messages=messages)
            self.written += len(messages)
        except OSError as error:
            self.lost += len(messages)
            self._untold += len(messages)
            self._why = str(error)

    def _put(self, name: str, level: int, *, now: float, messages: list[str]) -> None:
        self.sink.write(self.layout.lines(name=name, level=level, now=now, messages=messages), name=name, level=level)


class LogControl:
    """The daemon's hold on its log. Made by `set_up`, one a process."""

    def __init__(self, syslogsocket: str) -> None:
        self._handler = _Handler()
        self._logger = logging.getLogger(_ROOT)
        self._syslogsocket = syslogsocket
        self._target = "STDERR"
        for level, shown in SHOWN.items():
            logging.addLevelName(level, shown)
        logging.getLogger().addHandler(self._handler)

    def __repr__(self) -> str:
        return f"<LogControl {self._target!r} at {self.level}>"

    @property
    def target(self) -> str:
        """The target in force, as it was named."""
        return self._target

    @property
    def syslogsocket(self) -> str:
        """`auto` or a path, as it was named."""
        return self._syslogsocket

    @property
    def level(self) -> str:
        """The level in force: its name, or its number where it has none."""
        number = self._logger.level
        return next((name for name, value in LEVELS.items() if value == number), str(number))

    def set_level(self, level: str) -> str:
        """Log from `level` upward; the level in force. Raises ValueError for an unknown one, changing nothing."""
        self._logger.setLevel(parse_level(level))
        return self.level

    def set_target(self, target: str) -> None:
        """Write to `target` from now on.

        Raises:
            ValueError: it is not understood. Nothing has changed.
            OSError: it cannot be opened. Nothing has changed.

        """
        parsed = parse_target(target)
        sink = open_sink(parsed, self._syslogsocket)
        with self._handler.held():
            old, self._handler.sink = self._handler.sink, sink
            self._handler.layout = Layout(parsed, os.getpid())
        self._target = target
        old.close()

    def set_syslogsocket(self, path: str) -> None:
        """Use `path` (`auto`: /dev/log) for SYSLOG; reconnects when that is the target. Raises as `set_target`."""
        old, self._syslogsocket = self._syslogsocket, path
        if parse_target(self._target).kind is TargetKind.SYSLOG:
            try:
                self.set_target(self._target)
            except OSError:
                self._syslogsocket = old
                raise

    def flush(self) -> str:
        """Reopen a file by its name, after a rotation; `rolled over`, or `flushed` where there is no file.

        Raises:
            OSError: it cannot be opened; the old file stays in use.

        """
        with self._handler.held():
            return "rolled over" if self._handler.sink.reopen() else "flushed"

    def write_batch(self, logger: str, level: int, messages: Sequence[str]) -> None:
        """Write a line for each message, in one go, as `logging.getLogger(logger).log(level, message)` would."""
        if not messages or not logging.getLogger(logger).isEnabledFor(level):
            return
        with self._handler.held():
            self._handler.write(logger, level, now=time.time(), messages=list(messages))

    def statistics(self) -> LogStatistics:
        """How many lines were written and lost."""
        return LogStatistics(self._handler.written, self._handler.lost)

    def close(self) -> None:
        """Stop logging. The last thing a daemon does."""
        logging.getLogger().removeHandler(self._handler)
        self._handler.sink.close()
        self._handler.close()


def set_up(*, logtarget: str, loglevel: str, syslogsocket: str = "auto") -> LogControl:
    """Return the log, writing to `logtarget` from `loglevel` upward.

    A target that cannot be opened or is not understood is no reason to leave a host unguarded: the log then goes to
    standard error, and says so there.

    Raises:
        ValueError: the level is not understood.

    """
    parse_level(loglevel)
    control = LogControl(syslogsocket)
    control.set_level(loglevel)
    try:
        control.set_target(logtarget)
    except (OSError, ValueError) as error:
        logger = logging.getLogger("fail2ban.server")
        logger.error("Unable to log to %r (%s); logging to STDERR", logtarget, error)
    return control
