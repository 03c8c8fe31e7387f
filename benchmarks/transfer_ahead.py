"""What is left to read at the click after a cache was simulated again overnight, and how exactly a limit is kept."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from conductor_core.agent.run import JOURNAL_FILE
from conductor_core.transfer.hash_cache import RACY_NS, HashCache
from conductor_core.transfer.hashing import hash_files
from conductor_core.transfer.pace import Throttle
from conductor_core.transfer.progress import Progress
from conductor_service.embedded import embedded_service
from real_agent import IDLE_AGENT, SERVICE, RealAgent, wait_until
from transfer_rows import Row, took

#: bytes per second of the limit that is measured
LIMIT = 50_000_000
BLOCK = 1 << 20
#: bytes of a file of the first, small simulation
COARSE = 10 << 10


def rows(folder: Path, *, small: bool) -> Iterator[Row]:
    """Yield the rows of this part; the whole run writes 20 GB, or half of what the disk has room for."""
    frames, size = (100, 2_000 << 10) if small else (1000, 20_000_000)
    size = min(size, shutil.disk_usage(folder).free // 2 // frames) >> 10 << 10
    yield _overnight(folder, frames=frames, size=size)
    yield _limit(seconds=2.0 if small else 10.0)


def _overnight(folder: Path, *, frames: int, size: int) -> Row:
    """Submit a small cache, write it again at its full size while the agent looks on, and submit again.

    The second submission ends where it knows what it has to send: twenty gigabytes more would have to lie in the store.
    """
    files = [folder / f"smoke.{frame:04}.vdb" for frame in range(frames)]
    scene = folder / "shot.hip"
    _simulate([*files, scene], COARSE)
    names = [str(file) for file in (scene, *files)]
    time.sleep(RACY_NS / 1e9 + 0.1)  # a scene that was saved just before is read once more, overnight or at the click
    with (
        embedded_service(folder / "service", SERVICE) as service,
        RealAgent(folder / "home", service, program=IDLE_AGENT) as agent,
    ):
        agent.submitted(agent.submit(names, scene=str(scene)))
        wait_until(lambda: _ahead(agent)["folders"] and not _ahead(agent)["without_events"])
        _simulate(files, size)
        wait_until(lambda: _ahead(agent)["hashed"] >= frames and not _ahead(agent)["waiting"])
        began = time.perf_counter()
        identity = agent.submit(names, scene=str(scene))
        counts = wait_until(lambda: _counts_when_sending(agent, identity))
        seconds = time.perf_counter() - began
    read = counts["files_hashed"] - counts["files_cached"]
    empty = HashCache(folder / "hashes" / "empty.sqlite")
    without, all_read = _hash(files, empty)
    empty.close()
    return Row(
        f"{frames * size / 1e9:.2g} GB simulated again overnight, read at the click",
        f"{read} of {counts['files_hashed']} files; {seconds:.2f} s until it is known what to send",
        f"{all_read} files, {without:.2f} s without the watcher, hashing alone",
        float(read),
        0.0,
    )


def _ahead(agent: RealAgent) -> dict[str, int]:
    return dict(agent.client.transfers()["ahead"])


def _counts_when_sending(agent: RealAgent, identity: str) -> dict[str, int] | None:
    """Return a submission's counts in the agent's journal once it sends; how many files were read is told nowhere else."""
    if agent.client.submission(identity)["state"] == "hashing":
        return None
    journal = sqlite3.connect(f"file:{agent.folders.state / JOURNAL_FILE}?mode=ro", uri=True)
    try:
        return dict(json.loads(journal.execute("SELECT counts FROM submissions WHERE id = ?", (identity,)).fetchone()[0]))
    finally:
        journal.close()


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


def _hash(files: list[Path], cache: HashCache) -> tuple[float, int]:
    """Return the seconds that hashing takes at the click, and how many files are read for it."""
    progress = Progress()
    states = {str(file): file.stat() for file in files}
    spent = took(lambda: hash_files(states, cache, progress))
    counts = progress.counts()
    return spent, counts.files - counts.files_cached
