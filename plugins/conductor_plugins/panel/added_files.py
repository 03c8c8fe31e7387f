"""What lies at a path that an artist adds. No Qt; it looks at the disk, so it is called in threads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice

#: files of one folder that the panel lists; all of it is sent
MOST = 200_000


def files_at(path: str) -> tuple[str, ...] | None:
    """Return the files of a folder, those in its folders included; a file is itself, and None is nothing at all."""
    if os.path.isdir(path):
        return tuple(islice(_below(path), MOST))
    return (path,) if os.path.lexists(path) else None


def _below(folder: str) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        folders.sort()
        yield from (os.path.join(place, name) for name in sorted(files))
