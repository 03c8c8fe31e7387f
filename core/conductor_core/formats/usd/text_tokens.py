"""The tokens of a `.usda`, from a stream, in a bounded buffer.

Grammar: https://openusd.org/release/spec_usda.html; comments are `#`, `//` and `/* */`.
"""

from __future__ import annotations

import re
from typing import BinaryIO, NamedTuple

from conductor_core.discovery.limits import Limits

_CHUNK = 1 << 20
_TOKEN = re.compile(
    rb"(?:(?P<word>[^\s\"'@<>()\[\]{}=,;#/|]+(?:\[\])?)"
    rb"|(?P<conflict><{7}|={7}|>{7}|\|{7})|(?P<mark>[()\[\]{}=])|(?P<open>\"\"\"|'''|@@@|//|/\*|[\"'@#<])|(?P<bad>[^\s,;]))"
)
_BLANK = re.compile(rb"[\s,;]*")
_TIME = re.compile(rb"[\s,;]*(?P<number>[-+0-9.a-zA-Z]+)[ \t]*:")
#: by what opens: what ends it, or stands for something else than its end
_STOPS = {
    b'"': re.compile(rb'\\(?s:.)|["\n]'),
    b"'": re.compile(rb"\\(?s:.)|['\n]"),
    b'"""': re.compile(rb'\\(?s:.)|"""'),
    b"'''": re.compile(rb"\\(?s:.)|'''"),
    b"@": re.compile(rb"[@\n]"),
    b"@@@": re.compile(rb"\\@@@|@@@+|\n"),
    b"<": re.compile(rb"[>\n]"),
    b"#": re.compile(rb"\n"),
    b"//": re.compile(rb"\n"),
    b"/*": re.compile(rb"\*/"),
}
_COMMENTS = frozenset({b"#", b"//", b"/*"})
_KINDS = {b"@": "asset", b"@@@": "asset", b"<": "path"}
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|[0-7]{1,3}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_NUMERIC = rb"(?:bool|uchar|u?int|half|float|double|timecode|matrix|frame|quat|point|vector|normal|color|texCoord)\w*"
#: longer ones are skipped in another way; without a bound, a line that does not fit would be looked at again and again
_FLAT = rb"\([-+0-9.,einfa \t]{1,200}\)"
_NUMBERS = rb"[-+0-9.,einfa \t()]{0,400}"
#: whole lines of a prim's body that point to nothing, so that most of a layer passes without being taken apart
_PLAIN = re.compile(
    rb"(?:[ \t]{0,99}(?:(?:(?:custom|uniform|varying|prepend|append|delete)[ \t]{1,9})*(?:"
    rb"NUMERIC(?:\[\])?[ \t]{1,9}[\w:]+(?:[ \t]{0,99}=[ \t]{0,99}(?:\[NUMBERS\]|[-+0-9.einfa]{1,40}|FLAT|\((?:[ \t,]{0,9}FLAT){1,4}[ \t,]{0,9}\)|None|true|false))?"
    rb"|rel[ \t]{1,9}[\w:]+(?:[ \t]{0,99}=[ \t]{0,99}(?:<[^>\n]*>|None))?"
    rb"|\w+(?:\[\])?[ \t]{1,9}[\w:]+\.connect[ \t]{0,99}=[ \t]{0,99}<[^>\n]*>"
    rb"|token(?:\[\])?[ \t]{1,9}(?!info:id\b|product)[\w:]+(?:[ \t]{0,99}=[ \t]{0,99}(?:\"[^\"\\\n]*\"|\[[^\]\n@#/']*\]))?"
    rb"))?[ \t]{0,99}\r?\n)+".replace(b"NUMERIC", _NUMERIC)
    .replace(b"NUMBERS", _NUMBERS)
    .replace(b"FLAT", _FLAT)
)
#: metadata that points to nothing
_PLAIN_METADATA = re.compile(
    rb"(?:[ \t]{0,99}(?:(?:prepend|append|add|delete)[ \t]{1,9})?"
    rb"(?:apiSchemas|kind|active|instanceable|hidden|variantSets|inherits|specializes|interpolation|elementSize|colorSpace)"
    rb"[ \t]{0,99}=[ \t]{0,99}(?:\"[^\"\\\n]*\"|<[^>\n]*>|\[(?:\"[^\"\\\n]*\"|<[^>\n]*>|[ ,\t])*\]|[\w.]+)[ \t]{0,99}\r?\n|[ \t]{0,99}\r?\n)+"
)
_LONGEST_TIME = 100
#: what must be seen of a run of marks before its length is known
_MARGIN = 6


