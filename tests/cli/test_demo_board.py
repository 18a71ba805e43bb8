"""The board shows what the log says: events, tallies, one line each in a pipe, a table on a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from sekisho.cli.demo_board import Board, Event, LiveShow, PlainShow, parse_event

HEAD = "2026-11-22 08:35:35,070 fail2ban.%-15s[7714]: %-7s "


@pytest.mark.parametrize(
    ("logger", "level", "text", "jail", "what", "who"),
    [
        ("filter", "INFO", "[sshd] Found 192.0.2.1 - 2026-11-22 08:35:35", "sshd", "failure", "192.0.2.1"),
        ("actions", "NOTICE", "[sshd] Ban 2001:db8::1", "sshd", "BANNED", "2001:db8::1"),
        ("actions", "NOTICE", "[sshd] Restore Ban 192.0.2.1", "sshd", "BANNED", "192.0.2.1"),
        ("actions", "NOTICE", "[postfix-sasl] Unban 192.0.2.1", "postfix-sasl", "unbanned", "192.0.2.1"),
        ("filter", "INFO", "[sshd] Ignore 10.0.0.1 by ip", "sshd", "ignored", "10.0.0.1"),
        ("server", "ERROR", "something broke", "", "ERROR", ""),
        ("server", "WARNING", "something may break", "", "WARNING", ""),
    ],
)
def test_a_log_line_becomes_an_event(logger: str, level: str, text: str, jail: str, what: str, who: str) -> None:
    """Jail, kind and address are read from the daemon's line."""
    event = parse_event(HEAD % (logger, level) + text)

    assert event is not None
    assert (event.jail, event.what, event.who) == (jail, what, who)


@pytest.mark.parametrize("line", ["", "no log line", HEAD % ("jail", "INFO") + "Jail 'sshd' started"])
def test_what_nobody_need_see_is_no_event(line: str) -> None:
    """The daemon's housekeeping stays off the board."""
    assert parse_event(line) is None


def board() -> Board:
    """A short story: two failures, a ban, a pardon, and one who is ignored."""
    told = Board(["sshd", "postfix"])
    told.note = "A story."
    for what, who in (("failure", "A"), ("failure", "A"), ("BANNED", "A"), ("BANNED", "B"), ("unbanned", "A")):
        told.take(Event(1000.0, "sshd", what, who))
    told.take(Event(1000.5, "postfix", "ignored", "C"))
    told.take(Event(1001.0, "", "knock", "A", "at port 22: open"))
    return told


def test_tallies_follow_the_events() -> None:
    """Failures, bans and who is barred now, by jail."""
    told = board()

    assert (told.jails["sshd"].failures, told.jails["sshd"].bans, told.jails["sshd"].barred) == (2, 2, {"B"})
    assert told.jails["postfix"].ignored == 1
    assert told.ban_of("sshd", "A") is not None
    assert told.ban_of("postfix", "A") is None


def test_a_pipe_gets_a_line_an_event_once() -> None:
    """What was printed is not printed again; the tallies come last."""
    out = io.StringIO()
    show = PlainShow(board(), out)
    show.refresh()
    show.refresh()
    show.close()

    lines = out.getvalue().splitlines()
    assert lines.count("A story.") == 1
    assert lines.count("  1.00                knock    A                   at port 22: open") == 1
    assert lines[-2].split() == ["sshd", "2", "0", "2", "B"]


def test_a_terminal_gets_a_table() -> None:
    """Note, jails and feed are on the board; brackets in them are no markup."""
    out = io.StringIO()
    told = board()
    told.note = "[bold]not markup"
    show = LiveShow(told, Console(file=out, force_terminal=True, width=100))
    show.refresh()
    show.close()

    assert "[bold]not markup" in out.getvalue()
    assert "BARRED NOW" in out.getvalue()
    assert "at port 22: open" in out.getvalue()
