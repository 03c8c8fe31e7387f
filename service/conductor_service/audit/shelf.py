"""The store's folder as an auditor reads it: with eyes of its own, and without the clean-up that opening a store does."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from conductor_core.digest import Digest, hex_of, parse_digest

CHUNK_BYTES = 1 << 20


class FolderShelf:
    """Read `objects/ab/<64 hex digits>` below a folder; a folder that is not there is an empty store."""

    def __init__(self, root: Path) -> None:
        self._objects = root / "objects"

    def size(self, digest: Digest) -> int | None:
        """Return the bytes that the object has, or None."""
        found = self._status(digest)
        return None if found is None else found.st_size

    def written(self, digest: Digest) -> datetime | None:
        """Return when the object was last written, or None."""
        found = self._status(digest)
        return None if found is None else datetime.fromtimestamp(found.st_mtime, UTC)

    def read(self, digest: Digest) -> Iterator[bytes]:
        """Return the object's bytes as they lie there.

        Raises:
            OSError: they cannot be read.
        """
        with self._path(digest).open("rb", buffering=0) as stream:
            while piece := stream.read(CHUNK_BYTES):
                yield piece

    def digests(self) -> Iterator[Digest]:
        """Return each object's digest; files of other names are none of ours."""
        for shard in _entries(self._objects):
            for entry in _entries(Path(shard.path)) if shard.is_dir(follow_symlinks=False) else ():
                with contextlib.suppress(ValueError):
                    digest = parse_digest(f"sha256:{entry.name}")
                    if self._status(digest) is not None:
                        yield digest

    def _path(self, digest: Digest) -> Path:
        """Return an object's place.

        Raises:
            ValueError: this is no digest.
        """
        name = hex_of(parse_digest(digest))
        return self._objects / name[:2] / name

    def _status(self, digest: Digest) -> os.stat_result | None:
        try:
            status = os.lstat(self._path(digest))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None  # also what is no digest: nothing can be there under it
        return status if stat.S_ISREG(status.st_mode) else None


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield what is in a folder; nothing where it is gone, or never was."""
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        yield from entries
