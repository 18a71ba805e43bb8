"""Carries bans out by a Python action of the administrator's (COMPAT 5.5), in a child process (`python_child`).

The child lives as long as the action. One that dies is started again with the next call, and one that does not answer
in time is ended with everything it started: an action that was written for Fail2ban's own process must not be able to
take the daemon along. Tickets travel as data, never as code; what costs a look-up (the address' name, the ledger's
evidence) is asked for by the child only when the action looks at it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sekisho.enforce.render import parse_ticket
from sekisho.model.action import ActionError, Facts, Failed, Kind, Members
from sekisho.model.address import Subject
from sekisho.model.duration import parse_duration
from sekisho.model.specs import ActionSpec
from sekisho.model.verdict import Ban, Cause

log = logging.getLogger("fail2ban.action")

_CHILD = ("-P", "-m", "sekisho.enforce.python_child")
_TIMEOUT = 60.0  # seconds for one call (COMPAT 5.1)
_LONGEST = 1 << 22  # bytes of one message; evidence is far shorter
_PIECE = 1 << 14
_OURS = frozenset({"name", "actname", "timeout"})  # of the arguments: what the action is not given
_LAZY = ("ip-host", "ipmatches", "ipfailures", "ipjailmatches", "ipjailfailures", "fq-hostname", "sh-hostname")
_NUMBERS = ("failures", "time", "bantime", "bancount", "restored")


class PythonAction:
    """Bars, or tells, by the methods of a class in a file of the administrator's."""

    survives_stop = False
    kind = Kind.ENFORCER

    def __init__(self, spec: ActionSpec, *, jail: str, facts: Facts) -> None:
        """Raises ValueError: `timeout` is no duration."""
        self.name = spec.actname
        self._jail = jail
        self._file = spec.file
        self._arguments = {name: text for name, text in spec.properties.items() if name not in _OURS}
        self._limit = float(parse_duration(spec.properties["timeout"])) if "timeout" in spec.properties else _TIMEOUT
        self._facts = facts
        self._child: asyncio.subprocess.Process | None = None
        self._listener: asyncio.Task[None] | None = None
        self._skips_restored = False
        self._held: dict[Subject, Ban] = {}

    def __repr__(self) -> str:
        return f"<PythonAction {self.name} of jail {self._jail}>"

    async def start(self, standing: Sequence[Ban]) -> Sequence[Failed]:
        """Begin a child, let it start, and ban again whoever stands."""
        await self._end()
        self._held = {}
        await self._begin()
        return await self.ban([ban for ban in standing if not self._skips_restored])

    async def ban(self, bans: Sequence[Ban]) -> Sequence[Failed]:
        """Call `ban` for each, or `prolong` (where there is one) for who is banned already."""
        failed: list[Failed] = []
        for ban in bans:
            if self._skips_restored and ban.cause is Cause.RESTORED:
                continue
            method = "prolong" if ban.subject in self._held else "ban"
            try:
                await self._call(method, ban)
                self._held[ban.subject] = ban
            except ActionError as error:
                failed.append(Failed(ban, str(error)))
        return failed

    async def unban(self, bans: Sequence[Ban]) -> Sequence[Failed]:
        """Call `unban` for each that was banned."""
        failed: list[Failed] = []
        for ban in bans:
            if self._held.pop(ban.subject, None) is None:
                continue
            try:
                await self._call("unban", ban)
            except ActionError as error:
                failed.append(Failed(ban, str(error)))
        return failed

    async def listed(self) -> frozenset[Subject] | None:
        """Return None: such an action cannot be asked."""
        return None

    async def reload(self) -> None:
        """Call `reload`, if there is one. Raises ActionError."""
        await self._call("reload")

    async def lift(self) -> None:
        """Lift every ban, by `flush`, if there is one. Raises ActionError."""
        if self._held and not await self._call("flush"):
            left = await self.unban(list(self._held.values()))
            if left:
                raise ActionError("; ".join(failed.reason for failed in left[:3]))
        self._held = {}

    async def stop(self, standing: Sequence[Ban]) -> None:
        """Lift every ban, let the action stop, and end the child. Raises ActionError."""
        del standing  # only what was carried out has to be undone
        left: list[str] = []
        for step in (self.lift, partial(self._call, "stop")):
            try:
                await step()
            except ActionError as error:
                left.append(str(error))
        self._held = {}
        await self._end()
        if left:
            raise ActionError(f"Failed to stop jail {self._jail!r} action {self.name!r}: {'; '.join(left)}")

    # -- by hand

    async def members(self) -> Members:
        """Return what the author of the action gave it."""
        found = await self._request({"members": True})
        return Members(tuple(found["properties"]), tuple(found["methods"]))

    async def get(self, name: str) -> object:
        """Return one property. Raises ActionError."""
        return (await self._request({"get": name}))["result"]

    async def set(self, name: str, value: str) -> None:
        """Give a property a value. Raises ActionError."""
        await self._request({"set": name, "value": value})

    async def call(self, method: str, arguments: Mapping[str, object]) -> object:
        """Call a method with named arguments; what it returns. Raises ActionError."""
        return (await self._request({"call": method, "arguments": arguments})).get("result")

    # -- the child

    async def _begin(self) -> None:
        """Start the child and its action. Raises ActionError."""
        try:
            self._child = await asyncio.create_subprocess_exec(
                sys.executable,
                *_CHILD,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
                limit=_LONGEST,
            )
        except OSError as error:
            raise ActionError(f"cannot start Python: {error}") from error
        self._listener = asyncio.create_task(self._listen(self._child), name=f"what {self.name} prints")
        about = {"file": self._file, "jail": self._jail, "name": self.name, "arguments": self._arguments}
        try:
            made = await self._converse(about, None)
            self._skips_restored = bool(made.get("norestored"))
            await self._converse({"call": "start"}, None)
        except BaseException:
            await self._end()
            raise

    async def _call(self, method: str, ban: Ban | None = None) -> bool:
        """Call a method; False where the action has none of this name. Raises ActionError."""
        request: dict[str, Any] = {"call": method}
        if ban is not None:
            request["ticket"] = _ticket_of(ban)
        return bool((await self._request(request, ban))["done"])

    async def _request(self, request: Mapping[str, Any], ban: Ban | None = None) -> Mapping[str, Any]:
        """Return the reply of a child that lives, if need be of a new one. Raises ActionError."""
        if self._child is None or self._child.returncode is not None:
            log.warning("[%s] action %r had ended, and is started again", self._jail, self.name)
            await self._end()
            await self._begin()
        return await self._converse(request, ban)

    async def _converse(self, request: Mapping[str, Any], ban: Ban | None) -> Mapping[str, Any]:
        """Send a request, answer what the child asks meanwhile, and return its reply. Raises ActionError."""
        try:
            async with asyncio.timeout(self._limit):
                self._send(request)
                while True:
                    message = await self._receive()
                    if "ask" in message:
                        known = await self._facts(ban, frozenset({message["ask"]}))
                        self._send({"answer": known.get(message["ask"], "")})
                    elif "log" in message:
                        level, text = message["log"]
                        log.log(int(level), "[%s] %s: %s", self._jail, self.name, text)
                    elif "error" in message:
                        raise ActionError(str(message["error"]))
                    else:
                        return message
        except TimeoutError:
            await self._end()
            raise ActionError(f"not done in {self._limit:g} s; its process was ended") from None
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            await self._end()
            raise ActionError(f"its process does not answer ({type(error).__name__}: {error})") from error

    def _send(self, message: Mapping[str, Any]) -> None:
        if self._child is None or self._child.stdin is None:
            raise EOFError("it has ended")
        self._child.stdin.write(json.dumps(message).encode() + b"\n")

    async def _receive(self) -> Mapping[str, Any]:
        line = await self._child.stdout.readline() if self._child and self._child.stdout else b""
        if not line:
            raise EOFError("it has ended")
        message = json.loads(line)
        if not isinstance(message, dict):
            raise TypeError("it wrote what is no message")
        return message

    async def _listen(self, child: asyncio.subprocess.Process) -> None:
        """Log what the action prints, quoted, so that it cannot forge a line."""
        assert child.stderr is not None
        rest = b""
        while piece := await child.stderr.read(_PIECE):
            *lines, rest = (rest + piece).split(b"\n")
            if len(rest) > _PIECE:
                lines, rest = [*lines, rest], b""
            for line in lines:
                log.info("[%s] %s: %r", self._jail, self.name, line.decode(errors="replace")[:1000])

    async def _end(self) -> None:
        """End the child with everything it started."""
        child, self._child = self._child, None
        if child is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL if child.returncode is None else signal.SIGTERM)
            await child.wait()
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
            self._listener = None


def _ticket_of(ban: Ban) -> dict[str, Any]:
    """What an action may know of a ban, under the names of COMPAT 5.3; numbers as numbers."""
    ticket = parse_ticket(ban)
    known: dict[str, Any] = {**ticket.wild, **ticket.plain}
    for name in _NUMBERS:
        known[name] = json.loads(ticket.plain[name])
    known = {name: value for name, value in known.items() if name not in _LAZY}
    return {"known": known, "captured": dict(ticket.captured), "lazy": _LAZY}
