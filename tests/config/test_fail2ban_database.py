"""Where a Fail2ban keeps its database is what its own fail2ban.conf says."""

from __future__ import annotations

from pathlib import Path

import pytest

from sekisho.config.fail2ban_database import DEFAULT, find_database


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, DEFAULT),
        ({"fail2ban.conf": "[DEFAULT]\ndbfile = /srv/f.sqlite3\n"}, Path("/srv/f.sqlite3")),
        ({"fail2ban.conf": "[Definition]\nstate = /srv\ndbfile = %(state)s/g\n"}, Path("/srv/g")),
        (
            {"fail2ban.conf": "[Definition]\ndbfile = /a\n", "fail2ban.d/x.local": "[Definition]\ndbfile = /b\n"},
            Path("/b"),
        ),
        ({"fail2ban.conf": "[Definition]\ndbfile = None\n"}, None),
        ({"fail2ban.conf": "[Definition]\ndbfile = :memory:\n"}, None),
        ({"fail2ban.conf": "[Definition]\ndbfile = %(nothing)s\n"}, DEFAULT),
    ],
)
def test_the_database_is_where_the_tree_says(tmp_path: Path, files: dict[str, str], expected: Path | None) -> None:
    """The administrator's word, wherever it stands; Fail2ban's default without one; None where nothing is kept."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert find_database(tmp_path) == expected
