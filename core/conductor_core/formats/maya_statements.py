"""Maya ASCII as a stream of MEL statements: large parts that can hold no path are passed over without being looked at.

The syntax is that of MEL (https://help.autodesk.com/cloudhelp/2024/ENU/Maya-Scripting/files/GUID-60178D44-9990-45B4-8B43-9429D54DF70E.htm);
Maya writes each statement from the start of a line to `;` at the end of one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

#: bytes that are read at once
BLOCK = 1 << 20
#: how each node begins
_NODE = b"\ncreateNode "
#: what ends a statement as Maya writes it
_END = re.compile(rb";[ \t]*\r?\n")
_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n\f\v]+)|(?P<conflict>^(?:<{7}|={7}|>{7}|\|{7})(?:[ \t][^\n]*)?$)|(?P<comment>//[^\n]*)|(?P<block>/\*.*?\*/)|"
    r'"(?P<text>[^"\\]*(?:\\.[^"\\]*)*)"|(?P<end>;)|(?P<plus>\+(?=\s|"))|(?P<group>[(){}])|(?P<word>[^\s";(){}]+)|(?P<other>.)',
    re.DOTALL | re.MULTILINE,
)
_EDITS = re.compile(rb'\s*setAttr "\.ed" -type "dataReferenceEdits"')
#: an edit that sets a text: node, attribute, value
_EDIT = re.compile(rb'"([^"\\]*)"\s+"([^"\\]*)"\s+"((?:[^"\\]|\\.)*-type \\"string\\"(?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
#: a Windows path that somebody wrote without doubling its backslashes
_RAW_WINDOWS = re.compile(r"[A-Za-z]:\\[^\\\"]")


class Word(NamedTuple):
    """A word of a statement."""

    text: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement: its words, and whether it stands beside another version of itself in a merge conflict."""

    words: tuple[Word, ...]
    conflicted: bool = False

    @property
    def command(self) -> str:
        """The first word."""
        return self.words[0].text


class Broken(NamedTuple):
    """A part of the file that is no statement."""

    #: the beginning of it
    start: str
    reason: str


