"""The content cache of an instance: each object once on disk, sealed by the mode and time that its file name states.

A file of the cache is `ab/<64 hex>/<mode>-<mtime_ns>`: the bytes of one digest with the mode and time of one manifest entry,
so that it can be hard-linked into a stage as it is. The name is also the seal: bytes are hashed when they come in, and
from then on size, mode and time must be what name and manifest say; any write into the file changes its time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from conductor_core.digest import Digest, hex_of
from conductor_core.errors import ContentMismatch

#: what a file gets whose client has no modes (Windows)
DEFAULT_MODE = 0o644


@dataclass(frozen=True, slots=True)
class Variant:
    """Bytes with a mode and a time: what a stage wants to see at a path."""

    digest: Digest
    size: int
    mode: int
    mtime_ns: int

    @property
    def name(self) -> str:
        return f"{self.permissions:o}-{self.mtime_ns}"

    @property
    def permissions(self) -> int:
        """The mode on the instance: always readable by the software, never set-id."""
        return (self.mode & 0o777 or DEFAULT_MODE) | 0o400


class ContentCache:
    """Objects by digest on the instance's disk; used by several threads, by one runner."""

    def __init__(self, folder: Path, *, limit_bytes: int, clock_ns: Callable[[], int]) -> None:
        self._folder = folder
        self._limit = limit_bytes
        self._clock_ns = clock_ns
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.glob("incoming-*"):
            leftover.unlink()

    def find(self, variant: Variant) -> Path | None:
        """Return the sealed file of exactly this variant, or None; one whose seal is broken is thrown away."""
        return self._checked(self._path(variant), variant)

    def find_any(self, digest: Digest, size: int) -> Path | None:
        """Return a sealed file with these bytes, whatever its mode and time, or None."""
        folder = self._folder_of(digest)
        with contextlib.suppress(FileNotFoundError):
            for entry in sorted(os.listdir(folder)):
                mode, _, mtime = entry.partition("-")
                variant = Variant(digest, size, int(mode, 8), int(mtime))
                path = self._checked(folder / entry, variant)
                if path is not None:
                    return path
        return None

    def add(self, variant: Variant, chunks: Iterable[bytes]) -> Path:
        """Keep the bytes of `chunks` as `variant`, hashed while they are written.

        Raises:
            ContentMismatch: they do not hash to the digest; nothing is kept.
            OSError: the disk is full, or broken.
        """
        with self._written_aside() as (stream, aside):
            digest = hashlib.sha256()
            for chunk in chunks:
                digest.update(chunk)
                _write_all(stream, chunk)
            found = f"sha256:{digest.hexdigest()}"
            if found != variant.digest:
                raise ContentMismatch("an object from the service", variant.digest, found)
            return self._seal(stream, aside, variant)

    def add_copy(self, variant: Variant, source: Path) -> Path:
        """Keep another variant of bytes that the cache has at `source`, hashed again on the way."""
        with source.open("rb") as stream:
            return self.add(variant, iter(lambda: stream.read(1 << 20), b""))

    def touch(self, digests: Iterable[Digest]) -> None:
        """Note that these objects were used now: what was used last is evicted last."""
        now = self._clock_ns()
        for digest in digests:
            with contextlib.suppress(FileNotFoundError):
                os.utime(self._folder_of(digest), ns=(now, now))

    def shrink(self) -> int:
        """Evict objects that no stage links to, the longest unused first, until the limit holds; return the bytes freed."""
        objects = sorted(self._objects())
        excess = sum(size for _, size, _ in objects) - self._limit
        freed = 0
        for _, size, folder in objects:
            if freed >= excess:
                break
            if self._evict(folder):
                freed += size
        return freed

    def _objects(self) -> Iterator[tuple[int, int, Path]]:
        for shelf in self._folder.iterdir():
            if len(shelf.name) != 2:
                continue
            for folder in shelf.iterdir():
                sizes = [f.stat().st_size for f in folder.iterdir()]
                yield folder.stat().st_mtime_ns, sum(sizes), folder

    def _evict(self, folder: Path) -> bool:
        with self._lock:
            files = list(folder.iterdir())
            if any(f.stat().st_nlink > 1 for f in files):
                return False
            for file in files:
                file.unlink()
            with contextlib.suppress(OSError):
                folder.rmdir()
        return True

    def _checked(self, path: Path, variant: Variant) -> Path | None:
        try:
            facts = os.lstat(path)
        except FileNotFoundError:
            return None
        seal = (facts.st_size, stat.S_IMODE(facts.st_mode), facts.st_mtime_ns)
        if stat.S_ISREG(facts.st_mode) and seal == (variant.size, variant.permissions, variant.mtime_ns):
            return path
        path.unlink()
        return None

    def _folder_of(self, digest: Digest) -> Path:
        name = hex_of(digest)
        return self._folder / name[:2] / name

    def _path(self, variant: Variant) -> Path:
        return self._folder_of(variant.digest) / variant.name

    @contextlib.contextmanager
    def _written_aside(self) -> Iterator[tuple[int, Path]]:
        aside = self._folder / f"incoming-{secrets.token_hex(8)}"
        stream = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            yield stream, aside
        finally:
            os.close(stream)
            with contextlib.suppress(FileNotFoundError):
                aside.unlink()

    def _seal(self, stream: int, aside: Path, variant: Variant) -> Path:
        os.fchmod(stream, variant.permissions)
        os.utime(stream, ns=(variant.mtime_ns, variant.mtime_ns))
        path = self._path(variant)
        with self._lock:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.rename(aside, path)
        return path


def _write_all(stream: int, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[os.write(stream, view) :]
