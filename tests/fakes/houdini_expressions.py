"""HScript expressions and the expansion of texts, as far as scenes use them; what is not known here is told, never guessed.

Sources: https://www.sidefx.com/docs/houdini/expressions/ (functions), https://www.sidefx.com/docs/houdini/network/expressions.html
(variables, backticks, operators), https://www.sidefx.com/docs/houdini/hom/hou/hscriptExpression.html (quotes, unknown variables).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

Value = float | str

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+)|(?P<string>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
    r"|(?P<variable>\$(?:\{\w+\}|\w+))|(?P<attribute>@[\w.]+)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign>==|!=|<=|>=|&&|\|\||[-+*/%^<>!(),]))"
)
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_RANK = {"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, ">": 4, "<=": 4, ">=": 4, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6, "^": 7}


class BadExpression(Exception):
    """An expression that Houdini would refuse; the text says why."""


class UnknownExpression(Exception):
    """A function that Houdini has and this fake has not."""


class Surroundings(Protocol):
    """What an expression can ask for, as seen from its node."""

    def variable(self, name: str) -> str | None:
        """Return a variable's text; None: there is none."""
        ...

    def parameter(self, path: str) -> Value:
        """Return a parameter's value by its path from here."""
        ...

    def raw_parameter(self, path: str) -> str:
        """Return a parameter's text before expansion."""
        ...

    def node_path(self, path: str) -> str:
        """Return the full path of a node by its path from here; "": there is none."""
        ...

    def input_path(self, path: str, index: int) -> str:
        """Return the full path of a node's input; "": none."""
        ...


