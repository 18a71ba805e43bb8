"""The server's settings while it runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.house import FakeLogControl

from sekisho.engine.api import Refused
from sekisho.engine.settings import ServerSettings
from sekisho.ledger.ledger import Ledger
from sekisho.model.specs import ServerSpec


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Return a ledger in a file."""
    ledger = Ledger(str(tmp_path / "ledger.sqlite"))
    yield ledger
    ledger.close()


class Settings(ServerSettings):
    """The settings of a server that has the jails in `names`, and tells `ipv6` what it is told."""

    def __init__(self, ledger: Ledger, *names: str) -> None:
        self.names = list(names)
        self.ipv6: list[str] = []
        spec = ServerSpec(dbfile=ledger.path)
        super().__init__(
            spec, log_control=FakeLogControl(), ledger=ledger, jails=self.names, allow_ipv6=self.ipv6.append
        )


def test_what_is_changed_is_in_force(ledger: Ledger) -> None:
    """Each option is taken as it is written in fail2ban.conf, and whoever needs to know of it is told."""
    settings = Settings(ledger, "demo")
    for option, text in {
        "loglevel": "DEBUG", "logtarget": "STDOUT", "syslogsocket": "/run/log", "dbmaxmatches": "3",
        "dbpurgeage": "2d", "allowipv6": "off", "stacksize": '{"stacksize": 64}',
    }.items():  # fmt: skip
        settings.change(option, text)
    assert settings.spec == ServerSpec(
        loglevel="DEBUG", logtarget="STDOUT", syslogsocket="/run/log", dbmaxmatches=3, dbpurgeage=172800,
        allowipv6="no", stacksize=64, dbfile=ledger.path,
    )  # fmt: skip
    assert (ledger.most_matches, settings.ipv6) == (3, ["no"])
    assert threading.stack_size(0) == 64 * 1024


def test_what_means_nothing_changes_nothing(ledger: Ledger) -> None:
    """A wrong text is a ValueError, what cannot be is refused, and the settings stay."""
    settings = Settings(ledger, "demo")
    before = settings.spec
    for option, text in (("dbpurgeage", "x"), ("dbmaxmatches", "x"), ("allowipv6", "maybe")):
        with pytest.raises(ValueError, match=r".+"):
            settings.change(option, text)
    with pytest.raises(Refused, match="Invalid log level 'NOSUCH'"):
        settings.change("loglevel", "NOSUCH")
    with pytest.raises(Refused, match="Failed to change log target"):
        settings.change("logtarget", "NOSUCH")
    with pytest.raises(Refused, match="when there are jails present"):
        settings.change("dbfile", "None")
    assert settings.spec == before


def test_the_database_can_be_another_while_there_are_no_jails(ledger: Ledger, tmp_path: Path) -> None:
    """It is opened where it is named, in memory for `None`; one that cannot be opened leaves the old one in use."""
    settings, other = Settings(ledger), str(tmp_path / "other.sqlite")
    settings.change("dbfile", other)
    assert (settings.spec.dbfile, ledger.path) == (other, other)
    with pytest.raises(Refused):
        settings.change("dbfile", "/proc/nosuch/ledger.sqlite")
    assert ledger.path == other
    settings.change("dbfile", "None")
    assert settings.spec.dbfile is None


def test_a_reload_takes_over_what_can_change(ledger: Ledger) -> None:
    """Level and limits are as the files say; where the log goes and the ledger lies stays until the next start."""
    settings = Settings(ledger, "demo")
    settings.take_over(ServerSpec(loglevel="ERROR", logtarget="/x", dbfile="/y", dbmaxmatches=1, dbpurgeage=60))
    held = ServerSpec()
    assert settings.spec == ServerSpec(
        loglevel="ERROR", logtarget=held.logtarget, dbfile=ledger.path, dbmaxmatches=1, dbpurgeage=60
    )
    assert ledger.most_matches == 1
