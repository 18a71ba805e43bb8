"""Names to addresses and back, by the system's resolver, in threads that nothing waits for too long.

The system's resolver blocks and cannot be interrupted, so each question runs in a thread of its own (at most
`_AT_ONCE`; daemon threads, so that a dead name server never delays the end of the process), and whoever asked goes on
without an answer after a few seconds. A name that a stranger wrote is looked at first: `127.1` and `0x7f000001` are
addresses to the resolver, not names.
"""

from __future__ import annotations

import asyncio
import re
import socket
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from sekisho.lookup.memory import Answer, Memory, MemoryStatistics, TooBusy
from sekisho.model.address import Subject, parse_subject

T = TypeVar("T")
GetAddrInfo = Callable[[str, bool], tuple[str | None, tuple[str, ...]]]
"""Name and whether IPv6 counts; the canonical name and the addresses. Raises OSError. Blocks."""
GetNameInfo = Callable[[str], str]
"""Address; its name. Raises OSError. Blocks."""

_KEPT = 300.0  # seconds, for names that exist and names that do not (COMPAT 1.9)
_KEPT_FAILURE = 30.0  # the name server did not answer: nothing is known about the name
_SIZE = 1000
_SECONDS = 5.0
_AT_ONCE = 4
_NAME = re.compile(r"(?=.{1,253}\.?\Z)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*"
                   r"(?!\d+\.?\Z|0[xX])[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?")  # fmt: skip
_NO_SUCH_NAME = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})  # musl has but one


class Resolver:
    """Resolves, and remembers. Lives as long as the daemon; its methods never raise. `ipv6`: whether AAAA counts."""

    def __init__(
        self,
        *,
        ipv6: bool = True,
        seconds: float = _SECONDS,
        clock: Callable[[], float] = time.monotonic,
        getaddrinfo: GetAddrInfo | None = None,
        getnameinfo: GetNameInfo | None = None,
    ) -> None:
        self.ipv6 = ipv6
        self._seconds = seconds
        self._getaddrinfo = getaddrinfo or _getaddrinfo
        self._getnameinfo = getnameinfo or _getnameinfo
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._names: Memory[str, tuple[str | None, frozenset[Subject]]] = Memory(self._forward, size=_SIZE, clock=clock)
        self._addresses: Memory[str, str | None] = Memory(self._backward, size=_SIZE, clock=clock)

    async def resolve(self, name: str) -> frozenset[Subject]:
        """Return the addresses of `name` (A, and AAAA where IPv6 counts); none when it has none or nobody answers."""
        subject = parse_subject(name)
        if subject.is_single:
            return frozenset({subject})
        return (await self._forward_of(name))[1]

    async def canonical(self, name: str) -> str | None:
        """Return the name that `name` is short for, as far as the resolver knows."""
        return (await self._forward_of(name))[0]

    async def reverse(self, subject: Subject) -> str | None:
        """Return the name of a single address; None when it has none (or `subject` is no single address)."""
        if not subject.is_single:
            return None
        try:
            return await self._addresses.get(subject.text)
        except TooBusy:
            return None

    def statistics(self) -> tuple[MemoryStatistics, MemoryStatistics]:
        """How much was asked: for addresses, for names."""
        return self._names.statistics(), self._addresses.statistics()

    async def close(self) -> None:
        """Forget what is under way; its threads end by themselves."""
        await self._names.close()
        await self._addresses.close()

    async def _forward_of(self, name: str) -> tuple[str | None, frozenset[Subject]]:
        if _NAME.fullmatch(name) is None:
            return None, frozenset()
        try:
            return await self._names.get(name.lower().rstrip("."))
        except TooBusy:
            return None, frozenset()

    async def _forward(self, name: str) -> Answer[tuple[str | None, frozenset[Subject]]]:
        try:
            canonical, addresses = await self._in_thread(lambda: self._getaddrinfo(name, self.ipv6))
        except OSError as error:
            return Answer((None, frozenset()), _KEPT if error.errno in _NO_SUCH_NAME else _KEPT_FAILURE)
        subjects = frozenset(subject for subject in map(parse_subject, addresses) if subject.is_single)
        return Answer((canonical, subjects), _KEPT)

    async def _backward(self, address: str) -> Answer[str | None]:
        try:
            name = await self._in_thread(lambda: self._getnameinfo(address))
        except OSError as error:
            return Answer(None, _KEPT if error.errno in _NO_SUCH_NAME else _KEPT_FAILURE)
        # whoever owns the address writes this name
        return Answer(name.rstrip(".") if _NAME.fullmatch(name) else None, _KEPT)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Return what `work` returns; a thread that hangs keeps its turn until it ends. Raises OSError."""
        loop = asyncio.get_running_loop()
        result: asyncio.Future[T] = loop.create_future()

        def settle(value: T | None, error: OSError | None) -> None:
            self._turn.release()
            if result.done():
                return
            if error is not None:
                result.set_exception(error)
            else:
                result.set_result(value)  # type: ignore[arg-type]  # no error: there is a value

        def run() -> None:
            value: T | None = None
            failure: OSError | None = None
            try:
                value = work()
            except OSError as error:
                failure = error
            except (UnicodeError, ValueError) as error:
                failure = OSError(socket.EAI_NONAME, str(error))
            try:
                loop.call_soon_threadsafe(settle, value, failure)
            except RuntimeError:
                return  # the loop has closed: nobody waits any more

        async with asyncio.timeout(self._seconds):  # TimeoutError is an OSError
            await self._turn.acquire()
            try:
                threading.Thread(target=run, name="resolver", daemon=True).start()
            except RuntimeError as error:  # no thread can be had
                self._turn.release()
                raise OSError(socket.EAI_AGAIN, str(error)) from None
            return await result


def _getaddrinfo(name: str, ipv6: bool) -> tuple[str | None, tuple[str, ...]]:  # noqa: FBT001 - a GetAddrInfo
    family = socket.AF_UNSPEC if ipv6 else socket.AF_INET
    found = socket.getaddrinfo(name, None, family=family, type=socket.SOCK_STREAM, flags=socket.AI_CANONNAME)
    canonical = next((entry[3] for entry in found if entry[3]), None)
    return canonical, tuple(str(entry[4][0]) for entry in found)


def _getnameinfo(address: str) -> str:
    return socket.getnameinfo((address, 0), socket.NI_NAMEREQD | socket.NI_DGRAM)[0]
