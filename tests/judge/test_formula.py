"""Formulas are understood as a grammar: what administrators write works, and nothing else does anything."""

from __future__ import annotations

import math

import pytest

from sekisho.judge.formula import MOST_TEXT, FormulaError, parse_formula


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("ban.Time * 2 ** min(ban.Count, 20)", 4800),
        ("ban.Time * banFactor * (1 << (20 if ban.Count > 20 else ban.Count))", 9600),
        ("ban.Time*math.exp(float(ban.Count)*banFactor)", 600 * math.exp(6)),
        ("ban.Time/10", 60),
        ("max(1, 2, ban.Count) + int(7.9) - abs(-1) + round(2.4) % 2", 9),
        ("ban.Time if 1 < ban.Count <= 3 and not ban.Count == 5 else 0", 600),
        ("0 or banFactor", 2),
        ("1 and 0", 0),
        ("math.log(8, 2) + math.floor(math.pi) + 9 // 2 + (64 >> 4)", 14),
        ("-+3", -3),
        ("1e400 if ban.Count > 100 else 0", 0),
    ],
)
def test_what_administrators_write_has_the_value_that_python_gives_it(text: str, value: float) -> None:
    """A ban time of 600, three bans before, a factor of 2."""
    assert parse_formula(text).value(time=600, count=3, factor=2) == pytest.approx(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ban.Time *",
        "__import__('os').system('id')",
        "ban.__class__",
        "ban.Time.real",
        "open",
        "'a' * 3",
        "[1] * 3",
        "lambda: 1",
        "(x := 3)",
        "[n for n in (1,)]",
        "math.factorial(9)",
        "min(1)",
        "max(*[1, 2])",
        "int('7', base=8)",
        "math.exp",
        "f'{ban}'",
        "1j",
        "3 @ 4",
        "1 in (1, 2)",
        "ban.Time; ban.Time",
        "(" * 60 + "-" * 60 + "1" + ")" * 60,
        "(" * 300 + "1" + ")" * 300,
        "9" * 400,
        "1+" * MOST_TEXT + "1",
    ],
)
def test_anything_else_is_refused_before_it_does_anything(text: str) -> None:
    """There is no name, call or literal through which a formula could reach beyond numbers."""
    with pytest.raises(FormulaError):
        parse_formula(text)


@pytest.mark.parametrize(
    "text",
    [
        "9 ** 9 ** 9 ** 9",
        "1 << 10 ** 9",
        "10 ** 300 * 10 ** 300 * 10 ** 300",
        "math.exp(ban.Count * 1000)",
        "2.0 ** 5000",
        "math.pow(10, 400)",
        "((1 << 1000) << 1000) << 1000",
    ],
)
def test_what_grows_without_end_is_infinite_at_once(text: str) -> None:
    """No formula hangs or fills the memory: the exact number is never made."""
    assert parse_formula(text).value(time=600, count=5) == math.inf


@pytest.mark.parametrize(
    ("text", "value"), [("(-3) ** 10001 ", -math.inf), ("-1 << 5000", -math.inf), ("0 << 9999", 0)]
)
def test_the_sign_of_what_is_infinite_is_right(text: str, value: float) -> None:
    """The bounds change no order."""
    assert parse_formula(text).value() == value


@pytest.mark.parametrize(
    "text",
    ["1 / ban.Count", "math.log(0)", "(0 - 8) ** 0.5", "math.inf - math.inf", "1.5 << 2", "1 >> -1", "1 % 0"],
)
def test_a_formula_without_a_value_says_so(text: str) -> None:
    """The caller then knows that the plain ban time has to do."""
    with pytest.raises(FormulaError):
        parse_formula(text).value(time=600, count=0)
