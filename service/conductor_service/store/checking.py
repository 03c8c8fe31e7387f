"""Count and hash bytes as they pass."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from conductor_core.digest import Digest
from conductor_core.errors import ContentMismatch


def checked(digest: Digest, chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Pass `chunks` on, and raise instead of ending if they are not `size` bytes that hash to `digest`.

    One byte too many ends it before that byte is passed on: a sender cannot fill the disk beyond what it announced.

    Raises:
        ContentMismatch: another size or another digest.
    """
    hasher = hashlib.sha256()
    seen = 0
    for chunk in chunks:
        seen += len(chunk)
        if seen > size:
            raise ContentMismatch(digest, f"{size} bytes", f"of more than {size} bytes")
        hasher.update(chunk)
        yield chunk
    if seen != size:
        raise ContentMismatch(digest, f"{size} bytes", f"of {seen} bytes")
    actual = f"sha256:{hasher.hexdigest()}"
    if actual != digest:
        raise ContentMismatch(digest, digest, actual)


def check_part(offset: int, length: int | None) -> None:
    """Refuse a part of an object that cannot be.

    Raises:
        ValueError: the offset or the length is negative.
    """
    if offset < 0:
        raise ValueError(f"offset {offset} is negative")
    if length is not None and length < 0:
        raise ValueError(f"length {length} is negative")


def first(chunks: Iterable[bytes], length: int | None) -> Iterator[bytes]:
    """Pass on the first `length` bytes, or all."""
    if length is None:
        yield from chunks
        return
    if not length:
        return
    for chunk in chunks:
        yield chunk[:length]
        length -= len(chunk)
        if length <= 0:
            return
