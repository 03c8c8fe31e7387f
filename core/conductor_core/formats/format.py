"""The register of formats, and how a file's format is told by what is in it."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from conductor_core.discovery.finding import Facts, Finding
from conductor_core.discovery.survey import Survey

FormatReader = Callable[[Survey], Iterator[Finding | Facts]]
#: first bytes of the file, its extension in lower case with the dot
Recogniser = Callable[[bytes, str], bool]

#: bytes that a recogniser sees; the header of a compressed file is enough to unpack the start of what is in it
HEAD = 4096


@dataclass(frozen=True, slots=True)
class Format:
    """A format that can be read."""

    #: as the report names it: `maya-ascii`
    name: str
    recognises: Recogniser
    read: FormatReader

    @property
    def reader(self) -> str:
        """The reader's name, as findings bear it where no reader of nodes found them."""
        return f"{self.read.__module__}.{self.read.__qualname__}"


_FORMATS: list[Format] = []


def reads_format(name: str, recognises: Recogniser) -> Callable[[FormatReader], FormatReader]:
    """Register a reader; formats that have a magic number are asked before those that are told by words and extension."""

    def register(read: FormatReader) -> FormatReader:
        _FORMATS.append(Format(name, recognises, read))
        return read

    return register


@contextlib.contextmanager
def asked_first(guard: Callable[[Format], Format]) -> Iterator[None]:
    """Have the formats that are registered within asked before all others, wrapped. An error undoes all of them."""
    before = len(known_formats())
    try:
        yield
        _FORMATS[:] = [*map(guard, _FORMATS[before:]), *_FORMATS[:before]]
    except BaseException:
        del _FORMATS[before:]
        raise


def known_formats() -> tuple[Format, ...]:
    """Return all formats in the order in which they are asked."""
    from conductor_core.formats import readers

    readers.load()
    return tuple(_FORMATS)


def format_of(path: str) -> Format | None:
    """Return the format of a file by its content; None where no reader knows it, or where it is a folder, a pipe or a device.

    Raises:
        OSError: it cannot be read.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        return None
    with open(path, "rb") as file:
        head = file.read(HEAD)
    extension = os.path.splitext(path)[1].lower()
    return next((f for f in known_formats() if f.recognises(head, extension)), None)
