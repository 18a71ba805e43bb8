"""Which country an address is registered in."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from pathlib import Path

import maxminddb
import pytest

from sekisho.lookup.country import Countries, Country
from sekisho.model.address import parse_subject


def _ask(countries: Countries, subject: str) -> str:
    return str(countries(parse_subject(subject)))


def test_the_embedded_data_knows_well_known_addresses() -> None:
    """Both families, networks by their first address; reserved addresses and text have no country."""
    countries = Countries(databases=())
    assert _ask(countries, "8.8.8.8") == _ask(countries, "2001:4860:4860::8888") == "United States (US)"
    assert _ask(countries, "8.8.8.0/24") == "United States (US)"
    assert _ask(countries, "192.0.2.1") == _ask(countries, "nobody") == "None"


class Reader:
    """A database of four records, one of them spoilt."""

    def get(self, address: str) -> object:
        """As maxminddb.Reader has it."""
        if ":" in address:
            raise ValueError("an IPv6 address in a database of IPv4")
        records: Mapping[str, object] = {
            "192.0.2.1": {"country": {"iso_code": "FR"}},
            "192.0.2.2": {"registered_country": {"iso_code": "ZZ"}},
            "192.0.2.3": {"country": "FR"},
            "192.0.2.4": "FR",
        }
        return records.get(address)


def test_a_database_is_preferred(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What it does not know or has in another form is no country, and no error."""
    monkeypatch.setattr(maxminddb, "open_database", lambda path: Reader())
    (tmp_path / "x.mmdb").touch()
    countries = Countries([tmp_path / "missing.mmdb", tmp_path / "x.mmdb"])
    assert countries(parse_subject("192.0.2.1")) == Country("FR", "France")
    assert _ask(countries, "192.0.2.2") == "ZZ (ZZ)"
    assert {_ask(countries, s) for s in ("192.0.2.3", "192.0.2.4", "192.0.2.5", "2001:db8::1")} == {"None"}


def test_a_spoilt_database_gives_way_to_the_embedded_data(tmp_path: Path) -> None:
    """A half-written download costs nothing."""
    (tmp_path / "x.mmdb").write_bytes(b"nonsense" * 100)
    assert _ask(Countries([tmp_path / "x.mmdb"]), "8.8.8.8") == "United States (US)"


def test_without_the_extra_nothing_has_a_country(monkeypatch: pytest.MonkeyPatch) -> None:
    """The import fails once; nobody is told an error."""
    genuine = builtins.__import__

    def refuse(name: str, *arguments: object, **keywords: object) -> object:
        if name == "iptocc":
            raise ImportError(name)
        return genuine(name, *arguments, **keywords)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert Countries(databases=())(parse_subject("8.8.8.8")) is None
