"""The store as an auditor reads it: with eyes of its own, and without the clean-up that opening a store does."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from conductor_core.digest import Digest, hex_of, parse_digest

from conductor_service.store import ObjectMissing

if TYPE_CHECKING:
    from conductor_service.store.s3_reading import S3Reading

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


class BucketShelf:
    """Look at a bucket by one list of its keys, and ask for single ones only where that is in doubt.

    The list may be of millions: it lies in a file that the system forgets, not in memory.
    """

    def __init__(self, bucket: S3Reading) -> None:
        """List the bucket's objects.

        Raises:
            S3Refused: no such bucket, or no right to it.
            StoreUnreachable: the server does not answer.
        """
        self._bucket = bucket
        self._list = sqlite3.connect("", isolation_level=None)
        self._list.execute("CREATE TABLE listed (digest TEXT PRIMARY KEY, size INTEGER NOT NULL) WITHOUT ROWID")
        self._list.execute("BEGIN")
        self._list.executemany("INSERT OR REPLACE INTO listed VALUES (?, ?)", bucket.objects())
        self._list.execute("COMMIT")

    def close(self) -> None:
        """Forget the list."""
        self._list.close()

    def size(self, digest: Digest) -> int | None:
        """Return the bytes that the object has, or None; what the list has not may have come since."""
        try:
            parse_digest(digest)
        except ValueError:
            return None
        row = self._list.execute("SELECT size FROM listed WHERE digest = ?", (digest,)).fetchone()
        return self._bucket.size(digest) if row is None else int(row[0])

    def written(self, digest: Digest) -> datetime | None:
        """Return when the object was last written, or None; what was listed may be gone since."""
        return self._bucket.written(digest)

    def read(self, digest: Digest) -> Iterator[bytes]:
        """Return the object's bytes as they lie there.

        Raises:
            OSError: they are gone.
            TransferError: the server does not answer, or gives no right.
        """
        try:
            yield from self._bucket.read(digest)
        except ObjectMissing as exc:
            raise FileNotFoundError(errno.ENOENT, "it is gone") from exc

    def digests(self) -> Iterator[Digest]:
        """Return each object's digest."""
        return (Digest(row[0]) for row in self._list.execute("SELECT digest FROM listed ORDER BY digest"))

    def damaged(self) -> Iterator[tuple[str, str]]:
        """Return the names of the objects that were set aside, and where they lie."""
        for found in self._bucket.contents("damaged/"):
            yield found.key.rpartition("/")[2], f"{self._bucket.line.place}/{found.key}"


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield what is in a folder; nothing where it is gone, or never was."""
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        yield from entries
