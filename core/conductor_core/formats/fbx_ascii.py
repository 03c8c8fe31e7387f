"""FBX, as text: the images of its textures and videos.

Layout as public code reads it (6100 to 7700; no such file was there to try): `Video: 1, "Video::wood", "Clip" { … }`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from conductor_core.discovery.finding import Finding
from conductor_core.discovery.survey import Survey
from conductor_core.formats.fbx import Media, media_findings, named
from conductor_core.formats.format import reads_format
from conductor_core.formats.text_window import TextWindow, broken, window_on
from conductor_core.report import Ignored

_FIRST = re.compile(rb"\A\s*; FBX [0-9]|^FBXHeaderExtension:", re.MULTILINE)
_MARKS = re.compile(rb'["{};]')
#: the text of a content stands in the next line
_CONTENT = re.compile(rb"\bContent:\s*,?\s*\Z")
_COMMENT = re.compile(rb"(?:\A|\n)[ \t]*\Z")


@reads_format("fbx-ascii", lambda head, _extension: b"\0" not in head and bool(_FIRST.search(head)))
def read_ascii(survey: Survey) -> Iterator[Finding]:
    """Yield the images of an FBX, and its former places."""
    reading = _Reading(window_on(survey))
    reading.read()
    yield from media_findings(reading.media, survey)
    for text in dict.fromkeys(reading.own):
        yield Ignored(text, "SceneInfo", "where the file itself was saved")
    if reading.problem:
        yield broken(survey, reading.problem)


class _Reading:
    """The braces of the text and the texts of interest in them."""

    def __init__(self, window: TextWindow) -> None:
        self._window = window
        self._depth = 0
        #: at which depth the media that is read was opened; 0: none is
        self._inside = 0
        self._header = ""
        self._own = False
        self.media: list[Media] = []
        self.own: list[str] = []
        self.problem = ""

    def read(self) -> None:
        """Read to the end."""
        while match := self._window.next(_MARKS):
            mark = match[0]
            if mark == b'"':
                self._text(match.start())
            elif mark == b"{":
                self._begin(match.start())
            elif mark == b"}":
                self._depth -= 1
                if self._depth < self._inside:
                    self._inside = 0
            elif _COMMENT.search(self._window.behind(match.start())):
                self._window.skip_past(b"\n")
        if self._window.problem or self._depth > 0:
            self.problem = self.problem or self._window.problem or "it ends inside its braces"

    def _begin(self, start: int) -> None:
        self._depth += 1
        word = self._window.behind(start, 512).rpartition(b"\n")[2].split(b":", 1)[0].strip()
        if word in (b"Video", b"Texture"):
            self._inside = self._depth
            self.media.append(Media(word.decode(), named(self._header)))

    def _text(self, start: int) -> None:
        before = self._window.behind(start, 512)
        line = before.rpartition(b"\n")[2]
        content = bool(_CONTENT.search(before))
        raw = self._window.quoted()
        if raw is None:
            if self._window.ended:
                self.problem = "it ends inside a text"
            elif self._inside and content:
                self.media[-1].embedded = True
            return
        text = raw.decode("utf-8", "surrogateescape").replace("&quot;", '"')
        words = line.split(b":", 1)[0].strip()
        if words in (b"Video", b"Texture") and b'"' not in line:
            self._header = text
        elif self._inside and words in (b"RelativeFilename", b"FileName", b"Filename"):
            self.media[-1].paths[words.decode()] = text
        elif self._inside and content and text:
            self.media[-1].embedded = True
        elif words == b"P":
            self._property(text, line)

    def _property(self, text: str, line: bytes) -> None:
        """Take the former place of the file: `P: "DocumentUrl", "KString", "Url", "", "/a.fbx"`."""
        if line.count(b'"') == 0:
            self._own = text in ("DocumentUrl", "SrcDocumentUrl")
        elif self._own and line.count(b'"') >= 8 and text:
            self.own.append(text)
