"""Nuke's expression language and animation curves, as far as paths, frame ranges and switches need them.

A value of a numeric knob is a list: a number, an expression, or a curve for each part (`{curve x1 0 x10 1} 5`).
Source: https://learn.foundry.com/nuke/content/comp_environment/expressions/expression_syntax.html and the scripts that Nuke writes.
"""

from __future__ import annotations

import math
import re
import tkinter
from collections.abc import Callable

from fakes.stub_modules import UnknownToFake

_TOKEN = re.compile(
    r"\s*(?:(\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)|(\$?[A-Za-z_][\w.]*)|(\*\*|&&|\|\||[<>=!]=|[-+*/%^()?:,<>!]))"
)
_FUNCTIONS: dict[str, Callable[..., float]] = {
    "abs": abs,
    "ceil": math.ceil,
    "floor": math.floor,
    "int": int,
    "trunc": int,
    "rint": round,
    "min": min,
    "max": max,
    "pow": pow,
    "sqrt": math.sqrt,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "exp": math.exp,
    "log": math.log,
    "fmod": math.fmod,
    "hypot": math.hypot,
    "radians": math.radians,
    "degrees": math.degrees,
    "clamp": lambda value, low=0.0, high=1.0: min(max(value, low), high),
    "lerp": lambda a, b, part: a + (b - a) * part,
    "noise": lambda *_: 0.0,
    "random": lambda *_: 0.5,
    "fBm": lambda *_: 0.0,
    "turbulence": lambda *_: 0.0,
}
_TCL = tkinter.Tcl()


class Number:
    """What the words of an expression are; for a name without a script there is nothing."""

    def __init__(self, frame: float) -> None:
        self.frame = frame
        #: what the animation curve beside the expression gives
        self.curve = 0.0

    def name(self, name: str, frame: float | None = None) -> float:
        """Return a knob's number, at a frame of its own where one is given."""
        raise RuntimeError(f"Nothing is named {name!r}")

    def tcl(self, command: str) -> str:
        """Return what Tcl in brackets gives."""
        raise RuntimeError("There is no Tcl here")


def elements(text: str) -> tuple[str, ...]:
    """Return the parts of a numeric knob's value."""
    return tuple(str(word) for word in _TCL.splitlist(text))


def is_number(text: str) -> bool:
    """Tell whether a part is a plain number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def animated(part: str) -> bool:
    """Tell whether a part is a curve or an expression."""
    return bool(part) and not is_number(part) and part not in {"true", "false"}


def evaluated(part: str, names: Number) -> float:
    """Return what one part of a value is: a number, a curve or an expression.

    Raises:
        RuntimeError: it cannot be understood, or has a name that nothing has.
    """
    if part in {"true", "false"}:
        return float(part == "true")
    if is_number(part):
        return float(part)
    words = part.split(" ") if part.startswith("curve") else _expression_first(part)
    names.curve = _curve(words[1:], names.frame)
    return _Parser(words[0], names).whole()


def _expression_first(part: str) -> list[str]:
    """Return an expression and the words of flags and curve behind it (`{parent.gain i}`)."""
    try:
        words = list(elements(part))
    except tkinter.TclError:
        return [part]
    for count in range(len(words), 0, -1):
        tail = words[count:]
        if all(re.fullmatch(r"[a-zA-Z]|x-?[\d.]+|-?[\d.]+|s-?[\d.e-]+|t-?[\d.e-]+|[uv]-?[\d.e-]+", word) for word in tail):
            continue
        return [" ".join(words[: count + 1]), *words[count + 1 :]]
    return [words[0], *words[1:]] if words else [part]


def keys(words: list[str]) -> dict[float, float]:
    """Return the keys of a curve: `x10 1` is 1 at frame 10, a further number one frame later."""
    found: dict[float, float] = {}
    frame = 1.0
    for word in words:
        if word.startswith("x") and is_number(word[1:]):
            frame = float(word[1:])
        elif is_number(word):
            found[frame] = float(word)
            frame += 1
    return found


def _curve(words: list[str], frame: float) -> float:
    """Return a curve's value: exact on keys and outside, straight between two of them."""
    found = keys(words)
    if not found:
        return 0.0
    before = [one for one in found if one <= frame]
    after = [one for one in found if one >= frame]
    if not before or not after:
        return found[max(before)] if before else found[min(after)]
    low, high = max(before), min(after)
    return found[low] if low == high else found[low] + (found[high] - found[low]) * (frame - low) / (high - low)


