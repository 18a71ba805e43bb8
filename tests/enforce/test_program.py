"""Tests of enforce.program; tests/enforce/test_nft.py shows how it fails."""

from __future__ import annotations

import asyncio

import pytest

from sekisho.enforce.program import ProgramError, run_program


def test_what_a_program_makes_of_its_work_is_returned() -> None:
    """It reads the text from standard input, and what it prints comes back."""
    assert asyncio.run(run_program(("tr", "a-z", "A-Z"), "-a rule\n", package="coreutils")) == "-A RULE\n"


def test_a_missing_program_says_which_package_brings_it() -> None:
    """The next step is in the message."""
    with pytest.raises(
        ProgramError, match=r"cannot run /nonexistent/iptables-save: .*; the package iptables brings it"
    ):
        asyncio.run(run_program(("/nonexistent/iptables-save",), "", package="iptables"))
