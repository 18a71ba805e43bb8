"""What the server's values look like on a terminal: Fail2ban's layouts (COMPAT 6.2, 6.3, 6.4), which scripts parse.

`beautify` is pure: the words that were said and the value that came back, and the text to print. Values may hold what a
stranger wrote (an identifier from a log), so control characters never reach the terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sekisho.control.client import Value

_TABLE_WIDTHS = (8, 8, 3, 3, 3, 3)
_ASCII = str.maketrans("║═╟╫╬╩│─", "|-|xx-|-")


def beautify(words: Sequence[str], value: Value, *, unicode: bool = True) -> str:
    """Return the text for `value`, the answer to `words`; `unicode` where the terminal can show lines."""
    if value == "SHUTDOWN":
        return "SHUTDOWN"
    return printable(_shape(list(words), value, unicode=unicode))


def printable(text: str) -> str:
    """Return `text` without anything that a terminal would obey; a stranger may have written it."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in "\n\t" else repr(char)[1:-1] for char in text)


def _shape(words: list[str], value: Value, *, unicode: bool) -> str:
    match words:
        case ["status", *rest]:
            return _status(rest, value)
        case ["stats" | "statistic" | "statistics"] if isinstance(value, Mapping):
            return _stats(value) if unicode else _stats(value).translate(_ASCII)
        case [verb, *rest] if verb in _PLAIN:
            return _PLAIN[verb](rest, value)
        case ["set" | "get" as verb, name, *rest] if name in _SERVER and (verb == "get" or rest):
            return _SERVER[name](value)
        case [_, jail, name, *rest] if name in _JAIL:
            return _JAIL[name](jail, rest, value)
        case _:
            return _plain(value)


def _plain(value: Value) -> str:
    return value if isinstance(value, str) else repr(value)


# --- the server ---------------------------------------------------------------------------------------------------

_PLAIN: Mapping[str, Callable[[list[str], Value], str]] = {
    "start": lambda _, value: "Jail started" if value is None else _plain(value),
    "stop": lambda rest, value: _stopped(rest) if value is None else _plain(value),
    "add": lambda _, value: f"Added jail {value}",
    "ping": lambda _, value: f"Server replied: {value}",
    "echo": lambda _, value: " ".join(map(str, _items(value))),
    "flushlogs": lambda _, value: f"logs: {value}",
}

_SERVER: Mapping[str, Callable[[Value], str]] = {
    "loglevel": lambda value: f"Current logging level is {value!r}",
    "logtarget": lambda value: f"Current logging target is:\n`- {value}",
    "syslogsocket": lambda value: f"Current syslog socket is:\n`- {value}",
    "dbfile": lambda value: (
        "Database currently disabled" if value is None else f"Current database file is:\n`- {value}"
    ),
    "dbpurgeage": lambda value: (
        "Database currently disabled" if value is None else f"Current database purge age is:\n`- {value}seconds"
    ),
    "dbmaxmatches": lambda value: f"{value}",
}


def _stopped(rest: list[str]) -> str:
    return "Jail stopped" if rest else "Shutdown successful"


# --- a jail's settings --------------------------------------------------------------------------------------------


def _items(value: Value) -> list[Value]:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]


def _list(header: str, nothing: str) -> Callable[[str, list[str], Value], str]:
    def shape(_jail: str, _rest: list[str], value: Value) -> str:
        items = _items(value)
        if not items:
            return nothing
        return "\n".join([header, *(f"|- {item}" for item in items[:-1]), f"`- {items[-1]}"])

    return shape


def _patterns(jail: str, rest: list[str], value: Value) -> str:
    numbered = [f"[{number}]: {pattern}" for number, pattern in enumerate(_items(value))]
    shape = _list("The following regular expression are defined:", "No regular expression is defined")
    return shape(jail, rest, numbered)


def _journal(_jail: str, _rest: list[str], value: Value) -> str:
    matches = [" ".join(map(str, _items(match))) for match in _items(value)]
    return "Current match filter:\n" + " + ".join(matches) if matches else "No journal match filter set"


def _datepattern(_jail: str, _rest: list[str], value: Value) -> str:
    if value is None:
        return "Current date pattern set to: Not set/required"
    pattern, name = _items(value)
    return "Current date pattern set to: " + (f"{name}" if pattern is None else f"{pattern} ({name})")


def _names(header: str, nothing: str) -> Callable[[str, list[str], Value], str]:
    def shape(jail: str, rest: list[str], value: Value) -> str:
        action = rest[0] if rest else ""
        items = ", ".join(map(str, _items(value)))
        return (
            f"{header.format(jail=jail, action=action)}\n{items}" if items else nothing.format(jail=jail, action=action)
        )

    return shape


def _banip(_jail: str, rest: list[str], value: Value) -> str:
    if not isinstance(value, list):  # the number that `set JAIL banip` answers
        return _plain(value)
    form = rest[0] if rest else " "
    return ("\n" if form == "--with-time" else form).join(map(str, value))


