"""Tests of enforce.nft."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.support.namespace import play_in_namespace, run

from sekisho.enforce.nft import NftError, run_nft


def program(directory: Path, text: str) -> str:
    """A stand-in for nft."""
    path = directory / "nft"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_the_text_arrives_whole(tmp_path: Path) -> None:
    """The program reads the transaction from its standard input, so its length and its words are no matter."""
    stub = program(tmp_path, f'cat > {tmp_path}/got; echo "$*" >> {tmp_path}/got')
    asyncio.run(run_nft("x" * 200_000 + "\n", program=stub))
    assert (tmp_path / "got").read_text() == "x" * 200_000 + "\n-f -\n"


def test_a_refusal_says_what_nft_said(tmp_path: Path) -> None:
    """Exit status and complaint are in the error, on one line."""
    with pytest.raises(NftError, match=r"returned 1: Error: no such thing \^\^\^"):
        asyncio.run(run_nft("", program=program(tmp_path, 'printf "Error: no such\\n thing\\n ^^^" >&2; exit 1')))


def test_a_missing_nft_says_which_package_brings_it() -> None:
    """The next step is in the message."""
    with pytest.raises(NftError, match="the package nftables brings it"):
        asyncio.run(run_nft("", program="/nonexistent/nft"))


def test_an_nft_that_hangs_is_ended(tmp_path: Path) -> None:
    """After the time limit it is killed, and the error says so."""
    stub = program(tmp_path, "exec sleep 60")
    with pytest.raises(NftError, match=r"did not finish within 0\.05 seconds"):
        asyncio.run(run_nft("", program=stub, timeout=0.05))


@pytest.mark.system
def test_a_transaction_is_all_or_nothing() -> None:
    """The last line is wrong: nothing of the text is in force, and nft's reason is told."""

    async def play() -> None:
        with pytest.raises(NftError, match="No such file"):
            await run_nft("add table inet sekisho\nadd rule inet sekisho nochain drop\n")
        assert run("nft", "list", "ruleset") == ""

    play_in_namespace(play)
