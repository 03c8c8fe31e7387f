"""The digest of a file that holds still while it is read.

`os.open` and `readv` into a reused buffer are 1.7 times as fast as `open()` and `hashlib.file_digest`; hashlib
releases the GIL, so threads scale. Small files go many to a future: one each costs four times as much.
"""

from __future__ import annotations

import hashlib
import operator
import os
import stat
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace

from conductor_core.digest import Digest
from conductor_core.errors import FileChanged, FileVanished, TransferError
from conductor_core.transfer.hash_cache import FileState, Found, HashCache
from conductor_core.transfer.learning import Learning
from conductor_core.transfer.long_paths import on_disk
from conductor_core.transfer.opening import is_locked, open_to_read
from conductor_core.transfer.progress import Branch, Progress

#: bytes of each thread's buffer: what was read is still in the core's own cache when it is hashed (1 MB: 12 % slower)
BLOCK = 128 << 10
#: files hashed by one future at most, and bytes after which a future is full
BATCH_FILES = 256
BATCH_BYTES = 64 << 20
#: bytes from which on a file takes its turn with the small ones
LARGE_FILE = 1 << 20
#: readings of a file of which nothing but the ctime changes meanwhile, at most
READINGS = 3

_buffers = threading.local()


@dataclass(frozen=True, slots=True)
class HashedFile:
    """A file's content and what `stat` said while it was read."""

    digest: Digest
    state: FileState
    #: permission bits; 0 on Windows
    mode: int

    def for_manifest(self) -> HashedFile:
        """Return the same with no more of its state than a manifest has: of 200,000 files the rest takes 13 MB."""
        return HashedFile(self.digest, FileState(self.state.size, self.state.mtime_ns, 0), self.mode)


def hash_file(path: str, progress: Progress | None = None) -> HashedFile:
    """Return the digest of `path`.

    Nothing but the ctime of a file changes when it is renamed, linked or given other rights, or when somebody writes into it
    and puts its time back: it is read again then, until it holds still or two readings give the same.

    Raises:
        FileVanished: it is not there any more.
        FileChanged: it changed, or was replaced, while it was read.
        TransferError: it cannot be read, or is no file.
    """
    before = ""
    for _ in range(READINGS):
        hashed, still = _read_once(path, progress)
        if still or hashed.digest == before:
            return hashed  # where it did not hold still, its state is one that nobody will find any more
        before = hashed.digest
        if progress is not None:
            progress.add(bytes_hashed=-hashed.state.size)
    raise FileChanged(path)


def _read_once(path: str, progress: Progress | None) -> tuple[HashedFile, bool]:
    """Return what a file is, as it was before it was read, and whether it has the same ctime now; raises as `hash_file` does."""
    try:
        handle = open_to_read(path)
    except FileNotFoundError:
        raise FileVanished(path) from None
    except OSError as exc:
        raise unreadable(path, exc) from exc
    try:
        before = os.fstat(handle)
        if not stat.S_ISREG(before.st_mode):
            raise TransferError(path, "is not a file any more", "Scan again.")
        digest = _digest_of_handle(handle, path, before.st_size, progress)
        state, after = FileState.of(before), FileState.of(os.fstat(handle))
        if not state.agrees_but_for_ctime(after):
            raise FileChanged(path)
    except OSError as exc:
        raise unreadable(path, exc) from exc
    finally:
        os.close(handle)
    # a program that saves by writing aside and renaming leaves our handle with the old content
    named = FileState.of(stat_of(path))
    still = state.ctime_ns == after.ctime_ns == named.ctime_ns
    if not state.agrees_but_for_ctime(named):
        state = replace(state, inode=0)
        # some file servers give a file another number whenever it is asked about
        if not named.agrees_but_for_ctime(state) or stat_of(path).st_ino == named.inode:
            raise FileChanged(path)
    return HashedFile(digest, state, mode_of(before)), still


def hash_files(
    states: Mapping[str, Found],
    cache: HashCache,
    progress: Progress,
    *,
    threads: int = 2,
    hashed: Callable[[Mapping[str, HashedFile]], None] = lambda _: None,
) -> dict[str, HashedFile]:
    """Return the hash of each file of `states` (path → what `stat` said), from the cache where it can be trusted.

    `hashed` is told of files that were read, as they are, in this thread. Of the states that are returned, size and time are known.

    Raises:
        FileVanished, FileChanged, TransferError: naming the first file that cannot be hashed.
        TransferCancelled: `progress` was cancelled.
    """
    began = cache.now()
    known = _from_cache(states, cache)
    progress.put(files=len(states), bytes_total=sum(s.st_size for s in states.values()))
    progress.add(files_hashed=len(known), files_cached=len(known), bytes_hashed=sum(k.state.size for k in known.values()))
    unknown = sorted(path for path in states if path not in known)
    reading = Branch(progress)
    with Learning(cache) as learning, ThreadPoolExecutor(threads, thread_name_prefix="hash") as pool:
        try:
            # nobody else holds a future: what it found is kept once, in `known`
            for future in as_completed({pool.submit(_hash_batch, batch, reading) for batch in in_turns(unknown, states)}):
                batch = future.result()
                learning.learn({path: (h.state, h.digest) for path, h in batch.items()}, began=began)
                known.update((path, h.for_manifest()) for path, h in batch.items())
                hashed(batch)
        except BaseException:
            reading.cancel()  # nobody waits for the end of a huge file to hear of the one that is gone
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return known


