"""Delivery through a program of this host: `sendmail`, or an administrator's `mailcmd`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Sequence
from email.message import EmailMessage

from sekisho.notify.outbox import DeliveryError

_SECONDS = 30.0
_COMPLAINT = 2000  # bytes of its standard error that the log shows
_PATH = "/usr/sbin:/usr/lib:/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"  # /usr/lib/sendmail is the oldest place
# sysexits.h: usage, data, no input, no user, no host, no permission, configuration: none mends itself
_PERMANENT = frozenset({64, 65, 66, 67, 68, 77, 78})


def find_sendmail() -> str | None:
    """Return the path of `sendmail`; None when this host has none."""
    return shutil.which("sendmail", path=_PATH)


async def send_by_sendmail(message: EmailMessage, *, program: str, sender: str, dest: Sequence[str]) -> None:
    """Hand `message` to `sendmail`. Raises DeliveryError."""
    # -oi: a line that holds a lone dot does not end the message
    await run_mailer([program, "-oi", "-f", sender, "--", *dest], message.as_bytes())


async def run_mailer(argv: Sequence[str], data: bytes, *, seconds: float = _SECONDS) -> None:
    """Run a program with `data` on its standard input, without a shell; it has taken the letter when it exits with 0.

    Raises:
        DeliveryError: it cannot be started, fails, or does not end within `seconds`.

    """
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise DeliveryError(f"{argv[0]} cannot be started: {error}", permanent=False) from None
    try:
        async with asyncio.timeout(seconds):
            complaint, _ = await asyncio.gather(_read(process), _write(process, data))
            status = await process.wait()
    except TimeoutError:
        raise DeliveryError(f"{argv[0]} did not end within {seconds:g} seconds", permanent=False) from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if status:
        reason = complaint.decode("utf-8", "replace").strip()
        raise DeliveryError(f"{argv[0]} exited with {status}: {reason}", permanent=status in _PERMANENT)


async def _read(process: asyncio.subprocess.Process) -> bytes:
    """Return the beginning of what the program complains of, and read the rest away."""
    assert process.stderr is not None
    complaint = b""
    while chunk := await process.stderr.read(4096):
        complaint = (complaint + chunk)[:_COMPLAINT]
    return complaint


async def _write(process: asyncio.subprocess.Process, data: bytes) -> None:
    assert process.stdin is not None
    with contextlib.suppress(ConnectionError):  # it has stopped reading; its exit status tells why
        process.stdin.write(data)
        await process.stdin.drain()
    process.stdin.close()
    with contextlib.suppress(ConnectionError):
        await process.stdin.wait_closed()
