"""`%( )s`."""

from __future__ import annotations

import pytest
from tests.config.conftest import Tree

from sekisho.config.errors import ConfigError
from sekisho.config.files import Files
from sekisho.config.interpolate import Scope
from sekisho.config.layers import merge


def scope_of(tree: Tree, *layers: str, section: str = "sec", given: dict[str, str] | None = None) -> Scope:
    """Return the scope of a section of `jail.conf`, `jail.local`, `jail.d/z.local`."""
    files = dict(zip(("jail.conf", "jail.local", "jail.d/z.local"), layers, strict=False))
    return Scope(merge(Files(tree(files)), "jail"), section, given or {}, {"fail2ban_version": "1"})


def test_references_find_section_default_and_constants(tree: Tree) -> None:
    """What is given comes first, then the section, then [DEFAULT], then what is always there (COMPAT 1.3)."""
    scope = scope_of(
        tree,
        "[DEFAULT]\na = D\nb = D\nc = D\n[sec]\nb = S\nc = S\n"
        "v = %(a)s %(B)s %(c)s %(__name__)s %(fail2ban_version)s 100%%\n",
        given={"c": "%(raw)s"},
    )
    assert scope.expand("v") == "D S %(raw)s sec 1 100%"
    assert scope.expand("c") == "%(raw)s"
    assert scope.expand("nothing") is None


def test_another_sections_value_is_expanded_here(tree: Tree) -> None:
    """COMPAT 9, case 7."""
    scope = scope_of(
        tree,
        """
        [DEFAULT]
        base = D
        only = default
        [sec]
        base = S
        [other]
        o = O-%(base)s
        base = OB
        """,
        """
        [sec]
        base = local+%(known/base)s
        v2 = %(default/base)s %(other/o)s %(known/base)s
        v4 = %(other/base)s
        v5 = %(other/__x)s
        v6 = %(nosuch/base)s
        v7 = %(other/only)s
        """,
    )
    assert scope.expand("base") == "local+S"
    assert scope.expand("v2") == "D O-local+S S"
    assert scope.expand("v4") == "OB"
    assert scope.expand("v7") == "default"
    with pytest.raises(ConfigError, match="nosuch/base"):
        scope.expand("v6")
    with pytest.raises(ConfigError, match=r"jail.local:5: 'v5' refers to %\(other/__x\)s, which is set neither"):
        scope.expand("v5")


def test_only_one_earlier_layer_is_known(tree: Tree) -> None:
    """COMPAT 9, case 6; the remedy says so."""
    scope = scope_of(tree, "[sec]\nbase = S\n", "[sec]\nbase = a+%(known/base)s\n", "[sec]\nbase = b+%(known/base)s\n")
    with pytest.raises(ConfigError, match=r"z.local:2: 'base' refers to itself.*known/ remembers one earlier layer"):
        scope.expand("base")


def test_an_unknown_name_is_told_with_its_line_and_the_nearest_one(tree: Tree) -> None:
    """The place is that of the reference, even in another option and on a later line."""
    scope = scope_of(tree, "[DEFAULT]\nlong = one\n  %(prot)s\nprotocol = tcp\nport = 22\n[sec]\nv = %(long)s\n")
    with pytest.raises(ConfigError, match=r"jail.conf:3: 'long' refers to %\(prot\)s.*did you mean %\(port\)s"):
        scope.expand("v")


@pytest.mark.parametrize("text", ["5 % of", "%d", "%(open", "100%", "%()s"])
def test_a_lone_percent_sign_is_a_mistake_only_when_read(tree: Tree, text: str) -> None:
    """As in Fail2ban: an unused option may hold anything (COMPAT 9, case 10)."""
    scope = scope_of(tree, f"[sec]\nbad = {text}\ngood = 1\n")
    assert scope.expand("good") == "1"
    with pytest.raises(ConfigError, match=r"lone %.*write %% for a percent sign"):
        scope.expand("bad")


def test_growth_is_bounded(tree: Tree) -> None:
    """Ten steps that multiply by a hundred end in an error instead of in the machine's memory."""
    lines = "".join(f"v{n} = {f'%(v{n + 1})s' * 100}\n" for n in range(8))
    scope = scope_of(tree, f"[sec]\n{lines}v8 = x\n")
    with pytest.raises(ConfigError, match="longer than"):
        scope.expand("v0")
