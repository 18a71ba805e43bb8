"""Reading: one task a source, however many jails watch it.

**Where reading begins.** The ledger knows how far a source has been read, and which jails have read it that far. Of
these, each refills its windows from the lines of its last two `findtime` (two, because a counter that is alive may have
begun that long ago, COMPAT 3.1) without judging anybody again. A jail that is new to the source catches up with the
same lines. Then all follow the source from its position. A source never read before is followed from `findtime` ago,
or from its end where the jails say `tail`.

**What goes wrong.** A stranger writes these lines, so no line may end the reading: a line whose matching raises is
left out, a block that cannot be digested is passed over, and a source that fails is read on from where it was, after
a pause. The log tells of it with a traceback, once a minute.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from sekisho.engine.clock import Clock
from sekisho.engine.jail import Jail
from sekisho.engine.pipeline import Pipeline
from sekisho.engine.quarantine import Overrun, Watch, find_culprit, name_of
from sekisho.match.finding import Finding, Remark, Unresolved
from sekisho.match.matcher import Stumbled
from sekisho.model.block import Block, CaughtUp, Notice, Phase, SourceEvent
from sekisho.model.candidate import Candidate, Search
from sekisho.model.position import Position
from sekisho.model.verdict import Failure
from sekisho.scan.bundle import Bundle

log = logging.getLogger("fail2ban.filter")

LEVELS = {"DEBUG": 10, "MSG": 18, "INFO": 20, "NOTICE": 25, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}


_PAUSES = (1.0, 60.0)  # seconds before a source that has failed is read on: at first, and at most
_SHOWN = 200  # bytes of a line that cannot be matched
_QUIET = 60.0  # seconds between two tracebacks: who can provoke one must not fill the disk with them

P_contra = TypeVar("P_contra", contravariant=True)


class Source(Protocol[P_contra]):
    """What reading needs of a log file or a journal (sources.tail, sources.journal), whose positions are its own."""

    @property
    def key(self) -> str:
        """The name under which the ledger keeps its position."""

    def backlog(self, since: float, until: P_contra) -> AsyncGenerator[Block, None]:
        """Yield the lines from `since` up to `until`."""

    def follow(self, after: P_contra | None, since: float | None) -> AsyncGenerator[SourceEvent, None]:
        """Yield what comes after `after`, or what is not older than `since`, or what is new; never ends."""


class Reading:
    """The task that reads one source for its jails, in the order in which the source numbers them."""

    def __init__(
        self,
        source: Source[Any],
        jails: Sequence[Jail],
        *,
        tail: bool,
        pipeline: Pipeline,
        clock: Clock,
        watch: Watch,
    ) -> None:
        self.source = source
        self.jails = tuple(jails)
        self._places = {jail.name: place for place, jail in enumerate(self.jails)}
        self._tail = tail
        self._pipeline = pipeline
        self._clock = clock
        self._watch = watch
        self._bundle = _bundle_of(tuple((jail.name, jail.compiled.searches) for jail in self.jails))
        self.position: Position | None = None
        self._is_saved = True
        self._has_trouble = True  # what an earlier reading told, perhaps
        self._pause = _PAUSES[0]
        self._told_at = -_QUIET
        self._untold = 0
        self._task: asyncio.Task[None] | None = None
        self.caught_up = asyncio.Event()

    def __repr__(self) -> str:
        return f"<Reading {self.source.key} for {', '.join(jail.name for jail in self.jails)}>"

    def start(self) -> None:
        """Begin to read, beside the caller."""
        self._task = asyncio.create_task(self._run(), name=repr(self))

    async def stop(self) -> None:
        """End reading and let the ledger know how far it came."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.save_position()
        self._pipeline.settle()

    def rebuild(self) -> None:
        """Take the jails' present rules into the scan."""
        self._bundle = _bundle_of(tuple((jail.name, jail.compiled.searches) for jail in self.jails))

    def save_position(self) -> None:
        """Note the position for the next settling, if lines without consequences have moved it."""
        if self.position is not None and not self._is_saved:
            self._pipeline.account.note_position(self.source.key, self.position)
            self._is_saved = True

    async def _run(self) -> None:
        key = self.source.key
        while True:
            try:
                await self._read(key)
            except Exception:  # noqa: BLE001 - whatever one source does, it is read again, and the others go on
                self._tell(f"Reading {key} has failed; trying again in {self._pause:g} s")
                self._trouble(key, f"reading {key} has failed; see the log")
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, _PAUSES[1])

    async def _read(self, key: str) -> None:
        await self._prime(key)
        since = None if self._tail else self._clock.now() - max(jail.spec.findtime for jail in self.jails)
        follow = self.source.follow(self.position, since)
        async with contextlib.aclosing(follow) if isinstance(follow, AsyncGenerator) else contextlib.nullcontext():
            async for event in follow:
                self._take(event)
                await asyncio.sleep(0)  # a log that never pauses must not starve the socket and the firewall

    def _tell(self, what: str) -> None:
        """Log the exception at hand, unless one was logged just now; then only count it."""
        now = asyncio.get_running_loop().time()
        if now - self._told_at < _QUIET:
            self._untold += 1
            return
        log.error("%s (%d other such errors in silence before)", what, self._untold, exc_info=True)  # noqa: LOG014
        self._told_at, self._untold = now, 0

    async def _prime(self, key: str) -> None:
        fresh = [jail for jail in self.jails if key not in jail.primed]
        if self.position is None:
            self.position = self._pipeline.account.position(key)
        if self.position is not None and fresh:
            known = self._pipeline.account.readers(key)
            try:
                await self._go_back(fresh, known, until=self.position)
            except Exception:  # noqa: BLE001 - the windows stay emptier than they were; what comes is judged all the same
                self._tell(f"The lines of {key} from before cannot be read again")
            self._pipeline.settle()
        for jail in fresh:
            jail.primed.add(key)
            jail.judge.end_refill()
        self._pipeline.account.note_readers(key, [jail.name for jail in self.jails])

    async def _go_back(self, fresh: Sequence[Jail], known: Collection[str], *, until: Position) -> None:
        since = self._clock.now() - 2 * max(jail.spec.findtime for jail in fresh)
        async for block in self.source.backlog(since, until):
            for jail in fresh:
                if jail.name in known:
                    self._digest(block, (jail,))
                elif not self._tail:
                    self._digest(replace(block, phase=Phase.CATCHUP), (jail,))
            await asyncio.sleep(0)

    def _take(self, event: SourceEvent) -> None:
        match event:
            case Block():
                self._take_block(event)
            case CaughtUp(_, position):
                if position is not None:
                    self.position, self._is_saved = position, False
                self.save_position()
                self._pipeline.settle()
                self.caught_up.set()
            case Notice(source, level, text):
                log.log(LEVELS.get(level, logging.INFO), "%s", text)
                if LEVELS.get(level, 0) >= logging.WARNING:
                    self._trouble(source, text)

    def _trouble(self, source: str, text: str) -> None:
        """Let the jails' health tell of a trouble with the source, until a block of it comes."""
        self._has_trouble = True
        for jail in self.jails:
            jail.troubles[source] = text

    def _take_block(self, block: Block) -> None:
        if self._has_trouble:
            self._has_trouble = False
            for jail in self.jails:
                jail.troubles.pop(block.source, None)
        try:
            effective = self._digest(block, self.jails)
        except Exception:  # noqa: BLE001 - read again, it would raise again: pass over it
            self._tell(f"A block of {len(block.data)} bytes of {block.source} cannot be digested")
            effective = True
        else:
            self._pause = _PAUSES[0]
        self.position = block.position
        self._is_saved = False
        if effective:
            self.save_position()
            self._pipeline.settle()

    def _digest(self, block: Block, jails: Sequence[Jail]) -> bool:
        """Match a block for some jails and judge what is found; True when anything was."""
        shares = self._bundle.divide(self._bundle.scan(block.data))
        if not shares:
            return False
        now = self._clock.now()
        effective = False
        for place in sorted(map(self._places.__getitem__, shares)):
            jail = self.jails[place]
            own = shares[jail.name]
            if jail not in jails or jail.quarantine.is_whole:
                continue
            if jail.quarantine.out:
                allowed = ~jail.quarantine.out
                own = [each._replace(mask=each.mask & allowed) for each in own if each.mask & allowed]
            if own:
                findings = self._match(jail, block, own, now=now, channel=1 << place)
                effective |= bool(findings)
                self._follow_up(jail, findings, block.phase)
        return effective

    def _match(
        self, jail: Jail, block: Block, own: Sequence[Candidate], *, now: float, channel: int
    ) -> Sequence[Finding]:
        """Return what the candidates on the jail's channel say; one that cannot be matched costs itself only."""
        findtime = jail.spec.findtime * (2 if block.phase is Phase.REFILL else 1)
        findings: list[Finding] = []
        rest, tried_again = list(own), False
        while rest:
            try:
                with self._watch(lambda: jail.matcher.at):
                    found = jail.matcher.read(block, rest, now=now, findtime=findtime, channel=channel)
                    return [*findings, *found]
            except Stumbled as stumbled:
                findings += stumbled.findings
                place = next(place for place, candidate in enumerate(rest) if candidate.start == stumbled.start)
                fallen = rest[place]
                tried_again = tried_again and place == 0
                rest = rest[place + 1 :]
                if not isinstance(stumbled.__cause__, Overrun):
                    line = block.data[fallen.start : fallen.end][:_SHOWN]
                    self._tell(f"[{jail.name}] A line of {block.source} cannot be matched and is left out: {line!r}")
                elif spared := self._put_out(jail, block, fallen, now=now):
                    # not tried again in this block: a crowd of crafted lines must not add up to seconds
                    again = () if tried_again else (fallen,)
                    rest = [each._replace(mask=each.mask & spared) for each in (*again, *rest) if each.mask & spared]
                    tried_again = bool(rest and again and rest[0].start == fallen.start)
        return findings

    def _put_out(self, jail: Jail, block: Block, fallen: Candidate, *, now: float) -> int:
        """Blame a rule for a line that took too long; the mask of all others, 0 where no rule alone is to blame."""
        text, _ = jail.compiled.decode(
            block.data[fallen.start : min(fallen.end, fallen.start + jail.compiled.longest_line)]
        )
        rule = find_culprit(jail.compiled, text, fallen.mask, now=now, watch=self._watch)
        is_out = jail.quarantine.note(rule)
        what = "[%s] A line of %s takes too long for %s and is left out for it: %r"
        log.warning(what, jail.name, block.source, name_of(rule), text[:_SHOWN])
        if is_out:
            log.error("[%s] %s", jail.name, jail.quarantine.health[-1])
        return 0 if rule is None else ~(1 << rule)

    def _follow_up(self, jail: Jail, findings: Sequence[Finding], phase: Phase) -> None:
        then = self._pipeline.refill if phase is Phase.REFILL else self._pipeline.judge
        failures = [finding for finding in findings if isinstance(finding, Failure)]
        if phase is Phase.REFILL:
            for failure in failures:
                self._pipeline.refill(jail, failure)
        else:
            self._pipeline.judge_all(jail, failures)
        if len(failures) == len(findings):
            return
        for finding in findings:
            match finding:
                case Unresolved():
                    self._pipeline.lookups.resolve(jail, finding, then=then)
                case Remark(level, text):
                    log.log(LEVELS.get(level, logging.WARNING), "[%s] %s", jail.name, text)


@lru_cache(maxsize=32)  # a glob may name thousands of logs, all read for the same jails
def _bundle_of(jails: tuple[tuple[str, tuple[Search, ...]], ...]) -> Bundle:
    return Bundle(jails)
