"""What an engine is assembled from (`daemon/assemble.py` has the real parts, tests bring their own)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from random import SystemRandom

from sekisho.engine.clock import Clock
from sekisho.engine.doubts import Ask
from sekisho.engine.lifecycle import MakeAction
from sekisho.engine.quarantine import Watch
from sekisho.engine.readings import Sources
from sekisho.engine.report import Entry
from sekisho.engine.settings import LogControl
from sekisho.ledger.ledger import Ledger
from sekisho.model.address import Subject
from sekisho.model.origin import Origin
from sekisho.model.specs import Configuration


@dataclass(frozen=True, slots=True)
class Parts:
    """What an engine is assembled from. `load` reads the configuration again; it may block and runs beside the loop.

    `guarded` tells whom no machine may bar, and why. `ignores` asks a jail's ignorecommand. `allow_ipv6` hears whether
    IPv6 is used from now on (auto, yes, no). `is_restarting` tells, at the end, whether the init system begins us anew
    at once. `origins` tells whose network each address is in. None of them raises. `chance` returns a number in [0, 1)
    that nobody can guess (`bantime.rndtime`).
    """

    clock: Clock
    ledger: Ledger
    load: Callable[[], Configuration]
    make_action: MakeAction
    sources: Sources
    resolve: Callable[[str], Awaitable[frozenset[Subject]]]
    own_addresses: Callable[[], Awaitable[frozenset[Subject]]]
    guarded: Callable[[], Mapping[Subject, str]]
    write: Callable[[Sequence[Entry]], None]
    log_control: LogControl
    watch: Watch
    ignores: Ask
    allow_ipv6: Callable[[str], None]
    is_restarting: Callable[[], Awaitable[bool]]
    origins: Callable[[Sequence[Subject]], Awaitable[Sequence[Origin]]]
    chance: Callable[[], float] = SystemRandom().random
