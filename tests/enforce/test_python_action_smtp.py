"""The stock action `smtp.py`, loaded from a jail's configuration, with a real SMTP server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from tests.support.commanded import spec

from sekisho.enforce.python_action import PythonAction
from sekisho.model.action import ActionError
from sekisho.model.address import parse_subject
from sekisho.model.verdict import Ban, Cause

BAN = Ban(
    "mine", parse_subject("192.0.2.1"), 1000.0, 600, failures=3, matches=("line\nSubject: forged", ".", "last line")
)


@dataclass
class Post:
    """What has arrived: recipients and letter."""

    letters: list[tuple[list[str], Message]] = field(default_factory=list)

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a letter."""
        assert isinstance(envelope.content, bytes)
        self.letters.append((envelope.rcpt_tos, message_from_bytes(envelope.content)))
        return "250 OK"


@asynccontextmanager
async def serving(post: Post) -> AsyncIterator[int]:
    """A mail server on loopback, by its port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(post, loop=loop), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def nothing(_: Ban | None, __: frozenset[str]) -> Mapping[str, str]:
    """No facts."""
    return {}


def test_start_ban_and_stop_are_letters(tmp_path: Path) -> None:
    """To everybody in `dest`; the evidence is indented text, and no restored ban is news (COMPAT 5.5)."""
    inbox = Post()

    async def play() -> None:
        async with serving(inbox) as port:
            given = f'host="127.0.0.1:{port}", dest="a@example.com, b@example.com", sender="f@example.com"'
            found = spec(tmp_path / "tree", f"smtp.py[{given}, matches=matches]")
            assert found.native == "python"
            action = PythonAction(found, jail="mine", facts=nothing)
            assert await action.start([Ban("mine", BAN.subject, 1.0, 600, cause=Cause.RESTORED)]) == []
            assert await action.ban([BAN]) == []
            await action.stop([])

    asyncio.run(play())
    assert [letter["Subject"] for _, letter in inbox.letters] == [
        "[Fail2Ban] mine: started",
        "[Fail2Ban] mine: banned 192.0.2.1",
        "[Fail2Ban] mine: stopped",
    ]
    recipients, letter = inbox.letters[1]
    assert recipients == ["a@example.com", "b@example.com"]
    assert letter["From"] == "Fail2Ban <f@example.com>"
    body = str(letter.get_payload()).replace("\r", "").splitlines()
    assert [line for line in body if line.startswith("    ")] == [
        "    line",
        "    Subject: forged",
        "    .",
        "    last line",
    ]


def test_a_mail_server_that_is_away_costs_the_letter_only(tmp_path: Path) -> None:
    """The reason is in the log; nothing hangs."""

    async def play() -> str:
        action = PythonAction(spec(tmp_path / "tree", 'smtp.py[host="127.0.0.1:1"]'), jail="mine", facts=nothing)
        with pytest.raises(ActionError, match="ConnectionRefusedError"):
            await action.start([])
        (failed,) = await action.ban([BAN])
        return failed.reason

    assert "ConnectionRefusedError" in asyncio.run(play())
