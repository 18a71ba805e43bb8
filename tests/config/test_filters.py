"""Filters."""

from __future__ import annotations

import pytest
from tests.config.conftest import Tree

from sekisho.config.definition import Definition
from sekisho.config.errors import ConfigError
from sekisho.config.files import Files
from sekisho.config.filters import make_filter, read_definition, read_texts
from sekisho.model.specs import RecordSpec

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


_BOTH = """
[Definition]
failregex = ^fail of <HOST>$
logformat =
when = status in 401 403
       event = "login failed"
host = ip
       client.ip
message =
"""


def test_one_file_serves_text_and_records(tree: Tree) -> None:
    """What is asked of fields is read with a `logformat` only, which the jail may give; before, it means nothing."""
    plain = make_filter("f", read_texts(definition_of(tree, _BOTH)))
    assert plain.record is None
    assert plain.rules == ("^fail of <HOST>$",)
    assert plain.options["host"] == "ip\nclient.ip"
    record = make_filter("f", read_texts(definition_of(tree, _BOTH, logformat="docker json")))
    assert record.record == RecordSpec(
        "docker json", when=("status in 401 403", 'event = "login failed"'), host=("ip", "client.ip")
    )
    assert record.rules == ("status in 401 403", 'event = "login failed"')
    assert record.options == {"logtype": "bare"}


def test_names_of_fields_mean_nothing_in_other_filters(tree: Tree) -> None:
    """Old filters have parameters called `host` or `message`, in whatever state."""
    text = "[Definition]\nfailregex = ^fail of <message> from <HOST>$\nmessage = %(nothing)s\nhost = x\n"
    with pytest.raises(ConfigError):
        read_texts(definition_of(tree, f"{text}logformat = json\n"))
    assert "message" not in read_texts(definition_of(tree, text.replace("<message>", "x")))


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("when = a = 1\n  status is 401\nhost = ip\n", 4, "behind the field 'status', found 'is 401'"),
        ("ignorewhen = a = 1\n  b < c\nhost = ip\n", 4, "< compares numbers, and 'c' is none"),
        ("when = a = 1\n", 3, "it tells nobody whom it concerns"),
        ("when = a ~ (\nhost = ip\n", 3, "Unable to compile regular expression '('"),
        ('host = a\n  "b\n', 4, "a quote is not closed"),
        ("fields = user=a\n  b\n", 4, "expected NAME=FIELD, found 'b'"),
    ],
)
def test_a_wrong_rule_is_named_with_its_line(tree: Tree, text: str, line: int, words: str) -> None:
    """File and line of the very rule, what was expected, and where the forms are described."""
    definition = definition_of(tree, f"[Definition]\nlogformat = json\n{text}")
    with pytest.raises(ConfigError) as caught:
        make_filter("f", read_texts(definition), definition.origin)
    (problem,) = caught.value.problems
    assert problem.origin is not None
    assert problem.origin.file.endswith("f.conf")
    assert problem.origin.line == line
    assert words in problem.text
    assert "Logs in JSON and logfmt" in problem.remedy
