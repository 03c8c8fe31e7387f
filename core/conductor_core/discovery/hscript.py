r"""Houdini's strings: variables, `backtick` expressions and what of them can be told without Houdini.

Rules: https://www.sidefx.com/docs/houdini/network/expressions.html (variables, quoting),
https://www.sidefx.com/docs/houdini/expressions/ (each function), https://www.sidefx.com/docs/houdini/render/expressions.html.

A string with the frame in it becomes a pattern: `$F4` → `%04d`, `$F` → `%d`; where the frame is reckoned with
(`` `padzero(4, $F+10)` ``) there is no pattern, so `NeedsFrame` is raised and the text is asked for frame by frame. What only
Houdini can tell raises `NotEvaluated` with the reason.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn, Protocol

from conductor_core.discovery import hscript_functions
from conductor_core.discovery.hscript_values import FrameToken, NeedsFrame, NotEvaluated, Value, number, string

__all__ = ["NeedsFrame", "NotEvaluated", "Scope", "evaluate", "expand"]

#: parameters that ask for parameters in turn
DEEPEST = 14
#: brackets within brackets
_MOST_BRACKETS = 12
#: characters that an expansion may come to; longer is no path
LONGEST = 32_768

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(FF?|SF)(\d{1,2})(?!\w)|([A-Za-z_]\w*))")
_FRAME = re.compile(r"(?:FF?|SF)(\d{1,2})?\Z")
_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+)|(?P<string>"[^"\\]*(?:\\.[^"\\]*)*"|'[^'\\]*(?:\\.[^'\\]*)*')
    |(?P<variable>\$\{\w+\}|\$\w+)|(?P<name>[A-Za-z_]\w*)|(?P<operator>&&|\|\||==|!=|<=|>=|[-+*/%^!<>(),])|(?P<other>\S))""",
    re.VERBOSE | re.DOTALL,
)
_STRENGTH = {"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, ">": 4, "<=": 4, ">=": 4, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6, "^": 7}


class Scope(Protocol):
    """What a string may ask of the scene."""

    @property
    def frame(self) -> int | None:
        """The frame that is asked for; None: a pattern for all frames."""
        ...

    @property
    def depth(self) -> int:
        """How many parameters lie between the first string and this one."""
        ...

    def variable(self, name: str) -> str | None:
        """Return the value of a variable; None where nobody has set it."""
        ...

    def call(self, function: str, arguments: tuple[Value, ...]) -> Value | None:
        """Return what a function that asks about nodes and parameters gives; None: there is no such function here.

        Raises:
            NotEvaluated: it cannot be told.
        """
        ...


def expand(text: str, scope: Scope) -> str:
    r"""Return a string parameter's value: variables and `` `expressions` `` filled in; `\$` and `` \` `` are themselves.

    Raises:
        NotEvaluated: something in it only Houdini can tell.
        NeedsFrame: there is no pattern for it; ask for each frame.
    """
    if scope.depth > DEEPEST:
        raise NotEvaluated("parameters refer to each other without end")
    result: list[str] = []
    length = 0
    for piece, is_expression in _pieces(text):
        value = string(evaluate(piece, scope)) if is_expression else _with_variables(piece, scope)
        length += len(value)
        if length > LONGEST:
            raise NotEvaluated("it comes to more text than any path has")
        result.append(value)
    return "".join(result)


def evaluate(expression: str, scope: Scope) -> Value:
    """Return the value of an HScript expression.

    Raises:
        NotEvaluated: something in it only Houdini can tell.
        NeedsFrame: it reckons with the frame and no frame is given.
    """
    stripped = expression.strip()
    if stripped.startswith("{"):
        raise NotEvaluated("it is a program of several lines", host_knows=True)
    if "@" in stripped:
        raise NotEvaluated("it asks for an attribute (@), which is there only while the node cooks")
    if scope.depth > DEEPEST:
        raise NotEvaluated("parameters refer to each other without end")
    return _Parser(stripped, scope).value()


def _pieces(text: str) -> list[tuple[str, bool]]:
    """Return literal text and the expressions between backticks, in turn."""
    pieces: list[tuple[str, bool]] = []
    start = 0
    within = False
    at = text.find("`")
    while at >= 0:
        if at and text[at - 1] == "\\" and not within:
            at = text.find("`", at + 1)
            continue
        pieces.append((text[start:at], within))
        within = not within
        start = at + 1
        at = text.find("`", start)
    if within:
        raise NotEvaluated("a backtick lacks its partner")
    pieces.append((text[start:], False))
    return [piece for piece in pieces if piece[0]]


def _with_variables(text: str, scope: Scope) -> str:
    if "$" not in text:
        return text.replace("\\`", "`")
    result: list[str] = []
    end = 0
    for match in _VARIABLE.finditer(text):
        if match.start() and text[match.start() - 1] == "\\":
            continue
        result += [
            text[end : match.start()],
            string(_variable(match[1] or (match[2] or "") + (match[3] or "") or match[4], scope)),
        ]
        end = match.end()
    result.append(text[end:])
    return "".join(result).replace("\\$", "$").replace("\\`", "`")


def _variable(name: str, scope: Scope) -> Value:
    frame = _FRAME.match(name)
    if frame:
        digits = int(frame[1] or 0)
        if name.startswith("SF"):
            raise NotEvaluated("$SF is the frame of a simulation, which its network tells")
        if scope.frame is None:
            return FrameToken(digits)
        return f"{scope.frame:0{digits}d}" if digits else str(scope.frame)
    value = scope.variable(name)
    if value is None:
        raise NotEvaluated(f"${name} is not set in the scene, nor by --env")
    return value


@dataclass(frozen=True, slots=True)
class _Word:
    kind: str
    text: str


class _Parser:
    """An expression, by precedence climbing; brackets nest 12 deep at most."""

    def __init__(self, text: str, scope: Scope) -> None:
        if len(text) > LONGEST:
            raise NotEvaluated("the expression is too long")
        self._scope = scope
        self._words = [_Word(m.lastgroup or "other", m[m.lastgroup or "other"]) for m in _TOKEN.finditer(text)]
        self._at = 0

    def value(self) -> Value:
        result = self._binary(1, 0)
        if self._at < len(self._words):
            self._fail()
        return result

    def _peek(self) -> _Word:
        return self._words[self._at] if self._at < len(self._words) else _Word("end", "")

    def _next(self) -> _Word:
        word = self._peek()
        self._at += 1
        return word

    def _fail(self) -> NoReturn:
        word = self._peek()
        raise NotEvaluated(f"the expression is not understood at {word.text!r}" if word.text else "the expression ends too early")

    def _binary(self, weakest: int, depth: int) -> Value:
        if depth > _MOST_BRACKETS:
            raise NotEvaluated("brackets nest too deep")
        left = self._unary(depth)
        while (strength := _STRENGTH.get(self._peek().text, 0)) >= weakest and self._peek().kind == "operator":
            operator = self._next().text
            left = _operate(operator, left, self._binary(strength + 1, depth + 1))
        return left

    def _unary(self, depth: int) -> Value:
        word = self._next()
        if word.kind == "number":
            return min(float(word.text), 1e300)
        if word.kind == "string":
            return self._quoted(word.text)
        if word.kind == "variable":
            value = _variable(word.text.strip("${}"), self._scope)
            return value if isinstance(value, FrameToken) else _numeric(string(value))
        if word.kind == "name":
            return self._call(word.text, depth)
        if depth > _MOST_BRACKETS:
            raise NotEvaluated("brackets nest too deep")
        if word.text == "(":
            result = self._binary(1, depth + 1)
            return result if self._next().text == ")" else self._fail()
        if word.text in ("-", "!"):
            operand = number(self._unary(depth + 1))
            return -operand if word.text == "-" else float(not operand)
        self._at -= 1
        self._fail()

    def _quoted(self, word: str) -> Value:
        """Variables are filled in between double quotes, not between single ones."""
        inner = re.sub(r"\\([\"'\\`])", r"\1", word[1:-1])
        return _with_variables(inner, self._scope) if word.startswith('"') else inner

    def _call(self, name: str, depth: int) -> Value:
        if self._peek().text != "(":
            raise NotEvaluated(f"{name} is no function that is known here")
        self._next()
        arguments: list[Value] = []
        while self._peek().text != ")":
            arguments.append(self._binary(1, depth + 1))
            if self._peek().text == ",":
                self._next()
            elif self._peek().text != ")":
                self._fail()
        self._next()
        given = self._scope.call(name, tuple(arguments))
        return given if given is not None else hscript_functions.call(name, tuple(arguments))


def _numeric(text: str) -> Value:
    """A variable's text is a number where it reads as one."""
    try:
        value = float(text)
    except ValueError:
        return text
    return value if math.isfinite(value) else text


def _operate(operator: str, left: Value, right: Value) -> Value:
    if operator == "+" and not (isinstance(left, float) and isinstance(right, float)):
        if (isinstance(left, FrameToken) and isinstance(right, float)) or (
            isinstance(left, float) and isinstance(right, FrameToken)
        ):
            raise NeedsFrame
        return string(left) + string(right)
    if operator in ("==", "!=") and isinstance(left, str) and isinstance(right, str):
        return float((left == right) is (operator == "=="))
    try:
        return _ARITHMETIC[operator](number(left), number(right))
    except (ZeroDivisionError, OverflowError, TypeError, ValueError):
        raise NotEvaluated(f"{operator} cannot be reckoned") from None


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "||": lambda a, b: float(bool(a or b)),
    "&&": lambda a, b: float(bool(a and b)),
    "==": lambda a, b: float(a == b),
    "!=": lambda a, b: float(a != b),
    "<": lambda a, b: float(a < b),
    ">": lambda a, b: float(a > b),
    "<=": lambda a, b: float(a <= b),
    ">=": lambda a, b: float(a >= b),
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "%": lambda a, b: a % b,
    "^": lambda a, b: float(a**b),
}
