"""Whom a field's text names: an address, an address and a port, or a host's name."""

from __future__ import annotations

import re

from sekisho.match.groups import Groups
from sekisho.model.address import Family, parse_subject

_WITH_PORT = re.compile(r"\[([^\[\]]+)\](?::[0-9]{1,5})?|([^:\[\]]+):[0-9]{1,5}")
_NAME = re.compile(r"(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z][A-Za-z0-9_-]{0,62}\.?")
_LONGEST_NAME = 253
_GROUP_OF = {Family.INET4: "ip4", Family.INET6: "ip6"}


def host_groups(text: str) -> Groups:
    """The group that a line's expression would have captured; none where the text names nobody.

    `192.0.2.1`, `192.0.2.1:443`, `[2001:db8::1]:443`, `2001:db8::1`, `host.example.com`. A network names nobody: a
    stranger who could write one would bar his neighbours. Nor does a name that ends in digits: resolvers take it for an
    address in another spelling.
    """
    text = text.strip()
    if len(text) > _LONGEST_NAME + len(":65535"):
        return {}
    found = _WITH_PORT.fullmatch(text)
    bare = (found[1] or found[2]) if found else text
    if "/" in bare:
        return {}
    who = parse_subject(bare)
    if group := _GROUP_OF.get(who.family):
        return {group: who.text}
    return {"dns": bare} if _NAME.fullmatch(bare) else {}
