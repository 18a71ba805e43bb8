"""Sends one request, and says how it went in words that a log may hold.

Nothing follows a redirect: a token is for the service that it was given for. Certificates are checked. Answers are read
up to a bound of size and time, and what is told of one is a line without anybody's secrets. The status decides: how an
answer's words end, or that they never do, does not change it.
"""

from __future__ import annotations

import http.client
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import IO, Any
from urllib.parse import quote_plus

from sekisho.notify.outbox import DeliveryError
from sekisho.notify.services import Request

TIMEOUT = 20.0
"""Seconds for each step of the conversation."""

_LONGEST = 1 << 18  # bytes of an answer that are read
_SHOWN = 200  # characters of it that are told
_LATER = frozenset({408, 425, 429})  # refusals that are about the moment, not about the request (RFC 9110, 6585, 8470)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said: its status and the start of its words."""

    status: int
    body: bytes

    def identifier(self) -> str:
        """Return the id that the answer gives what was made or found; empty where it gives none."""
        try:
            result = json.loads(self.body)["result"]
            found = result[0] if isinstance(result, list) and result else result
            return str(found["id"])
        except (ValueError, KeyError, TypeError, IndexError):
            return ""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """Leave it an error."""


def send(
    url: str,
    request: Request,
    *,
    now: float,
    secrets: Sequence[str] = (),
    harmless: Sequence[str] = (),
    **more: Any,  # noqa: ANN401
) -> Answer:
    """Send a request to the service at `url` and return the answer. Blocks; `now` is in seconds since the epoch.

    A refusal that holds one of the texts in `harmless` counts as an answer. `more`: `context`, other trust than the
    system's.

    Raises:
        DeliveryError: it was refused, or nobody answered; `after` is the time that the service wants to be left alone.

    """
    context = more.get("context") or ssl.create_default_context()
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _NoRedirect)
    headers = {"User-Agent": "Sekisho", **request.headers}
    call = urllib.request.Request(f"{url}{request.path}", request.body, headers, method=request.method)  # noqa: S310
    try:
        with opener.open(call, timeout=TIMEOUT) as response:
            return Answer(response.status, _read(response))
    except urllib.error.HTTPError as error:
        with error:
            said = _read(error).decode(errors="replace")
        if any(text in said for text in harmless):
            return Answer(error.code, said.encode())
        shown = " ".join(_without(said, secrets).split())[:_SHOWN]
        reason = f"HTTP {error.code} {_without(error.reason, secrets)}: {shown!r}"
        permanent = 300 <= error.code < 500 and error.code not in _LATER
        raise DeliveryError(reason, permanent=permanent, after=_pause(error.headers.get("Retry-After"), now)) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        text = _without(str(getattr(error, "reason", error)), secrets)
        raise DeliveryError(text or type(error).__name__, permanent=isinstance(error, ValueError)) from None


def _read(answer: http.client.HTTPResponse | urllib.error.HTTPError) -> bytes:
    """Return the words of an answer: those that come before a bound, an end or a broken connection."""
    words, until = bytearray(), time.monotonic() + TIMEOUT
    try:
        while len(words) < _LONGEST and time.monotonic() < until and (more := answer.read1(_LONGEST - len(words))):
            words += more
    except (OSError, http.client.HTTPException):
        pass
    return bytes(words)


def _without(text: str, secrets: Sequence[str]) -> str:
    """Return `text` with secrets made unreadable, also where they were quoted: by Python, in a form, in JSON."""
    for secret in filter(None, secrets):
        for spelled in (secret, repr(secret)[1:-1], quote_plus(secret, errors="replace"), json.dumps(secret)[1:-1]):
            text = text.replace(spelled, "***")
    return text


def _pause(text: str | None, now: float) -> float:
    """The seconds that `Retry-After` asks for: a number, or a date (RFC 9110, 10.2.3)."""
    if not text:
        return 0.0
    if text.isascii() and text.isdigit():
        return float(text[:6])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except ValueError:
        return 0.0
