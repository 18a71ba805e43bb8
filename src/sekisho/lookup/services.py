"""Which ports a `port` option means: numbers, ranges, and service names old and new.

Names are asked of the system first (`/etc/services`, or whatever its resolver uses), then of the table in
`model.services`. A name that nobody knows costs a warning and nothing else: the rest is protected.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sekisho.model.ports import PortRange, merge_ports
from sekisho.model.services import EVERY, Ask, parse_port_word, port_words


@dataclass(frozen=True, slots=True)
class PortList:
    """The ports that a text means; `warnings` holds one sentence for each part that means none."""

    ports: tuple[PortRange, ...]
    unknown: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def ask_system(name: str, protocol: str = "") -> int | None:
    """Return the port that this system knows by `name` in `protocol` (empty: any), None where it knows none."""
    try:
        return socket.getservbyname(name, protocol) if protocol else socket.getservbyname(name)
    except (OSError, UnicodeError, ValueError):  # ValueError: a NUL inside the name
        return None


def parse_ports(text: str, ask: Ask = ask_system) -> PortList:
    """Return the ports named in `text` (`ssh,2222 60000:61000`), whatever can be understood of it."""
    found: list[PortRange] = []
    unknown: list[str] = []
    for word in port_words(text):
        ports = parse_port_word(word, ask)
        if ports is None:
            unknown.append(word)
        else:
            found.append(ports)
    warnings = [f"port {word!r} is known neither to this system nor to Sekisho; it is left out" for word in unknown]
    if not found:
        warnings.append(f"port {text!r} names no port: nothing is protected")
    return PortList(merge_ports(tuple(found)), tuple(unknown), tuple(warnings))


def render_for_commands(text: str, ask: Ask = ask_system, *, protocols: Sequence[str] = ("",)) -> str:
    """Return `text` so that a firewall's own command understands it: what the system does not know becomes a number.

    Names that the system knows in every one of `protocols` stay names (`ssh` has no UDP port any more), ranges are
    written with a colon as iptables reads them, and words that nobody knows are left out: one such word would make the
    command fail and the ban with it.
    """
    shown: list[str] = []
    for word in port_words(text):
        ports = parse_port_word(word, ask)
        if ports is None:
            continue
        known = not word[0].isdigit() and all(ask(word, protocol) is not None for protocol in protocols)
        shown.append(word if known else str(ports).replace("-", ":"))
    return ",".join(shown)


def with_known_ports(properties: Mapping[str, str], ask: Ask = ask_system) -> Mapping[str, str]:
    """Return an action's properties with its `port` as `render_for_commands` writes it, wherever it is spelled out.

    By the time the host is known, the port's text has been filled into the commands, so it is mended there too.
    """
    written = properties.get("port", "").strip()
    protocols = [word for word in re.split(r"[,\s]+", properties.get("protocol", "").lower()) if word not in EVERY]
    mended = render_for_commands(written, ask, protocols=protocols or ("",))
    if not mended or mended == written:
        return properties
    spelled = re.compile(rf"(?<![\w,:-]){re.escape(written)}(?![\w,:-])")
    return {name: spelled.sub(mended, value) for name, value in properties.items()}
