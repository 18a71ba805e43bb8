"""Typed values of a jail section."""

from __future__ import annotations

from tests.config.conftest import Tree

from sekisho.config.files import Files
from sekisho.config.layers import merge
from sekisho.config.options import parse_bool, parse_time, parse_whole
from sekisho.config.values import Values


def values_of(tree: Tree, text: str) -> Values:
    """Return the values of section `s` of a jail.conf."""
    return Values(merge(Files(tree({"jail.conf": text})), "jail"), "s", {})


def test_a_value_is_the_sections_the_defaults_or_the_tables(tree: Tree) -> None:
    """In this order."""
    values = values_of(tree, "[DEFAULT]\nbantime = 1h\nfindtime = 1h\n[s]\nbantime = 2h\n")
    assert [values.typed(name, parse_time) for name in ("bantime", "findtime")] == [7200, 3600]
    assert values.typed("maxretry", parse_whole) == 3
    assert values.text("logtimezone") is None
    assert values.text_or_default("backend") == "auto"
    assert values.is_set("bantime")
    assert not values.is_set("maxretry")


def test_a_wrong_time_or_boolean_stops_the_jail_and_a_wrong_number_does_not(tree: Tree) -> None:
    """As COMPAT 1.7 has it for numbers; all are told, with the line and a way to mend them."""
    values = values_of(tree, "[s]\nenabled = maybe\nbantime = 3600 # an hour\nmaxretry = x\n")
    assert values.typed("enabled", parse_bool) is False
    assert values.typed("maxretry", parse_whole) == 3
    assert [problem.severity.value for problem in values.problems] == ["error", "warning"]
    assert values.typed("bantime", parse_time) == 600
    assert values.failed
    assert [str(problem).rpartition("jail.conf:")[2] for problem in values.problems] == [
        "2: jail 's': 'enabled': expected true or false, found 'maybe' (write true or false)",
        "4: jail 's': 'maxretry': expected a whole number, found 'x' (write a whole number; until then 3 is used)",
        (
            "3: jail 's': 'bantime': duration '3600 # an hour': did not understand ' # an hour'"
            " (only ` ;` begins a comment after a value: write `3600 ; ...`)"
        ),
    ]


def test_the_same_mistake_is_noted_once(tree: Tree) -> None:
    """However often the option is read."""
    values = values_of(tree, "[s]\nbantime = %(nope)s\n")
    assert [values.text("bantime"), values.text("bantime")] == [None, None]
    assert len(values.problems) == 1


def test_what_the_section_learns_it_sees(tree: Tree) -> None:
    """`known/` is the filter's once that is read."""
    values = values_of(tree, "[s]\nfailregex = %(known/failregex)s\n  more\n")
    values.learn({"known/failregex": "of the filter 100%"})
    assert values.text("failregex") == "of the filter 100%\nmore"


def test_a_jails_place_is_where_it_is_enabled(tree: Tree) -> None:
    """There its administrator has his hands."""
    assert str(values_of(tree, "[s]\nport = 1\nenabled = true\n").place).endswith("jail.conf:3")
    assert str(values_of(tree, "[s]\nport = 1\n").origin("bantime")).endswith("jail.conf:1")
