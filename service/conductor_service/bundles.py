"""Many small objects at once: where they lie is asked once for all of them, and those side by side are read in one go."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from conductor_core.digest import Digest
from conductor_core.errors import TransferError
from conductor_core.transfer.bundle import Blocks, Content

from conductor_service.farm import Farm
from conductor_service.pack_index import spots
from conductor_service.store import Spot

log = logging.getLogger(__name__)

#: bytes that are read of a pack in one go
RUN_BYTES = 4 << 20
#: bytes between two objects that are read with them: cheaper than a question more, on S3 by far
GAP_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class Run:
    """Objects that are asked for one after the other, and lie so in one pack; or one that lies in none that we know of."""

    digests: tuple[Digest, ...]
    #: of each; none: of the one
    spots: tuple[Spot, ...] = ()


def contents(farm: Farm, wanted: Sequence[Digest], sizes: Mapping[str, int]) -> Iterator[Content | None]:
    """Yield the bytes of each of `wanted` that has a size; None for the others, and for those that the store has not whole."""
    with farm.database.read() as session:
        places = spots(session, [digest for digest in wanted if digest in sizes])
    for run in plan_runs(wanted, places):
        if run.digests[0] in sizes:
            yield from _read(farm, run)
        else:
            yield None


def plan_runs(wanted: Sequence[Digest], places: Mapping[str, Spot]) -> Iterator[Run]:
    """Yield `wanted`, in their order, in runs that are read in one go each."""
    digests: list[Digest] = []
    run: list[Spot] = []
    for digest in wanted:
        spot = places.get(digest)
        if digests and not (spot and run and _goes_on(run, spot)):
            yield Run(tuple(digests), tuple(run))
            digests, run = [], []
        digests.append(digest)
        if spot is not None:
            run.append(spot)
    if digests:
        yield Run(tuple(digests), tuple(run))


def _goes_on(run: Sequence[Spot], spot: Spot) -> bool:
    first, last = run[0], run[-1]
    gap = spot.offset - (last.offset + last.size)
    return spot.pack == first.pack and 0 <= gap <= GAP_BYTES and spot.offset + spot.size - first.offset <= RUN_BYTES


def _read(farm: Farm, run: Run) -> Iterator[Content | None]:
    """Yield what a run has, right bytes only."""
    if not run.spots:
        yield _checked(farm, run.digests[0], b"".join(_pieces(farm, run.digests[0], 0, None)))
        return
    at, last = run.spots[0].offset, run.spots[-1]
    pieces = Blocks(_pieces(farm, last.pack, at, last.offset + last.size - at))
    for digest, spot in zip(run.digests, run.spots, strict=True):
        pieces.take(spot.offset - at)
        yield _checked(farm, digest, pieces.take(spot.size))
        at = spot.offset + spot.size


def _pieces(farm: Farm, digest: Digest, offset: int, length: int | None) -> Iterator[bytes]:
    """Yield what can be read: nothing, where it is not where it was said to be."""
    try:
        yield from farm.shelf.read(digest, offset, length)
    except TransferError as exc:
        log.info("%s", exc)


def _checked(farm: Farm, digest: Digest, content: Content | None) -> Content | None:
    if content is not None and f"sha256:{hashlib.sha256(content).hexdigest()}" == digest:
        return content
    return _found_otherwise(farm, digest)


def _found_otherwise(farm: Farm, digest: Digest) -> bytes | None:
    """Read what was not whole where it was said to be in the way that notes it: it may lie elsewhere by now."""
    try:
        return b"".join(farm.store.read(digest))
    except TransferError as exc:
        log.error("%s", exc)
        return None
