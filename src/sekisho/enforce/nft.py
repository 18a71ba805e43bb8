"""Runs `nft` once in a while: rules are set up and taken down as text, in one transaction; elements go by netlink."""

from __future__ import annotations

import asyncio
import contextlib

TIMEOUT = 15.0  # seconds; a set-up takes 5 ms, and half a second where other tables hold huge sets
_SHOWN = 2000  # characters of nft's complaint that are worth a log line


class NftError(Exception):
    """nft could not be run or refused the text; nothing was changed. The message holds what it said."""


async def run_nft(text: str, *, program: str = "nft", timeout: float = TIMEOUT) -> None:  # noqa: ASYNC109 - nft's own
    """Apply `text` to the ruleset, all of it.

    Raises:
        NftError: nothing of it was applied.

    """
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            "-f",
            "-",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise NftError(f"cannot run {program}: {error.strerror}; the package nftables brings it") from error
    try:
        async with asyncio.timeout(timeout):
            _, complaint = await process.communicate(text.encode())
    except TimeoutError as error:
        raise NftError(f"{program} did not finish within {timeout:g} seconds") from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        said = " ".join(complaint.decode(errors="replace").split())[:_SHOWN]
        raise NftError(f"{program} returned {process.returncode}: {said}")
