"""Bringing frames home: five thousand small files beside one large one, and that beside a local copy that is checked."""

from __future__ import annotations

import functools
import hashlib
import itertools
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from conductor_core.agent.downloads import Downloads
from conductor_core.agent.journal import Journal
from conductor_core.agent.journal_rows import Following, NewOutput
from conductor_core.agent.patience import Patience
from conductor_core.api.client import ServiceClient
from conductor_core.digest import digest_of
from conductor_core.transfer.flushing import flush_each, whole_flush
from conductor_core.transfer.hash_cache import HashCache
from conductor_core.transfer.packs import Member, write_pack
from conductor_core.user_folders import sync_folder
from conductor_service.embedded import embedded_service
from transfer_rows import Row, interleaved, took

SMALL = 40_000


class _Desk:
    """An agent's downloads, without the agent: journal, cache, threads, and a service on loopback."""

    def __init__(self, folder: Path, url: str, token: str) -> None:
        self._folder = folder
        self._url = url
        self.client = ServiceClient(url, token)
        self._numbers = itertools.count()

    def bring(self, contents: dict[str, int]) -> float:
        """Return the seconds until files of these digests and sizes are home, each at a place of its own."""
        home = self._folder / f"home-{next(self._numbers)}"
        journal, cache = Journal(home / "state" / "journal.sqlite"), HashCache(home / "cache" / "hashes.sqlite")
        wake = threading.Event()
        downloads = Downloads(journal, lambda _: self.client, cache, threads=4, patience=Patience(), wake=wake.set)
        downloads._listen = lambda _service: None  # type: ignore[method-assign, assignment]
        journal.add_download(self._url, "job", following=Following(to=str(home / "out")))
        row = journal.downloads()[0]
        journal.add_outputs(
            row,
            [
                NewOutput(str(home / "out" / f"f_{n:05}.exr"), n, digest, size, 0o644, 10**18, frame=n, project="default")
                for n, (digest, size) in enumerate(contents.items(), 1)
            ],
        )
        journal.set_job_state(row, number=1, project="default", state="success")

        def work() -> None:
            while journal.services_to_do():
                downloads.step()
                wake.wait(0.5)
                wake.clear()

        seconds = took(work)
        downloads.stop()
        assert journal.tally(self._url, "job").home == len(contents)
        journal.close()
        cache.close()
        return seconds


def rows(folder: Path, *, small: bool) -> Iterator[Row]:
    """Measure."""
    count, rounds = (500, 2) if small else (5000, 7)
    with embedded_service(folder / "service", {}) as service:
        desk = _Desk(folder, service.url, service.token_file.read_text().strip())
        parts: dict[str, int] = {}
        for _ in range(count // 100):
            parts.update(dict.fromkeys(_put_together(desk.client, [os.urandom(SMALL) for _ in range(100)]), SMALL))
        large = os.urandom(count * SMALL)
        whole = {_put(desk.client, large): len(large)}
        local = folder / "large"
        local.write_bytes(large)
        one, many = interleaved(lambda: desk.bring(whole), lambda: desk.bring(parts), rounds=rounds)
        yield Row(
            f"{count:,} files of {SMALL // 1000} KB come home",
            f"{many:.2f} s ({count / many:,.0f} files/s)",
            f"{one:.2f} s (one file of {len(large) / 1e6:,.0f} MB)",
            many / one,
            2.0,
        )
        bare, many = interleaved(lambda: _bare(folder, count), lambda: desk.bring(parts), rounds=rounds)
        yield Row(
            "the same beside the file system's own share of it",
            f"{many:.2f} s",
            f"{bare:.2f} s (write, rename, one flush: no hash, no line)",
            many / bare,
            None,
        )
        copy, one = interleaved(lambda: _copy(local), lambda: desk.bring(whole), rounds=rounds)
        yield Row(
            f"a file of {len(large) / 1e6:,.0f} MB comes home",
            f"{one:.2f} s ({len(large) / one / 1e6:,.0f} MB/s)",
            f"{copy:.2f} s (read, sha256, write, fsync)",
            one / copy,
            3.0,
        )


def _put(client: ServiceClient, data: bytes) -> str:
    digest = digest_of(data)
    client.put_object("default", digest, lambda: data)
    return digest


def _put_together(client: ServiceClient, contents: list[bytes]) -> list[str]:
    members = [Member(digest_of(data), len(data), functools.partial(list, [data])) for data in contents]
    pack = b"".join(write_pack(members))
    client.put_pack("default", lambda: pack)
    return [member.digest for member in members]


def _bare(folder: Path, count: int) -> None:
    """Make as many small files as any download must: written aside, on disk, under their names.

    Nothing is removed in between: for minutes after, ext4 makes new files many times slower.
    """
    out = Path(tempfile.mkdtemp(dir=folder))
    flush = whole_flush(str(out))
    names = [out / f"f_{n:05}.exr" for n in range(count)]
    data = os.urandom(SMALL)
    for name in names:
        handle = os.open(name.with_suffix(".part"), os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
        os.write(handle, data)
        os.close(handle)
        os.utime(name.with_suffix(".part"), ns=(10**18, 10**18))
    if flush is None or not flush():
        flush_each([str(name.with_suffix(".part")) for name in names])
    for name in names:
        os.replace(name.with_suffix(".part"), name)
    sync_folder(str(out))
    if flush is not None:
        flush.close()


def _copy(path: Path) -> None:
    """Copy a file as far as any download must: read, hashed, written, on disk."""
    sha = hashlib.sha256()
    target = path.with_suffix(".copy")
    with path.open("rb", buffering=0) as source, target.open("wb", buffering=0) as to:
        while block := source.read(1 << 20):
            sha.update(block)
            to.write(block)
        os.fsync(to.fileno())
    target.unlink()
