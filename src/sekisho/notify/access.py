"""An action's way to a service over HTTP: where that is, what it has to be told, and what no log line may show."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from sekisho.model.action import ActionError
from sekisho.model.specs import ActionSpec
from sekisho.notify.http import Answer, send
from sekisho.notify.services import Request


class Access:
    """What an action file says of a service, and the asking. `clock` gives seconds since the epoch.

    `parameters` are those that are set. `needs` are parameters that must be, `secrets` those that no log line may show,
    `harmless` as for `http.send`. `url` is the service's own, which an administrator may replace.
    """

    def __init__(
        self,
        spec: ActionSpec,
        *,
        jail: str,
        clock: Callable[[], float],
        url: str,
        needs: Sequence[str],
        secrets: Sequence[str],
        harmless: Sequence[str] = (),
    ) -> None:
        self.parameters = {name: text for name, text in spec.properties.items() if text}
        self._who = f"[{jail}] action {spec.actname}"
        self._missing = [name for name in needs if name not in self.parameters]
        self._example = f"{spec.actname}[...]"
        self._ask = partial(
            send,
            self.parameters.get("url") or url,
            secrets=[self.parameters.get(name, "") for name in secrets],
            harmless=harmless,
        )
        self._clock = clock

    def require(self) -> None:
        """Raise ActionError when a parameter is missing."""
        if self._missing:
            raise ActionError(f"{self._who}: {', '.join(self._missing)} must be set, as {self._example}")

    async def ask(self, request: Request) -> Answer:
        """Return what the service answers, without holding up the loop; raises DeliveryError."""
        return await asyncio.to_thread(self._ask, request, now=self._clock())
