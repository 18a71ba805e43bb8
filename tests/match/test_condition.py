"""Conditions of `when`: how they are written, and when they hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.match.condition import number_of, parse_conditions
from sekisho.match.rule import RuleError

RECORD = {
    "status": "401",
    "text": "403",
    "ok": True,
    "none": None,
    "user": 'bob "the" builder',
    "msg": "login of bob from 192.0.2.1 failed",
    "size": "12.5",
    "odd = name": "x",
    "and": "and",
    "request": {"headers": {"A": ["1", "2"]}},
}


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ("status = 401", True), ("status = 4010", False), ("status=401", True), ("text = 403", True),
        ("status = 401.0", False), ("ok = true", True), ("ok = True", False), ("none = null", False),
        ("absent = x", False), ("absent != x", True), ("none != x", True), ("status != 401", False),
        ("status in 400 401 402", True), ("status in 400", False), ("absent in 1", False),
        ("status not in 400 402", True), ("absent not in 1", True), ("status  not   in 401", False),
        ("status < 402", True), ("status <= 401", True), ("status > 401", False), ("status >= 401", True),
        ("size > 12.4", True), ("msg > 0", False), ("absent < 1", False), ("ok < 2", False), ("status > -1e3", True),
        ("msg ~ ^login of \\S+ from", True), ("msg ~ ^from", False), ("absent ~ .*", False),
        ("msg !~ ^from", True), ("msg !~ login", False), ("absent !~ x", True),
        ("status exists", True), ("none exists", False), ("absent exists", False), ("request exists", True),
        ("none missing", True), ("status missing", False),
        ('user = "bob \\"the\\" builder"', True), ('"odd = name" = x', True), ("and = and", True),
        ("request.headers.A = 1", True), ("request.headers.A.1 = 2", True), ("request = x", False),
        ("status = 401 and ok = true", True), ("status = 401 and ok = false", False),
        ("status in 401 403 and msg ~ login and more", False), ("status exists and msg ~ bob from", True),
    ],
)  # fmt: skip
def test_when_a_rule_holds(rule: str, *, holds: bool) -> None:
    """Each operator, on text, numbers, truth, nothing and objects; `and` wants all of them."""
    assert all(each.holds(RECORD) is not None for each in parse_conditions(rule)) is holds


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        ("", "expected the name of a field, found the end"),
        ("status", "expected one of = != in, not in, < <= > >= ~ !~ exists, missing behind the field 'status'"),
        ("status is 401", "behind the field 'status', found 'is 401'"),
        ("status == 401", "expected a value behind '=', found '= 401'"),
        ("status =", "expected a value behind '=', found the end"),
        ("status in", "expected values, separated by blanks, behind `in`, found the end"),
        ("status = 401 or status = 403", "expected `and` and another condition, or the end; a value with blanks"),
        ("status = 401 and", "expected the name of a field, found the end"),
        ("status exists now", "expected `and` and another condition"),
        ("status < many", "< compares numbers, and 'many' is none"),
        ('user = "bob', "expected a value behind '=', found '\"bob'"),
        ("msg ~", "expected an expression behind '~', found the end"),
        ("msg ~ (", "Unable to compile regular expression '\\('"),
        ("msg !~ from <HOST>", "what !~ does not find it cannot capture"),
    ],
)  # fmt: skip
def test_what_is_said_of_a_wrong_rule(rule: str, error: str) -> None:
    """What was expected, what was found, and the rule."""
    with pytest.raises(RuleError, match=error.replace("?", "\\?")):
        parse_conditions(rule)


@given(st.text('ab =!<>~"\\in and 401'))
def test_a_rule_is_understood_or_refused(rule: str) -> None:
    """Whatever somebody writes."""
    try:
        for condition in parse_conditions(rule):
            condition.holds(RECORD)
    except RuleError:
        pass


def test_what_an_expression_captures() -> None:
    """Tags in it name the one who failed."""
    (condition,) = parse_conditions(r"msg ~ ^login of <F-USER>\S+</F-USER> from <HOST> failed$")
    assert condition.holds(RECORD) == {"user": "bob", "ip4": "192.0.2.1"}


def test_a_newline_in_a_field_evades_no_expression() -> None:
    """A field's text is one line, as a line's is, so that a dot means every character."""
    (condition,) = parse_conditions("msg ~ ^login of .* failed$")
    assert condition.holds({"msg": "login of x\ny failed"}) == {}


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1.0), ("-1.5e3", -1500.0), ("", None), ("1_0", None), ("0x10", None), ("nan", None), ("inf", None),
     ("1e999", None), ("1" * 5000, None), ("१", None), (None, None)],
)  # fmt: skip
def test_what_is_a_number(text: str | None, number: float | None) -> None:
    """Digits, as JSON writes them; nothing without end."""
    assert number_of(text) == number


def test_whose_values_are_short_words() -> None:
    """Those are looked for as words; an expression, a longer text or one with other characters is not."""
    rules = ("a = 401", "a in 401 403", "a = 40", "a = 40.1", "a = unauthorized", "a in 401 x-1", "a ~ 401", "a != 401")
    asked = [each.asks_words for rule in rules for each in parse_conditions(rule)]
    assert asked == [True, True, False, False, False, False, False, False]


def test_what_the_field_is_instead() -> None:
    """Said in the words of the rule, and not longer than one likes to read."""
    told = [each.told(RECORD) for rule in ("status in 400 403", "absent = x", "request = x", "msg ~ ^x")
            for each in parse_conditions(rule)]  # fmt: skip
    assert told == [
        "status is '401', asked for is in 400 403",
        "absent is missing, asked for is = x",
        "request is no text, asked for is = x",
        "msg is 'login of bob from 192.0.2.1 failed', asked for is ~ ^x",
    ]
    (condition,) = parse_conditions("msg = x")
    assert len(condition.told({"msg": "a" * 60000})) < 120
