"""Addresses as people type them, and what is wrong with those that are none.

`parse_subject` takes any text, since a log may name anybody. Whoever types an address means one, so a slip is named
here before it becomes a ban of nobody, or of somebody else.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address

from sekisho.model.address import Family, Subject, parse_subject

_BITS = {4: 32, 6: 128}
_NAME = re.compile(r"(?=.*[A-Za-z])[\w-]+(\.[\w-]+)*\.?", re.ASCII)


def parse_address(text: str) -> Subject:
    """Return the address or network that `text` is. Raises ValueError, which says what is wrong with it."""
    fault = _fault(text.strip())
    subject = parse_subject(text)
    if fault or subject.family is Family.OTHER:
        why = fault or "expected for example 192.0.2.1 or 2001:db8::/64"
        raise ValueError(f"{text!r} is no address or network: {why}")
    return subject


def looks_like_address(text: str) -> bool:
    """Return whether `text` was meant to be an address rather than a jail's name."""
    return bool(re.fullmatch(r"\d[\d.]*\.[\d./]*|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(/\d*)?", text, re.ASCII))


def _fault(text: str) -> str:
    """Return what is wrong with `text`, empty where it may be right."""
    address, slash, length = text.partition("/")
    if re.fullmatch(r"[\d.]+", address, re.ASCII):
        fault = _fault_of_parts(address.split("."))
    elif ":" not in address:
        is_name = _NAME.fullmatch(address) is not None
        return f"a host name; `getent ahosts {address}` tells its addresses" if is_name else ""
    else:
        fault = _fault_of_six(address)
    if fault or not slash:
        return fault
    version = 6 if ":" in address else 4
    if not length.isdecimal() or int(length) > _BITS[version]:
        return f"the prefix of IPv{version} is a number from 0 to {_BITS[version]}, not {length!r}"
    return ""


def _fault_of_parts(parts: list[str]) -> str:
    if len(parts) != 4:
        return (
            f"IPv4 has four numbers, here {'is' if len(parts) == 1 else 'are'} {len([part for part in parts if part])}"
        )
    for part in parts:
        if not part:
            return "a number is missing between two dots"
        if int(part) > 255:
            return f"{part} is more than 255"
        if len(part) > 1 and part.startswith("0"):
            return f"{part} could be meant octal; write {int(part)}"
    return ""


def _fault_of_six(address: str) -> str:
    if "%" in address:
        return "a zone (%...) names an interface of this host"
    try:
        IPv6Address(address.removeprefix("[").removesuffix("]"))
    except ValueError as error:
        what = str(error).partition(" in ")[0]
        return what[:1].lower() + what[1:]
    return ""
