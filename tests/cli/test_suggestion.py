"""Which jails would protect a host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sekisho.cli.inventory import Inventory
from sekisho.cli.suggestion import Candidate, Omission, Suggestion, render, suggest
from sekisho.config.catalogue import Entry

Host = Callable[..., Inventory]
MAIL = ("/var/log/mail.log",)
POSTFIX = Candidate(
    "postfix", Entry("postfix", "Postfix", programs=("master",)), MAIL, ("_SYSTEMD_UNIT=postfix.service",)
)
COURIER = Candidate("courier", Entry("courier", "Courier", programs=("courierd",)), MAIL)
WEBAPP = Candidate("webapp", Entry("webapp", "Webapp 3, its log"), ("/var/log/webapp.log",))
RECIDIVE = Candidate("recidive", Entry("recidive", "Sekisho"), ("/var/log/fail2ban.log",), feeds_itself=True)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """Return a function that makes a host with these files; a process is a name without a slash."""

    def make(*names: str) -> Inventory:
        for number, name in enumerate(names, 100):
            path = tmp_path / name.removeprefix("/") if "/" in name else tmp_path / f"proc/{number}/comm"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{name}\n")
        return Inventory(tmp_path)

    return make


JOURNAL = ("/var/log/journal/1/system.journal", "/usr/lib/systemd/system/postfix.service")


def test_a_service_that_runs_and_logs_is_protected(host: Host) -> None:
    """And one beside it that reads the same log but is not there is not."""
    found = suggest([POSTFIX, COURIER], host("master", *MAIL))
    assert found == ([Suggestion("postfix", "Postfix", "master runs", "/var/log/mail.log")], [])


def test_an_installed_program_is_enough(host: Host) -> None:
    """It may be stopped just now."""
    (found,), _ = suggest([COURIER], host("/usr/sbin/courierd", *MAIL))
    assert found.why == "/usr/sbin/courierd is installed"


def test_a_jail_without_a_log_is_left_out_and_told(host: Host) -> None:
    """Never is one enabled that has nothing to read, whatever runs."""
    assert suggest([POSTFIX], host("master")) == (
        [],
        [
            Omission(
                "postfix",
                "Postfix",
                "master runs",
                "none of its logs is there (/var/log/mail.log), and there is no journal",
            )
        ],
    )
    _, (omission,) = suggest([POSTFIX], host("master", JOURNAL[0]))
    assert omission.missing.endswith("and its unit is not installed")
    _, (omission,) = suggest([COURIER], host("courierd"))
    assert omission.missing == "none of its logs is there (/var/log/mail.log)"


def test_a_jail_turns_to_where_the_service_logs(host: Host) -> None:
    """Set up for files that are not there: the journal; set up for the journal, which has nothing of it: files."""
    (found,), _ = suggest([POSTFIX], host("master", *JOURNAL))
    assert (found.reads, found.options) == ("the journal (postfix.service)", {"backend": "systemd"})
    (found,), _ = suggest([replace(POSTFIX, reads_journal=True)], host("master", *JOURNAL, *MAIL))
    assert (found.reads, found.options) == ("the journal (postfix.service)", {})


def test_without_a_journal_files_are_read(host: Host) -> None:
    """Where the jail is set up for the journal."""
    (found,), _ = suggest([replace(POSTFIX, reads_journal=True)], host("master", *MAIL))
    assert (found.reads, found.options) == ("/var/log/mail.log", {"backend": "auto"})


def test_a_log_of_its_own_shows_that_a_service_is_there(host: Host) -> None:
    """A web application has no program, a service in a container none that can be seen here."""
    (found,), _ = suggest([WEBAPP, POSTFIX], host("/var/log/webapp.log"))
    assert (found.service, found.why) == ("Webapp 3", "/var/log/webapp.log is there")


def test_a_log_that_others_read_too_shows_nothing(host: Host) -> None:
    """Or the system log would show every service that ever logged there; jails of one service share as they like."""
    shared = replace(WEBAPP, logpaths=MAIL)
    assert suggest([shared, POSTFIX], host(*MAIL)) == ([], [])
    twice = [POSTFIX, replace(POSTFIX, jail="postfix-sasl")]
    assert [each.jail for each in suggest(twice, host(*MAIL))[0]] == ["postfix", "postfix-sasl"]


def test_a_jail_that_would_close_a_service_to_everybody_is_never_suggested(host: Host) -> None:
    """Its administrator must have wanted it."""
    assert suggest([replace(COURIER, jail="pass2allow-ftp")], host("courierd", *MAIL)) == ([], [])


def test_a_jail_that_bans_feed_needs_no_log(host: Host) -> None:
    """Recidive reads what the daemon knows anyhow."""
    (found,), _ = suggest([RECIDIVE], host())
    assert found.reads == "the bans of the other jails"


def test_the_text_is_a_jail_local_with_its_reasons() -> None:
    """Everything but sections and options is a comment, whatever a name holds; what is left out stands at the end."""
    entry = Suggestion("j", "S\n[evil]", "x runs", "y", {"backend": "systemd"}, needs="`a = b`", note="long " * 40)
    missed = [Omission(name, "T", "t runs", "there is no journal") for name in ("k", "l")]
    lines = list(render([entry], missed, ["Head."]))
    bare = [line for line in lines if line and not line.startswith("# ")]
    assert bare == ["[j]", "enabled = true", "backend = systemd"]
    assert lines[:4] == ["# Head.", "", "# S [evil]: x runs; reads y", "# needs: `a = b`"]
    assert lines[-2:] == [
        "# Not enabled, since there is nothing to read:",
        "# k, l (T): t runs, but there is no journal",
    ]
    assert max(map(len, lines)) < 120
