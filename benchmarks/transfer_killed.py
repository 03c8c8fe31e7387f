"""A large file whose agent is killed in the middle, and started again: what is sent twice, and whether the file is whole.

Agent and service are the processes that users have; between them stands a proxy that counts what goes by.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests
from byte_count import ByteCount
from conductor_core.transfer.hashing import hash_file
from conductor_core.transfer.parts import PARTS_AT_ONCE
from conductor_service.embedded import embedded_service
from real_agent import SERVICE, RealAgent, wait_until
from transfer_rows import Row

#: bytes that differ from the next such run by their first eight only: what is read is what is there, and is quickly made
BLOCK = 64 << 20
#: of a part, and parts that may be sent again for each connection
PART, AGAIN = 16 << 20, 2


def rows(folder: Path, *, small: bool) -> Iterator[Row]:
    """Measure with 10 GB, or with what a quarter of the disk has room for; `small`: 256 MB."""
    size = (256 << 20) if small else min(160 * BLOCK, shutil.disk_usage(folder).free // 4 // BLOCK * BLOCK)
    file = folder / "cache.vdb"
    _make(file, size)
    with embedded_service(folder / "service", SERVICE) as service, ByteCount(service.url) as line:
        with RealAgent(folder / "home", service, address=line.url) as agent:
            killed = _interrupted(agent, line, str(file), size)
        whole = _is_whole(service.url, service.token, file)
    sent = killed.before + killed.after - size
    again = max(0, sent) / PART
    yield Row(
        f"{size / 1e9:.1f} GB, agent killed at {killed.before / size:.0%} and started again: sent again",
        f"{max(0, sent) / 1e6:.0f} MB ({again:.1f} parts); the file {'is whole' if whole else 'IS NOT WHOLE'}",
        f"{AGAIN} parts of {PART >> 20} MiB for each of {PARTS_AT_ONCE} connections",
        again if whole else float("inf"),
        AGAIN * PARTS_AT_ONCE,
    )
    yield Row(
        f"{size / 1e9:.1f} GB, from the agent's second start to the job",
        f"{killed.seconds:.1f} s ({killed.after / 1e6:.0f} MB)",
        f"{killed.first:.1f} s ({killed.before / 1e6:.0f} MB) until it was killed, hashing included",
        None,
        None,
    )


@dataclass(frozen=True, slots=True)
class _Killed:
    """What went over the line before the kill and after it."""

    before: int
    after: int
    #: seconds until the kill, and from the second start to the job
    first: float
    seconds: float


def _interrupted(agent: RealAgent, line: ByteCount, file: str, size: int) -> _Killed:
    began = time.monotonic()
    identity = agent.submit([file])
    wait_until(lambda: line.sent > size // 2)
    agent.kill()
    line.settle()
    before, first = line.sent, time.monotonic() - began
    began = time.monotonic()
    agent.start()
    agent.submitted(identity)
    return _Killed(before, line.sent - before, first, time.monotonic() - began)


def _is_whole(url: str, token: str, file: Path) -> bool:
    """Tell whether the service has the file, every byte of it: what comes back from it is hashed here."""
    digest, sha = hash_file(str(file)).digest, hashlib.sha256()
    path = f"{url}/api/v1/projects/default/objects/{digest}"
    with requests.get(path, headers={"Authorization": f"Bearer {token}"}, stream=True, timeout=60) as answer:
        answer.raise_for_status()
        for block in answer.iter_content(1 << 20):
            sha.update(block)
    return digest == f"sha256:{sha.hexdigest()}"


def _make(file: Path, size: int) -> None:
    block = bytearray(os.urandom(BLOCK))
    with file.open("wb") as out:
        for number in range(size // BLOCK):
            block[:8] = number.to_bytes(8, "little")
            out.write(block)
    os.utime(file, (1_700_000_000, 1_700_000_000))
