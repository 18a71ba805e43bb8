"""Whose address it is: the `whois` program where there is one, else RFC 3912 by hand.

By hand: ask IANA, follow its referral to the regional registry, and from there at most once more. Answers are
strangers' text: capped here, and fit for the body of a letter only. A referral is followed only to a host name, always
on the same port, so that a registry's record cannot make us talk to anything but a whois server.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import time
from collections.abc import Awaitable, Callable

from sekisho.lookup.command import run_command
from sekisho.lookup.memory import Answer, Memory, MemoryStatistics, TooBusy
from sekisho.model.address import Subject

Connect = Callable[[str, int], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]

_SECONDS = 20.0
_LIMIT = 65536  # bytes; the longest honest answers (a university's list of networks) have some 20 KiB
_KEPT = 86400.0  # allocations change over months, and registries count questions by the day
_KEPT_FAILURE = 600.0
_SIZE = 200  # reports of up to 64 KiB each, whose length strangers decide
_AT_ONCE = 2  # registries refuse hosts that ask in parallel
_HOPS = 3
_REFERRAL = re.compile(
    rb"^(?:refer|whois|ReferralServer):[ \t]*(?:whois://)?(?P<host>[a-z0-9.-]{1,240}\.[a-z]{2,12})(?::43)?/?[ \t]*\r?$",
    re.MULTILINE | re.IGNORECASE,
)
_QUESTIONS = {"whois.arin.net": "n + {}"}  # networks with all details (arin.net: "Using Whois")


def find_whois() -> str | None:
    """Return the path of the `whois` program; None when there is none."""
    return shutil.which("whois", path="/usr/bin:/bin:/usr/local/bin:/usr/sbin")


class Whois:
    """Asks who holds an address, and remembers. Lives as long as the daemon.

    `program` None speaks RFC 3912 with `server`, and with those that it refers to, all on `port`. `seconds` limits
    each question; `clock` is monotonic.
    """

    def __init__(
        self,
        *,
        program: str | None = None,
        server: str = "whois.iana.org",
        port: int = 43,
        connect: Connect = asyncio.open_connection,
        seconds: float = _SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._program = program
        self._server = server
        self._port = port
        self._connect = connect
        self._seconds = seconds
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._memory: Memory[str, str] = Memory(self._ask, size=_SIZE, clock=clock)

    async def __call__(self, subject: Subject) -> str:
        """Return the report on an address or network; a line that says why there is none. Never raises."""
        if subject.network is None:
            return f"no whois: {subject} is no address"
        try:
            return await self._memory.get(subject.text)
        except TooBusy:
            return "no whois: too many questions are under way"

    def statistics(self) -> MemoryStatistics:
        """How much was asked."""
        return self._memory.statistics()

    async def close(self) -> None:
        """End what is under way."""
        await self._memory.close()

    async def _ask(self, address: str) -> Answer[str]:
        async with self._turn:
            try:
                async with asyncio.timeout(self._seconds):
                    report, kept = await (self._by_program(address) if self._program else self._by_hand(address))
            except TimeoutError:
                return Answer(f"no whois: no answer within {self._seconds:g} seconds", _KEPT_FAILURE)
            except OSError as error:
                return Answer(f"no whois: {error}", _KEPT_FAILURE)
        text = _decode(report).strip()
        return Answer(text, kept) if text else Answer("no whois: the answer is empty", _KEPT_FAILURE)

    async def _by_program(self, address: str) -> tuple[bytes, float]:
        assert self._program is not None
        # the limit of its own comes first, so that what it printed until then is not lost
        outcome = await run_command([self._program, "--", address], seconds=self._seconds * 0.9, limit=_LIMIT)
        if outcome.status is None and not outcome.output:
            raise TimeoutError
        return outcome.output, _KEPT if outcome.status == 0 else _KEPT_FAILURE  # a report or a complaint: worth showing

    async def _by_hand(self, address: str) -> tuple[bytes, float]:
        server, asked, report = self._server, set[str](), b""
        for _ in range(_HOPS):
            asked.add(server)
            try:
                fresh = await self._query(server, _QUESTIONS.get(server, "{}").format(address))
            except OSError:
                if report:  # what the server before said is better than nothing
                    break
                raise
            report = fresh or report
            referral = _REFERRAL.search(fresh)
            if referral is None:
                break
            server = referral["host"].decode().lower()
            if server in asked:
                break
        return report, _KEPT

    async def _query(self, server: str, question: str) -> bytes:
        """Return what one server says (RFC 3912: a line out, text in, until it closes)."""
        reader, writer = await self._connect(server, self._port)
        try:
            writer.write(f"{question}\r\n".encode("ascii"))
            await writer.drain()
            report = b""
            while len(report) < _LIMIT and (chunk := await reader.read(8192)):
                report += chunk
            return report[:_LIMIT]
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def _decode(report: bytes) -> str:
    """Return the text; most registries answer in UTF-8, some in ISO 8859-1, and a cut may fall inside a letter."""
    try:
        return report.decode("utf-8")
    except UnicodeDecodeError as error:
        cut = len(report) >= _LIMIT and error.start >= len(report) - 3
        return report.decode("utf-8", "ignore") if cut else report.decode("latin-1")
