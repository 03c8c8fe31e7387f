"""Alembic archives (`.abc`): geometry and animation, which name no files, and who wrote them.

An archive of the Ogawa kind is a tree of groups and blocks of data by their places; the fourth block of the top group holds the
archive's own words: https://github.com/alembic/alembic/blob/master/lib/Alembic/AbcCoreOgawa/AwImpl.cpp. What it says of the
scene that it was exported from (`_ai_Description`) is no dependency. The older kind, in HDF5, is named and left alone.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from conductor_core.discovery.finding import Finding
from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats.format import reads_format
from conductor_core.report import Ignored

_OGAWA = b"Ogawa"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_DATA = 1 << 63
_METADATA = 3
#: a path in a sentence: `Exported from: /job/shot.hip`
_PATH = re.compile(r"(?:[A-Za-z]:[\\/]|/|\\\\)[^;\n\0\"']*?\.[A-Za-z0-9]{1,9}(?=[\s;,]|\Z)")


@reads_format("alembic", lambda head, _extension: head.startswith(_OGAWA))
def read_alembic(survey: Survey) -> Iterator[Finding]:
    """Yield the paths in the words of an archive, all of them ignored.

    Raises:
        SceneNotRead: it was not written to its end, or is damaged.
    """
    for name, value in _words(survey).items():
        for path in _PATH.findall(value):
            yield Ignored(path, name, "the scene that the archive was exported from, or another note in it")


@reads_format("alembic-hdf5", lambda head, extension: head.startswith(_HDF5) and extension == ".abc")
def read_old_alembic(_survey: Survey) -> Iterator[Finding]:
    """Yield nothing: archives name no files."""
    return iter(())


def _words(survey: Survey) -> dict[str, str]:
    """Return the metadata of an archive."""
    with open(survey.content, "rb") as file:

        def at(place: int, layout: str) -> int:
            file.seek(place)
            data = file.read(struct.calcsize(layout))
            if len(data) < struct.calcsize(layout):
                raise SceneNotRead(survey.file, "the Alembic archive is cut off")
            return int(struct.unpack(layout, data)[0])

        if at(5, "<B") != 0xFF:
            raise SceneNotRead(survey.file, "the Alembic archive was not written to its end")
        group = at(8, "<Q")
        if group & _DATA or at(group, "<Q") <= _METADATA:
            return {}
        place = at(group + 8 + 8 * _METADATA, "<Q")
        if not place & _DATA or place == _DATA:
            return {}
        place &= _DATA - 1
        size = min(at(place, "<Q"), survey.limits.value)
        file.seek(place + 8)
        text = file.read(size).decode("utf-8", "surrogateescape")
    pairs = (entry.partition("=") for entry in text.split(";"))
    return {name: value for name, equals, value in pairs if equals}
