"""Compiling one expression."""

from __future__ import annotations

import pytest

from sekisho.match.rule import RuleError, compile_rule, require_identifier


def test_flags_inside_a_group_speak_for_that_group() -> None:
    """`((?i)A|b)`, which today's `re` refuses, is understood as old trees mean it."""
    rule = compile_rule("x ((?i)fail|deny) from <HOST>")
    assert rule.pattern.search("x DENY from 192.0.2.1")
    assert not rule.pattern.search("X DENY from 192.0.2.1")
    assert compile_rule("a (?:(?i)b) <HOST>").pattern.search("a B 192.0.2.1")


@pytest.mark.parametrize("text", ["a (?i)b <HOST>", "from <HOST> (", "<F-USER>x <HOST>", "<HOST> <HOST>"])
def test_what_cannot_be_compiled_is_named(text: str) -> None:
    """The error quotes the expression as it was written."""
    with pytest.raises(RuleError, match=r"^Unable to compile regular expression") as caught:
        compile_rule(text)
    assert text in str(caught.value)


def test_an_expression_says_whom_it_concerns() -> None:
    """One of fid, ip4, ip6, dns, mlfid is needed, in the rule or in prefregex."""
    bare, prefix = compile_rule("nohost"), compile_rule("^<F-MLFID>x</F-MLFID>")
    with pytest.raises(RuleError, match=r"^No failure-id group in 'nohost'$"):
        require_identifier(bare, None)
    require_identifier(bare, prefix)
    require_identifier(compile_rule("<F-ID>x</F-ID>"), None)


def test_an_empty_expression_is_an_error() -> None:
    """It would match every line."""
    with pytest.raises(RuleError, match="empty"):
        compile_rule("")
