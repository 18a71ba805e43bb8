"""Parameters in texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.config.tags import substitute


def test_known_tags_are_put_in_and_unknown_ones_stay() -> None:
    """`<HOST>`, runtime tags and a shell's redirections are none of ours."""
    known = {"port": "<p2>", "p2": "99", "matches": "never"}
    assert (
        substitute("<port> <HOST> <ip> cat <STDIN > x <matches>", known.get)
        == "99 <HOST> <ip> cat <STDIN > x <matches>"
    )


def test_a_tag_may_be_composed_of_others() -> None:
    """`<ipt_<type>/rule>` is first made a name (COMPAT 1.5)."""
    known = {"type": "<kind>", "kind": "oneport", "ipt_oneport/rule": "-p tcp <end>", "end": "!"}
    assert substitute("[<ipt_<type>/rule>]", known.get) == "[-p tcp !]"


def test_a_tag_may_be_used_often() -> None:
    """Thirty rules may share a parameter; Fail2ban's limit is on circles, not on use (asked of 1.0.2)."""
    assert substitute("<t> " * 30, {"t": "T"}.get) == "T " * 30


def test_a_circle_is_an_error() -> None:
    """A parameter that holds itself, directly or over others, is told with the way round."""
    with pytest.raises(ValueError, match="self referencing definitions: <a> -> <b> -> <a>"):
        substitute("x <a>", {"a": "<b>", "b": "x<a>"}.get)
    with pytest.raises(ValueError, match="self referencing"):
        substitute("<a>", {"a": "<a_<b>>", "b": "x", "a_x": "<a>"}.get)


def test_growth_is_bounded() -> None:
    """Doubling thirty times ends in an error instead of in the machine's memory."""
    known = {f"t{n}": f"<t{n + 1}><t{n + 1}>" for n in range(40)} | {"t40": "x"}
    with pytest.raises(ValueError, match="longer than"):
        substitute("<t0>", known.get)


@given(
    st.text(alphabet="<>ab/x "), st.dictionaries(st.sampled_from(["a", "b", "ab", "x"]), st.text("<>ab x", max_size=6))
)
def test_substitution_ends(text: str, known: dict[str, str]) -> None:
    """Whatever the parameters hold, there is a text or a refusal."""
    try:
        substitute(text, known.get)
    except ValueError:
        return
