"""Functions of HScript expressions that need nothing but their arguments.

Each has its page below https://www.sidefx.com/docs/houdini/expressions/, by its name.
"""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Callable

from conductor_core.discovery.hscript_values import FrameToken, NotEvaluated, Value, number, string

_PYTHON = "it runs Python"
_RUNS = {
    "pythonexpr": _PYTHON,
    "pythonexprs": _PYTHON,
    "system": "it runs a program",
    "run": "it runs a script of commands",
    "python": _PYTHON,
    "details": "it asks the geometry",
    "detail": "it asks the geometry",
    "points": "it asks the geometry",
    "point": "it asks the geometry",
    "prims": "it asks the geometry",
    "prim": "it asks the geometry",
    "detailsattrib": "it asks the geometry",
    "stamp": "it depends on copy stamping",
    "stamps": "it depends on copy stamping",
    "rand": "it is random",
}
#: the longest number of digits that a name of a file has
_MOST_DIGITS = 20


def call(name: str, arguments: tuple[Value, ...]) -> Value:
    """Return what a function gives.

    Raises:
        NotEvaluated: there is no such function here, or its arguments do not fit.
        NeedsFrame: it reckons with the frame.
    """
    if name in _RUNS:
        raise NotEvaluated(f"{name}(): {_RUNS[name]}", host_knows=_RUNS[name] == _PYTHON)
    function = _FUNCTIONS.get(name)
    if function is None:
        raise NotEvaluated(f"the function {name}() is not evaluated without Houdini", host_knows=True)
    try:
        return function(*arguments)
    except (TypeError, ValueError, OverflowError, IndexError):
        raise NotEvaluated(f"{name}() is called with what it does not take") from None


def _padzero(size: Value, value: Value) -> Value:
    digits = min(_MOST_DIGITS, max(0, int(number(size))))
    if isinstance(value, FrameToken):
        return string(FrameToken(max(digits, value.digits)))
    if isinstance(value, str) and value.startswith("%"):
        raise NotEvaluated("padzero() of a text that has the frame in it")
    whole = int(number(value))
    return ("-" if whole < 0 else "") + f"{abs(whole):0{digits}d}"


def _fpadzero(whole: Value, fraction: Value, value: Value) -> Value:
    if int(number(fraction)) == 0:
        return _padzero(whole, value)
    after = min(_MOST_DIGITS, int(number(fraction)))
    return f"{number(value):0{min(_MOST_DIGITS, int(number(whole))) + 1 + after}.{after}f}"


def _substr(text: Value, start: Value, length: Value) -> Value:
    first = max(0, int(number(start)))
    return string(text)[first : first + max(0, int(number(length)))]


def _arg(text: Value, index: Value) -> Value:
    words = string(text).split()
    at = int(number(index))
    return words[at] if 0 <= at < len(words) else ""


def _compare(one: Value, other: Value) -> Value:
    left, right = string(one), string(other)
    return float((left > right) - (left < right))


def _atof(text: Value) -> Value:
    return number(text)


def _round(value: Value) -> Value:
    return float(math.floor(number(value) + 0.5))


_FUNCTIONS: dict[str, Callable[..., Value]] = {
    "padzero": _padzero,
    "fpadzero": _fpadzero,
    "strcat": lambda a, b: string(a) + string(b),
    "strlen": lambda s: float(len(string(s))),
    "strcmp": _compare,
    "strcasecmp": lambda a, b: _compare(string(a).lower(), string(b).lower()),
    "strmatch": lambda pattern, s: float(fnmatch.fnmatchcase(string(s), string(pattern))),
    "strcasematch": lambda pattern, s: float(fnmatch.fnmatchcase(string(s).lower(), string(pattern).lower())),
    "strreplace": lambda s, old, new: string(s).replace(string(old), string(new)) if string(old) else string(s),
    "substr": _substr,
    "toupper": lambda s: string(s).upper(),
    "tolower": lambda s: string(s).lower(),
    "index": lambda s, part: float(string(s).find(string(part))),
    "rindex": lambda s, part: float(string(s).rfind(string(part))),
    "itoa": lambda v: string(float(int(number(v)))),
    "ftoa": lambda v: string(number(v)),
    "atof": _atof,
    "arg": _arg,
    "argc": lambda s: float(len(string(s).split())),
    "if": lambda condition, yes, no: number(yes) if number(condition) else number(no),
    "ifs": lambda condition, yes, no: string(yes) if number(condition) else string(no),
    "int": lambda v: float(int(number(v))),
    "floor": lambda v: float(math.floor(number(v))),
    "ceil": lambda v: float(math.ceil(number(v))),
    "rint": _round,
    "round": _round,
    "abs": lambda v: abs(number(v)),
    "min": lambda a, b: min(number(a), number(b)),
    "max": lambda a, b: max(number(a), number(b)),
    "clamp": lambda v, low, high: min(max(number(v), number(low)), number(high)),
    "pow": lambda a, b: float(number(a) ** number(b)),
    "frac": lambda v: number(v) % 1.0,
    "sign": lambda v: float((number(v) > 0) - (number(v) < 0)),
    "lock": lambda v: number(v),
    "constant": lambda: 0.0,
}
