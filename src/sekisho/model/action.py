"""The contract between the engine and whatever carries a ban out: a firewall, commands, a mail.

An action belongs to one jail. The engine calls it in the order of the configuration, always from one task per
action, so its methods never overlap. Bulk is the primitive: one call takes any number of bans, and a ban that fails
never loses the others.

`Kind` orders the work: enforcers are awaited before anything is told to anyone; notifiers run beside the engine and
may be slow, and nothing waits for them.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from sekisho.model.address import Subject
from sekisho.model.verdict import Ban

Facts = Callable[[Ban | None, frozenset[str]], Awaitable[Mapping[str, str]]]
"""Answers which of the tags asked for are known of a ban (None: of nobody in particular; COMPAT 5.3)."""


class Kind(enum.Enum):
    """Whether the action bars or tells."""

    ENFORCER = "enforcer"
    NOTIFIER = "notifier"


@dataclass(frozen=True, slots=True)
class Failed:
    """A ban (or its lifting) that an action could not carry out, with the reason for the log.

    `is_final`: offering it again would not help (no firewall can bar what is no address).
    """

    ban: Ban
    reason: str
    is_final: bool = False


class ActionError(Exception):
    """An action could not be started, stopped or flushed; the message names what failed and with which output."""


class Action(Protocol):
    """Carries out the bans of one jail."""

    @property
    def name(self) -> str:
        """The actname (COMPAT 1.5)."""

    @property
    def kind(self) -> Kind:
        """Enforcer or notifier."""

    @property
    def survives_stop(self) -> bool:
        """True when what the action set up may stand while the daemon restarts (a kernel timeout ends each ban)."""

    async def start(self, standing: Sequence[Ban]) -> Sequence[Failed]:
        """Bring the action up with exactly `standing` in force, whatever an earlier life left behind.

        Raises ActionError when it cannot be brought up at all.
        """

    async def ban(self, bans: Sequence[Ban]) -> Sequence[Failed]:
        """Carry the bans out; afterwards each one not returned as failed is in force. Prolonging is a ban again."""

    async def unban(self, bans: Sequence[Ban]) -> Sequence[Failed]:
        """Lift the bans; one that is not in force (any more) is no failure."""

    async def listed(self) -> frozenset[Subject] | None:
        """Whom the action holds barred right now, as the system itself says.

        None where it cannot be asked, or where nobody else can have changed anything since it was.
        """

    async def stop(self, standing: Sequence[Ban]) -> None:
        """Lift everything and take the action down, leaving the system as `start` found it.

        Raises ActionError when something is left behind.
        """


@runtime_checkable
class Liftable(Protocol):
    """An action whose bans can be lifted before any action of its jail is taken down, as Fail2ban does (COMPAT 3.3)."""

    async def lift(self) -> None:
        """Lift every ban; the action stays up. Raises ActionError."""


@dataclass(frozen=True, slots=True)
class Members:
    """What an action has, by name: its properties, and the methods that people may call."""

    properties: tuple[str, ...]
    methods: tuple[str, ...]


@runtime_checkable
class Scripted(Protocol):
    """An action that is a program of the administrator's, with members of its own. Each method raises ActionError."""

    async def members(self) -> Members:
        """What it has."""

    async def get(self, name: str) -> object:
        """One property."""

    async def set(self, name: str, value: str) -> None:
        """Give a property a value; any name may be made up."""

    async def call(self, method: str, arguments: Mapping[str, object]) -> object:
        """Call a method by hand; what it returns, as JSON can say it."""


@runtime_checkable
class Perishable(Protocol):
    """An action whose set-up another program can remove from the system."""

    async def is_whole(self) -> bool:
        """Whether all that `start` set up stands, the bans themselves apart."""


@runtime_checkable
class Reloadable(Protocol):
    """An action that wants to know of each reload in which it goes on (`actionreload`, COMPAT 5.1)."""

    async def reload(self) -> None:
        """Take note of it. Raises ActionError when that fails."""
