"""Runs a program that sets rules up, once in a while: it reads its work from standard input."""

from __future__ import annotations

import asyncio
import contextlib

TIMEOUT = 15.0  # seconds; a set-up takes 5 ms, and half a second where other tables hold huge sets
_SHOWN = 2000  # characters of a complaint that are worth a log line


class ProgramError(Exception):
    """The program could not be run or refused its work; nothing was changed. The message holds what it said."""


async def run_program(
    argv: tuple[str, ...],
    text: str,
    *,
    package: str,
    timeout: float = TIMEOUT,  # noqa: ASYNC109 - the program's own
) -> str:
    """Return what the program printed after it took `text`; `package` brings it where it is missing.

    Raises:
        ProgramError: nothing of the text is in force.

    """
    program = argv[0]
    try:
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
    except OSError as error:
        raise ProgramError(f"cannot run {program}: {error.strerror}; the package {package} brings it") from error
    try:
        async with asyncio.timeout(timeout):
            said, complaint = await process.communicate(text.encode())
    except TimeoutError as error:
        raise ProgramError(f"{program} did not finish within {timeout:g} seconds") from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        told = " ".join(complaint.decode(errors="replace").split())[:_SHOWN]
        raise ProgramError(f"{program} returned {process.returncode}: {told}")
    return said.decode(errors="replace")
