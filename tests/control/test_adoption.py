"""The word by which a running daemon takes over from a Fail2ban."""

from __future__ import annotations

from tests.control.conftest import Say

from sekisho.control.protocol import Denied, Granted, Kind
from sekisho.control.words import find, help_text


def test_it_answers_how_many_by_jail_and_what_could_not_be_read(say: Say) -> None:
    """Numbers by jail, the remarks, and how many of these there were."""
    assert say("adopt", "/var/lib/fail2ban/fail2ban.sqlite3") == Granted(
        {
            "standing": {"demo": 2},
            "past": {"demo": 1, "gone": 4},
            "known": {},
            "remarks": ("row 7 of bips is left out: its time is 'noon'",),
            "unread": 1,
        }
    )


def test_it_is_a_change_and_for_our_own_program(say: Say) -> None:
    """The log says who asked for it, the help does not tell of it, and it wants a database."""
    word, arguments = find(["adopt", "/f"])
    assert (word.changes, word.internal, arguments) == (True, True, ("/f",))
    assert "adopt" not in help_text()
    answer = say("adopt")
    assert isinstance(answer, Denied)
    assert answer.kind is Kind.ARGUMENTS
