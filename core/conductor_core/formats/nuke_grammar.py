"""The grammar of Nuke scripts and gizmos: TCL commands, most of them `Class {knob value …}`; one statement at a time.

The file is read in pieces, and what is kept of it is bounded: a value that is longer than the limit is skipped. Conflict marks
of version control are understood, so that both sides count. Seen in files saved by Nuke 6 to 16; for the words of a command:
https://www.tcl-lang.org/man/tcl8.6/TclCmd/Tcl.htm
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Literal

from conductor_core.discovery.nuke_node import DRAWN, Knob, Style

PIECE = 1 << 20

#: `name value` on a line of its own, as Nuke writes nearly all of them
#: the counts bound what the expression engine remembers; what has more is read by words
_LINE = re.compile(
    rb'\s*([^\s{}"\\;#\[\]]+)[ \t]+(?:([^\s{}"\\;]+)|"([^"\\]*(?:\\.[^"\\]*){0,4000})"|'
    rb"\{(?![ \t\r]*\n)([^{}\\]*(?:\{[^{}\\]*(?:\{[^{}\\]*\}[^{}\\]*){0,100}\}[^{}\\]*){0,100})\})[ \t\r]*\n",
    re.DOTALL,
)
#: `push $N41bf330`
_COMMAND = re.compile(rb'([^\s{}"\\;#][^\n{}"\\;#]{0,500})\n')
_BLANKS = re.compile(rb"(?:[ \t\r\v\f]+|\\\r?\n)*")
_GAP = re.compile(rb"[\s;]*")
_BARE = re.compile(rb"(?:[^\s\\{}]+|\\.){1,5000}", re.DOTALL)
_ENDS_WORD = (b"", b" ", b"\t", b"\r", b"\n", b"\v", b"\f", b"{", b"}")
_BRACES = re.compile(rb"[{}]")
_QUOTE = re.compile(rb'"')
_BACKSLASH, _OPEN = b"\\{"
_MARK = re.compile(rb"(?:<{7}|={7}|>{7}|\|{7})(?![<=>|])")
#: a class name, where a node was left open before it
_CLASS = re.compile(rb"[ \t]*[A-Z]\w*[ \t]+\{[ \t\r]*\n")
#: commands whose braces hold no knobs
_NO_NODES = frozenset(
    [
        "add_layer",
        "addUserKnob",
        "define_window_layout_xml",
        "for",
        "foreach",
        "if",
        "while",
        "proc",
        "python",
        "python_exec",
        "set",
        "push",
        "load",
        "namespace",
        "catch",
        "knob",
        "knobs",
        "version",
        "add_format",
        "addFormat",
        "plugin_path",
        "add_knob",
        "tcl",
        "eval",
        "source",
        "menu",
        "toolbar",
        "puts",
    ]
)

#: words of a command that are kept
_MOST_WORDS = 100

Side = Literal["", "ours", "base", "theirs"]


_DRAWN = frozenset(name.encode() for name in DRAWN)


@dataclass(frozen=True, slots=True)
class Statement:
    """A command of the script."""

    #: its bare words: `("Read",)`, `("push", "$N41bf330")`, `("clone", "$C1")`
    words: tuple[str, ...]
    #: None where it is no node
    knobs: tuple[Knob, ...] | None
    indent: int
    line: int
    #: the knobs of the other side of a conflict, where its sides differ
    other_side: tuple[Knob, ...] = ()


@dataclass(slots=True)
class Damage:
    """What was wrong, gathered while statements are read."""

    #: sentences, in the order of the file
    found: list[str] = field(default_factory=list)
    conflict: bool = False


class Statements:
    """The statements of a file, in order; iterate once."""

    def __init__(self, file: BinaryIO, limit: int) -> None:
        self.damage = Damage()
        self._source = _Source(file, limit)
        self._side: Side = ""

    def __iter__(self) -> Iterator[Statement]:
        source = self._source
        while source.at_word():
            statement = self._statement()
            if statement is not None:
                yield statement

    def _statement(self) -> Statement | None:
        source = self._source
        indent, line = source.indent(), source.line()
        if source.byte() == b"#" or self._mark():
            source.skip_line()
            return None
        simple = source.simple_command()
        if simple is not None:
            return Statement(simple, None, indent, line)
        words: list[str] = []
        while source.after_blanks() not in (b"", b"\n", b";"):
            byte = source.byte()
            if byte == b"{" and words and words[0] not in _NO_NODES:
                return self._node(tuple(words), indent, line)
            word = source.word()
            if word is None:
                self._complain(f"a brace or quote is not closed, from line {line} on")
                return None
            if len(words) < _MOST_WORDS:
                words.append(word.text)
        return Statement(tuple(words), None, indent, line) if words else None

    def _node(self, words: tuple[str, ...], indent: int, line: int) -> Statement | None:
        source = self._source
        source.step()
        ours: list[Knob] = []
        theirs: list[Knob] = []
        conflict = False
        side = self._side
        while True:
            for knob in source.simple_lines():
                if knob.name[0] in "<=>|" and self._is_mark(knob.name):
                    conflict = True
                    continue
                self._keep(knob, ours, theirs)
            if not source.at_word():
                self._complain(f"the file ends within {words[0]}, which starts in line {line}")
                break
            if source.byte() == b"}":
                source.step()
                break
            if self._mark():
                source.skip_line()
                conflict = True
                continue
            if source.looks_like_class(indent):
                self._complain(f"{words[0]} in line {line} is not closed before line {source.line()}")
                break
            self._keep(self._knob(), ours, theirs)
        if side == "theirs" and not conflict:
            return Statement(words, tuple(theirs), indent, line)
        differs = conflict and ours != theirs
        return None if side == "base" else Statement(words, tuple(ours), indent, line, tuple(theirs) if differs else ())

    def _knob(self) -> Knob | None:
        source = self._source
        line = source.line()
        if source.byte() == b"#":
            source.skip_line()
            return None
        name = source.word()
        if name is None:
            self._complain(f"a brace or quote is not closed, from line {line} on")
            return None
        if source.after_blanks() in (b"", b"\n", b";", b"}"):
            return None
        value = source.word()
        if value is None:
            self._complain(f"the value of {name.text[:80]} in line {line} is not closed")
            return None
        return None if name.text.encode("utf-8", "surrogateescape") in _DRAWN else Knob(name.text, value.text, value.style)

    def _keep(self, knob: Knob | None, ours: list[Knob], theirs: list[Knob]) -> None:
        if knob is None or self._side == "base":
            return
        if self._side != "theirs":
            ours.append(knob)
        if self._side != "ours":
            theirs.append(knob)

    def _mark(self) -> bool:
        mark = self._source.mark()
        return bool(mark) and self._is_mark(mark)

    def _is_mark(self, word: str) -> bool:
        sides: dict[str, Side] = {"<" * 7: "ours", "|" * 7: "base", "=" * 7: "theirs", ">" * 7: ""}
        if word not in sides:
            return False
        self._side = sides[word]
        self.damage.conflict = True
        return True

    def _complain(self, text: str) -> None:
        if len(self.damage.found) < 20:
            self.damage.found.append(text)


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    style: Style


class _Source:
    """The bytes of the file, in pieces; what lies before the position is forgotten."""

    def __init__(self, file: BinaryIO, limit: int) -> None:
        self._file = file
        self._limit = limit
        self._data = b""
        self._at = 0
        #: lines before `_counted`, so that each byte is counted once
        self._lines = 1
        self._counted = 0
        self._column = 0
        self._ended = False

    def line(self) -> int:
        """Return the number of the current line."""
        if self._at > self._counted:
            self._lines += self._data.count(b"\n", self._counted, self._at)
            self._counted = self._at
        return self._lines

    def indent(self) -> int:
        """Return how many blanks stand before the current word."""
        start = self._data.rfind(b"\n", 0, self._at)
        return self._at - start - 1 if start >= 0 else self._at + self._column

    def byte(self) -> bytes:
        """Return the byte at the position; b"" at the end."""
        if self._at >= len(self._data):
            self._more()
        return self._data[self._at : self._at + 1]

    def step(self) -> None:
        """Go on by a byte."""
        self._at += 1

    def at_word(self) -> bool:
        """Go to the next word, over line breaks; False at the end."""
        return self._skip(_GAP)

    def after_blanks(self) -> bytes:
        """Go over blanks of this line and return what stands there."""
        self._skip(_BLANKS)
        return self.byte()

    def mark(self) -> str:
        """Return the mark of a conflict that stands here, where it starts the line."""
        self._have(8)
        match = _MARK.match(self._data, self._at)
        return match[0].decode() if match and self.indent() == 0 else ""

    def skip_line(self) -> None:
        """Go to the end of the line."""
        while (end := self._data.find(b"\n", self._at)) < 0:
            self._at = len(self._data)
            if not self._more():
                return
        self._at = end

    def simple_command(self) -> tuple[str, ...] | None:
        """Return the words of a plain line, and go behind it; None where the line is anything else."""
        match = _COMMAND.match(self._data, self._at)
        if match is None:
            return None
        self._at = match.end()
        return tuple(_text(word) for word in match[1].split(maxsplit=_MOST_WORDS))

    def simple_lines(self) -> list[Knob]:
        """Return the knobs of the plain lines that stand here, and go behind them."""
        data, at, match_line = self._data, self._at, _LINE.match
        found: list[Knob] = []
        while (match := match_line(data, at)) is not None:
            at = match.end()
            name, bare, quoted, braced = match.groups()
            if name in _DRAWN:
                continue
            if bare is not None:
                found.append(Knob(_text(name), _text(bare)))
            elif quoted is not None:
                found.append(Knob(_text(name), _text(quoted), "quoted"))
            else:
                found.append(Knob(_text(name), _text(braced), "braced"))
        self._at = at
        return found

    def looks_like_class(self, indent: int) -> bool:
        """Tell whether a node starts here, no further in than the one that is open."""
        self._have(200)
        return (
            self.indent() <= indent
            and self._data[self._at - 1 : self._at] in (b"\n", b" ")
            and bool(_CLASS.match(self._data, self._at))
        )

    def word(self) -> _Word | None:
        """Return the next word and go behind it; None where it is not closed."""
        byte = self.byte()
        if byte == b"{":
            return self._closed(_BRACES, "braced")
        if byte == b'"':
            return self._closed(_QUOTE, "quoted")
        kept, length = bytearray(), 0
        while True:
            match = _BARE.match(self._data, self._at)
            length += self._take(kept, match.end() if match else self._at)
            if self._at >= len(self._data) - 1 and self._more():
                continue
            byte = self.byte()
            if byte == b"{" and length:
                inner = self._closed(_BRACES, "braced")
                if inner is None:
                    return None
                kept += b"{" + inner.text.encode("utf-8", "surrogateescape") + b"}"
                continue
            if byte and not length:
                # a lone brace, or a backslash at the very end: no word, but reading has to go on
                length += self._take(kept, self._at + 1)
            elif match is not None and byte not in _ENDS_WORD:
                continue
            return self._as_word(kept, length, "bare")

    def _closed(self, marks: re.Pattern[bytes], style: Style) -> _Word | None:
        """Return what stands between braces or quotes."""
        self._at += 1
        kept, length, depth = bytearray(), 0, 1
        while True:
            start, data = self._at, self._data
            for match in marks.finditer(data, start):
                at = match.start()
                if at > start and data[at - 1] == _BACKSLASH and _is_escaped(data, start, at):
                    continue
                depth += 1 if data[at] == _OPEN else -1
                if depth == 0:
                    length += self._take(kept, at)
                    self._at = at + 1
                    return self._as_word(kept, length, style)
            # a backslash at the end of the piece belongs to what comes next
            length += self._take(kept, len(data) - _is_escaped(data, start, len(data)))
            if not self._more():
                return None

    def _take(self, kept: bytearray, end: int) -> int:
        """Keep what lies before `end` as far as the limit allows, go there, and return how much it was."""
        length = end - self._at
        if len(kept) <= self._limit:
            kept += self._data[self._at : min(end, self._at + self._limit + 1)]
        self._at = end
        return length

    def _as_word(self, kept: bytearray, length: int, style: Style) -> _Word:
        return _Word("", "skipped") if max(length, len(kept)) > self._limit else _Word(_text(bytes(kept)), style)

    def _skip(self, what: re.Pattern[bytes]) -> bool:
        while True:
            match = what.match(self._data, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._data) - 1 or not self._more():
                return self._at < len(self._data)

    def _have(self, count: int) -> None:
        while len(self._data) - self._at < count and self._more():
            pass

    def _more(self) -> bool:
        """Read on; False at the end of the file."""
        if self._ended:
            return False
        piece = self._file.read(PIECE)
        self._ended = not piece
        # the line break before the position stays, so that its indent can be told
        start = max(self._data.rfind(b"\n", 0, self._at), 0)
        start = start if self._at - start < 4096 else self._at
        self._column = 0 if self._data[start : start + 1] == b"\n" else self._column + start
        self.line()
        self._data = self._data[start:] + piece
        self._at -= start
        self._counted -= start
        return bool(piece)


def _is_escaped(data: bytes, start: int, at: int) -> bool:
    """Tell whether an odd number of backslashes stands before a place, from `start` on."""
    first = at
    while first > start and data[first - 1] == _BACKSLASH:
        first -= 1
    return bool((at - first) % 2)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
