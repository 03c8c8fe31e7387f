"""Submissions: nothing changed, one file edited, a first upload, many small files over a long line, a folder that moved.

The service is a real one on this machine, asked over HTTP; the agent's own steps are called one by one.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from conductor_core.agent.resubmission import Listed, again, listed
from conductor_core.api.client import ProjectObjects, ServiceClient
from conductor_core.manifest import Manifest
from conductor_core.paths import local_flavour
from conductor_core.submission import Output, Software, Step, Submission, new_submission_id
from conductor_core.transfer.hash_cache import RACY_NS, HashCache
from conductor_core.transfer.overlap import Overlap
from conductor_core.transfer.progress import Progress
from conductor_core.transfer.tree import hash_tree, read_tree
from conductor_core.transfer.upload import plan_upload, send_missing
from conductor_service.embedded import EmbeddedService, embedded_service
from long_line import LongLine
from transfer_rows import Row, interleaved, settled, took

THREADS = 2
#: as many as an agent has (`agent.upload_threads`)
CONNECTIONS = 8
#: rounds of what sends much, of which the median is told
ROUNDS = 3
#: seconds after which what was written is settled for the hash cache
SETTLED = RACY_NS / 1e9 + 0.1
_KINDS = [{"name": "local", "description": "here", "cores": 1, "memory_gb": 1, "price_per_hour": "0.60"}]


def rows(folder: Path, *, small: bool) -> Iterator[Row]:
    """Measure, a tenth of it with `small`."""
    many, some, rounds = (10_000, 2_000, 3) if small else (100_000, 20_000, 9)
    with embedded_service(folder / "service", {"instance_types": _KINDS}) as service:
        desk = Desk(folder, service)
        try:
            yield from _again(desk, many, rounds)
            yield from _again(desk, 2_000, rounds)
            yield from _first(desk, some, 20 if small else 200)
            yield from _long_line(desk, some)
        finally:
            desk.close()


class Desk:
    """An artist's side of it."""

    def __init__(self, folder: Path, service: EmbeddedService) -> None:
        self.folder = folder
        self.service = service
        self.client = ServiceClient(service.url, service.token)
        self.cache = HashCache(folder / "cache" / "hashes.sqlite")

    def close(self) -> None:
        """Close what is open."""
        self.client.close()
        self.cache.close()

    def submission(self) -> Submission:
        """Return a job that no instance will ever render."""
        step = Step("main", "1", kind="command", outputs=(Output("/job/out/f.#.png"),), command=("true",))
        software = Software("shell", "1")
        return Submission(new_submission_id(), "default", "files", "", local_flavour(), software, (step,), "local")

    def look(self, files: list[str]) -> Listed:
        """Return the files as they are now."""
        found = listed(self.submission(), {"files": files}, self.cache, salt=self.service.url)
        assert found is not None
        return found

    def ask_again(self, files: list[str]) -> None:
        """Do all that a submission does until it knows that there is nothing left to send but what changed."""
        changed = again(self.look(files), self.cache, Progress(), threads=THREADS)
        assert changed is not None
        known = changed.ask(self.client, "default")
        assert known is not None

    def send(self, manifest: Manifest, client: ServiceClient) -> None:
        """Ask what is missing, and send it."""
        sink = ProjectObjects(client, "default")
        send_missing(plan_upload(manifest, manifest.objects()), sink, Progress(), threads=CONNECTIONS)

    def send_again(self, files: list[str]) -> None:
        """Tell all files in full, of which the service has every one."""
        self.send(self.hashed(files), self.client)

    def hashed(self, files: list[str]) -> Manifest:
        """Return the manifest, having read what the cache does not know."""
        return hash_tree(self.look(files).tree(), self.cache, Progress(), flavour=local_flavour(), threads=THREADS)

    def first(self, files: list[str]) -> None:
        """Hash and send, as a submission does: what is hashed goes while the rest is hashed."""
        progress, sink = Progress(), ProjectObjects(self.client, "default")
        with Overlap(sink, progress, threads=CONNECTIONS) as overlap:
            flavour = local_flavour()
            tree = self.look(files).tree()
            manifest = hash_tree(tree, self.cache, progress, flavour=flavour, threads=THREADS, hashed=overlap.take)
        unsure = manifest.objects().keys() - overlap.sent()
        send_missing(plan_upload(manifest, unsure), sink, progress, threads=CONNECTIONS)

    def commit(self, files: list[str]) -> None:
        """Submit files as a job, in full; it holds, or an instance would fetch them all while something else is measured."""
        found, manifest = self.look(files), self.hashed(files)
        self.send(manifest, self.client)
        submission = replace(self.submission(), software=Software(*_software(self.client)))
        job = self.client.create_job(submission).id
        self.client.move(job, "hold")
        self.client.put_manifest(job, manifest)
        found.remember(self.cache, manifest.digest(), manifest.entries)


