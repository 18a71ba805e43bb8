"""Runs `nft` once in a while: rules are set up and taken down as text, in one transaction; elements go by netlink."""

from __future__ import annotations

from sekisho.enforce.program import TIMEOUT, ProgramError, run_program

NftError = ProgramError


async def run_nft(text: str, *, program: str = "nft", timeout: float = TIMEOUT) -> None:  # noqa: ASYNC109 - nft's own
    """Apply `text` to the ruleset, all of it.

    Raises:
        NftError: nothing of it was applied.

    """
    await run_program((program, "-f", "-"), text, package="nftables", timeout=timeout)