_paths = _list("Current monitored log file(s):", "No file is currently monitored")
_ignored = _list("These IP addresses/networks are ignored:", "No IP address/network is ignored")

_JAIL: Mapping[str, Callable[[str, list[str], Value], str]] = {
    **dict.fromkeys(("logpath", "addlogpath", "dellogpath"), _paths),
    **dict.fromkeys(("ignoreip", "addignoreip", "delignoreip"), _ignored),
    **dict.fromkeys(
        ("failregex", "addfailregex", "delfailregex", "ignoreregex", "addignoreregex", "delignoreregex"), _patterns
    ),
    **dict.fromkeys(("journalmatch", "addjournalmatch", "deljournalmatch"), _journal),
    "logencoding": lambda _, __, value: f"Current log encoding is set to:\n{value}",
    "datepattern": _datepattern,
    "banip": _banip,
    "actions": _names("The jail {jail} has the following actions:", "No actions for jail {jail}"),
    "actionproperties": _names(
        "The jail {jail} action {action} has the following properties:", "No properties for jail {jail} action {action}"
    ),
    "actionmethods": _names(
        "The jail {jail} action {action} has the following methods:", "No methods for jail {jail} action {action}"
    ),
}


# --- status -------------------------------------------------------------------------------------------------------


def _status(rest: list[str], value: Value) -> str:
    if not rest:
        return "\n".join(["Status", *_tree(value)])
    if rest[0] == "--all":
        head, every = _items(value)[:-1], _items(_items(_items(value)[-1])[1])
        jails = [(f"Jail: {_items(jail)[0]}", _items(jail)[1]) for jail in every]
        branch: list[Value] = [("Status for the jails:", jails)] if jails else []
        return "\n".join(["Status", *_tree([*head, *branch])])
    if not _is_tree(value) and isinstance(value, Sequence) and len(value) == 3:  # flavor stats
        backend, failed, banned = value
        shown = " and ".join(f"{what} {_of(pair)}" for what, pair in (("failed", failed), ("banned", banned)))
        return f"Status for the jail: {rest[0]}\n`- {backend}:\t{shown}"
    return "\n".join([f"Status for the jail: {rest[0]}", *_tree(value)])


def _of(pair: Value) -> str:
    now, total = _items(pair)
    return f"{now} (total {total})"


def _is_tree(value: Value) -> bool:
    """Return whether `value` is a branch: pairs whose first is a label."""
    return isinstance(value, Sequence) and not isinstance(value, str) and bool(value) and all(map(_is_pair, value))


def _is_pair(value: Value) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and isinstance(value[0], str)


def _tree(value: Value, indent: str = "") -> list[str]:
    lines: list[str] = []
    pairs = _items(value)
    for number, pair in enumerate(pairs, 1):
        label, item = _items(pair)
        last = number == len(pairs)
        head = f"{indent}{'`-' if last else '|-'} {label}"
        if _is_tree(item):
            lines += [head, *_tree(item, indent + ("   " if last else "|  "))]
        else:
            shown = " ".join(map(str, item)) if isinstance(item, list | tuple) else item
            lines.append(f"{head}:\t{shown}")
    return lines


def _stats(value: Mapping[str, Value]) -> str:
    """Return the table of all jails (COMPAT 6.4)."""
    if not value:
        return "No jails found."
    rows = [(jail, *_flat(numbers)) for jail, numbers in value.items()]
    jail, backend, *counts = (max([least, *map(len, column)]) for least, column in zip(
        _TABLE_WIDTHS, zip(*rows, strict=True), strict=True
    ))  # fmt: skip
    spans = (jail, backend, counts[0] + counts[1] + 3, counts[2] + counts[3] + 3)

    def line(*cells: str, cross: str = " ║ ", fill: str = " ") -> str:
        return fill + cross.join(cell.ljust(width, fill) for cell, width in zip(cells, spans, strict=True))

    def pair(first: str, second: str, at: int) -> str:
        return f"{first.rjust(counts[at])} │ {second.rjust(counts[at + 1])}"

    rule = ["", "", "", ""]
    return "\n".join(
        [
            line("", "", "Filter", "Actions"),
            f" {'Jail'.ljust(jail)} ║ {'Backend'.ljust(backend)} ╟{'─' * (spans[2] + 2)}╫{'─' * (spans[3] + 2)}",
            line("", "", pair("cur", "tot", 0), pair("cur", "tot", 2)),
            line(*rule, cross="═╬═", fill="═") + "═",
            *(line(row[0], row[1], pair(row[2], row[3], 0), pair(row[4], row[5], 2)) for row in rows),
            line(*rule, cross="═╩═", fill="═") + "═",
        ]
    )


def _flat(numbers: Value) -> list[str]:
    backend, failed, banned = _items(numbers)
    return [str(backend), *map(str, _items(failed)), *map(str, _items(banned))]
