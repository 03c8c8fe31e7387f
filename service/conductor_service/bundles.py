"""Many small objects at once: where they lie is asked once for all of them, and each is read in one go."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence

from conductor_core.digest import Digest
from conductor_core.errors import TransferError

from conductor_service.farm import Farm
from conductor_service.pack_index import spots
from conductor_service.store import Spot

log = logging.getLogger(__name__)


def contents(farm: Farm, wanted: Sequence[Digest], sizes: Mapping[str, int]) -> Iterator[bytes | None]:
    """Yield the bytes of each of `wanted` that has a size; None for the others, and for those that the store has not whole."""
    with farm.database.read() as session:
        places = spots(session, wanted)
    for digest in wanted:
        yield _content(farm, digest, places.get(digest)) if digest in sizes else None


def _content(farm: Farm, digest: Digest, spot: Spot | None) -> bytes | None:
    """Return an object's bytes, right ones only.

    What is not where it was said to be, or is damaged, is read in the way that notes it: it may lie elsewhere by now.
    """
    try:
        pieces = farm.shelf.read(digest) if spot is None else farm.shelf.read(spot.pack, spot.offset, spot.size)
        data = b"".join(pieces)
        if f"sha256:{hashlib.sha256(data).hexdigest()}" == digest:
            return data
    except TransferError as exc:
        log.info("%s", exc)
    try:
        return b"".join(farm.store.read(digest))
    except TransferError as exc:
        log.error("%s", exc)
        return None
