"""Values of a `.usda`: numbers, text, assets, lists, dictionaries, samples; without recursion, and only as much as may matter."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from conductor_core.discovery.limits import Limits
from conductor_core.formats.usd.layer import Arc, Asset, Value
from conductor_core.formats.usd.text_tokens import TextDamaged, Token, Tokens

#: types whose values are numbers only, so that they are skipped unseen
NUMERIC = re.compile(
    r"(?:bool|uchar|u?int(?:64)?[234]?|half[234]?[fdh]?|float[234]?|double[234]?|timecode|matrix[234]d|frame4d|quat[fdh]"
    r"|(?:point|vector|normal|color)[34][fdh]|texCoord[23][fdh])(?:\[\])?\Z"
)
#: numbers and words of one list that are kept; assets are kept all
_KEPT = 100_000
Role = Literal["used", "deleted", "reordered"]


@dataclass(slots=True)
class _Open:
    """A list or dictionary that is being read."""

    closer: str
    items: list[Value] = field(default_factory=list)
    entries: dict[str, Value] = field(default_factory=dict)
    key: str = ""
    #: of the entry that is being read
    type: str = ""

    def add(self, value: Value) -> None:
        if self.closer == "}":
            self.entries[self.key] = value
        elif isinstance(value, Asset) or len(self.items) < _KEPT:
            self.items.append(value)

    def result(self) -> Value:
        return self.entries if self.closer == "}" else self.items


_CLOSERS = {"[": "]", "(": ")", "{": "}"}


def read_value(tokens: Tokens, limits: Limits) -> Value:
    """Return the value that comes next.

    Raises:
        TextDamaged: there is none, or it lies deeper than the limit.
    """
    stack: list[_Open] = []
    while True:
        if stack and stack[-1].closer == "}" and not _read_key(tokens, stack[-1]):
            value = stack.pop().result()
        else:
            token = tokens.next()
            if token.kind in _CLOSERS:
                if len(stack) >= limits.depth:
                    raise TextDamaged(f"values lie more than {limits.depth} deep in each other")
                stack.append(_Open(_CLOSERS[token.kind]))
                continue
            value = stack.pop().result() if stack and token.kind == stack[-1].closer else _scalar(token)
        if not stack:
            return value
        stack[-1].add(value)


def read_arcs(tokens: Tokens, limits: Limits, role: Role) -> list[Arc]:
    """Return the items of subLayers, references or payloads, those within the same layer left out.

    Raises:
        TextDamaged: they are not well formed.
    """
    arcs: list[Arc] = []
    listed = tokens.take("[")
    while True:
        token = tokens.next()
        if token.kind == "]" and listed:
            return arcs
        if token.kind == "asset":
            tokens.take("path")
            more = _in_parentheses(tokens, limits) if tokens.peek() == "(" else {}
            if token.text:
                arcs.append(Arc(token.text, role, _number(more.get("offset"), 0.0), _number(more.get("scale"), 1.0)))
        elif token.kind == "path":
            if tokens.peek() == "(":
                _in_parentheses(tokens, limits)
        elif not (token.kind == "word" and token.text == "None"):
            raise TextDamaged(f"an asset path was expected, not {token.text[:40] or token.kind or 'the end'}")
        if not listed:
            return arcs


def read_samples(tokens: Tokens, limits: Limits) -> list[tuple[float, Value]]:
    """Return the samples of an attribute.

    Raises:
        TextDamaged: they are not well formed.
    """
    samples: list[tuple[float, Value]] = []
    tokens.expect("{")
    while (time := tokens.time()) is not None:
        samples.append((time, read_value(tokens, limits)))
    tokens.expect("}")
    return samples


def skip_numbers(tokens: Tokens) -> None:
    """Skip the value of an attribute that has numbers only.

    Raises:
        TextDamaged: it has no end.
    """
    kind = tokens.next().kind
    if kind == "[":
        tokens.skip_to(b"]")
    elif kind == "{":
        tokens.skip_to(b"}")
    elif kind == "(":
        tokens.skip_brackets()


def _in_parentheses(tokens: Tokens, limits: Limits) -> dict[str, Value]:
    tokens.expect("(")
    found: dict[str, Value] = {}
    while not tokens.take(")"):
        name = tokens.expect("word").text
        tokens.expect("=")
        found[name] = read_value(tokens, limits)
    return found


def _read_key(tokens: Tokens, container: _Open) -> bool:
    """Read up to the value of the next entry: `string name =`, `"name":`, `<path>:`; tell whether there is one."""
    if (time := tokens.time()) is not None:
        container.key = repr(time)
        return True
    words: list[str] = []
    while True:
        token = tokens.next()
        if token.kind == "}":
            if words:
                raise TextDamaged("a dictionary ends within an entry")
            return False
        if token.kind == "=" or (token.kind == "word" and token.text == ":"):
            break
        if token.kind not in ("word", "text", "path") or len(words) > 3:
            raise TextDamaged(f"the name of an entry was expected, not {token.text[:40] or token.kind or 'the end'}")
        words.append(token.text)
    container.key = words[-1] if words else ""
    return True


def _scalar(token: Token) -> Value:
    if token.kind == "asset":
        return Asset(token.text)
    if token.kind == "text":
        return token.text
    if token.kind == "path":
        return None
    if token.kind == "word":
        try:
            return float(token.text)
        except ValueError:
            return {"true": 1.0, "false": 0.0}.get(token.text)
    raise TextDamaged(f"a value was expected, not {token.kind or 'the end'}")


def _number(value: Value, default: float) -> float:
    return float(value) if isinstance(value, (int, float)) else default
