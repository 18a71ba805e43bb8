"""Ban times as an expression: `bantime.formula` and `bantime.factor` (COMPAT 3.5).

Fail2ban evaluates these texts as Python. Here they are read into a syntax tree of which only what stands in the tables
below is understood, each node as a function of the known values: no name of Python's is reachable from it.

    ban.Time * 2 ** min(ban.Count, 20)
    ban.Time * banFactor * (1 << (20 if ban.Count > 20 else ban.Count))
    ban.Time * math.exp(float(ban.Count) * banFactor)

Every step is bounded, so every formula is: a text has at most `MOST_TEXT` characters, and a whole number at most
`MOST_BITS` bits. What grows beyond is infinite, as it is for `math.exp`, and whoever uses the result caps it.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Number = int | float
Known = Mapping[str, Number]
Step = Callable[[Known], Number]
"""A part of a formula: from the known values to a number."""

MOST_TEXT = 1000
"""Characters of a formula: far more than any that a person wrote, far fewer than Python's parser chokes on."""

MOST_BITS = 1024
"""Bits of a whole number: what a float can still hold."""

_DEPTH = 50  # of nesting; Python's own parser gives up at 200 parentheses


class FormulaError(ValueError):
    """The text is no formula, or the formula has no value here; the message says which part is to blame."""


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, int) and isinstance(exponent, int) and exponent >= 0:
        if abs(base) < 2 or base.bit_length() * exponent <= MOST_BITS:
            return int(base**exponent)
        return -math.inf if base < 0 and exponent % 2 else math.inf
    return math.pow(base, exponent)


def _shift_left(value: Number, places: Number) -> Number:
    if value in (math.inf, -math.inf):
        return value
    if not isinstance(value, int) or not isinstance(places, int) or places < 0:
        raise FormulaError("<< needs whole numbers, the second not below 0")
    if value == 0 or places + value.bit_length() <= MOST_BITS:
        return value << places if value else 0
    return math.inf if value > 0 else -math.inf


def _shift_right(value: Number, places: Number) -> Number:
    if not isinstance(value, int) or not isinstance(places, int) or places < 0:
        raise FormulaError(">> needs whole numbers, the second not below 0")
    return value >> places


