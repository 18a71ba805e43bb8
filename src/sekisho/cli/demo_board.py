"""What the audience sees: the daemon's own log lines as events, a table of jails, and a feed that follows."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

_LINE = re.compile(
    r"(?P<when>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) fail2ban\.\w+ +\[\d+\]: (?P<level>\w+) +"
    r"(?:\[(?P<jail>[^\]]+)\] (?P<text>.*)|(?P<rest>.*))"
)
_WHAT = (
    ("failure", re.compile(r"Found (\S+) - ")),
    ("BANNED", re.compile(r"(?:Restore )?Ban (\S+)$")),
    ("unbanned", re.compile(r"Unban (\S+)$")),
    ("ignored", re.compile(r"Ignore (\S+) by ")),
)
_COLOUR = {
    "failure": "yellow",
    "BANNED": "bold red",
    "unbanned": "green",
    "ignored": "dim",
    "knock": "cyan",
    "WARNING": "magenta",
    "ERROR": "bold magenta",
}
_AROUND = 6  # lines of the board that are neither jail nor feed


@dataclass(frozen=True, slots=True)
class Event:
    """Something to show; `at` is in seconds since the epoch, `what` a word of the legend."""

    at: float
    jail: str
    what: str
    who: str
    text: str = ""


def parse_event(line: str) -> Event | None:
    """Return what a line of the daemon's log tells the audience; None for what it need not see."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    at = dt.datetime.strptime(found["when"], "%Y-%m-%d %H:%M:%S,%f").astimezone().timestamp()
    for what, pattern in _WHAT:
        if found["jail"] and (who := pattern.match(found["text"])):
            return Event(at, found["jail"], what, who[1])
    if found["level"] in ("WARNING", "ERROR", "CRITICAL"):
        level = "WARNING" if found["level"] == "WARNING" else "ERROR"
        return Event(at, found["jail"] or "", level, "", found["text"] or found["rest"])
    return None


@dataclass(slots=True)
class Tally:
    """What a jail has come to."""

    failures: int = 0
    ignored: int = 0
    bans: int = 0
    barred: set[str] = field(default_factory=set)


class Board:
    """The state of the show: the jails' tallies and all events so far."""

    def __init__(self, jails: Iterable[str]) -> None:
        self.jails = {name: Tally() for name in jails}
        self.events: list[Event] = []
        self.note = ""

    def take(self, event: Event) -> None:
        """Count an event and append it to the feed."""
        self.events.append(event)
        tally = self.jails.get(event.jail)
        match event.what:
            case "failure" if tally:
                tally.failures += 1
            case "ignored" if tally:
                tally.ignored += 1
            case "BANNED" if tally:
                tally.bans += 1
                tally.barred.add(event.who)
            case "unbanned" if tally:
                tally.barred.discard(event.who)
            case _:
                pass

    def ban_of(self, jail: str, ip: str) -> Event | None:
        """Return the ban of `ip` in `jail`, if it has happened."""
        wanted = ("BANNED", jail, ip)
        return next((one for one in reversed(self.events) if (one.what, one.jail, one.who) == wanted), None)


class PlainShow:
    """One line an event, for a pipe."""

    def __init__(self, board: Board, out: TextIO) -> None:
        self.board = board
        self._out = out
        self._begin: float | None = None
        self._shown = 0
        self._note = ""

    def refresh(self) -> None:
        """Print what is new."""
        if self.board.note != self._note:
            self._note = self.board.note
            self._out.write(f"\n{self._note}\n")
        for event in self.board.events[self._shown :]:
            self._begin = event.at if self._begin is None else self._begin
            self._out.write(f"{event.at - self._begin:6.2f}  {render_plain(event)}\n")
        self._shown = len(self.board.events)
        self._out.flush()

    def close(self) -> None:
        """Print the jails' tallies."""
        self._out.write(f"\n{'JAIL':<14}{'FAILURES':>9}{'IGNORED':>9}{'BANS':>6}  BARRED NOW\n")
        for name, tally in self.board.jails.items():
            barred = ", ".join(sorted(tally.barred)) or "-"
            self._out.write(f"{name:<14}{tally.failures:>9}{tally.ignored:>9}{tally.bans:>6}  {barred}\n")


def render_plain(event: Event) -> str:
    """Return an event as one line."""
    return f"{event.jail:<14}{event.what:<9}{event.who:<20}{event.text}".rstrip()


class LiveShow:
    """A table that changes in place, for a terminal."""

    def __init__(self, board: Board, console: Console) -> None:
        from rich.live import Live

        self.board = board
        self._feed = max(4, console.height - _AROUND - len(board.jails))
        self._live: Live = Live(self._render(), console=console, auto_refresh=False, vertical_overflow="visible")
        self._live.start()
        self._drawn: tuple[int, str] = (0, "")

    def refresh(self) -> None:
        """Draw the board when something on it changed."""
        state = (len(self.board.events), self.board.note)
        if state != self._drawn:
            self._drawn = state
            self._live.update(self._render(), refresh=True)

    def close(self) -> None:
        """Leave the last board on the screen."""
        self._live.update(self._render(), refresh=True)
        self._live.stop()

    def _render(self) -> RenderableType:
        from rich import box
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        jails = Table(box=box.SIMPLE_HEAD, header_style="bold cyan")
        for name in ("JAIL", "FAILURES", "IGNORED", "BANS", "BARRED NOW"):
            jails.add_column(name, justify="left" if name in ("JAIL", "BARRED NOW") else "right", overflow="fold")
        for name, tally in self.board.jails.items():
            barred = Text(", ".join(sorted(tally.barred)), style="red")
            jails.add_row(name, str(tally.failures), str(tally.ignored or ""), str(tally.bans), barred)
        feed = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        for event in self.board.events[-self._feed :]:
            clock = dt.datetime.fromtimestamp(event.at).astimezone().strftime("%H:%M:%S")
            style = _COLOUR.get(event.what, "")
            feed.add_row(
                Text(clock, style="dim"), event.jail, Text(event.what, style=style), event.who, Text(event.text)
            )
        return Group(Text(self.board.note, style="bold"), jails, feed)
