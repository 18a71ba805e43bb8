"""The options `ipv4_prefix` and `ipv6_prefix` of one jail, as the lengths of the prefixes that it counts and bars."""

from __future__ import annotations

from functools import partial

from sekisho.config.values import Values
from sekisho.judge.exempt import WIDEST
from sekisho.model.address import Family
from sekisho.model.prefix import Prefixes, parse_prefix


def read_prefixes(values: Values) -> Prefixes:
    """Return the lengths; one that no prefix can have is noted, and keeps the jail from running."""
    return Prefixes(
        ipv4=_length(values, "ipv4_prefix", Family.INET4), ipv6=_length(values, "ipv6_prefix", Family.INET6)
    )


def _length(values: Values, option: str, family: Family) -> int:
    length = values.typed(option, partial(parse_prefix, family=family))
    if length < (least := WIDEST[family]):
        text = f"{option!r} is {length}, and no machine bars more than a /{least}: each address counts alone"
        values.warn(text, values.origin(option), f"write {least} or more")
    return length
