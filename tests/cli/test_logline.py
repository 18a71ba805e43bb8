"""What a line of the log says."""

from __future__ import annotations

import pytest

from sekisho.cli.logline import Record, Wanted, parse_line

pytestmark = pytest.mark.usefixtures("utc")  # times are shown in the local zone

HEAD = "2026-07-14 12:00:00,250 fail2ban.actions        [77]: NOTICE  "


@pytest.mark.parametrize(
    ("message", "jail", "event", "address"),
    [
        ("[sshd] Ban 192.0.2.1", "sshd", "ban", "192.0.2.1"),
        ("[sshd] Restore Ban 192.0.2.1", "sshd", "restore", "192.0.2.1"),
        ("[sshd] Unban 2001:db8::1", "sshd", "unban", "2001:db8::1"),
        ("[sshd] Found 192.0.2.1 - 2026-07-14 12:00:00", "sshd", "found", "192.0.2.1"),
        ("[sshd] Found 192.0.2.1, bad - 2026-07-14 12:00:00, 2 # -> 4.0", "sshd", "found", "192.0.2.1"),
        ("[sshd] Ignore 192.0.2.1 by ip", "sshd", "ignore", "192.0.2.1"),
        ("[sshd] Increase Ban 192.0.2.1 (2 # 2h -> x)", "sshd", "increase", "192.0.2.1"),
        ("[sshd] 192.0.2.1 already banned", "sshd", "already", "192.0.2.1"),
        ("[sshd] Flush ticket(s) with nftables", "sshd", "", ""),
        ("Jail 'sshd' started", "sshd", "", ""),
        ("Starting Sekisho v0.1.0", "", "", ""),
    ],
)
def test_messages(message: str, jail: str, event: str, address: str) -> None:
    """Whom each concerns, in which jail, and what happened."""
    assert parse_line(HEAD + message) == Record(
        message, 1784030400.25, "NOTICE", "fail2ban.actions", jail, event, address
    )


@pytest.mark.parametrize(
    ("line", "record"),
    [
        ("fail2ban.actions[7]: WARNING x", Record("x", None, "WARNING", "fail2ban.actions")),
        ("no line of ours", Record("no line of ours")),
        ("2026-99-14 12:00:00,250 fail2ban [7]: INFO x", Record("2026-99-14 12:00:00,250 fail2ban [7]: INFO x")),
        ("", Record("")),
    ],
)
def test_what_a_line_leaves_away_is_not_made_up(line: str, record: Record) -> None:
    """A logtarget may have no stamp and no padding, and a file may hold anything."""
    assert parse_line(line) == record


@pytest.mark.parametrize(
    ("wanted", "admitted"),
    [
        (Wanted(), True),
        (Wanted(jail="sshd"), True),
        (Wanted(jail="web"), False),
        (Wanted(address="192.0.2.1"), True),
        (Wanted(address="192.0.2.0/24"), True),
        (Wanted(address="192.0.2.10"), False),
        (Wanted(events=frozenset({"ban", "unban"})), True),
        (Wanted(events=frozenset({"found"})), False),
        (Wanted(level=25), True),
        (Wanted(level=30), False),
        (Wanted(since=1784030400), True),
        (Wanted(since=1784030401), False),
    ],
)
def test_who_is_wanted(wanted: Wanted, admitted: bool) -> None:  # noqa: FBT001 - a column of the table
    """Every field narrows."""
    assert wanted.admits(parse_line(HEAD + "[sshd] Ban 192.0.2.1")) is admitted
