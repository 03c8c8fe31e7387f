"""One large file in parts to a real service, beside a local read, sha256, write and flush; and what an interruption costs."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from conductor_core.api.client import ProjectObjects, ServiceClient
from conductor_core.errors import TransferCancelled
from conductor_core.manifest import Entry
from conductor_core.transfer.hashing import hash_file
from conductor_core.transfer.parts import send_in_parts
from conductor_core.transfer.progress import Progress
from conductor_service.embedded import embedded_service
from transfer_rows import Row, interleaved

_BLOCK = 1 << 20


def rows(folder: Path, *, small: bool) -> Iterator[Row]:
    """Measure in `folder`, with 1 GiB or, if `small`, 128 MiB."""
    size = (128 if small else 1024) << 20
    with (
        embedded_service(folder / "service", {"find_software": False}) as service,
        ServiceClient(service.url, service.token) as client,
    ):
        yield _sent(folder, size, ProjectObjects(client, "default"))
        yield _interrupted(folder, size, ProjectObjects(client, "default"))


def _sent(folder: Path, size: int, objects: ProjectObjects) -> Row:
    files = [_made(folder / f"large{n}", size) for n in range(3)]
    local, sent = list(files), list(files)

    def copied() -> None:
        _copy(Path(local.pop().path), folder / "copy")

    def uploaded() -> None:
        send_in_parts(sent.pop(), "", objects, Progress())

    base, product = interleaved(copied, uploaded, rounds=3)
    figure = f"{product:.2f} s ({size / product / 1e9:.2f} GB/s)"
    return Row(f"one file of {size >> 20} MiB in parts", figure, f"{base:.2f} s (read, sha256, write)", product / base, None)


def _interrupted(folder: Path, size: int, objects: ProjectObjects) -> Row:
    entry = _made(folder / "interrupted", size)

    class Stopped(Progress):
        def sent(self, count: int) -> None:
            super().sent(count)
            if self.counts().bytes_sent > size * 3 // 4:
                self.cancel()

    with contextlib.suppress(TransferCancelled):
        send_in_parts(entry, "", objects, Stopped())
    had = objects.begin_upload(entry.digest, entry.size)
    left = size - len(had.have) * had.part_bytes
    send_in_parts(entry, "", objects, Progress())
    again = max(0, left - size // 4)
    figure = f"{again / (1 << 20):.0f} MiB sent again"
    return Row("stopped at three quarters, gone on", figure, "4 parts of 16 MiB under way", again / (64 << 20), 1.05)


def _made(path: Path, size: int) -> Entry:
    with path.open("wb") as file:
        for _ in range(size // _BLOCK):
            file.write(os.urandom(_BLOCK))
    found = hash_file(str(path))
    return Entry(str(path), "file", found.digest, size=size, mtime_ns=found.state.mtime_ns)


def _copy(source: Path, target: Path) -> None:
    sha = hashlib.sha256()
    with source.open("rb", buffering=0) as there, target.open("wb", buffering=0) as here:
        while block := there.read(_BLOCK):
            sha.update(block)
            here.write(block)
        os.fsync(here.fileno())