class Token(NamedTuple):
    """`kind` is "word", "text", "asset", "path", a bracket or `=`, or "" at the end."""

    kind: str
    text: str


class TextDamaged(Exception):
    """Carry why the text can't be understood from here on."""


class Tokens:
    """Tokens of a stream; what stands between brackets can be skipped at the speed of memory."""

    def __init__(self, stream: BinaryIO, limits: Limits) -> None:
        self._stream = stream
        self._limits = limits
        self._data = b""
        self._at = 0
        self._ended = False
        self._lines = 0
        self._kept: Token | None = None
        #: the first merge conflict, as its line
        self.conflict = 0

    @property
    def line(self) -> int:
        """The line that is read now, from 1."""
        return self._lines + self._data.count(b"\n", 0, self._at) + 1

    def peek(self) -> str:
        """Return the kind of the next token."""
        if self._kept is None:
            self._kept = self._read()
        return self._kept.kind

    def next(self) -> Token:
        """Return the next token.

        Raises:
            TextDamaged: nothing that begins here is USD.
        """
        kept, self._kept = self._kept, None
        return self._read() if kept is None else kept

    def take(self, kind: str) -> bool:
        """Read the next token if it is of this kind, and tell so."""
        if self.peek() != kind:
            return False
        self._kept = None
        return True

    def expect(self, kind: str) -> Token:
        """Return the next token, which must be of a kind."""
        token = self.next()
        if token.kind != kind:
            raise TextDamaged(f"{kind} was expected, not {token.text[:40] or token.kind or 'the end'}")
        return token

    def time(self) -> float | None:
        """Return the number before a colon that comes next; None where something else comes. For samples."""
        assert self._kept is None
        while True:
            self._pass_blanks()
            if len(self._data) - self._at > _LONGEST_TIME or not self._fill():
                break
        match = _TIME.match(self._data, self._at, self._at + _LONGEST_TIME)
        if match is None:
            return None
        try:
            number = float(match["number"])
        except ValueError:
            return None
        self._at = match.end()
        return number

    def skip_to(self, closer: bytes) -> None:
        """Skip numbers up to the bracket that ends them; comments may lie between."""
        assert self._kept is None
        while True:
            end = self._data.find(closer, self._at)
            stop = len(self._data) if end < 0 else end
            comments = [at for at in (self._data.find(b"#", self._at, stop), self._data.find(b"/", self._at, stop)) if at >= 0]
            if comments:
                self._at = min(comments)
                self._skip_comment()
            elif end >= 0:
                self._at = end + 1
                return
            else:
                self._at = stop
                if not self._fill():
                    raise TextDamaged("it ends within an array")

    def skip_plain(self) -> None:
        """Skip lines of a prim's body that point to nothing."""
        if self._kept is None and (match := _PLAIN.match(self._data, self._at)):
            self._at = match.end()

    def skip_plain_metadata(self) -> None:
        """Skip lines of metadata that point to nothing."""
        if self._kept is None and (match := _PLAIN_METADATA.match(self._data, self._at)):
            self._at = match.end()

    def skip_brackets(self) -> None:
        """Skip to the end of the tuple whose first bracket was read."""
        depth = 1
        while depth:
            kind = self.next().kind
            if not kind:
                raise TextDamaged("it ends within a tuple")
            depth += (kind == "(") - (kind == ")")

    def _skip_comment(self) -> None:
        token = _TOKEN.match(self._data, self._at)
        opener = token["open"] if token else None
        if opener in _COMMENTS:
            assert token is not None
            self._at = token.end()
            self._enclosed(opener, keep=False)
        else:
            self._at += 1

    def _read(self) -> Token:
        while True:
            self._pass_blanks()
            match = _TOKEN.match(self._data, self._at)
            if match is None or match.end() + _MARGIN > len(self._data):
                if self._short():
                    continue
                if match is None:
                    return Token("", "")
            self._at = match.end()
            group = match.lastgroup
            if group == "word":
                return Token("word", match["word"].decode("utf-8", "surrogateescape"))
            if group == "mark":
                mark = match["mark"].decode()
                return Token(mark, mark)
            if group == "conflict":
                self.conflict = self.conflict or self.line
                self._enclosed(b"#", keep=False)
            elif group == "open":
                opener = match["open"]
                if opener not in _COMMENTS:
                    return Token(_KINDS.get(opener, "text"), self._enclosed(opener))
                self._enclosed(opener, keep=False)
            else:
                raise TextDamaged(f"{match['bad']!r} means nothing here")

    def _pass_blanks(self) -> None:
        blank = _BLANK.match(self._data, self._at)
        assert blank is not None
        self._at = blank.end()

    def _short(self) -> bool:
        """Read more, and tell whether there was more."""
        if len(self._data) - self._at > self._limits.value + _CHUNK:
            raise TextDamaged(f"a word is longer than {self._limits.value:,} bytes")
        return self._fill()

    def _fill(self) -> bool:
        if self._ended:
            return False
        chunk = self._stream.read(_CHUNK)
        if not chunk:
            # what was matched so far stays where it is
            self._ended = True
            return False
        self._lines += self._data.count(b"\n", 0, self._at)
        self._data = self._data[self._at :] + chunk
        self._at = 0
        return True

    def _enclosed(self, opener: bytes, *, keep: bool = True) -> str:
        """Return what stands up to the end of what was opened; "" where it is longer than the limit."""
        stop = _STOPS[opener]
        pieces: list[bytes] = []
        size = 0
        search_from = self._at
        while True:
            match = stop.search(self._data, search_from)
            if match and (match.end() < len(self._data) or self._ended) and match[0][:1] == b"\\":
                search_from = match.end()
                continue
            if match and (match.end() < len(self._data) or len(match[0]) == len(opener) < 3 or self._ended):
                return self._closed(opener, match, pieces, keep and size <= self._limits.value)
            # what is before the margin is done with
            done = max(search_from, min(len(self._data) - _MARGIN, match.start() if match else len(self._data)))
            if keep and size <= self._limits.value:
                pieces.append(self._data[self._at : done])
            size += done - self._at
            self._at = done
            if not self._fill():
                if opener in _COMMENTS:
                    self._at = len(self._data)
                    return ""
                if not self._ended or not stop.search(self._data, self._at):
                    raise TextDamaged(f"what {opener.decode()} opens has no end")
            search_from = self._at

    def _closed(self, opener: bytes, match: re.Match[bytes], pieces: list[bytes], keep: bool) -> str:
        end = match.end() - len(opener) if opener == b"@@@" else match.start()
        if match[0] == b"\n" and opener not in _COMMENTS:
            raise TextDamaged(f"what {opener.decode()} opens does not end on its line")
        if not keep:
            self._at = match.end()
            return ""
        pieces.append(self._data[self._at : end])
        self._at = match.end()
        return _text(opener, b"".join(pieces))


def _text(opener: bytes, data: bytes) -> str:
    text = data.decode("utf-8", "surrogateescape")
    if opener[:1] in (b'"', b"'"):
        return _ESCAPE.sub(_unescaped, text) if "\\" in text else text
    return text.replace("\\@@@", "@@@") if opener == b"@@@" else text


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] == "x" and len(code) == 3:
        return chr(int(code[1:], 16))
    if code[0] in "01234567":
        return chr(int(code, 8) & 0xFF)
    return _ESCAPES.get(code, code)