class _Parser:
    """Reads one expression, loosest operator first."""

    LEVELS: tuple[tuple[str, ...], ...] = (("||",), ("&&",), ("==", "!=", "<", ">", "<=", ">="), ("+", "-"), ("*", "/", "%"))

    def __init__(self, text: str, names: Number) -> None:
        self._names = names
        self._tokens = list(self._read(text))
        self._next = 0

    def _read(self, text: str) -> list[str | float]:
        tokens: list[str | float] = []
        place = 0
        while text[place:].strip():
            if text[place:].lstrip().startswith("["):
                place = text.index("[", place)
                end = _closing(text, place)
                answer = self._names.tcl(text[place + 1 : end])
                tokens.append(float(answer) if is_number(answer) else _refused(f"{answer!r} is no number"))
                place = end + 1
                continue
            match = _TOKEN.match(text, place)
            if not match:
                raise RuntimeError(f"Syntax error in expression {text!r}")
            tokens.append(float(match[1]) if match[1] else match[2] or match[3])
            place = match.end()
        return tokens

    def whole(self) -> float:
        """Return the expression's value."""
        value = self._choice()
        if self._next < len(self._tokens):
            raise RuntimeError(f"Syntax error before {self._tokens[self._next]!r}")
        return value

    def _peek(self) -> str | float | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _take(self, wanted: str = "") -> str | float:
        token = self._peek()
        if token is None or (wanted and token != wanted):
            raise RuntimeError(f"Syntax error: {wanted or 'a value'} expected")
        self._next += 1
        return token

    def _choice(self) -> float:
        value = self._level(0)
        if self._peek() != "?":
            return value
        self._take("?")
        yes = self._choice()
        self._take(":")
        no = self._choice()
        return yes if value else no

    def _level(self, level: int) -> float:
        if level == len(self.LEVELS):
            return self._power()
        value = self._level(level + 1)
        while isinstance(self._peek(), str) and self._peek() in self.LEVELS[level]:
            value = _calculated(str(self._take()), value, self._level(level + 1))
        return value

    def _power(self) -> float:
        value = self._single()
        if self._peek() in ("^", "**"):
            self._take()
            return float(value ** self._power())
        return value

    def _single(self) -> float:
        token = self._take()
        if isinstance(token, float):
            return token
        if token == "(":
            value = self._choice()
            self._take(")")
            return value
        if token in "-+!":
            value = self._single()
            return float(not value) if token == "!" else -value if token == "-" else value
        return self._named(token)

    def _named(self, name: str) -> float:
        given = self._arguments() if self._peek() == "(" else None
        if name in ("frame", "t", "x") and given is None:
            return self._names.frame
        if name in ("curve", "y") and given is None:
            return self._names.curve
        if name == "pi":
            return math.pi
        if given is not None and name in _FUNCTIONS:
            return float(_FUNCTIONS[name](*given))
        if given is not None and "." not in name and len(given) != 1:
            raise UnknownToFake(f"the function {name} of expressions")
        return self._names.name(name, given[0] if given else None)

    def _arguments(self) -> list[float]:
        self._take("(")
        found: list[float] = []
        while self._peek() != ")":
            found.append(self._choice())
            if self._peek() == ",":
                self._take(",")
        self._take(")")
        return found


def _calculated(operator: str, a: float, b: float) -> float:
    if operator in "/%" and b == 0:
        return 0.0
    results: dict[str, Callable[[], float]] = {
        "+": lambda: a + b,
        "-": lambda: a - b,
        "*": lambda: a * b,
        "/": lambda: a / b,
        "%": lambda: math.fmod(a, b),
        "||": lambda: bool(a or b),
        "&&": lambda: bool(a and b),
        "==": lambda: a == b,
        "!=": lambda: a != b,
        "<": lambda: a < b,
        ">": lambda: a > b,
        "<=": lambda: a <= b,
        ">=": lambda: a >= b,
    }
    return float(results[operator]())


def is_sound(part: str) -> bool:
    """Tell whether a part can be read at all; Nuke refuses a value that cannot, and leaves the knob as it was."""
    if not animated(part) or part.startswith("curve"):
        return True
    text, place = _expression_first(part)[0], 0
    while text[place:].strip():
        if text[place:].lstrip().startswith("["):
            place = _closing(text, text.index("[", place)) + 1
            continue
        match = _TOKEN.match(text, place)
        if not match:
            return False
        place = match.end()
    return True


def _closing(text: str, place: int) -> int:
    depth = 0
    for number in range(place, len(text)):
        depth += {"[": 1, "]": -1}.get(text[number], 0)
        if depth == 0:
            return number
    raise RuntimeError(f"missing close-bracket in {text!r}")


def _refused(problem: str) -> float:
    raise RuntimeError(problem)
