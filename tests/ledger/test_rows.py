"""Bans and positions as they lie in the tables."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sekisho.ledger.rows import MOST_EVIDENCE, ban_of, ban_row, position_of, position_text
from sekisho.model.address import parse_subject
from sekisho.model.position import FilePosition, JournalPosition
from sekisho.model.verdict import Ban

BAN = Ban("sshd", parse_subject("192.0.2.1"), 1000, 600)
POSITIONS = st.builds(FilePosition, st.integers(0, 2**62), st.integers(0, 2**62), st.text("0123456789abcdef")) | (
    st.builds(JournalPosition, st.text(), st.floats(0, 2**40))
)


@given(POSITIONS)
def test_a_position_is_read_as_it_was_written(position: FilePosition | JournalPosition) -> None:
    """Whatever the cursor or the offset, it comes back, and as what it was."""
    assert position_of(position_text(position)) == position


@given(st.text(), st.lists(st.text(), max_size=4), st.dictionaries(st.text(), st.text(), max_size=3))
def test_whatever_a_stranger_wrote_can_be_kept(subject: str, lines: list[str], captured: dict[str, str]) -> None:
    """Any identifier, line or group makes a row and comes back, but for what no database can hold."""
    ban = replace(BAN, subject=parse_subject(subject), matches=tuple(lines), captured=captured)
    back = ban_of(ban_row(ban, most_matches=10))
    assert len(back.matches) == len(lines)
    if all(text.isprintable() for text in (subject, *lines, *captured, *captured.values())):
        assert back == ban
        assert dict(back.captured) == captured


def test_evidence_is_capped() -> None:
    """The newest lines are kept, each within its limit; none where none are wanted."""
    ban = replace(BAN, matches=("first", "x" * (MOST_EVIDENCE + 1), "last"))
    assert ban_of(ban_row(ban, most_matches=2)).matches == ("x" * MOST_EVIDENCE, "last")
    assert ban_of(ban_row(ban, most_matches=0)).matches == ()
