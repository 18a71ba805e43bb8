"""`name[a=1, b="x,y"]`: a name and its arguments, as filters, actions and backends are written (COMPAT 1.4).

    spec   = name { "[" [ item { "," item } [","] ] "]" }      `a[x=1][y=2]` is `a[x=1,y=2]`
    item   = option "=" ( '"' ... '"' | "'" ... "'" | up to "," or "]" )

There is no escape character: a value with double quotes is written in single ones. A quote that is never closed is an
ordinary character.
"""

from __future__ import annotations

import re

_ITEM = re.compile(
    r"""(?P<name>[\w.-]+(?:\?[\w.-]+=[\w.-]+)?)=(?P<value>"[^"]*"|'[^']*'|[^,\]]*)""",
)
_COMMA = re.compile(r",\s*")


def parse_brackets(text: str) -> tuple[str, dict[str, str]]:
    """Return the name and the arguments of `text`; names keep their case and their blanks.

    Raises:
        ValueError: the brackets are not well formed; the message says at which character of which group.

    """
    name, bracket, _ = text.partition("[")
    if not bracket:
        return name, {}
    if not name:
        raise ValueError("unexpected option syntax")
    arguments: dict[str, str] = {}
    position = len(name)
    while position < len(text):
        end = _group_end(text, position)
        if end is None:
            raise ValueError("unexpected option syntax")
        arguments.update(_parse_group(text[position + 1 : end]))
        position = end + 1
        while position < len(text) and text[position].isspace():
            position += 1
    return name, arguments


def split_entries(text: str) -> list[str]:
    """Return the entries of an `action`: separated by white space that is not inside brackets."""
    entries: list[str] = []
    start: int | None = None
    position = 0
    while position < len(text):
        character = text[position]
        if character.isspace():
            if start is not None:
                entries.append(text[start:position])
            start = None
        else:
            start = position if start is None else start
            if character == "[":
                position = _group_end(text, position) or position
        position += 1
    if start is not None:
        entries.append(text[start:])
    return entries


def _group_end(text: str, position: int) -> int | None:
    """The index of the bracket that closes the group opened at `position`."""
    if position >= len(text) or text[position] != "[":
        return None
    position += 1
    while position < len(text):
        character = text[position]
        if character == "]":
            return position
        if character in "\"'":
            closing = text.find(character, position + 1)
            position = closing if closing != -1 else position
        position += 1
    return None


def _parse_group(content: str) -> dict[str, str]:
    arguments: dict[str, str] = {}
    position, last = 0, ""
    if not content.strip():
        return arguments
    while position < len(content):
        item = _ITEM.match(content, position)
        if item is None:
            if last and not content[position:].strip():
                break
            raise ValueError(f"expected option, wrong syntax at {position}: {content[position:]}")
        last, value = item["name"], item["value"].strip()
        arguments[last] = value[1:-1] if len(value) > 1 and value[0] in "\"'" and value[-1] == value[0] else value
        position = item.end()
        if position < len(content):
            comma = _COMMA.match(content, position)
            if comma is None:
                raise ValueError(f"unexpected syntax at {position} after option {last!r}: {content[position:]}")
            position = comma.end()
    return arguments
