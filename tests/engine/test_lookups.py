"""Questions on whose answers verdicts wait."""

from __future__ import annotations

import pytest
from tests.support.house import MemoryHouse, run, until

from sekisho.engine import lookups
from sekisho.model.address import parse_subject

EVE = "192.0.2.66"


def test_a_host_name_in_a_log_is_counted_when_it_is_known(house: MemoryHouse) -> None:
    """Each address of the name fails once; a name without addresses is nobody (COMPAT 2.6)."""
    house.names = {"eve.example": frozenset(map(parse_subject, (EVE, "2001:db8::66")))}

    async def play() -> None:
        engine = await house.start()
        await house.fails("eve.example", "eve.example", "nobody.example", "eve.example")
        await until(lambda: engine.jail_status("demo").failed_total == 6)
        await house.settled()
        assert house.held() == {EVE, "2001:db8::66"}
        await engine.stop()

    run(play())


def test_more_names_than_can_be_looked_up_are_told(house: MemoryHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger decides how many his lines carry; those beyond are left out, and the jail's health says so."""
    monkeypatch.setattr(lookups, "MOST_LOOKUPS", 0)

    async def play() -> None:
        engine = await house.start()
        await house.fails("eve.example")
        (trouble,) = engine.jail_status("demo").health
        assert trouble.startswith("more host names are logged than can be resolved")
        await engine.stop()

    run(play())
