"""A window that moves over a text of any length, for readers that look for a few marks in much that is of no interest.

A scene of 500 MB is mostly numbers. To take it apart word by word costs a minute; to search it for quotes and braces runs at
hundreds of megabytes per second in the regular-expression engine. So a reader asks the window for the next *mark*, looks at
the text around it, and reads a quoted text where one begins. Memory is a few pieces, whatever the length of lines or texts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats.packed import pieces
from conductor_core.report import Unresolved

#: bytes before the current place that stay in the window, for a look back at the name before a value
BEHIND = 1 << 12
#: the longest thing that a mark's pattern may match; a match that ends nearer to the window's end is tried again with more
MARK = 1 << 12

_QUOTE_OR_ESCAPE = re.compile(rb'"|\\.', re.DOTALL)


class TextWindow:
    """The text that pieces make, seen through a window."""

    def __init__(self, pieces: Iterator[bytes], *, longest: int) -> None:
        self._pieces = pieces
        self._longest = longest
        self._ended = False
        self._before = 0
        #: why the text ends before its end; "": it does not
        self.problem = ""
        self.data = b""
        #: where the reader is, in `data`
        self.at = 0

    @property
    def offset(self) -> int:
        """Where the reader is in the file, in bytes."""
        return self._before + self.at

    def next(self, marks: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """Return the next match, and stand behind it; None at the end of the text."""
        while True:
            match = marks.search(self.data, self.at)
            if match and (self._ended or match.end() + MARK <= len(self.data)):
                self.at = match.end()
                return match
            if self._ended:
                self.at = len(self.data)
                return None
            self.at = match.start() if match else max(self.at, len(self.data) - MARK)
            self._grow()

    def match(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """Return what matches right here and stand behind it; None, and stay, where nothing does."""
        while not self._ended and len(self.data) - self.at < MARK:
            self._grow()
        match = pattern.match(self.data, self.at)
        if match:
            self.at = match.end()
        return match

    def skip(self, run: re.Pattern[bytes]) -> None:
        """Stand behind a run of characters of any length; `run` matches any piece of such a run."""
        while True:
            match = run.match(self.data, self.at)
            if match:
                self.at = match.end()
            if self.at < len(self.data) or self._ended:
                return
            self._grow()

    def skip_past(self, end: bytes) -> bool:
        """Stand behind the next `end`; False where there is none, at the end of the text then."""
        while True:
            found = self.data.find(end, self.at)
            if found >= 0:
                self.at = found + len(end)
                return True
            if self._ended:
                self.at = len(self.data)
                return False
            self.at = max(self.at, len(self.data) - len(end) + 1)
            self._grow()

    def quoted(self) -> bytes | None:
        r"""Return the text up to the closing `"`, its escapes as they are; stand behind the quote.

        None where it is longer than the limit, or has no end (`ended` tells that apart).
        """
        place = self.at
        while True:
            found = _QUOTE_OR_ESCAPE.search(self.data, place)
            if found:
                place = found.end()
                if found[0] == b'"':
                    text = self.data[self.at : place - 1]
                    self.at = place
                    return text if len(text) <= self._longest else None
                continue
            # a backslash that ends the window waits for what it escapes
            place = max(place, len(self.data) - self.data.endswith(b"\\"))
            if self._ended or place - self.at > self._longest:
                self.at = len(self.data) if self._ended else place
                self._past_quote()
                return None
            ahead = place - self.at
            self._grow()
            place = self.at + ahead

    @property
    def ended(self) -> bool:
        """Whether the reader stands at the end of the text."""
        return self._ended and self.at >= len(self.data)

    def behind(self, start: int, size: int = 256) -> bytes:
        """Return so many bytes before a place in `data`."""
        return self.data[max(0, start - size) : start]

    def _past_quote(self) -> None:
        """Stand behind the closing quote of a text that is too long to keep."""
        while True:
            found = _QUOTE_OR_ESCAPE.search(self.data, self.at)
            if found:
                self.at = found.end()
                if found[0] == b'"':
                    return
                continue
            if self._ended:
                self.at = len(self.data)
                return
            self.at = max(self.at, len(self.data) - self.data.endswith(b"\\"))
            self._grow()

    def _grow(self) -> None:
        """Take in a piece more, and let go what lies well behind the reader."""
        try:
            piece = next(self._pieces, b"")
        except SceneNotRead as exc:
            if not self.data:
                raise
            piece, self.problem = b"", exc.reason
        self._ended = not piece
        cut = max(0, self.at - BEHIND)
        self.data = self.data[cut:] + piece
        self._before += cut
        self.at -= cut


def window_on(survey: Survey) -> TextWindow:
    """Return a window on the text of a file, unpacked where it is gzip."""
    return TextWindow(pieces(survey), longest=survey.limits.value)


def broken(survey: Survey, where: str) -> Unresolved:
    """Return what is said of a file that could be read up to some place only."""
    return Unresolved(survey.file, os.path.basename(survey.file), f"{where}; what stands before that was read")
