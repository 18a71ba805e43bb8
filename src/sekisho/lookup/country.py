"""Which country an address is registered in, where the `geo` extra is installed.

A database in MaxMind's format is preferred, since its administrator keeps it up to date; else the data embedded in
`iptocc` serves. Both are read from memory or a mapped file, in microseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sekisho.lookup.country_names import NAMES
from sekisho.model.address import Subject

DATABASES = tuple(
    Path(folder, name)
    for folder in ("/var/lib/GeoIP", "/usr/share/GeoIP", "/usr/local/share/GeoIP")
    for name in ("GeoLite2-Country.mmdb", "GeoLite2-City.mmdb", "dbip-country-lite.mmdb")
)
"""Where geoipupdate and the distributions put theirs."""

_Find = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Country:
    """A country by its ISO 3166-1 code; `name` is the code again where it has no name that we know."""

    code: str
    name: str

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


class Countries:
    """Finds countries. Opens its data at the first question; without data nothing has a country. Never raises."""

    def __init__(self, databases: Sequence[Path] = DATABASES) -> None:
        self._databases = databases
        self._find: _Find | None = None

    def __call__(self, subject: Subject) -> Country | None:
        """Return the country of an address (of a network: of its first address); None when it is not known."""
        if subject.network is None:
            return None
        if self._find is None:
            self._find = _open_database(self._databases) or _open_embedded() or _know_nothing
        code = self._find(str(subject.network.network_address))
        return Country(code, NAMES.get(code, code)) if code else None


def _know_nothing(address: str) -> str | None:
    del address
    return None


def _open_database(paths: Sequence[Path]) -> _Find | None:
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        return None
    try:
        import maxminddb

        reader = maxminddb.open_database(path)
    except (ImportError, OSError, ValueError, RuntimeError):  # maxminddb's InvalidDatabaseError is a RuntimeError
        return None

    def find(address: str) -> str | None:
        try:
            record = reader.get(address)
        except (ValueError, RuntimeError):  # IPv6 in a database of IPv4; a torn file
            return None
        for key in ("country", "registered_country"):
            country = record.get(key) if isinstance(record, dict) else None
            code = country.get("iso_code") if isinstance(country, dict) else None
            if isinstance(code, str):
                return code
        return None

    return find


def _open_embedded() -> _Find | None:
    try:
        import iptocc
    except ImportError:
        return None

    def find(address: str) -> str | None:
        code = iptocc.country_code(address)
        return code if isinstance(code, str) else None

    return find
