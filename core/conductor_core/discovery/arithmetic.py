"""Arithmetic of expressions as Nuke and TCL write it: numbers, `+ - * / % **`, comparisons, `&& || !`, `a ? b : c`, functions.

Rules: https://www.tcl-lang.org/man/tcl8.6/TclCmd/expr.htm and
https://learn.foundry.com/nuke/content/reference_guide/expressions/expression_functions.html
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

Number = int | float
#: what a name in an expression stands for
Lookup = Callable[[str], Number]

#: operations that one expression may have, and how deep its brackets may lie in each other
_MOST_TOKENS = 2000
_DEEPEST = 60
_LONGEST = 10_000
_LONGEST_WORD = 300
#: no frame, index or length is so large
_MOST = 1e12

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|(?P<name>[A-Za-z_][\w.]*)|(?P<sign>\*\*|&&|\|\||[<>=!]=|[-+*/%<>!?:(),]))"
)
_BINDING = {"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, ">": 4, "<=": 4, ">=": 4, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6, "**": 8}
#: as in TCL, where -2**2 is 4
_UNARY = 9

_OPERATIONS: dict[str, Callable[[Number, Number], Number]] = {
    "||": lambda a, b: int(bool(a) or bool(b)),
    "&&": lambda a, b: int(bool(a) and bool(b)),
    "==": lambda a, b: int(a == b),
    "!=": lambda a, b: int(a != b),
    "<": lambda a, b: int(a < b),
    ">": lambda a, b: int(a > b),
    "<=": lambda a, b: int(a <= b),
    ">=": lambda a, b: int(a >= b),
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "**": lambda a, b: _power(a, b),
}
_FUNCTIONS: dict[str, tuple[int, Callable[..., Number]]] = {
    "abs": (1, abs),
    "ceil": (1, math.ceil),
    "clamp": (3, lambda x, low, high: max(low, min(high, x))),
    "double": (1, float),
    "floor": (1, math.floor),
    "fmod": (2, math.fmod),
    "int": (1, math.trunc),
    "max": (2, max),
    "min": (2, min),
    "pow": (2, lambda a, b: _power(a, b)),
    "rint": (1, lambda x: math.floor(x + 0.5)),
    "round": (1, lambda x: math.floor(x + 0.5)),
    "sqrt": (1, math.sqrt),
    "trunc": (1, math.trunc),
}


def countable(number: float, default: float) -> float:
    """Return a number that files hold, fit to be rounded; `default` for infinity, NaN and what counts no frames."""
    return number if abs(number) < _MOST else default


def _power(a: Number, b: Number) -> Number:
    value = float(a) ** float(b)
    whole = isinstance(a, int) and isinstance(b, int) and b >= 0 and abs(value) < 1e15
    return int(value) if whole else float(value)


class NotArithmetic(ValueError):
    """Say why an expression has no value here, as the end of a sentence."""


def calculate(text: str, lookup: Lookup, *, whole: bool = False) -> Number:
    """Return the value of an expression; `lookup` is asked for each name and raises `NotArithmetic` for an unknown one.

    `whole`: the quotient of two whole numbers is whole, as in TCL; in an expression of a Nuke knob it is not.

    Raises:
        NotArithmetic: it is no expression of this kind, or has no finite value.
    """
    try:
        value = _Parser(text, lookup, whole).value()
        if not math.isfinite(value):
            raise NotArithmetic(f"{_short(text)} has no finite value")
    except (ArithmeticError, ValueError, TypeError) as exc:
        reason = exc if isinstance(exc, NotArithmetic) else f"{_short(text)} has no value"
        raise NotArithmetic(str(reason)) from exc
    return value


def as_text(value: Number) -> str:
    """Return a number as TCL prints it."""
    return str(value) if isinstance(value, int) else repr(value)


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"


class _Parser:
    """Precedence climbing over the tokens of one expression; `?:` evaluates both sides, since nothing has an effect."""

    def __init__(self, text: str, lookup: Lookup, whole: bool) -> None:
        self._text = text
        self._whole = whole
        self._lookup = lookup
        self._tokens = _tokens(text)
        self._next = 0
        self._depth = 0

    def value(self) -> Number:
        value = self._choice()
        if self._next != len(self._tokens):
            raise self._wrong()
        return value

    def _choice(self) -> Number:
        value = self._binary(0)
        if self._take("?"):
            yes = self._choice()
            self._need(":")
            no = self._choice()
            value = yes if value else no
        return value

    def _binary(self, least: int) -> Number:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise NotArithmetic("its expression is nested too deeply")
        left = self._unary()
        while (sign := self._peek()) in _BINDING and _BINDING[sign] > least:
            self._next += 1
            # ** binds to the right
            right = self._binary(_BINDING[sign] - (sign == "**"))
            divides = sign == "/" and self._whole and isinstance(left, int) and isinstance(right, int)
            left = _OPERATIONS["//" if divides else sign](left, right)
        self._depth -= 1
        return left

    def _unary(self) -> Number:
        flips: list[str] = []
        while (sign := self._peek()) in ("-", "+", "!"):
            flips.append(sign)
            self._next += 1
        value = self._atom() if not flips else self._binary(_UNARY)
        for sign in reversed(flips):
            value = int(not value) if sign == "!" else -value if sign == "-" else value
        return value

    def _atom(self) -> Number:
        if self._next >= len(self._tokens):
            raise self._wrong()
        kind, token = self._tokens[self._next]
        self._next += 1
        if kind == "number":
            return int(token) if token.isdigit() else float(token)
        if kind == "name":
            return self._call(token) if self._peek() == "(" else self._lookup(token)
        if token != "(":  # noqa: S105
            raise self._wrong()
        value = self._choice()
        self._need(")")
        return value

    def _call(self, name: str) -> Number:
        self._need("(")
        values: list[Number] = []
        while not self._take(")"):
            if values:
                self._need(",")
            values.append(self._choice())
        count, function = _FUNCTIONS.get(name, (-1, abs))
        if count != len(values):
            raise NotArithmetic(f"{name}() is not evaluated without Nuke")
        return function(*values)

    def _peek(self) -> str:
        return self._tokens[self._next][1] if self._next < len(self._tokens) else ""

    def _take(self, sign: str) -> bool:
        taken = self._peek() == sign
        self._next += taken
        return taken

    def _need(self, sign: str) -> None:
        if not self._take(sign):
            raise self._wrong()

    def _wrong(self) -> NotArithmetic:
        return NotArithmetic(f"{_short(self._text)} is no arithmetic")


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    position, end = 0, len(text.rstrip())
    if end > _LONGEST:
        raise NotArithmetic("its expression is too long")
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None or len(found) > _MOST_TOKENS or len(match[0]) > _LONGEST_WORD:
            raise NotArithmetic(f"{_short(text)} is no arithmetic")
        found.append((match.lastgroup or "", match[match.lastgroup or 0]))
        position = match.end()
    return found
