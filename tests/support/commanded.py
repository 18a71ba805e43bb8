"""Command actions as an administrator's jail loads them, at work in a network of a test's own."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.support.namespace import SERVER6, listen, play_in_namespace, run

from sekisho.config.load import load
from sekisho.enforce.commands import CommandAction
from sekisho.enforce.runner import Runner
from sekisho.lookup.services import with_known_ports
from sekisho.model.address import parse_subject
from sekisho.model.specs import ActionSpec
from sekisho.model.verdict import Ban

DEBIAN = Path("/etc/fail2ban/action.d")
BAD, BAD6 = "198.51.100.66", "2001:db8::66"


def spec(directory: Path, action: str, files: Mapping[str, str] | None = None) -> ActionSpec:
    """The action of a jail that names it, in a tree of its own with `files`."""
    (directory / "filter.d").mkdir(parents=True)
    (directory / "filter.d" / "mine.conf").write_text("[Definition]\nfailregex = ^bad <HOST>$\n")
    jail = f"[mine]\nenabled = true\nfilter = mine\nlogpath = /dev/null\naction = {action}\n"
    for name, text in {"jail.local": jail, **(files or {})}.items():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    configuration = load(directory)
    (found,) = configuration.jails[0].actions
    return replace(found, properties=with_known_ports(found.properties))


def make(which: ActionSpec) -> CommandAction:
    """The action as the daemon makes it; in a new network namespace iptables' lock file is the host's, so it waits."""
    return CommandAction(which, jail="mine", runner=Runner(), clock=time.time)


def ban(who: str) -> Ban:
    """A ban that begins now."""
    return Ban("mine", parse_subject(who), time.time(), 600)


def rules() -> str:
    """Every rule that iptables knows in the calling thread's namespace, policies left out."""
    both = run("iptables", "-S") + run("ip6tables", "-S")
    return "".join(line for line in both.splitlines(keepends=True) if not line.startswith("-P"))


Play = Callable[[CommandAction], Coroutine[Any, Any, None]]


def play_with(which: ActionSpec, play: Play, ports: tuple[int, ...] = (22, 80, 220)) -> None:
    """Play with an action in a namespace where some doors are open."""

    async def live() -> None:
        doors = [listen(port, address) for port in ports for address in ("192.0.2.1", SERVER6)]
        try:
            await play(make(which))
        finally:
            for door in doors:
                door.close()

    play_in_namespace(live)


def debian(directory: Path) -> Path:
    """Return a tree whose actions are those of Debian's fail2ban, in place of ours."""
    directory.mkdir()
    (directory / "action.d").symlink_to(DEBIAN)
    return directory
