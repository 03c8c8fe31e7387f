"""Lay a job's files out: fetch what the cache lacks, several at once, then put each file at its place in the stage."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from conductor_core.digest import Digest
from conductor_core.errors import ContentMismatch, NotFound, ServiceUnreachable, shown_name

from conductor_service.runner.cache import ContentCache, Variant
from conductor_service.runner.errors import StagingFailed
from conductor_service.runner.placing import Method, place
from conductor_service.runner.stage import StagedFolder, StagePlan

#: what brings an input back that the store has lost: the question before an upload finds it missing
SEND_AGAIN = "Submit the scene again, which sends the file again; then this job can be retried too."

Fetch = Callable[[Digest], Iterator[bytes]]

#: enough to keep a line busy with small files; more would only queue at the service
_FETCHES_AT_ONCE = 4
#: a transfer that broke off or came wrong is asked for this often
_FETCH_TRIES = 3


@dataclass(frozen=True, slots=True)
class Laid:
    """What laying out came to, for the log."""

    files: int
    fetched: int
    fetched_bytes: int
    methods: frozenset[Method]


def execute_stage(plan: StagePlan, folder: Path, *, cache: ContentCache, fetch: Fetch, method: Method) -> Laid:
    """Lay `plan` out in `folder`, which must not exist yet.

    Raises:
        StagingFailed: an object cannot be had, or the disk is full; what was laid so far is left for the caller to remove.
        StaleAttempt, ServiceUnreachable: from `fetch`.
    """
    try:
        fetched = _fill_cache(plan, cache, fetch)
        folder.mkdir(parents=True, mode=0o755)
        for staged in plan.folders:
            (folder / staged.path).mkdir(exist_ok=True)
        for link in plan.links:
            path = folder / link.path
            path.symlink_to(link.target)
            os.utime(path, ns=(link.mtime_ns, link.mtime_ns), follow_symlinks=False)
        methods = {place(_source(file.variant, cache), folder / file.path, file.variant, method) for file in plan.files}
        dress_folders(plan.folders, folder)
    except OSError as exc:
        raise _failed(plan, folder, exc) from exc
    return Laid(len(plan.files), len(fetched), sum(v.size for v in fetched), frozenset(methods))


def _failed(plan: StagePlan, folder: Path, exc: OSError) -> StagingFailed:
    """Return the error that names the artist's file, where it is one, and not a place on the instance."""
    causes = {errno.ENOSPC: "disk-full", errno.EDQUOT: "disk-full", errno.ENAMETOOLONG: "missing-file"}
    # of a link, the second is the one to be made
    place = str(exc.filename2 or exc.filename or folder)
    name = next((f.client for f in plan.files if f.client and place == f"{folder}/{f.path}"), place)
    return StagingFailed(shown_name(name), exc.strerror or str(exc), cause=causes.get(exc.errno or 0, "internal"))


def dress_folders(folders: tuple[StagedFolder, ...], root: Path) -> None:
    """Give folders their modes and times, deepest first, since filling a folder changes its time.

    The runner keeps the right to write and search in each, else it could not clean up.
    """
    for staged in reversed(folders):
        if staged.mode:
            os.chmod(root / staged.path, staged.mode & 0o777 | 0o700)
        if staged.mtime_ns:
            os.utime(root / staged.path, ns=(staged.mtime_ns, staged.mtime_ns))


def _fill_cache(plan: StagePlan, cache: ContentCache, fetch: Fetch) -> list[Variant]:
    """Fetch what the cache lacks; return what was fetched."""
    variants = plan.variants()
    cache.touch(v.digest for v in variants)
    lacking = {v.digest: v for v in variants if cache.find(v) is None and cache.find_any(v.digest, v.size) is None}
    if lacking:
        with ThreadPoolExecutor(_FETCHES_AT_ONCE, thread_name_prefix="fetch") as pool:
            for future in [pool.submit(_fetch, v, plan.name_of(v.digest), cache, fetch) for v in lacking.values()]:
                with _others_dropped(pool):
                    future.result()
    return list(lacking.values())


@contextlib.contextmanager
def _others_dropped(pool: ThreadPoolExecutor) -> Iterator[None]:
    """After one failure fetch nothing more: the stage is lost anyway."""
    try:
        yield
    except BaseException:
        pool.shutdown(cancel_futures=True)
        raise


def _fetch(variant: Variant, name: str, cache: ContentCache, fetch: Fetch) -> None:
    for attempt in range(1, _FETCH_TRIES + 1):
        try:
            cache.add(variant, fetch(variant.digest))
        except (ServiceUnreachable, ContentMismatch) as exc:
            if attempt == _FETCH_TRIES:
                raise StagingFailed(name, str(exc)) from exc
        except NotFound as exc:
            raise StagingFailed(name, "the store has lost it", cause="missing-file", next_step=SEND_AGAIN) from exc
        else:
            return


def _source(variant: Variant, cache: ContentCache) -> Path:
    """Return the cache's file for a variant, made from another variant of the same bytes where need be."""
    path = cache.find(variant)
    if path is not None:
        return path
    twin = cache.find_any(variant.digest, variant.size)
    if twin is None:
        raise StagingFailed(variant.digest, "it is gone from the cache again")
    return cache.add_copy(variant, twin)
