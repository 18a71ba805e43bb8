"""Delivery by SMTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from sekisho.notify.outbox import DeliveryError
from sekisho.notify.smtp import send_by_smtp


class Postmaster:
    """Takes letters; refuses recipients and letters as told."""

    def __init__(self, refused: dict[str, str] | None = None, data: str = "250 taken") -> None:
        self.refused = refused or {}
        self.data = data
        self.letters: list[tuple[str, list[str], bytes]] = []
        self.greeting = ""

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's names
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept or refuse a recipient."""
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take the letter."""
        assert isinstance(envelope.content, bytes)
        self.greeting = str(session.host_name)
        self.letters.append((str(envelope.mail_from), list(envelope.rcpt_tos), envelope.content))
        return self.data


@asynccontextmanager
async def _serve(postmaster: Postmaster) -> AsyncIterator[tuple[str, int]]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(postmaster, loop=loop), "127.0.0.1", 0)
    async with server:
        yield "127.0.0.1", server.sockets[0].getsockname()[1]


def _letter() -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "x"
    message.set_content("hello\n")
    return message


async def _send(server: tuple[str, int], *dest: str, sender: str = "fail2ban") -> None:
    await send_by_smtp(_letter(), server=server, sender=sender, dest=dest, hostname="gate.example.org")


def test_a_letter_reaches_its_recipients() -> None:
    """A sender without a domain gets ours; those who are refused do not stop the others."""

    async def play() -> None:
        postmaster = Postmaster(refused={"gone@example.com": "550 no such user"})
        async with _serve(postmaster) as server:
            await _send(server, "mail@example.com", "gone@example.com")
        ((sender, dest, content),) = postmaster.letters
        assert (sender, dest) == ("fail2ban@gate.example.org", ["mail@example.com"])
        assert content.endswith(b"hello\r\n")
        assert postmaster.greeting == "gate.example.org"

    asyncio.run(play())


@pytest.mark.parametrize(
    ("postmaster", "complaint", "permanent"),
    [
        (Postmaster(refused={"a@example.com": "550 no such user"}), "every recipient", True),
        (Postmaster(refused={"a@example.com": "450 greylisted"}), "every recipient", False),
        (Postmaster(data="554 spam"), "554", True),
        (Postmaster(data="451 full"), "451", False),
    ],
)
def test_a_refusal_tells_whether_trying_again_helps(
    postmaster: Postmaster,
    complaint: str,
    permanent: bool,  # noqa: FBT001
) -> None:
    """Answers with a 5 are final, those with a 4 are not (RFC 5321)."""

    async def play() -> None:
        async with _serve(postmaster) as server:
            await _send(server, "a@example.com")

    with pytest.raises(DeliveryError, match=complaint) as caught:
        asyncio.run(play())
    assert caught.value.permanent is permanent


def test_a_server_that_is_not_there_is_an_error_for_now() -> None:
    """The port was free a moment ago."""

    async def play() -> None:
        async with _serve(Postmaster()) as server:
            pass
        await _send(server, "a@example.com")

    with pytest.raises(DeliveryError) as caught:
        asyncio.run(play())
    assert not caught.value.permanent
