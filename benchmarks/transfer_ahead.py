"""What is left to read at the click after a cache was simulated again overnight, and how exactly a limit is kept."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from conductor_core.agent.watcher import Watcher
from conductor_core.transfer.hash_cache import FileState, HashCache
from conductor_core.transfer.hashing import hash_files
from conductor_core.transfer.pace import Throttle
from conductor_core.transfer.progress import Progress
from transfer_rows import Row, took

#: bytes per second of the limit that is measured
LIMIT = 50_000_000
BLOCK = 1 << 20


def rows(folder: Path, *, small: bool) -> Iterator[Row]:
    """Yield the rows of this part; the whole run writes 20 GB, or half of what the disk has room for."""
    frames, size = (100, 200 << 10) if small else (1000, 20 << 20)
    room = shutil.disk_usage(folder).free // 2 // frames >> 10 << 10
    yield _overnight(folder, frames=frames, size=min(size, room))
    yield _limit(seconds=2.0 if small else 10.0)


def _overnight(folder: Path, *, frames: int, size: int) -> Row:
    """Write a cache again while a watcher looks on; then read it as a submission does, and once more without the watcher."""
    files = [folder / f"smoke.{frame:04}.vdb" for frame in range(frames)]
    _simulate(files, size)
    cache = HashCache(folder / "hashes" / "watched.sqlite")
    watcher = Watcher(cache, folder / "hashes" / "recent")
    try:
        watcher.remember("shot", map(str, files))
        while not watcher.ahead().folders or watcher.ahead().without_events:
            watcher.step()
            time.sleep(0.05)
        _simulate(files, size)
        while len(cache.digests(_states(files))) < frames:
            watcher.step()
            time.sleep(0.05)
        ahead, read = _submit(files, cache)
    finally:
        watcher.stop()
        cache.close()
    empty = HashCache(folder / "hashes" / "empty.sqlite")
    without, all_read = _submit(files, empty)
    empty.close()
    gigabytes = frames * size / 1e9
    return Row(
        f"{gigabytes:.2g} GB simulated again overnight, read at the click",
        f"{read} of {frames} files, {ahead:.3f} s",
        f"{all_read} files, {without:.2f} s without the watcher",
        float(read),
        0.0,
    )


def _limit(*, seconds: float) -> Row:
    """Let four threads take blocks at a limit."""
    throttle = Throttle(lambda: LIMIT)
    blocks = int(LIMIT * seconds / BLOCK / 4)
    threads = [threading.Thread(target=_take, args=(throttle, blocks)) for _ in range(4)]
    spent = took(lambda: [*map(threading.Thread.start, threads), *map(threading.Thread.join, threads)])
    rate = blocks * 4 * BLOCK / spent
    return Row("a limit, four threads", f"{rate / 1e6:.1f} MB/s", f"{LIMIT / 1e6:.0f} MB/s asked for", rate / LIMIT, 1.05)


def _take(throttle: Throttle, blocks: int) -> None:
    for _ in range(blocks):
        throttle.take(BLOCK, threading.Event())


def _simulate(files: list[Path], size: int) -> None:
    for file in files:
        file.write_bytes(os.urandom(1 << 10) * (size >> 10))


def _states(files: list[Path]) -> dict[str, FileState]:
    return {str(file): FileState.of(file.stat()) for file in files}


def _submit(files: list[Path], cache: HashCache) -> tuple[float, int]:
    """Return the seconds that hashing takes at the click, and how many files are read for it."""
    progress = Progress()
    states = {str(file): file.stat() for file in files}
    spent = took(lambda: hash_files(states, cache, progress))
    counts = progress.counts()
    return spent, counts.files - counts.files_cached