def _software(client: ServiceClient) -> tuple[str, str]:
    software = client.catalogue().software
    return (software[0].name, software[0].version)


def _again(desk: Desk, count: int, rounds: int) -> Iterator[Row]:
    files = _make(desk.folder / f"again-{count}", count, 100)
    desk.commit(files)

    def bare() -> None:
        for path in files:
            os.stat(path)

    def edited() -> None:
        Path(files[count // 3]).write_bytes(b"%d" % time.time_ns())
        desk.ask_again(files)

    for what, work in (("nothing changed", lambda: desk.ask_again(files)), ("one file edited", edited)):
        base, seconds = interleaved(bare, work, rounds=rounds)
        label = f"{count:,} files again, {what}, question and leases included"
        if count == 2_000:
            yield Row(label, f"{seconds:.3f} s", f"{base:.3f} s (os.stat of each)", seconds, 0.3)
        else:
            limit = 2.0 if count >= 100_000 else None  # a question has its own cost, however few files it is about
            yield Row(label, f"{seconds:.3f} s", f"{base:.3f} s (os.stat of each)", seconds / base, limit)
    # the file that was edited last is too fresh to be kept, as it would be for a user: what renames a folder comes later
    time.sleep(SETTLED)
    desk.ask_again(files)
    moved = desk.folder / f"moved-{count}"
    (desk.folder / f"again-{count}").rename(moved)
    files = sorted(str(p) for p in moved.rglob("*.tx"))
    progress = Progress()
    hash_tree(read_tree(files), desk.cache, progress, flavour=local_flavour())
    read = progress.counts().files_hashed - progress.counts().files_cached
    yield Row(f"{count:,} files in a renamed folder", f"{read} read", f"{count} files", read / count, 0.01)


def _first(desk: Desk, count: int, large: int) -> Iterator[Row]:
    """First upload: small files and large ones, against read, hash and write of the same here; other contents in each round."""
    baselines, firsts, agains = [], [], []
    for number in range(ROUNDS):
        folder = desk.folder / f"first-{number}"
        files = [*_make(folder, count, 8192), *_make(folder / "large", large, 5 << 20)]
        written = desk.folder / f"written-{number}"
        settled()
        baselines.append(took(partial(_read_hash_write, files, written)))
        settled()
        firsts.append(took(partial(desk.first, files)))
        agains.append(took(partial(desk.send_again, files)))
    baseline, seconds, again_seconds = (statistics.median(found) for found in (baselines, firsts, agains))
    what = f"first upload, {count:,} × 8 KB + {large * 5 // 1000 or 0.1} GB large"
    yield Row(what, f"{seconds:.2f} s", f"{baseline:.2f} s (read, sha256, write here)", seconds / baseline, 1.3)
    yield Row("the same again, told in full", f"{again_seconds:.2f} s", f"{seconds:.2f} s (the first time)", None, None)


def _long_line(desk: Desk, count: int) -> Iterator[Row]:
    found = []
    with LongLine(int(desk.service.url.rsplit(":", 1)[1])) as line:
        for number in range(ROUNDS):
            manifest = desk.hashed(_make(desk.folder / f"far-{number}", count, 4096))
            client = ServiceClient(line.url, desk.service.token)
            settled()
            found.append(took(partial(desk.send, manifest, client)))
            client.close()
    seconds = statistics.median(found)
    rate = count / seconds
    yield Row(
        f"{count:,} small files over 30 ms",
        f"{rate:,.0f} files/s",
        "one round trip each: 33 files/s",
        rate,
        10_000,
        at_least=True,
    )


def _make(folder: Path, count: int, size: int) -> list[str]:
    """Write files of contents of their own, at a time of their own long before now.

    They are settled when this returns: the hash cache keeps nothing that was changed just before it was hashed. And
    no two versions of a file have the same time: the folders here are removed and made again, with the same names and inodes.
    """
    paths = []
    seed = os.urandom(8)
    made = 1_600_000_000_000_000_000 + int.from_bytes(seed[:7], "big")
    for n in range(count):
        path = folder / f"{n // 1000:03}" / f"texture_{n:06}.tx"
        if n % 1000 == 0:
            path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((seed + n.to_bytes(8, "little")) * (size // 16 + 1))
        os.utime(path, ns=(made, made))
        paths.append(str(path))
    time.sleep(SETTLED)
    return paths


def _read_hash_write(files: list[str], folder: Path) -> None:
    folder.mkdir()
    for n, path in enumerate(files):
        sha = hashlib.sha256()
        with open(path, "rb", buffering=0) as source, open(folder / f".{n}", "wb", buffering=0) as out:
            while block := source.read(1 << 20):
                sha.update(block)
                out.write(block)
        os.rename(folder / f".{n}", folder / sha.hexdigest())