def batches(paths: Sequence[str], states: Mapping[str, Found]) -> Iterator[list[str]]:
    """Yield runs of `paths` that are worth a future each."""
    batch: list[str] = []
    size = 0
    for path in paths:
        batch.append(path)
        size += states[path].st_size
        if len(batch) >= BATCH_FILES or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def in_turns(paths: Sequence[str], states: Mapping[str, Found]) -> list[list[str]]:
    """Return batches of large and of small files, both spread over the whole: whoever sends what is hashed has some of each.

    Small files are mostly work for who reads and who takes them, large ones for the line: one after the other, either waits.
    """
    large = [path for path in paths if states[path].st_size >= LARGE_FILE]
    small = [path for path in paths if states[path].st_size < LARGE_FILE] if large else paths
    kinds = [list(batches(kind, states)) for kind in (large, small)]
    placed = [(n / len(kind), batch) for kind in kinds for n, batch in enumerate(kind)]
    return [batch for _, batch in sorted(placed, key=operator.itemgetter(0))]


def stat_of(path: str) -> Found:
    """Return what `stat` says of `path` now.

    Raises:
        FileVanished: it is not there any more.
    """
    try:
        return os.stat(on_disk(path))
    except FileNotFoundError:
        raise FileVanished(path) from None
    except OSError as exc:
        raise unreadable(path, exc) from exc


def mode_of(found: Found) -> int:
    """Return permission bits as a manifest keeps them: 0 on Windows, which has none."""
    return stat.S_IMODE(found.st_mode) if os.name == "posix" else 0


def unreadable(path: str, exc: OSError) -> TransferError:
    """Return the error that says why `path` can't be read."""
    if is_locked(exc):
        reason = "is held by another program, which lets nobody else read it"
        return TransferError(path, reason, "Wait until it is saved, or close it there, then submit again.")
    if isinstance(exc, PermissionError):
        return TransferError(path, "may not be read by you", "Ask its owner for the right to read it, then submit again.")
    return TransferError(
        path, f"cannot be read ({exc.strerror or exc})", "Check the disk or share it lies on, then submit again."
    )


def lost_snapshot(path: str, file: str) -> TransferError:
    """Return the error for a path whose content was kept in `file`, which is gone."""
    return TransferError(path, f"cannot be sent: its snapshot {file} was removed before it was sent", "Submit it again.")


def _from_cache(states: Mapping[str, Found], cache: HashCache) -> dict[str, HashedFile]:
    digests = cache.digests({path: FileState.of(found) for path, found in states.items()})
    found = ((path, digest, states[path]) for path, digest in digests.items())
    return {path: HashedFile(digest, FileState(s.st_size, s.st_mtime_ns, 0), mode_of(s)) for path, digest, s in found}


def _hash_batch(paths: Iterable[str], progress: Progress) -> dict[str, HashedFile]:
    hashed = {}
    for path in paths:
        progress.check(path)
        hashed[path] = hash_file(path, progress)
        progress.add(files_hashed=1)
    return hashed


def _digest_of_handle(handle: int, path: str, size: int, progress: Progress | None) -> Digest:
    """Return the digest of a file of `size` bytes; one that has grown is not read to its end: its state tells that it did."""
    sha = hashlib.sha256()
    buffer = _buffer()
    left = size
    while count := _read_into(handle, buffer):
        sha.update(buffer[:count])
        left -= count
        if progress is not None:
            progress.add(bytes_hashed=count)
        if size and left <= 0:  # files that only look empty are read to their end
            break
        if progress is not None:
            progress.check(path)
    return Digest("sha256:" + sha.hexdigest())


def _buffer() -> memoryview:
    buffer = getattr(_buffers, "block", None)
    if buffer is None:
        buffer = _buffers.block = memoryview(bytearray(BLOCK))
    return buffer


if hasattr(os, "readv"):

    def _read_into(handle: int, buffer: memoryview) -> int:
        return os.readv(handle, [buffer])

else:

    def _read_into(handle: int, buffer: memoryview) -> int:
        block = os.read(handle, len(buffer))
        buffer[: len(block)] = block
        return len(block)
