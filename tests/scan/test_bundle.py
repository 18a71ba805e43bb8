"""Bundles: the rules of several jails in one scanner."""

from __future__ import annotations

import re

from sekisho.model.candidate import Candidate, Search
from sekisho.scan.bundle import Bundle


def search(expression: str) -> Search:
    """What a rule looks for."""
    return Search((re.compile(expression),))


def test_each_jail_gets_its_own_candidates_and_its_own_numbers() -> None:
    """Masks count from the jail's first rule, and lines that concern only others are left out."""
    bundle = Bundle([("a", [search("alpha"), search("beta")]), ("b", [search("gamma"), search("beta")])])
    candidates = bundle.scan(b"beta\ngamma\nalpha\n")
    assert bundle.divide(candidates) == {
        "a": [Candidate(0, 4, 2), Candidate(11, 16, 1)],
        "b": [Candidate(0, 4, 2), Candidate(5, 10, 1)],
    }
    assert bundle.divide(bundle.scan(b"gamma\n")) == {"b": [Candidate(0, 5, 1)]}
    assert bundle.divide([]) == {}


def test_rules_without_a_literal_are_named() -> None:
    """They make every line of the source a candidate, and the administrator should know."""
    bundle = Bundle([("a", [search("alpha")]), ("b", [search("gamma"), search(r"\S+"), Search()])])
    assert bundle.blind_rules("a") == ()
    assert bundle.blind_rules("b") == (1, 2)
    assert "a, b" in repr(bundle)
