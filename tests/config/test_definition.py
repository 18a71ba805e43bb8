"""A filter's or an action's options with the jail's arguments."""

from __future__ import annotations

import pytest
from tests.config.conftest import Tree

from sekisho.config.definition import Definition
from sekisho.config.errors import ConfigError
from sekisho.config.files import Files
from sekisho.config.layers import merge

_FILE = """
[DEFAULT]
only = default
[Definition]
p = definition
q = definition
rule = %(q)s <p> <r> <mode> <known/p> <default/only> <lt_<mode>/o> <lt_<mode>/only> <nothing/o> <HOST>
[Init]
p = init-<r>
q = init
r = init
mode = x
[lt_x]
o = LT-%(inner)s
inner = foo
[lt_y]
o = Y
"""


def define(tree: Tree, text: str, arguments: dict[str, str] | None = None, *, init_first: bool = False) -> Definition:
    """Return the definition of one file."""
    merged = merge(Files(tree({"filter.d/f.conf": text})), "filter.d/f")
    return Definition(merged, arguments or {}, {}, init_first=init_first)


def test_parameters_come_from_init_before_definition(tree: Tree) -> None:
    """In an action `%( )s` sees only its own section and [DEFAULT]; in a filter [Init] too (asked of 1.0.2)."""
    rest = "init-init init x init-init default LT-foo default <nothing/o> <HOST>"
    assert define(tree, _FILE).value("rule") == f"definition {rest}"
    assert define(tree, _FILE, init_first=True).value("rule") == f"init {rest}"


def test_arguments_come_before_everything(tree: Tree) -> None:
    """`known/` is the value without the argument; an argument may hold tags and may be given to `%( )s` too."""
    definition = define(tree, _FILE, {"p": "arg-<known/p>", "q": "Q", "mode": "y", "r": "<p2>", "p2": "99"})
    assert definition.value("rule") == "Q arg-init-99 99 y init-99 default Y default <nothing/o> <HOST>"


def test_a_conditional_parameter_is_left_for_the_moment_of_the_ban(tree: Tree) -> None:
    """Its tag stays, and both of its values are there, their own tags filled in (COMPAT 1.5)."""
    text = "[Definition]\nban = <tool> <x>\n[Init]\ntool = v4 <x>\nx = 1\n[Init?family=inet6]\ntool = v6 <x>\n"
    definition = define(tree, text)
    assert definition.value("ban") == "<tool> 1"
    assert definition.value("tool") == "v4 1"
    assert definition.value("tool?family=inet6") == "v6 1"
    assert definition.names() == ["ban", "tool", "x", "tool?family=inet6"]


def test_an_argument_replaces_both_values_unless_it_has_two(tree: Tree) -> None:
    """As since Fail2ban 1.1.1 (COMPAT 1.5)."""
    text = "[Definition]\nban = <tool>\n[Init]\ntool = v4\n[Init?family=inet6]\ntool = v6\n"
    assert define(tree, text, {"tool": "mine"}).value("ban") == "mine"
    both = define(tree, text, {"tool": "mine", "tool?family=inet6": "mine6"})
    assert (both.value("ban"), both.value("tool"), both.value("tool?family=inet6")) == ("<tool>", "mine", "mine6")


def test_a_circle_is_told_with_the_options_place(tree: Tree) -> None:
    """Only when the option is read."""
    definition = define(tree, "[Definition]\ngood = 1\nrule = <a>\n[Init]\na = <b>\nb = <a>\n")
    assert definition.value("good") == "1"
    with pytest.raises(ConfigError, match=r"f.conf:3: 'rule' cannot be resolved: self referencing"):
        definition.value("rule")
