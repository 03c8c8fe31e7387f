"""A store in a local folder: `objects/ab/<64 hex digits>`, one file per object.

Order of a write: aside on the same file system → verified → fsync → given its name → fsync of the folder. A crash at
any point leaves the whole object or none; what was aside is swept at the next start. Objects found damaged are moved to
`damaged/`, where nobody but the operator looks.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from conductor_core.digest import Digest, digest_of, hex_of, parse_digest

from conductor_service.store.aside import sweep, written_aside
from conductor_service.store.checking import check_part, checked
from conductor_service.store.errors import ObjectMissing, ObjectUnreadable, StoreFull, writing_error
from conductor_service.store.interfaces import CHUNK_BYTES
from conductor_service.store.pieces import SenderPieces

#: for names, folders, and what the file system notes of each file
RESERVE_BYTES = 64 << 10
_NO_HARD_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


class FolderStore:
    """Keep objects as files, readable by the service's user alone."""

    def __init__(self, root: Path, *, link: Callable[[Path, Path], None] = os.link) -> None:
        """Open the store at `root`, make it where it is not there, and sweep what a crash left.

        `link` gives a file a second name or raises FileExistsError; file systems without it get a plain rename.

        Raises:
            StoreUnwritable: the folder is not there and cannot be made.
        """
        self.root = root.resolve()
        self._link = link
        #: folders of objects whose own names are on disk, for all that is known here
        self._flushed: set[str] = set()
        self._objects = self.root / "objects"
        self._aside = self.root / "tmp"
        try:
            for folder in (self.root, self._objects, self._aside):
                make_folder(folder)
        except OSError as exc:
            raise writing_error(str(self.root), exc) from exc
        self.swept = sweep(self._aside)

    def size(self, digest: Digest) -> int | None:
        """Return the bytes that the object has, or None."""
        found = self._found(self._path(digest))
        return None if found is None else found.st_size

    def read(self, digest: Digest, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Return the object's bytes from `offset` on."""
        check_part(offset, length)
        path = self._path(digest)
        if self._found(path) is None:
            raise ObjectMissing(digest)
        chunks = _chunks(digest, path, offset, length)
        next(chunks)  # opens the file now, so that a missing object is known before a header is sent
        return chunks

    def check_room(self, needed: int) -> None:
        """Refuse what the disk has no room for, and everything while it cannot be written."""
        try:
            with tempfile.TemporaryFile(dir=self._aside):
                room = shutil.disk_usage(self._aside).free - RESERVE_BYTES
        except OSError as exc:
            raise writing_error(str(self.root), exc) from exc
        if needed > room:
            raise StoreFull(str(self.root), needed, room)

    def write(self, digest: Digest, chunks: Iterable[bytes], size: int) -> bool:
        """Keep the bytes if they are what they are called."""
        pieces = SenderPieces(checked(digest, chunks, size))
        try:
            return self._write(self._path(digest), pieces)
        except OSError as exc:
            if exc is pieces.failure:
                raise  # the sender broke off; that is not the store's failure
            raise writing_error(str(self.root), exc) from exc

    def write_whole(self, data: bytes | bytearray) -> Digest:
        """Keep bytes under the digest that they have."""
        digest = digest_of(data)
        try:
            self._write(self._path(digest), [data])
        except OSError as exc:
            raise writing_error(str(self.root), exc) from exc
        return digest

    def _write(self, path: Path, pieces: Iterable[bytes | bytearray]) -> bool:
        with written_aside(self._aside) as (stream, aside):
            for piece in pieces:
                write_all(stream.fileno(), piece)
            os.fsync(stream.fileno())
            self._make_shard(path.parent)
            if sys.platform == "win32":
                stream.close()  # an open file cannot be renamed there
            new = self._publish(aside, path)
        sync_folder(path.parent)
        return new

    def adopt(self, digest: Digest, file: Path) -> bool:
        """Keep a file of this file system as an object, without copying it; return True if that is new here.

        The caller has verified it and flushed it to disk, and changes it no more. Where the file system can give it a second
        name, its own stays.
        """
        path = self._path(digest)
        try:
            os.utime(file)  # it is written now, as far as a sweep is concerned
            self._make_shard(path.parent)
            try:
                self._link(file, path)
                new = True
            except FileExistsError:
                new = self._adopt_over(file, path)
            except OSError as exc:
                if exc.errno not in _NO_HARD_LINKS:
                    raise
                new = self._replace(file, path)
            sync_folder(path.parent)
        except OSError as exc:
            raise writing_error(str(self.root), exc) from exc
        return new

    def _make_shard(self, shard: Path) -> None:
        """Make a folder of objects, on disk as well: who finds it there cannot know whether its maker has come to that."""
        if make_folder(shard) or shard.name not in self._flushed:
            sync_folder(self._objects)
            self._flushed.add(shard.name)

    def _adopt_over(self, file: Path, path: Path) -> bool:
        """Give the file a second name in place of what is there, which may be damaged."""
        aside = self._aside / secrets.token_hex(16)
        try:
            self._link(file, aside)
            return self._replace(aside, path)
        finally:
            aside.unlink(missing_ok=True)

    def is_object(self, digest: Digest, status: os.stat_result) -> bool:
        """Tell whether a file of this status is the object itself, under whatever name."""
        found = self._found(self._path(digest))
        return found is not None and os.path.samestat(found, status)

    def delete(self, digest: Digest) -> None:
        """Remove the object, if it is there.

        The folder is not flushed: a power cut may bring the object back, which a clean-up finds again.
        """
        try:
            self._path(digest).unlink()
        except FileNotFoundError:
            return
        except OSError as exc:
            raise writing_error(str(self.root), exc) from exc

    def set_aside(self, digest: Digest) -> None:
        """Move the object to the damaged ones, if it is there: a disk that erred once may give it back whole."""
        path = self._path(digest)
        damaged = self.root / "damaged"
        try:
            make_folder(damaged)
            os.replace(path, damaged / path.name)
        except FileNotFoundError:
            return
        except OSError as exc:
            raise writing_error(str(self.root), exc) from exc

    def written(self, digest: Digest) -> datetime | None:
        """Return when the object was last written, or None."""
        found = self._found(self._path(digest))
        return None if found is None else datetime.fromtimestamp(found.st_mtime, UTC)

    def digests(self) -> Iterator[Digest]:
        """Return each object's digest."""
        for shard in sorted(self._objects.iterdir()):
            for path in list(shard.iterdir()) if _is_folder(shard) else []:
                with contextlib.suppress(ValueError):
                    digest = parse_digest(f"sha256:{path.name}")
                    if self._found(path) is not None:
                        yield digest

    def _path(self, digest: Digest) -> Path:
        name = hex_of(parse_digest(digest))
        return self._objects / name[:2] / name

    def _found(self, path: Path) -> os.stat_result | None:
        """Return the object's status; what is a link, or lies behind one, is no object of ours."""
        try:
            status = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return status if stat.S_ISREG(status.st_mode) and _is_folder(path.parent) else None

    def _publish(self, aside: Path, path: Path) -> bool:
        """Give the verified file its name; True for exactly one of several writers of the same new object."""
        try:
            self._link(aside, path)
        except FileExistsError:
            return self._replace(aside, path)
        except OSError as exc:
            if exc.errno not in _NO_HARD_LINKS:
                raise
            return self._replace(aside, path)
        return True

    def _replace(self, aside: Path, path: Path) -> bool:
        """Put the verified file over what is there, which may be damaged."""
        there = self._found(path) is not None
        try:
            os.replace(aside, path)
        except PermissionError:
            if sys.platform != "win32" or not there:
                raise
            return False  # somebody reads the object right now, and Windows keeps it in its place
        return not there


def _chunks(digest: Digest, path: Path, offset: int, length: int | None) -> Iterator[bytes]:
    """Yield nothing once the file is open, then its bytes."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        stream = os.fdopen(os.open(path, flags), "rb", buffering=0)
    except FileNotFoundError:
        raise ObjectMissing(digest) from None
    except OSError as exc:
        raise ObjectUnreadable(digest, exc.strerror or type(exc).__name__) from exc
    with stream:
        yield b""
        try:
            stream.seek(offset)
            left = CHUNK_BYTES if length is None else length
            while piece := stream.read(min(left, CHUNK_BYTES)):
                yield piece
                left -= 0 if length is None else len(piece)
        except OSError as exc:
            raise ObjectUnreadable(digest, exc.strerror or type(exc).__name__) from exc


def write_all(fd: int, piece: bytes | bytearray) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(fd, view) :]


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except FileNotFoundError:
        return False


def make_folder(path: Path) -> bool:
    """Make the folder, mode 0700; False where it is there."""
    try:
        path.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        if not _is_folder(path):
            raise  # a file, or a link to somewhere else
        return False
    return True


def sync_folder(path: Path) -> None:
    """Flush the names in a folder to disk; Windows has no such call, NTFS journals them."""
    if sys.platform == "win32":
        return
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
