"""Bans kept in an IP list at Cloudflare, for a rule of the site's to bar: what `native = cloudflare-list` stands for.

A list takes many items in one request, and works on a request after it has answered: so bans go in batches, one after
the other, and a ban is in force only when its operation is told to be complete. An item is ours by its comment, which
names the jail; what an earlier life left is so found and taken out. Facts: Cloudflare's API description, "Lists".
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from sekisho.model.action import ActionError, Failed, Kind
from sekisho.model.address import Subject, parse_subject
from sekisho.model.specs import ActionSpec
from sekisho.model.verdict import Ban
from sekisho.notify.access import Access
from sekisho.notify.outbox import DeliveryError
from sekisho.notify.services import CLOUDFLARE, Request, bearer, json_request, note_of

_NEEDS = ("cfaccount", "cflist", "cftoken")
_BATCH = 1000  # items in one request
_PAGE = 500  # items in one answer, the most that the API gives
_TRIES = 5  # at a change, while another one is under way
_LONGEST_PAUSE = 30.0  # seconds between them
_LOOKS = 60  # at an operation under way, before it is given up

T = TypeVar("T")


class CloudflareList:
    """Implements `sekisho.model.action.Action`. `clock` gives seconds since the epoch.

    `pause`: seconds between two looks at an operation under way.
    """

    kind = Kind.ENFORCER
    survives_stop = False

    def __init__(
        self,
        spec: ActionSpec,
        *,
        jail: str,
        clock: Callable[[], float],
        pause: float = 1.0,
    ) -> None:
        self.name = spec.actname
        self._jail = jail
        self._pause = pause
        self._access = Access(spec, jail=jail, clock=clock, url=CLOUDFLARE, needs=_NEEDS, secrets=("cftoken",))
        self._note = note_of(self._access.parameters, jail)
        self._barred: set[Subject] = set()

    def __repr__(self) -> str:
        return f"<CloudflareList {self.name} of jail {self._jail}>"

    async def start(self, standing: Sequence[Ban]) -> Sequence[Failed]:
        """Leave exactly `standing` of what is ours. Raises ActionError: a parameter is missing, no answer."""
        self._access.require()
        wanted = {ban.target for ban in standing}
        try:
            held = await self._held()
            await self._take_out([item for subject, item in held.items() if subject not in wanted])
        except DeliveryError as error:
            raise ActionError(f"[{self._jail}] action {self.name}: {error}") from None
        self._barred = set(held) & wanted
        return await self.ban(standing)

    async def ban(self, bans: Sequence[Ban]) -> Sequence[Failed]:
        """Put whoever is not in the list into it."""
        failed = [Failed(ban, "it is no address", is_final=True) for ban in bans if ban.target.network is None]
        new = {ban.target: ban for ban in bans if ban.target.network is not None and ban.target not in self._barred}
        for batch in _batches(list(new.values())):
            try:
                await self._work("POST", [{"ip": ban.target.text, "comment": self._note} for ban in batch])
            except DeliveryError as error:
                failed += [Failed(ban, str(error)) for ban in batch]
            else:
                self._barred.update(ban.target for ban in batch)
        return failed

    async def unban(self, bans: Sequence[Ban]) -> Sequence[Failed]:
        """Take out of the list whoever is in it."""
        gone = {ban.target for ban in bans}
        try:
            held = await self._held()
            await self._take_out([item for subject, item in held.items() if subject in gone])
        except DeliveryError as error:
            return [Failed(ban, str(error)) for ban in bans]
        self._barred -= gone
        return ()

    async def listed(self) -> frozenset[Subject] | None:
        """Return whom the list holds for this jail; None when it does not answer."""
        try:
            self._barred = set(await self._held())
        except DeliveryError:
            return None
        return frozenset(self._barred)

    async def stop(self, standing: Sequence[Ban]) -> None:
        """Take out all that is ours. Raises ActionError: something is left."""
        try:
            await self._take_out(list((await self._held()).values()))
        except DeliveryError as error:
            raise ActionError(f"{len(standing)} ban(s) are still in force there: {error}") from None
        self._barred.clear()

    # -- the list

    async def _held(self) -> dict[Subject, str]:
        """The ids of our items, by whom they bar."""
        held: dict[Subject, str] = {}
        cursor = ""
        while True:
            asked = {"per_page": str(_PAGE), **({"cursor": cursor} if cursor else {})}
            told = await self._asked(Request("GET", f"{self._items()}?{urlencode(asked)}", self._headers()))
            with _understood():
                items = [item for item in told["result"] or () if item.get("comment") == self._note]
                held |= {parse_subject(item["ip"]): item["id"] for item in items}
                cursor = told.get("result_info", {}).get("cursors", {}).get("after") or ""
            if not cursor:
                return held

    async def _take_out(self, items: Sequence[str]) -> None:
        for batch in _batches(items):
            await self._work("DELETE", {"items": [{"id": item} for item in batch]})

    async def _work(self, method: str, content: object) -> None:
        """Have the items changed, and wait until they are. Raises DeliveryError."""
        told = await self._insisted(json_request(method, self._items(), self._headers(), content))
        with _understood():
            path = f"{self._lists()}/bulk_operations/{quote(told['result']['operation_id'], safe='')}"
        for _ in range(_LOOKS):
            told = await self._asked(Request("GET", path, self._headers()))
            with _understood():
                status, error = told["result"]["status"], told["result"].get("error")
            if status == "completed":
                return
            if status == "failed":
                raise DeliveryError(f"the operation failed: {error}", permanent=False)
            await asyncio.sleep(self._pause)
        raise DeliveryError("the operation does not come to an end", permanent=False)

    async def _insisted(self, request: Request) -> Any:  # noqa: ANN401 - as below
        """The answer, asked again while the account's lists are busy: they take one change at a time."""
        for _ in range(_TRIES - 1):
            try:
                return await self._asked(request)
            except DeliveryError as error:
                if error.permanent:
                    raise
                await asyncio.sleep(min(max(error.after, self._pause), _LONGEST_PAUSE))
        return await self._asked(request)

    async def _asked(self, request: Request) -> Any:  # noqa: ANN401 - JSON
        answer = await self._access.ask(request)
        with _understood():
            return json.loads(answer.body)

    def _lists(self) -> str:
        return f"/accounts/{quote(self._access.parameters['cfaccount'], safe='')}/rules/lists"

    def _items(self) -> str:
        return f"{self._lists()}/{quote(self._access.parameters['cflist'], safe='')}/items"

    def _headers(self) -> dict[str, str]:
        return bearer(self._access.parameters)


@contextlib.contextmanager
def _understood() -> Iterator[None]:
    """An answer of another shape than the API describes is no answer. Raises DeliveryError."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise DeliveryError(f"the answer is not understood: {error!r}", permanent=False) from None


def _batches(things: Sequence[T]) -> Iterator[Sequence[T]]:
    return (things[start : start + _BATCH] for start in range(0, len(things), _BATCH))
