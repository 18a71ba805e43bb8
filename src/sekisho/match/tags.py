r"""Expands the tags of an expression, `<HOST>`, `<F-USER>...</F-USER>` and their kin, into groups (COMPAT 2.3).

Tags are upper-case; anything else between `<` and `>` is literal text. The shapes of addresses are generous, as
Fail2ban's are: digits are not range-checked, and what only looks like an address stays the text that it is.
"""

from __future__ import annotations

import re

IP4 = r"(?:::[Ff]{4}:(?:0{1,4}:)?)?(?P<ip4>\d{1,3}(?:\.\d{1,3}){3})"
IP6 = r"(?P<ip6>(?:[0-9A-Fa-f]{1,4}::?|::?){1,7}(?:[0-9A-Fa-f]{1,4}|(?<=::)))"
DNS = r"(?P<dns>[\w.^-]*\w)"
CIDR = r"(?P<cidr>\d+)"
ADDR = rf"\[?(?:{IP4}|{IP6})\]?"
SUBNET = rf"\[?(?:{IP4}|{IP6})(?:/{CIDR})?\]?"
HOST = rf"(?:{ADDR}|{DNS})"
FID = r"(?P<fid>\S+)"
PORT = r"(?P<fport>\w+)"

_TEXTS = {"IP4": IP4, "IP6": IP6, "DNS": DNS, "CIDR": CIDR, "ADDR": f"(?:{ADDR})", "SUBNET": f"(?:{SUBNET})"}
_SELF_CLOSED = {**_TEXTS, "ID": FID, "PORT": PORT}
_RENAMED = {"id": "fid", "port": "fport"}

_TAG = re.compile(
    r"<(?:(?P<plain>HOST|IP4|IP6|ADDR|DNS|CIDR|SUBNET|SKIPLINES)"
    r"|F-(?P<closed>[A-Z0-9]+)/"
    r"|F-(?P<open>[A-Z0-9_-]+)"
    r"|/F-(?P<close>[A-Z0-9_-]+))>"
)


def expand_tags(expression: str, *, usedns: str = "warn") -> str:
    """The expression with its tags replaced by groups; with `usedns` "no", `<HOST>` is an address only."""
    opened: set[str] = set()
    skips = 0

    def expand(found: re.Match[str]) -> str:
        nonlocal skips
        if plain := found["plain"]:
            if plain == "HOST":
                return f"(?:{ADDR})" if usedns == "no" else HOST
            if plain == "SKIPLINES":
                skips += 1
                return rf"\n(?P<skiplines{skips - 1}>(?:.*\n)*?)"
            return _TEXTS[plain]
        if closed := found["closed"]:
            return _SELF_CLOSED.get(closed, found[0])
        if name := found["open"]:
            opened.add(name)
            return f"(?P<{group_name(name)}>"
        return ")" if found["close"] in opened else found[0]

    return _TAG.sub(expand, expression)


def group_name(tag: str) -> str:
    """The name of the group that `<F-TAG>` opens: `USER` is `user`, `ID` is `fid`."""
    name = tag.lower().replace("-", "_")
    return _RENAMED.get(name, name)
