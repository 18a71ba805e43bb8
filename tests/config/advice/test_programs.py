"""The programs that actions run."""

from __future__ import annotations

import pytest
from tests.config.conftest import Tree

from sekisho.config.advice.programs import first_words, missing_programs, programs_of
from sekisho.config.survey import survey


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("iptables -w -I f2b 1 -s <ip> -j DROP", ["iptables"]),
        ("a; b && c || d | e\nf", ["a", "b", "c", "d", "e", "f"]),
        ("if a; then b; else c; fi", ["a", "b", "c"]),
        ("X=1 Y='a b' a >/dev/null 2>&1", ["a"]),
        ('printf %%b "one; two | three\nfour" | mail -s "x" root', ["printf", "mail"]),
        ("(a; b)", ["a", "b"]),
        ("# nothing here; at all\na # b; c\nd", ["a", "d"]),
        ("case x in a) b;; esac", []),
        ("echo 'never closed", []),
        ("", []),
    ],
)
def test_the_words_in_the_place_of_a_command(script: str, words: list[str]) -> None:
    """Quotes hide what looks like a command; what is unclear says nothing."""
    assert first_words(script) == words


def test_what_is_missing_is_told_with_its_package(tree: Tree) -> None:
    """Shell words, tags of the moment and variables are no programs; a tag of the file stands for its text."""
    action = r"""
        [Definition]
        actionstart = <tool> -N x
        actionban = if test -n "$X"; then $X <ip>; fi
                    <ip> | jq .
                    no-such-program <ip>
        [Init]
        tool = iptables -w
        [Init?family=inet6]
        tool = ip6tables -w
        """
    jail = "[j]\nenabled = true\nfilter = recidive\naction = a\n  nftables\n"
    (view,) = survey(tree({"action.d/a.conf": action, "jail.local": jail})).jails
    assert [programs_of(part) for part in view.actions] == [["iptables", "ip6tables", "jq", "no-such-program"], ["nft"]]
    found = list(missing_programs(view, lambda program: program in ("iptables", "ip6tables", "nft")))
    assert [(problem.text, problem.remedy) for problem in found] == [
        ("action 'a' runs 'jq', which is not in PATH", "install it: Debian has it in jq"),
        ("action 'a' runs 'no-such-program', which is not in PATH", "install it, or write its whole path"),
    ]
