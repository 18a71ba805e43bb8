"""What the engine answers to whoever speaks for a person: the only part of it that `control` (and later `web`) knows.

Every method is called on the engine's own loop. A request that cannot be met raises `Refused`, whose text is shown to
the user as it is (COMPAT 6.1 has the texts that other programs know); an unknown jail raises `UnknownJail`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sekisho.model.action import Members
from sekisho.model.address import Subject
from sekisho.model.duration import Seconds
from sekisho.model.origin import Origin
from sekisho.model.problem import Problem
from sekisho.model.proof import Barrier, Count, Tally
from sekisho.model.specs import ActionSpec, JailSpec, ServerSpec
from sekisho.model.verdict import Ban


class Refused(Exception):  # noqa: N818 - a refusal is an answer, not an error of the program
    """A request that cannot be met; the text says why, for the user."""


class UnknownJail(Refused):
    """No jail of that name runs."""

    def __init__(self, jail: str) -> None:
        super().__init__(f"Sorry but the jail '{jail}' does not exist")
        self.jail = jail


class DuplicateJail(Refused):
    """A jail of that name is there already."""

    def __init__(self, jail: str) -> None:
        super().__init__(f"The jail '{jail}' already exists")
        self.jail = jail


class UnknownAction(Refused):
    """The jail has no action of that name."""

    def __init__(self, action: str) -> None:
        super().__init__(f"Invalid Action name: {action}")


@dataclass(frozen=True, slots=True)
class JailStatus:
    """How a jail stands. `bans` are in the order in which they were made; `health` is empty when all is well."""

    name: str
    backend: str
    failed: int
    failed_total: int
    banned_total: int
    bans: tuple[Ban, ...]
    files: tuple[str, ...]
    journalmatch: tuple[str, ...]
    health: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """How the whole stands. `problems` are those of the configuration in force."""

    version: str
    started: float
    jails: tuple[str, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Reload:
    """What a reload is asked to do (COMPAT 6.2). `jail` None: the whole tree; `dry_run`: only tell what it would do."""

    jail: str | None = None
    restart: bool = False
    unban: bool = False
    if_exists: bool = False
    dry_run: bool = False


class Fate(enum.StrEnum):
    """What a reload does to a jail."""

    ADDED = "added"
    REMOVED = "removed"
    RESTARTED = "restarted"
    CHANGED = "changed"
    KEPT = "kept as it is"


@dataclass(frozen=True, slots=True)
class OptionChange:
    """One option, `old` and `new` as people write them (empty: not set), and what the change does."""

    option: str
    old: str
    new: str
    effect: str


@dataclass(frozen=True, slots=True)
class JailChange:
    """What a reload does to one jail; `note` says what it means for the jail as a whole."""

    jail: str
    fate: Fate
    note: str = ""
    options: tuple[OptionChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What a reload did, or in a dry run would do; jails that stay as they are do not appear."""

    jails: tuple[JailChange, ...] = ()
    server: tuple[OptionChange, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class JailCounts:
    """What the standing bans of a jail have stopped, each since it was last written into the firewall.

    `silent` are the enforcers that do not say, and why.
    """

    jail: str
    bans: tuple[Ban, ...]
    tallies: tuple[Tally, ...]
    silent: Mapping[str, str]

    @property
    def total(self) -> Count:
        """What they have stopped in all."""
        return sum((tally.total for tally in self.tallies), Count())

    def of(self, ban: Ban) -> Count:
        """Return what one ban has stopped."""
        return sum((tally.of.get(ban.target, Count()) for tally in self.tallies), Count())


@dataclass(frozen=True, slots=True)
class ActionProof:
    """How one action of a jail stands; a text says why it does not tell."""

    jail: str
    action: str
    barrier: Barrier | str


@dataclass(frozen=True, slots=True)
class TrialStatus:
    """Until when a configuration on trial awaits confirmation, or when the last one was taken back.

    In seconds since the epoch; None where it does not, or was not.
    """

    until: float | None = None
    rolled_back: float | None = None


@dataclass(frozen=True, slots=True)
class Adopted:
    """What was taken over from a Fail2ban's database, as numbers of bans by jail.

    `standing` are in force from now on, or longer than before; `past` are over, and count as history; `known` had been
    taken over already. `remarks` tell which rows could not be read.
    """

    standing: Mapping[str, int]
    past: Mapping[str, int]
    known: Mapping[str, int]
    remarks: tuple[str, ...] = ()


class EngineApi(Protocol):
    """The engine as `control` sees it."""

    @property
    def server(self) -> ServerSpec:
        """The server's settings in force."""

    def status(self) -> EngineStatus:
        """The whole."""

    def jail_status(self, jail: str) -> JailStatus:
        """One jail."""

    def jail_spec(self, jail: str) -> JailSpec:
        """One jail's specification in force, changes by hand included."""

    def expressions(self, jail: str, option: str) -> Sequence[str]:
        """Return a jail's `prefregex`, `failregex` or `ignoreregex` as they are matched: tags expanded (COMPAT 6.3)."""

    def bans_of(self, subject: Subject) -> Mapping[str, Ban]:
        """The bans that bar `subject`, its own or else that of the narrowest network around it, by jail."""

    async def origins(self, subjects: Sequence[Subject]) -> Sequence[Origin]:
        """Whose network each of the subjects is in; asks a name server."""

    async def counts(self, jail: str) -> JailCounts:
        """How many packets a jail's bans have stopped."""

    async def proofs(self, jail: str, subject: Subject | None) -> Sequence[ActionProof]:
        """How a jail's enforcers stand against `subject`, none where the jail does not bar it.

        None: against those whom the jail has barred last.
        """

    async def ban(
        self,
        jail: str,
        subjects: Sequence[Subject],
        *,
        duration: Seconds | None = None,
        reason: str = "",
        force: bool = False,
    ) -> int:
        """Bar subjects by hand, whatever the ignore lists say (COMPAT 1.9); the number newly banned.

        Raises Refused, and bars nobody, when one of them is guarded, or a network with an ignored address in it, unless
        it is to be by `force`.
        """

    async def unban(self, jail: str | None, subjects: Sequence[Subject] | None) -> Sequence[Ban]:
        """Lift the bans that `subjects` cover (None: all) in one jail or in all, and forget them; those lifted.

        So are prefixes that a machine has barred around one of them.
        """

    async def adopt(self, database: str) -> Adopted:
        """Take over the bans and the history in a Fail2ban's database, named by its whole path.

        Raises Refused when it cannot be read, or the ledger cannot be written.
        """

    async def attempt(self, jail: str, subject: Subject, lines: Sequence[str]) -> int:
        """Count a failure by hand (COMPAT 3.1); 1, or 0 when the subject is ignored."""

    async def change(self, jail: str, spec: JailSpec) -> None:
        """Replace a jail's specification by hand (`set JAIL ...`), until the next reload.

        Raises Refused when the new one does not hold (an expression that does not compile, a host name as DNS mode).
        """

    async def reload(self, request: Reload) -> Reloaded:
        """Read the configuration again and apply the difference, unless it is a dry run; what it comes to.

        Raises Refused, and changes nothing, when the tree cannot be used.
        """

    async def apply(self, seconds: Seconds) -> Reloaded:
        """Reload, and take everything back after some seconds unless `confirm` is said; what the reload comes to.

        Raises Refused, and changes nothing, when the tree cannot be used, or a configuration is on trial already.
        """

    async def confirm(self) -> None:
        """Let the configuration on trial stay. Raises Refused when there is none."""

    def trial(self) -> TrialStatus:
        """Whether a configuration is on trial."""

    async def add_jail(self, spec: JailSpec) -> None:
        """Let there be a jail that does nothing before `start_jail`, until the next reload.

        Raises DuplicateJail when there is one of that name.
        """

    async def start_jail(self, jail: str) -> None:
        """Let a jail that was added begin, or one that was stopped begin anew as it is configured.

        One that runs is left as it is. Raises UnknownJail where nobody has configured one, and Refused like `reload`.
        """

    async def set_idle(self, jail: str, *, is_idle: bool) -> None:
        """Let what the jail's logs say wait while it is idle; it is judged when the jail is so no more."""

    async def stop_jail(self, jail: str) -> None:
        """Stop a jail and lift its bans in the firewall; the ledger keeps them."""

    async def shut_down(self, *, keeps_bans: bool = False) -> None:
        """Begin to end the daemon; returns at once. The firewall can keep its bans meanwhile, for the next start."""

    async def flush_logs(self) -> str:
        """Reopen the log; `rolled over` for a file, `flushed` for anything else."""

    async def set_server(self, option: str, text: str) -> None:
        """Change one of the server's settings, a field of ServerSpec, until the daemon ends.

        Raises ValueError where the text means nothing, and Refused where it cannot be.
        """

    async def action_members(self, jail: str, action: str) -> Members:
        """Return what an action of a jail has to be looked at and called. Raises UnknownAction."""

    async def get_property(self, jail: str, action: str, name: str) -> object:
        """Return one property of an action. Raises UnknownAction, and Refused where it has none of that name."""

    async def add_action(self, jail: str, spec: ActionSpec) -> None:
        """Give a jail one more action, until the next reload.

        Raises Refused when it has one of that name, or the action cannot be brought up.
        """

    async def set_property(self, jail: str, action: str, name: str, text: str) -> None:
        """Give a property of an action a value, until the next reload; any name may be made up.

        Raises UnknownAction, and Refused when the value does not hold.
        """

    async def call_action(self, jail: str, action: str, method: str, arguments: Mapping[str, object]) -> object:
        """Call a method of an action by hand; what it returns.

        Raises UnknownAction, and Refused when it has no such method, or the method fails.
        """
