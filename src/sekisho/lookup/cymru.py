"""Whose network an address is in, as Team Cymru's name server tells (its "IP to ASN mapping" service, by DNS).

A TXT record under `origin.asn.cymru.com`, or `origin6` for IPv6, holds `ASN ... | PREFIX | COUNTRY | REGISTRY | DATE`;
an address that several networks announce has several. Asked by dnspython where it is installed (`sekisho[cymru]`), and
only when a person wants to know (`fail2ban-client status JAIL cymru`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_network

from sekisho.model.address import Family, Subject
from sekisho.model.origin import Origin

Records = Callable[[str], Awaitable[Sequence[str]]]
"""Returns the TXT records of a name; raises LookupError where there is no such name, OSError where nobody answers."""

_AT_ONCE = 50
_PATIENCE = 20.0  # seconds for all addresses; a client waits for 30
_ZONES = {".in-addr.arpa": ".origin.asn.cymru.com", ".ip6.arpa": ".origin6.asn.cymru.com"}

UNKNOWN = Origin("unknown", "unknown", "unknown")
ABSENT = Origin("nxdomain", "nxdomain", "nxdomain")
ERROR = Origin("error", "error", "error")


async def find_origins(subjects: Sequence[Subject], *, records: Records | None = None) -> list[Origin]:
    """Return the origin of each subject: what is no address is unknown, and an error stands where nobody told."""
    ask = records or _records
    turn = asyncio.Semaphore(_AT_ONCE)

    async def find(subject: Subject) -> Origin:
        if subject.family is Family.OTHER:
            return UNKNOWN
        try:
            async with turn:
                return parse_origin(await ask(name_of(subject)))
        except LookupError:
            return ABSENT
        except (OSError, ImportError, ValueError):
            return ERROR

    tasks = [asyncio.create_task(find(subject)) for subject in subjects]
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=_PATIENCE)
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return [ERROR if task.cancelled() else task.result() for task in tasks]


def name_of(subject: Subject) -> str:
    """Return the name under which the origin of an address, or of the first address of a network, is told."""
    reverse = ip_network(subject.text).network_address.reverse_pointer
    for zone, asked in _ZONES.items():
        if reverse.endswith(zone):
            return reverse.removesuffix(zone) + asked
    raise AssertionError(reverse)


def parse_origin(records: Sequence[str]) -> Origin:
    """Return what the records say; several values stand beside each other, in order. Raises ValueError."""
    fields = [[part.strip() for part in record.split("|")] for record in records]
    if not fields or any(len(each) < 4 for each in fields):
        raise ValueError(f"expected 'ASN | PREFIX | COUNTRY | REGISTRY | DATE', found {list(records)[:3]!r}")
    asn, country, registry = (", ".join(sorted({each[place] for each in fields})) for place in (0, 2, 3))
    return Origin(asn, country, registry)


async def _records(name: str) -> Sequence[str]:
    from dns import asyncresolver, exception, resolver  # seldom needed, and not everywhere installed

    try:
        answer = await asyncresolver.resolve(name, "TXT")
    except (resolver.NXDOMAIN, resolver.NoAnswer) as error:
        raise LookupError(name) from error
    except exception.DNSException as error:
        raise OSError(str(error)) from error
    return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]
