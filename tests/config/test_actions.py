"""Actions."""

from __future__ import annotations

import pytest
from tests.config.conftest import Tree

from sekisho.config.actions import read_action, read_actions
from sekisho.config.errors import ConfigError
from sekisho.config.files import Files

_NOTE = """
[Definition]
actionban = note <port> <extra> <ip> "<matches>"
actionunban =
[Init]
port = ssh
extra = dflt-<port>
"""


def test_several_actions_have_names_of_their_own(tree: Tree) -> None:
    """`note[name=foo]`, `note[name=ddd-bar]` and `note` in jail `ddd` (COMPAT 9, case 17)."""
    files = Files(tree({"action.d/note.conf": _NOTE}))
    actions = read_actions(files, "ddd", "note[name=foo]\nnote[name=ddd-bar] note note[actname=x]", {})
    assert [action.actname for action in actions] == ["note-foo", "note-bar", "note", "x"]
    assert [action.properties["name"] for action in actions] == ["foo", "ddd-bar", "ddd", "ddd"]
    assert actions[3].properties["actname"] == "x"


def test_all_options_and_arguments_become_properties(tree: Tree) -> None:
    """Static tags are filled in, those of the ban stay, empty values count (COMPAT 9, cases 16 and 18)."""
    files = Files(tree({"action.d/note.conf": _NOTE}))
    action = read_action(files, "j", 'note[port="<port2>", port2=99, note=\'a,"b" ]c\']', {})
    assert action.properties == {
        "actionban": 'note 99 dflt-99 <ip> "<matches>"',
        "actionunban": "",
        "port": "99",
        "port2": "99",
        "extra": "dflt-99",
        "note": 'a,"b" ]c',
        "name": "j",
        "actname": "note",
    }
    assert action.native is None


def test_a_native_action_is_native_until_somebody_brings_commands(tree: Tree) -> None:
    """An `actionban` in any layer, or as an argument, means that commands are run (DESIGN section 3)."""
    assert read_action(Files(tree({})), "j", "nftables", {}).native == "nftables"
    assert read_action(Files(tree({})), "j", 'nftables[actionban="nft x"]', {}).native is None
    files = Files(tree({"action.d/nftables.local": "[Definition]\nactionban = nft add element x <ip>\n"}))
    assert read_action(files, "j", "nftables", {}).native is None


def test_known_is_the_actions_own_default() -> None:
    """The stock jails' `chain = <known/chain>` leaves the choice to the action."""
    action = read_action(Files(None), "j", 'iptables-multiport[chain="<known/chain>"]', {})
    assert action.properties["chain"] == "INPUT"


def test_every_wrong_action_is_told(tree: Tree) -> None:
    """Bad brackets, a name that does not exist, the same name twice: all at once."""
    files = Files(tree({"action.d/note.conf": _NOTE}))
    with pytest.raises(ConfigError) as caught:
        read_actions(files, "j", "note[x=1]y nftable note note", {})
    assert [problem.text for problem in caught.value.problems] == [
        "invalid action definition 'note[x=1]y': unexpected option syntax",
        "there is no action 'nftable'",
        "two actions are called 'note'",
    ]
    assert caught.value.problems[1].remedy == "did you mean 'nftables'?"


def test_a_python_action_keeps_its_arguments_as_they_are() -> None:
    """Its file is a program; nothing is merged (COMPAT 5.5)."""
    action = read_action(Files(None), "j", "smtp.py[dest=root]", {})
    assert (action.name, action.actname) == ("smtp.py", "smtp")
    assert action.properties["dest"] == "root"


def test_a_broken_action_file_is_told_with_its_line(tree: Tree) -> None:
    """Only the jails that use it suffer."""
    with pytest.raises(ConfigError, match=r"x\.conf:1: text before the first section"):
        read_action(Files(tree({"action.d/x.conf": "actionban = x\n"})), "j", "x", {})
