"""Variable expressions in asset paths: `` `"./${SHOT}/x.usd"` ``.

Language: https://openusd.org/release/user_guides/variable_expressions.html. Strings with `${NAME}` in them, whole numbers, `True`,
`False`, `None`, lists, and the functions below.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

Result = bool | float | str | list["Result"] | None
_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<variable>\$\{\w+\})|(?P<number>-?[0-9]+)|(?P<word>\w+)|(?P<mark>[()\[\],]))""",
    re.DOTALL,
)
_VARIABLE = re.compile(r"\\(.)|\$\{(\w+)\}", re.DOTALL)
_WORDS: dict[str, Result] = {"True": True, "true": True, "False": False, "false": False, "None": None, "none": None}
_DEEPEST = 50
#: a variable may name others
_ROUNDS = 20


class NotEvaluated(Exception):
    """Carry why an expression has no value here."""


def is_expression(text: str) -> bool:
    """Tell whether the text of an asset path is an expression."""
    return len(text) > 1 and text[0] == text[-1] == "`"


def evaluate(text: str, variables: Mapping[str, object]) -> str:
    """Return the path that an expression comes to; "" for None.

    Raises:
        NotEvaluated: it names a variable that nobody has set, or is not well formed.
    """
    value = _Expression(text[1:-1] if is_expression(text) else text, variables, 0).value()
    if value is None:
        return ""
    if not isinstance(value, str):
        raise NotEvaluated("the expression comes to no text")
    return value


class _Expression:
    def __init__(self, text: str, variables: Mapping[str, object], round_: int) -> None:
        if round_ > _ROUNDS:
            raise NotEvaluated("its variables name each other")
        self._text = text
        self._variables = variables
        self._round = round_
        self._at = 0

    def value(self) -> Result:
        """Return the value of the whole text."""
        found = self._one(0)
        if self._text[self._at :].strip():
            raise NotEvaluated("the expression is not well formed")
        return found

    def _one(self, depth: int) -> Result:
        if depth > _DEEPEST:
            raise NotEvaluated("the expression is too deep")
        token = self._next()
        if token["string"]:
            return self._filled(token["string"][1:-1])
        if token["variable"]:
            return self._variable(token["variable"][2:-1])
        if token["number"]:
            return float(token["number"])
        if token["mark"] == "[":
            return self._list("]", depth)
        word = token["word"]
        if word in _WORDS:
            return _WORDS[word]
        if word in _FUNCTIONS or word == "defined":
            if self._next()["mark"] != "(":
                raise NotEvaluated("the expression is not well formed")
            if word == "defined":
                return all(isinstance(n, str) and n in self._variables for n in self._list(")", depth))
            return self._call(word, self._list(")", depth))
        raise NotEvaluated(f"{word or token[0].strip()} is not known in expressions")

    def _list(self, closer: str, depth: int) -> list[Result]:
        items: list[Result] = []
        while True:
            start = self._at
            mark = self._next()["mark"]
            if mark == closer:
                return items
            if mark != ",":
                self._at = start
                items.append(self._one(depth + 1))

    def _call(self, name: str, arguments: list[Result]) -> Result:
        try:
            return _FUNCTIONS[name](*arguments)
        except (TypeError, IndexError, ValueError):
            raise NotEvaluated(f"{name}() is not asked as it can be") from None

    def _next(self) -> re.Match[str]:
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            raise NotEvaluated("the expression is not well formed")
        self._at = match.end()
        return match

    def _variable(self, name: str) -> Result:
        if name not in self._variables:
            raise NotEvaluated(f"nobody has set the expression variable {name}")
        value = self._variables[name]
        if isinstance(value, str):
            return _Expression(value[1:-1], self._variables, self._round + 1).value() if is_expression(value) else value
        if isinstance(value, (bool, int, float)):
            return value
        return [v for v in value if isinstance(v, (str, float, int))] if isinstance(value, list) else None

    def _filled(self, text: str) -> str:
        return _VARIABLE.sub(self._fill, text)

    def _fill(self, match: re.Match[str]) -> str:
        if match[1]:
            return match[1]
        value = self._variable(match[2])
        if not isinstance(value, str):
            raise NotEvaluated(f"the expression variable {match[2]} is no text")
        return value


def _less(a: Result, b: Result) -> bool:
    if isinstance(a, str) and isinstance(b, str):
        return a < b
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return a < b
    raise TypeError


def _at(items: Result, index: Result) -> Result:
    if isinstance(items, (str, list)) and isinstance(index, (int, float)):
        return items[int(index)]
    raise TypeError


def _contains(items: Result, item: Result) -> bool:
    if isinstance(items, list):
        return item in items
    if isinstance(items, str) and isinstance(item, str):
        return item in items
    raise TypeError


def _length(items: Result) -> float:
    if isinstance(items, (str, list)):
        return float(len(items))
    raise TypeError


def _if(condition: Result, then: Result, otherwise: Result = None) -> Result:
    return then if condition else otherwise


_FUNCTIONS: dict[str, Callable[..., Result]] = {
    "if": _if,
    "and": lambda *a: all(a),
    "or": lambda *a: any(a),
    "not": lambda a: not a,
    "eq": lambda a, b: a == b,
    "neq": lambda a, b: a != b,
    "lt": _less,
    "leq": lambda a, b: a == b or _less(a, b),
    "gt": lambda a, b: _less(b, a),
    "geq": lambda a, b: a == b or _less(b, a),
    "contains": _contains,
    "at": _at,
    "len": _length,
}
