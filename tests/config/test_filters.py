"""Filters."""

from __future__ import annotations

import pytest
from tests.config.conftest import Tree

from sekisho.config.definition import Definition
from sekisho.config.errors import ConfigError
from sekisho.config.files import Files
from sekisho.config.filters import make_filter, read_definition, read_texts

_FILE = """
[Definition]
failregex = ^ fail from <HOST>$

            ^ <mode> <logtype> from <HOST>$
ignoreregex =
prefregex = ^<F-CONTENT>.+</F-CONTENT>$
maxlines = 3
datepattern = ^%%Y
              {NONE}
journalmatch = _SYSTEMD_UNIT=x.service + _COMM=x
usedns = NO
broken = %(nothing)s
[Init]
mode = normal
"""


def definition_of(tree: Tree, text: str, *, journal: bool = False, **arguments: str) -> Definition:
    """Return the definition of `filter.d/f.conf`."""
    files = Files(tree({"filter.d/f.conf": text}))
    return read_definition(files, "f", arguments, journal=journal, constants={})


def test_a_filter_is_read_with_its_arguments(tree: Tree) -> None:
    """Empty lines are no expressions; an option that nobody reads may be broken."""
    spec = make_filter("f", read_texts(definition_of(tree, _FILE, mode="more")))
    assert spec.failregex == ("^ fail from <HOST>$", "^ more file from <HOST>$")
    assert spec.ignoreregex == ()
    assert spec.prefregex == "^<F-CONTENT>.+</F-CONTENT>$"
    assert (spec.maxlines, spec.usedns) == (3, "no")
    assert spec.datepattern == ("^%Y", "{NONE}")
    assert spec.journalmatch == ("_SYSTEMD_UNIT=x.service + _COMM=x",)
    assert spec.options == {"mode": "more", "logtype": "file"}


def test_the_log_type_follows_the_backend_unless_the_filter_says(tree: Tree) -> None:
    """A default in [DEFAULT] or [Init] is no word of the filter's own (COMPAT 1.5)."""
    rule = "[Definition]\nfailregex = <logtype> <HOST>\n"
    assert definition_of(tree, rule, journal=True).value("failregex") == "journal <HOST>"
    assert definition_of(tree, rule, journal=True, logtype="short").value("failregex") == "short <HOST>"
    assert definition_of(tree, f"[DEFAULT]\nlogtype = file\n{rule}", journal=True).value("logtype") == "journal"
    assert definition_of(tree, f"{rule}logtype = rfc5424\n", journal=True).value("logtype") == "rfc5424"


def test_a_filter_that_does_not_exist_is_told_its_nearest_name(tree: Tree) -> None:
    """The first mistake of a new administrator."""
    files = Files(tree({"filter.d/webmail.conf": "[Definition]\n"}))
    with pytest.raises(ConfigError, match=r"there is no filter 'webmial' \(did you mean 'webmail'\?\)"):
        read_definition(files, "webmial", {}, journal=False, constants={})
    with pytest.raises(ConfigError, match="exactly one filter"):
        read_definition(files, "webmail webmail", {}, journal=False, constants={})


def test_a_broken_file_or_word_of_the_filter_is_told_with_its_line(tree: Tree) -> None:
    """What only the filter's jails will suffer from."""
    with pytest.raises(ConfigError, match=r"f\.conf:2: 'nonsense' is neither"):
        definition_of(tree, "[Definition]\nnonsense\n")
    with pytest.raises(ConfigError, match=r"f\.conf:2: 'failregex' refers to %\(nothing\)s"):
        read_texts(definition_of(tree, "[Definition]\nfailregex = %(nothing)s\n"))
    with pytest.raises(ConfigError, match="'maxlines': expected a whole number, found 'many'"):
        make_filter("f", {"maxlines": "many"})
