"""`<name>`: parameters put into the texts of a filter or an action before they are used (COMPAT 1.5).

What is known is put in, again and again from the inside out, so that `<ipt_<type>/rule>` becomes `<ipt_oneport/rule>`
and then that option's text. What is not known stays as it is: it may be a tag of the matcher (`<HOST>`), of the moment
(`<ip>`), or a shell's redirection. `lookup` says which is which, and what a tag stands for.
"""

from __future__ import annotations

import re
from collections.abc import Callable

RUNTIME_ONLY = frozenset({"matches", "ipmatches", "ipjailmatches", "timeout", "bantime"})
"""Never put in here, even where a parameter of the name exists: they belong to the ban."""

_TAG = re.compile(r"<([^ <>]+)>")
_LENGTH = 1 << 20  # as in interpolate: what grows past this was not meant

Lookup = Callable[[str], str | None]


def substitute(text: str, lookup: Lookup) -> str:
    """Return `text` with every known tag replaced by what it stands for.

    Raises:
        ValueError: a tag stands, over whatever detours, for a text that holds the tag itself.

    """
    return _substitute(text, lookup, ())


def _substitute(text: str, lookup: Lookup, inside: tuple[str, ...]) -> str:
    position = 0
    while (tag := _TAG.search(text, position)) is not None:
        name = tag[1]
        value = None if name in RUNTIME_ONLY else lookup(name)
        if value is None:
            position = tag.start() + 1
            continue
        if name in inside:
            raise ValueError(f"self referencing definitions: <{'> -> <'.join((*inside, name))}>")
        value = _substitute(value, lookup, (*inside, name)) if "<" in value else value
        if len(text) + len(value) > _LENGTH:
            raise ValueError(f"<{name}> makes the text longer than {_LENGTH} characters")
        text = text[: tag.start()] + value + text[tag.end() :]
        # the value may have completed a tag that was opened to its left: `<ipt_<type>/rule>`
        opened = text.rfind("<", 0, tag.start())
        position = tag.start() + len(value) if opened == -1 else opened
    return text