_BINARY: Mapping[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
    ast.LShift: _shift_left,
    ast.RShift: _shift_right,
}
_UNARY: Mapping[type[ast.unaryop], Callable[[Number], Number]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Not: operator.not_,
}
_COMPARE: Mapping[type[ast.cmpop], Callable[[Number, Number], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_NAMES = ("ban.Time", "ban.Count", "banFactor")
_CONSTANTS: Mapping[str, Number] = {"math.pi": math.pi, "math.e": math.e, "math.inf": math.inf}
_FUNCTIONS: Mapping[str, tuple[Callable[..., Number], range]] = {  # and how many arguments they take
    "min": (min, range(2, 100)),
    "max": (max, range(2, 100)),
    "float": (float, range(1, 2)),
    "int": (int, range(1, 2)),
    "abs": (abs, range(1, 2)),
    "round": (round, range(1, 2)),
    "math.pow": (_power, range(2, 3)),
    "math.fmod": (math.fmod, range(2, 3)),
    "math.log": (math.log, range(1, 3)),
    "math.exp": (math.exp, range(1, 2)),
    "math.expm1": (math.expm1, range(1, 2)),
    "math.log2": (math.log2, range(1, 2)),
    "math.log10": (math.log10, range(1, 2)),
    "math.log1p": (math.log1p, range(1, 2)),
    "math.sqrt": (math.sqrt, range(1, 2)),
    "math.ceil": (math.ceil, range(1, 2)),
    "math.floor": (math.floor, range(1, 2)),
    "math.trunc": (math.trunc, range(1, 2)),
    "math.fabs": (math.fabs, range(1, 2)),
    "math.sin": (math.sin, range(1, 2)),
    "math.cos": (math.cos, range(1, 2)),
    "math.tan": (math.tan, range(1, 2)),
    "math.atan": (math.atan, range(1, 2)),
    "math.tanh": (math.tanh, range(1, 2)),
}


@dataclass(frozen=True, slots=True)
class Formula:
    """An expression that was understood. Made by `parse_formula`."""

    text: str
    _step: Step

    def value(self, *, time: Number = 0, count: int = 0, factor: Number = 1) -> Number:
        """Return what the formula says for a ban time in seconds, bans so far and the factor; it may be infinite.

        Raises:
            FormulaError: it has no value, as when it divides by zero.

        """
        try:
            value = self._step({"ban.Time": time, "ban.Count": count, "banFactor": factor})
        except OverflowError:
            return math.inf
        except (ValueError, ArithmeticError, TypeError) as error:
            raise FormulaError(f"formula {self.text!r}: {error}") from None
        if math.isnan(value):
            raise FormulaError(f"formula {self.text!r} is no number for {count} ban(s)")
        return value


def parse_formula(text: str) -> Formula:
    """Return the formula that `text` is.

    Raises:
        FormulaError: it holds anything but numbers, arithmetic, comparisons, `A if C else B` and the known names.

    """
    if len(text) > MOST_TEXT:
        raise FormulaError(f"a formula of {len(text)} characters; the most is {MOST_TEXT}")
    try:
        return Formula(text.strip(), _compile(ast.parse(text.strip(), mode="eval").body, 0))
    except FormulaError as error:
        raise FormulaError(f"formula {text!r}: {error}") from None
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        why = error.msg if isinstance(error, SyntaxError) else str(error)
        raise FormulaError(f"formula {text!r}: {why}") from None


def _compile(node: ast.expr, depth: int) -> Step:
    """Return `node` as a function; raises FormulaError unless it and everything below it is understood."""
    if depth > _DEPTH:
        raise FormulaError("it is nested too deeply")
    make = _MAKERS.get(type(node))
    step = None if make is None else make(node, lambda part: _compile(part, depth + 1))
    if step is None:
        raise FormulaError(f"did not understand {ast.unparse(node)[:60]!r}")
    return step


Compile = Callable[[ast.expr], Step]


def _number(node: ast.Constant, _: Compile) -> Step | None:
    value = node.value
    if isinstance(value, float) or (isinstance(value, int) and value.bit_length() <= MOST_BITS):
        return lambda _: value
    return None


def _named(node: ast.expr, _: Compile) -> Step | None:
    name = _name_of(node)
    if name in _CONSTANTS:
        return lambda _: _CONSTANTS[name]
    return operator.itemgetter(name) if name in _NAMES else None


def _binary(node: ast.BinOp, compile_: Compile) -> Step | None:
    if type(node.op) not in _BINARY:
        return None
    run, left, right = _BINARY[type(node.op)], compile_(node.left), compile_(node.right)
    return lambda known: _bounded(run(left(known), right(known)))


def _unary(node: ast.UnaryOp, compile_: Compile) -> Step | None:
    if type(node.op) not in _UNARY:
        return None
    run, operand = _UNARY[type(node.op)], compile_(node.operand)
    return lambda known: run(operand(known))


def _boolean(node: ast.BoolOp, compile_: Compile) -> Step:
    *parts, last = map(compile_, node.values)
    decisive = isinstance(node.op, ast.Or)

    def run(known: Known) -> Number:
        values = (part(known) for part in parts)
        found = next((value for value in values if bool(value) is decisive), None)
        return last(known) if found is None else found

    return run


def _comparison(node: ast.Compare, compile_: Compile) -> Step | None:
    if any(type(op) not in _COMPARE for op in node.ops):
        return None
    parts, tests = [compile_(part) for part in (node.left, *node.comparators)], [_COMPARE[type(op)] for op in node.ops]

    def run(known: Known) -> bool:
        values = [part(known) for part in parts]
        return all(test(*pair) for test, *pair in zip(tests, values, values[1:], strict=False))

    return run


def _choice(node: ast.IfExp, compile_: Compile) -> Step:
    test, then, otherwise = compile_(node.test), compile_(node.body), compile_(node.orelse)
    return lambda known: then(known) if test(known) else otherwise(known)


def _call(node: ast.Call, compile_: Compile) -> Step | None:
    name = _name_of(node.func)
    if name not in _FUNCTIONS or node.keywords:
        return None
    run, arguments = _FUNCTIONS[name]
    parts = [compile_(part) for part in node.args]
    return (lambda known: _bounded(run(*(part(known) for part in parts)))) if len(parts) in arguments else None


_MAKERS: Mapping[type[ast.expr], Callable[[Any, Compile], Step | None]] = {
    ast.Constant: _number,
    ast.Name: _named,
    ast.Attribute: _named,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.BoolOp: _boolean,
    ast.Compare: _comparison,
    ast.IfExp: _choice,
    ast.Call: _call,
}


def _name_of(node: ast.expr) -> str:
    """Return the dotted name that `node` is, of at most one dot; nothing for what is none."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _bounded(value: Number) -> Number:
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        return math.inf if value > 0 else -math.inf
    return value
