"""What a peer has sent and nobody has answered yet, cut into frames. Pure: bytes in, frames out.

The first byte tells the framing: `{` begins a JSON line, the others a request of Fail2ban's (`pickled`). How the bytes
were cut on their way makes no difference, and nothing is searched twice.
"""

from __future__ import annotations

from typing import NamedTuple

from sekisho.control import pickled


class Abuse(Exception):  # noqa: N818 - a fact about a peer
    """The peer broke a rule; the connection ends. The text is the kind, which the log counts by, and `: ` details."""


class Frame(NamedTuple):
    """One request in the bytes of its framing, without the marker behind it."""

    body: bytes
    is_pickled: bool

    @property
    def ends(self) -> bool:
        """Whether the peer says that it is done."""
        return self.body == pickled.CLOSE


class Inbox:
    """The bytes of one peer, at most `cap` in a frame."""

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._data = bytearray()
        self._searched = 0

    @property
    def is_empty(self) -> bool:
        """Whether the peer has said nothing since its last request; a farewell that lacks its marker is nothing."""
        return not self._data or self._data == pickled.CLOSE

    def feed(self, data: bytes) -> None:
        """Take what the peer sent."""
        self._data += data

    def take(self) -> Frame | None:
        """Return the next frame; None where it is not complete.

        Raises:
            Abuse: what comes is no frame, or too long a one.

        """
        if not self._data:
            return None
        is_pickled = self._data[0] in pickled.FIRST_BYTES + pickled.CLOSE[:1]
        if not is_pickled and self._data[0] != ord("{"):
            raise Abuse("bytes that are neither framing")
        marker = pickled.END if is_pickled else b"\n"
        end = self._data.find(marker, max(0, self._searched - len(marker)))
        self._searched = len(self._data)
        if (end if end >= 0 else len(self._data)) > self._cap:
            raise Abuse(f"a request of more than {self._cap} bytes")
        if end < 0:
            return None
        body = bytes(self._data[:end])
        del self._data[: end + len(marker)]
        self._searched = 0
        return Frame(body, is_pickled)
