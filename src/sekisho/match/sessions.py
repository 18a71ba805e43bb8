"""Failures told over several lines that share an id, as a connection's do (COMPAT 2.4).

A line of a session is a failure, or context (no-failure), or the news that access was gained. What the lines of one
session have captured is gathered as facts; a failure is reported by the first line by which it is complete: a line may
fail before anybody knows whose connection it is, and then the line that brings the address reports it. A second user
name in one session is an attack whatever became of it. A failure that tells once more of a try that is known is
context (`tries`).

The state lives here, in memory, bounded by `MOST_SESSIONS`, `MOST_LINES` and `MOST_USERS`; a crash loses it, by design.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sekisho.match.groups import Groups, Who, who_of
from sekisho.match.tries import Tally
from sekisho.model.verdict import OF_A_LINE, Captured

MOST_SESSIONS = 100
"""Fail2ban's own bound; more sessions than these at once push the oldest out."""

LIFETIME = 300.0
"""Seconds from its first line for which a session is remembered."""

MOST_LINES = 64
"""Lines kept as evidence in one session, so that one that never ends costs no memory; the newest are kept."""

MOST_USERS = 64
"""User names told apart in one session: a process may serve one connection after another under one id."""


_new = tuple.__new__  # half the price of calling the class

_MOST_LENGTHS = 8  # process ids have up to seven digits, and a host has one name


@dataclass(slots=True)
class _Facts:
    """What one session has told so far. `pending`: it has failed, and nobody knows yet whose session it is.

    A session begins with every line of an attack and seldom goes on, so its parts are tuples: empty ones cost nothing.
    """

    born: float
    groups: Groups
    users: tuple[str, ...] = ()
    matches: tuple[str, ...] = ()
    nofail_matches: tuple[str, ...] = ()
    pending: bool = False
    tally: Tally | None = None
    trier: tuple[str, str] = ("", "")  # the address and the user name of the tally, as far as they are known

    @property
    def is_context(self) -> bool:
        """True while the newest line was no failure."""
        return bool(self.groups.get("nofail") or self.groups.get("mlfgained"))

    def turn(self, *, gained: bool) -> None:
        """Make ready for another line: what has been reported is done with."""
        if gained:
            self.pending = False
        if not self.is_context and not self.pending:
            self.matches = ()
        for name in ("nofail", "mlfgained", *OF_A_LINE):
            self.groups.pop(name, None)

    def learn(self, groups: Groups) -> None:
        """Add what another line has captured."""
        self.groups.update(groups)
        user = groups.get("user")
        if user and isinstance(user, str) and user not in self.users and len(self.users) < MOST_USERS:
            self.users = tuple(sorted((*self.users, user)))

    def retells(self, groups: Groups) -> bool:
        """True when the newest line, a failure, tells of a try that is known: it is context then.

        A process may serve one connection after another under one id, so others' tries are counted anew.
        """
        if "mlftry" not in groups:
            return False
        address = str(groups.get("ip4") or groups.get("ip6") or groups.get("dns") or "")
        user = str(groups.get("user") or "")
        is_other = any(new and old not in ("", new) for new, old in zip((address, user), self.trier, strict=True))
        if self.tally is None or is_other:
            self.tally, self.trier = Tally(), ("", "")
        self.trier = address or self.trier[0], user or self.trier[1]
        if not self.tally.retells(groups) or self.pending:
            return False
        self.groups["nofail"] = groups["mlftry"]
        return True

    def convict(self) -> bool:
        """True when the newest line counts whatever it says itself: somebody awaited it, or there are two users."""
        if not self.pending and len(self.users) < 2:
            return False
        self.pending = False
        self.groups.pop("nofail", None)
        self.groups.pop("mlfgained", None)
        return True

    def prove(self, lines: tuple[str, ...]) -> None:
        """The newest lines are a failure, and all context before them belongs to it."""
        self.matches = (*self.nofail_matches, *self.matches, *lines)[-MOST_LINES:]
        self.nofail_matches = ()


class _Newborn(NamedTuple):
    """A session of one line so far, a failure of somebody known. Most sessions of an attack never become more."""

    born: float
    captured: Mapping[str, Captured]
    lines: tuple[str, ...]

    def facts(self) -> _Facts:
        """The same as facts that further lines can add to."""
        groups = dict(self.captured)
        users = groups.pop("users", ())
        facts = _Facts(self.born, groups, users if isinstance(users, tuple) else (), self.lines)  # type: ignore[arg-type]
        facts.retells(groups)
        return facts


class Told(NamedTuple):
    """What a session says with its newest line: its facts, and the lines that prove a failure."""

    groups: Mapping[str, Captured]
    who: Who
    matches: tuple[str, ...]
    nofail: bool


class Sessions:
    """The open sessions of one jail."""

    def __init__(self) -> None:
        self._open: dict[str, _Facts | _Newborn] = {}
        self._lengths: set[int] = set()  # of the ids that are open, and of a few that were

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, session: object) -> bool:
        return session in self._open

    def may_own(self, text: str) -> bool:
        """False when no open session's id stands at the start of `text`."""
        for length in self._lengths:  # noqa: SIM110 - any() would make a generator for each line of a log
            if text[:length] in self._open:
                return True
        return False

    def begin(self, session: str, captured: Mapping[str, Captured], lines: tuple[str, ...], now: float) -> bool:
        """Open a session with a failure of somebody known; False, and nothing has changed, when it is open already.

        `captured` holds the session's users besides what the line has captured.
        """
        known = self._open
        if session in known:
            return False
        if len(known) >= MOST_SESSIONS:
            del known[next(iter(known))]
        known[session] = _new(_Newborn, (now, captured, lines))
        if len(session) not in self._lengths:
            self._note_length(session)
        return True

    def tell(self, session: str, groups: Groups, lines: tuple[str, ...], *, now: float, usedns: str) -> Told:
        """Add a line that matched to its session."""
        gained = bool(groups.get("mlfgained"))
        nofail = gained or bool(groups.get("nofail"))
        forget = bool(groups.get("mlfforget"))
        facts = self._recall(session, now)
        if facts is None:
            facts = _Facts(now, groups)
            if not nofail:
                facts.retells(groups)
            if not forget:
                user = groups.get("user")
                facts.users = (user,) if user and isinstance(user, str) else ()
                self._open_session(session, facts)
        else:
            facts.turn(gained=gained)
            if forget:
                del self._open[session]
            facts.learn(groups)
            if not nofail and facts.retells(groups):
                nofail = True
            elif facts.convict():
                nofail = False
        who = who_of(facts.groups, usedns=usedns)
        if not nofail:
            facts.prove(lines)
            facts.pending = not who.is_known
        elif not forget:
            facts.nofail_matches = (*facts.nofail_matches, *lines)[-MOST_LINES:]
        told = facts.groups | {"users": facts.users} if facts.users else dict(facts.groups)
        return Told(told, who, facts.matches, nofail)

    def _recall(self, session: str, now: float) -> _Facts | None:
        known = self._open.get(session)
        if known is None:
            return None
        if now - known.born >= LIFETIME:
            del self._open[session]
            return None
        if isinstance(known, _Newborn):
            known = self._open[session] = known.facts()
        return known

    def _open_session(self, session: str, facts: _Facts) -> None:
        if len(self._open) >= MOST_SESSIONS:
            del self._open[next(iter(self._open))]
        self._open[session] = facts
        self._note_length(session)

    def _note_length(self, session: str) -> None:
        self._lengths.add(len(session))
        if len(self._lengths) > _MOST_LENGTHS:
            self._lengths = {len(each) for each in self._open}
