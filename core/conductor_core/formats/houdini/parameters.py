r"""The texts `.parm` and `.chn`: the values of a node's parameters, and the expressions on them.

Seen in files saved by Houdini 9 to 20.5:

    file	[ 0	locks=0 ]	(	render/cache.$F4.bgeo	)
    sopoutput	[ 0	locks=0	autoscope=1 ]	(	[ sopoutput	/job/a.0001.bgeo ] 	)
    python	[ 0	locks=0 ]	(	"import os
    print(\"a\")"	)

A value that has a channel stands in brackets, with what it was when the scene was saved. In quotes, and in words too, `\"`
is `"` and `\\` is `\`. Channels say `segment { length = 0 expr = chs(\"../file\") language = python }`; a channel with
several segments is keyed over time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from conductor_core.discovery.houdini_values import Channel, Value, unescaped

_HEAD = re.compile(r'^([^\s"(){}\[\]]+)[ \t]+\[[^\]\n]*\][ \t]+\(', re.MULTILINE)
_TOKEN = re.compile(r'\s*(?:"([^"\\]*(?:\\.[^"\\]*)*)"|([^\s"][^\s]*))', re.DOTALL)
_PLAIN = re.compile(r'([^"\[\n]*)\)[ \t]*$', re.MULTILINE)
_CHANNEL = re.compile(r"^[ \t]*channel[ \t]+(\S+)[ \t]*\{", re.MULTILINE)
_SEGMENT = re.compile(r"^[ \t]*segment[ \t]*\{", re.MULTILINE)
_EXPRESSION = re.compile(
    r'\bexpr\s*=\s*(?:"(?P<quoted>[^"\\]*(?:\\.[^"\\]*)*)"|(?P<word>[^\s"]\S*))\s+(?:language\s*=\s*(?P<language>\w+)\s+)?\}',
    re.DOTALL,
)


def parameters(text: str) -> dict[str, tuple[Value, ...]]:
    """Read a `.parm`; what is broken in it is passed over."""
    found: dict[str, tuple[Value, ...]] = {}
    at = 0
    while head := _HEAD.search(text, at):
        plain = _PLAIN.match(text, head.end())
        if plain:
            found[head[1]] = tuple(Value(word) for word in plain[1].split())
            at = plain.end()
        else:
            found[head[1]], at = _values(text, head.end())
    return found


def channels(text: str) -> dict[str, Channel]:
    """Read a `.chn`: channel → what drives it; channels without an expression are left out."""
    return dict(_channels(text))


def _channels(text: str) -> Iterator[tuple[str, Channel]]:
    starts = list(_CHANNEL.finditer(text))
    for start, end in zip(starts, [*(s.start() for s in starts), len(text)][1:], strict=True):
        first = _EXPRESSION.search(text, start.end(), end)
        if not first:
            continue
        parts = ((start.end(), first.start()), (first.end(), end))
        segments = sum(1 for begin, stop in parts for _ in _SEGMENT.finditer(text, begin, stop))
        written = first["quoted"] if first["quoted"] is not None else first["word"]
        yield start[1], Channel(unescaped(written.strip()), first["language"] or "", segments > 1)


def _values(text: str, at: int) -> tuple[tuple[Value, ...], int]:
    """Return the values up to the closing bracket, and where that is."""
    values: list[Value] = []
    channel: str | None = None  # None: not within brackets; "": its name comes next
    while token := _TOKEN.match(text, at):
        at = token.end()
        word = token[2]
        if word == ")" and channel is None:
            break
        if word == "[" and channel is None:
            channel = ""
        elif word == "]" and channel is not None:
            channel = None
        elif channel == "":
            channel = word or unescaped(token[1] or "")
        else:
            values.append(Value(word if word is not None else token[1], channel or ""))
    return tuple(values), at