@dataclass(slots=True)
class StatementStream:
    """The statements of a file, in its order, in bounded memory."""

    file: BinaryIO
    #: bytes that one statement may have
    limit: int
    #: whether a piece of the file, from the start of one statement to the end of another, has to be looked at
    wanted: Callable[[bytes], bool]
    #: whether a part of the file, one node's or (False) what stands before the first, needs no look at its statements
    idle: Callable[[bytes, bool], bool]
    #: how the file's bytes become text
    decode: Callable[[bytes], str]
    conflicted: bool = False
    #: whether the stream is within a comment of several lines
    _commented: bool = False
    #: whether lines end as on Windows; None: nobody has looked yet
    _returns: bool | None = None

    def __iter__(self) -> Iterator[Statement | Broken]:
        """Yield the statements that are wanted."""
        rest = b""
        while block := self.file.read(BLOCK):
            data = rest + block
            cut = self._last_end(data, len(rest))
            yield from self._pieces(data[:cut])
            rest = data[cut:]
            if len(rest) > self.limit:
                rest = yield from self._overlong(rest)
        if rest.strip() and not self._commented:
            yield from self._last(rest)
        elif self._commented and b"*/" not in rest:
            yield Broken("/*", "a comment does not end, so that what follows it was not read")

    def _last_end(self, data: bytes, start: int) -> int:
        """Return where the last statement that ends in the data ends; looked for from the new part only."""
        at = len(data)
        low = max(0, start - 4)
        while (at := data.rfind(b";", low, at)) >= 0:
            if match := _END.match(data, at):
                return match.end()
        return 0

    def _pieces(self, data: bytes) -> Iterator[Statement | Broken]:
        if self._returns is None:
            self._returns = b"\r\n" in data
        if self._returns:
            data = data.replace(b"\r\n", b"\n")
        parts = data.split(_NODE)
        last = len(parts) - 1
        for i, part in enumerate(parts):
            # the last node may go on in the next block
            if self._commented or (i == last and i > 0) or not self.idle(part, i > 0):
                for piece in (_NODE[1:] + part + b"\n" if i else part).split(b";\n"):
                    if self._commented:
                        yield from self._behind_comment(piece)
                    elif self.wanted(piece):
                        yield from self._piece(piece)

    def _behind_comment(self, piece: bytes) -> Iterator[Statement | Broken]:
        _, found, piece = piece.partition(b"*/")
        self._commented = not found
        if found and self.wanted(piece):
            yield from self._piece(piece)

    def _piece(self, piece: bytes) -> Iterator[Statement | Broken]:
        if b"/*" in piece:
            piece = self._before_comment(piece)
        yield from self._parse(piece)

    def _before_comment(self, piece: bytes) -> bytes:
        """Return a piece up to a comment that it does not end; what follows is passed over until it does."""
        text = self.decode(piece)
        for match in _TOKEN.finditer(text):
            if match.lastgroup == "word" and match[0].startswith("/*"):
                self._commented = True
                return text[: match.start()].encode("utf-8", "surrogateescape")
        return piece

    def _parse(self, piece: bytes) -> Iterator[Statement | Broken]:
        """Yield the statements of a piece: one, with comments before it, or several of one line."""
        if edits := self._edits(piece):
            yield edits
            return
        if len(piece) > self.limit:
            yield Broken(self.decode(piece[:200]).strip(), f"a statement of {len(piece):,} bytes was not read")
            return
        words: list[Word] = []
        joined = False
        for match in _TOKEN.finditer(self.decode(piece).lstrip("\ufeff")):
            kind = match.lastgroup
            if kind == "text":
                text = unescaped(match["text"])
                if joined and words:
                    words[-1] = Word(words[-1].text + text, True)
                else:
                    words.append(Word(text, True))
                joined = False
            elif kind == "word":
                words.append(Word(match[0], False))
            elif kind == "plus":
                joined = bool(words and words[-1].quoted)
            elif kind == "end" and words:
                yield Statement(tuple(words), self.conflicted)
                words = []
            elif kind == "conflict":
                yield from self._mark(match[0])
            elif kind == "other":
                yield Broken(self.decode(piece[:200]).strip(), "a string does not end")
                return
        if words:
            yield Statement(tuple(words), self.conflicted)

    def _edits(self, piece: bytes) -> Statement | None:
        """Return the texts that a list of edits of a reference sets, which may be of many megabytes; None: it is none."""
        if not _EDITS.match(piece):
            return None
        words = [Word("setAttr", False), Word(".ed", True), Word("-type", False), Word("dataReferenceEdits", True)]
        for match in _EDIT.finditer(piece):
            words += [Word(unescaped(self.decode(part)), True) for part in match.groups()]
        return Statement(tuple(words), self.conflicted)

    def _mark(self, line: str) -> Iterator[Broken]:
        if line.startswith("<<<<<<<"):
            self.conflicted = True
            yield Broken(line, "a merge conflict was saved into the scene; both sides of it were read")
        elif line.startswith(">>>>>>>"):
            self.conflicted = False

    def _overlong(self, rest: bytes) -> Generator[Statement | Broken, None, bytes]:
        """Yield what can be told of a statement that is too long, or of many in one line; return what is to be kept."""
        if edits := self._edits(rest):
            # the next part begins as this one did, so that it is known for what it is
            yield edits
            cut = rest.rfind(b"\n") + 1
            return rest[:200].partition(b"\n")[0] + b"\n" + rest[cut:] if cut > 200 else rest[:200] + self._skip()
        inner = rest.rfind(b";")
        if inner > 0 and not rest[: inner + 1].count(b'"') % 2:
            if self.wanted(rest[:inner]):
                yield from self._several(rest[: inner + 1])
            return rest[inner + 1 :]
        if self.wanted(rest[:65536]):
            reason = f"a statement of more than {self.limit:,} bytes was not read"
            yield Broken(self.decode(rest[:200]).strip(), reason)
        return self._skip()

    def _several(self, data: bytes) -> Iterator[Statement | Broken]:
        """Yield the statements of one very long line, some at a time."""
        start = 0
        while start < len(data):
            end = data.find(b";", min(len(data), start + 65536))
            open_quotes = data.count(b'"', start, max(start, end)) % 2
            while end > 0 and open_quotes:
                begin, end = end, data.find(b";", end + 1)
                open_quotes ^= data.count(b'"', begin, max(begin, end)) % 2
            end = len(data) if end < 0 else end + 1
            part = data[start:end]
            if self.wanted(part):
                yield from self._parse(part)
            start = end

    def _skip(self) -> bytes:
        """Read up to the end of the present statement; return what follows it."""
        tail = b""
        while block := self.file.read(BLOCK):
            data = tail + block
            if match := _END.search(data):
                return data[match.end() :]
            tail = data[-4:]
        return b""

    def _last(self, rest: bytes) -> Iterator[Statement | Broken]:
        """Yield what stands behind the last complete statement: a comment, or where the file was cut off."""
        if not self.wanted(rest):
            return
        found = list(self._parse(rest))
        if rest.rstrip().endswith((b";", b"*/")) or not any(isinstance(f, Statement) for f in found):
            yield from found
            return
        yield from found[:-1]
        last = found[-1]
        if isinstance(last, Statement) and last.command in ("setAttr", "file") and len(last.words) > 2:
            yield last
        yield Broken(self.decode(rest[-200:]).strip(), "the file ends in the middle of a statement")


def unescaped(text: str) -> str:
    r"""Return a MEL string's text: `\n`, `\t`, `\r`, `\"` and `\\` are escapes; a lone backslash of a Windows path stays."""
    if "\\" not in text:
        return text
    if _RAW_WINDOWS.match(text):
        return text
    return _ESCAPE.sub(lambda m: _ESCAPES.get(m[1], m[0]), text)