def expand(text: str, around: Surroundings) -> str:
    """Return a text as a string parameter evaluates it: variables and expressions in backticks."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        raise BadExpression(f"A backtick is not closed: {text!r}")
    return "".join(_plain(part, around) if i % 2 == 0 else as_text(evaluate(part, around)) for i, part in enumerate(parts))


def _plain(text: str, around: Surroundings) -> str:
    """Put variables in; what no variable has is left as it stands."""

    def value(match: re.Match[str]) -> str:
        found = around.variable(match[1] or match[2])
        return match[0] if found is None else found

    return _VARIABLE.sub(value, text)


def as_text(value: Value) -> str:
    """Return a value as Houdini writes it in a text."""
    if isinstance(value, str):
        return value
    return str(int(value)) if float(value).is_integer() else f"{value:.6g}"


def evaluate(text: str, around: Surroundings) -> Value:
    """Return what an expression is."""
    reader = _Reader(_tokens(text), around, text)
    value = reader.expression(0)
    if reader.at < len(reader.tokens):
        raise BadExpression(f"Syntax error in {text!r}")
    return value


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise BadExpression(f"Syntax error in {text!r}")
        found.append(_Token(str(match.lastgroup), match[str(match.lastgroup)]))
        at = match.end()
    return found


class _Reader:
    def __init__(self, tokens: list[_Token], around: Surroundings, text: str) -> None:
        self.tokens, self.around, self.text, self.at = tokens, around, text, 0

    def take(self) -> _Token:
        if self.at >= len(self.tokens):
            raise BadExpression(f"It breaks off: {self.text!r}")
        self.at += 1
        return self.tokens[self.at - 1]

    def next_sign(self) -> str:
        if self.at < len(self.tokens) and self.tokens[self.at].kind == "sign":
            return self.tokens[self.at].text
        return ""

    def expression(self, rank: int) -> Value:
        left = self.single()
        while _RANK.get(self.next_sign(), 0) > rank:
            sign = self.take().text
            left = _operate(sign, left, self.expression(_RANK[sign]))
        return left

    def single(self) -> Value:
        token = self.take()
        if token.kind == "number":
            return float(token.text)
        if token.kind == "string":
            text = re.sub(r"\\(.)", r"\1", token.text[1:-1])
            return text if token.text[0] == "'" else _plain(text, self.around)  # single quotes keep what is in them
        if token.kind == "variable":
            return self.variable(token.text.strip("${}"))
        if token.kind == "attribute":
            return ""  # no work item is cooking: https://www.sidefx.com/docs/houdini/tops/attributes.html
        if token.kind == "name":
            return self.call(token.text)
        if token.text in "-+!":
            number = _number(self.expression(7))
            return -number if token.text == "-" else float(not number) if token.text == "!" else number
        if token.text == "(":
            value = self.expression(0)
            self.need(")")
            return value
        raise BadExpression(f"Syntax error in {self.text!r}")

    def variable(self, name: str) -> Value:
        found = self.around.variable(name)
        if found is None:
            raise BadExpression(f"Undefined variable ${name}")
        try:
            return float(found)
        except ValueError:
            return found

    def need(self, sign: str) -> None:
        if self.next_sign() != sign:
            raise BadExpression(f"Syntax error in {self.text!r}: {sign} expected")
        self.at += 1

    def call(self, name: str) -> Value:
        if self.next_sign() != "(":
            return name  # a bare name is a channel's path in old expressions: ch(tx)
        self.at += 1
        given: list[Value] = []
        while self.next_sign() != ")":
            given.append(self.expression(0))
            if self.next_sign() == ",":
                self.at += 1
        self.need(")")
        if name in ("pythonexpr", "pythonexprs") and len(given) == 1:  # expressions/pythonexprs.html
            from fakes.houdini_values import python_value

            return python_value(as_text(given[0]))
        if name in _ASKING:
            return _ASKING[name](self.around, given)
        if name in _PLAIN:
            return _PLAIN[name](given)
        raise UnknownExpression(f"the HScript function {name}() of {self.text!r}")


def _number(value: Value) -> float:
    if isinstance(value, str):
        match = re.match(r"-?\d+\.?\d*", value)
        return float(match[0]) if match else 0.0
    return value


def _operate(sign: str, left: Value, right: Value) -> Value:
    if sign == "+" and (isinstance(left, str) or isinstance(right, str)):
        return as_text(left) + as_text(right)
    if sign in ("==", "!=") and isinstance(left, str) and isinstance(right, str):
        return float((left == right) == (sign == "=="))
    a, b = _number(left), _number(right)
    return float(_OPERATORS[sign](a, b))


_OPERATORS: dict[str, Callable[[float, float], float]] = {
    "||": lambda a, b: bool(a or b),
    "&&": lambda a, b: bool(a and b),
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b if b else 0.0,
    "%": lambda a, b: math.fmod(a, b) if b else 0.0,
    "^": lambda a, b: a**b,
}


def _padzero(given: list[Value]) -> Value:
    return f"{int(_number(given[1])):0{int(_number(given[0]))}d}"


def _fpadzero(given: list[Value]) -> Value:
    digits, decimals = int(_number(given[0])), int(_number(given[1]))
    whole = f"{_number(given[2]):.{decimals}f}"
    return whole.zfill(digits + (decimals + 1 if decimals else 0))


def _substr(given: list[Value]) -> Value:
    begin = int(_number(given[1]))
    return as_text(given[0])[begin : begin + int(_number(given[2]))]


def _strcmp(given: list[Value]) -> Value:
    one, other = as_text(given[0]), as_text(given[1])
    return float((one > other) - (one < other))


_PLAIN: dict[str, Callable[[list[Value]], Value]] = {
    "strcat": lambda given: as_text(given[0]) + as_text(given[1]),
    "strlen": lambda given: float(len(as_text(given[0]))),
    "strcmp": _strcmp,
    "substr": _substr,
    "padzero": _padzero,
    "fpadzero": _fpadzero,
    "if": lambda given: given[1] if _number(given[0]) else given[2],
    "ifs": lambda given: as_text(given[1] if _number(given[0]) else given[2]),
    "floor": lambda given: float(math.floor(_number(given[0]))),
    "ceil": lambda given: float(math.ceil(_number(given[0]))),
    "round": lambda given: float(math.floor(_number(given[0]) + 0.5)),
    "int": lambda given: float(int(_number(given[0]))),
    "abs": lambda given: abs(_number(given[0])),
    "min": lambda given: min(_number(one) for one in given),
    "max": lambda given: max(_number(one) for one in given),
    "sin": lambda given: math.sin(math.radians(_number(given[0]))),
    "cos": lambda given: math.cos(math.radians(_number(given[0]))),
    "tan": lambda given: math.tan(math.radians(_number(given[0]))),
    "atan": lambda given: math.degrees(math.atan(_number(given[0]))),
    "sqrt": lambda given: math.sqrt(max(0.0, _number(given[0]))),
    "clamp": lambda given: min(max(_number(given[0]), _number(given[1])), _number(given[2])),
}


def _opname(around: Surroundings, given: list[Value]) -> Value:
    return around.node_path(as_text(given[0])).rpartition("/")[2]


def _opdigits(around: Surroundings, given: list[Value]) -> Value:
    digits = re.search(r"(\d+)$", around.node_path(as_text(given[0])))
    return float(digits[1]) if digits else 0.0


def _opinput(around: Surroundings, given: list[Value]) -> Value:
    return around.input_path(as_text(given[0]), int(_number(given[1]))).rpartition("/")[2]


_ASKING: dict[str, Callable[[Surroundings, list[Value]], Value]] = {
    "ch": lambda around, given: around.parameter(as_text(given[0])),
    "chs": lambda around, given: as_text(around.parameter(as_text(given[0]))),
    "chf": lambda around, given: around.parameter(as_text(given[0])),
    "chsraw": lambda around, given: around.raw_parameter(as_text(given[0])),
    "opname": _opname,
    "opdigits": _opdigits,
    "opfullpath": lambda around, given: around.node_path(as_text(given[0])),
    "opinput": _opinput,
    "opinputpath": lambda around, given: around.input_path(as_text(given[0]), int(_number(given[1]))),
}
