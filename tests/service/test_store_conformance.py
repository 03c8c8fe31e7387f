"""What every store promises; each implementation runs all of it."""

from __future__ import annotations

import gc
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conductor_core.digest import Digest, digest_of
from conductor_core.errors import ContentMismatch
from conductor_service.store import (
    CHUNK_BYTES,
    FolderStore,
    MemoryStore,
    ObjectMissing,
    PackedStore,
    PrunableStore,
    Spot,
    VerifyingStore,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


class NoPacks:
    """An index of nothing."""

    def spot(self, digest: Digest) -> Spot | None:
        """Return None."""

    def lose(self, digest: Digest, spot: Spot | None, *, read: bool = True) -> None:
        """Note nothing."""


MAKERS: dict[str, Callable[[Path], PrunableStore]] = {
    "memory": lambda _: MemoryStore(),
    "folder": FolderStore,
    "packed-memory": lambda _: PackedStore(MemoryStore(), NoPacks()),
    "verifying-packed-folder": lambda folder: VerifyingStore(PackedStore(FolderStore(folder), NoPacks())),
    "verifying-memory": lambda _: VerifyingStore(MemoryStore()),
    "verifying-folder": lambda folder: VerifyingStore(FolderStore(folder)),
}

BODY = b"a texture " * 300_000  # three pieces
NOBODY = Digest("sha256:" + "0" * 64)


#: with a real server behind them, which costs a while to start
_S3: dict[str, Callable[[PrunableStore], PrunableStore]] = {
    "s3": lambda bucket: bucket,
    "verifying-packed-s3": lambda bucket: VerifyingStore(PackedStore(bucket, NoPacks())),
}


@pytest.fixture(params=[*MAKERS, *_S3])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> PrunableStore:
    """Give an empty store of each kind."""
    if request.param in _S3:
        return _S3[request.param](request.getfixturevalue("s3_store"))
    return MAKERS[request.param](tmp_path / "store")


def keep(store: PrunableStore, data: bytes) -> Digest:
    digest = digest_of(data)
    store.write(digest, [data], len(data))
    return digest


@pytest.mark.parametrize("body", [b"", b"x", BODY], ids=["empty", "one-byte", "several-pieces"])
def test_gives_back_what_it_took(store: PrunableStore, body: bytes) -> None:
    """The bytes that went in come out, in pieces of at most CHUNK_BYTES, and size says how many."""
    digest = digest_of(body)
    assert store.write(digest, iter([body[:7], body[7:]]), len(body)) is True
    pieces = list(store.read(digest))
    assert b"".join(pieces) == body
    assert all(0 < len(p) <= CHUNK_BYTES for p in pieces)
    assert store.size(digest) == len(body)
    assert list(store.digests()) == [digest]


def test_second_write_is_not_new(store: PrunableStore) -> None:
    """Writing what is there is no error and says False."""
    keep(store, BODY)
    assert store.write(digest_of(BODY), [BODY], len(BODY)) is False
    assert b"".join(store.read(digest_of(BODY))) == BODY


@pytest.mark.parametrize("body", [b"", b"x", BODY], ids=["empty", "one-byte", "several-pieces"])
@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_bytes_without_a_name_get_their_own(store: PrunableStore, kind: type[bytes | bytearray], body: bytes) -> None:
    """Bytes in memory are kept under the digest that they have, also where they are there already, and are a copy."""
    data = kind(body)
    for _ in range(2):
        assert store.write_whole(data) == digest_of(body)
    if isinstance(data, bytearray):
        data[:1] = b"y"
    assert b"".join(store.read(digest_of(body))) == body
    assert list(store.digests()) == [digest_of(body)]


def test_missing_is_said_at_once(store: PrunableStore) -> None:
    """A missing object has no size, and read says so before it gives an iterator; the message names the digest."""
    assert store.size(NOBODY) is None
    with pytest.raises(ObjectMissing, match=NOBODY):
        store.read(NOBODY)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(offset=st.integers(0, len(BODY) + 2))
def test_offset_gives_the_rest(store: PrunableStore, offset: int) -> None:
    """A read from any offset gives exactly what stands from there on."""
    digest = keep(store, BODY)
    assert b"".join(store.read(digest, offset)) == BODY[offset:]


@pytest.mark.parametrize("length", [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, len(BODY)])
@pytest.mark.parametrize("offset", [0, 1, CHUNK_BYTES, len(BODY) - 1, len(BODY) + 5])
def test_length_ends_it(store: PrunableStore, offset: int, length: int) -> None:
    """A read of so many bytes gives no more than these, and fewer only at the object's end."""
    pieces = list(store.read(keep(store, BODY), offset, length))
    assert b"".join(pieces) == BODY[offset : offset + length]
    assert all(0 < len(p) <= CHUNK_BYTES for p in pieces)


@pytest.mark.parametrize("part", [(-1, None), (0, -1)], ids=["offset", "length"])
def test_negative_part_is_refused(store: PrunableStore, part: tuple[int, int | None]) -> None:
    """A part before the start is a mistake of the caller."""
    with pytest.raises(ValueError, match="-1"):
        store.read(keep(store, b"x"), *part)


@pytest.mark.parametrize(
    ("chunks", "size"),
    [
        pytest.param([b"other"], 5, id="wrong-content"),
        pytest.param([b"righ"], 5, id="too-short"),
        pytest.param([b"right", b"s"], 5, id="too-long"),
        pytest.param([b"right"], 6, id="wrong-promise"),
        pytest.param([], 0, id="nothing"),
    ],
)
def test_wrong_bytes_leave_nothing(store: PrunableStore, chunks: list[bytes], size: int) -> None:
    """Bytes that are not what they are called are refused, and nothing of them is kept."""
    digest = digest_of(b"right")
    with pytest.raises(ContentMismatch):
        store.write(digest, chunks, size)
    assert store.size(digest) is None
    assert list(store.digests()) == []


def test_knowing_a_digest_is_no_proof(store: PrunableStore) -> None:
    """Wrong bytes are refused also where the object is there already, and the object stays right."""
    digest = keep(store, b"right")
    with pytest.raises(ContentMismatch):
        store.write(digest, [b"wrong"], 5)
    assert b"".join(store.read(digest)) == b"right"


def test_too_many_bytes_are_not_read_to_the_end(store: PrunableStore) -> None:
    """A sender that goes on beyond the announced size is cut off at once."""
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"x" * 10

    with pytest.raises(ContentMismatch):
        store.write(NOBODY, endless(), 25)
    assert taken == 3


@pytest.mark.parametrize("error", [ConnectionResetError("gone"), RuntimeError("bad")], ids=["os-error", "other"])
def test_sender_breaks_off(store: PrunableStore, error: Exception) -> None:
    """The sender's own error comes through as it is, and nothing is kept."""

    def broken() -> Iterator[bytes]:
        yield b"ri"
        raise error

    with pytest.raises(type(error)) as caught:
        store.write(digest_of(b"right"), broken(), 5)
    assert caught.value is error
    assert store.size(digest_of(b"right")) is None


def test_delete_forgets(store: PrunableStore) -> None:
    """A deleted object is missing; deleting it again, or what never was, is no error; it can be written anew."""
    digest = keep(store, BODY)
    store.delete(digest)
    store.delete(digest)
    store.delete(NOBODY)
    assert store.size(digest) is None
    assert list(store.digests()) == []
    assert store.write(digest, [BODY], len(BODY)) is True


def test_what_is_set_aside_is_missing(store: PrunableStore) -> None:
    """A damaged object is missing once it is set aside; doing it again is no error; it can be written anew, repeatedly."""
    digest = keep(store, BODY)
    for _ in range(2):
        store.set_aside(digest)
        store.set_aside(digest)
        assert store.size(digest) is None
        assert list(store.digests()) == []
        assert store.write(digest, [BODY], len(BODY)) is True


def test_tells_when_it_was_written(store: PrunableStore) -> None:
    """An object has the time of its last writing, also where the bytes were there already; what is missing has none."""
    assert store.written(NOBODY) is None
    digest = keep(store, b"x")
    first = store.written(digest)
    assert first is not None
    assert abs(datetime.now(UTC) - first) < timedelta(minutes=1)
    time.sleep(0.05)  # more than the tick of any file system's clock that we run on
    keep(store, b"x")
    second = store.written(digest)
    assert second is not None
    assert second > first


@pytest.mark.parametrize("name", ["", "sha256:", "sha256:../../x", "md5:" + "0" * 64, "sha256:" + "A" * 64])
def test_only_digests_are_names(store: PrunableStore, name: str) -> None:
    """What is no digest never becomes a path."""
    for call in (store.size, store.read, store.delete, store.set_aside, store.written, lambda d: store.write(d, [], 0)):
        with pytest.raises(ValueError, match="is not a digest"):
            call(Digest(name))


def test_two_writers_of_one_object(store: PrunableStore) -> None:
    """Of several who write the same object at once, one is told that it is new, and the object is right."""
    count = 6
    start = threading.Barrier(count)
    answers: list[bool] = []

    def slow() -> Iterator[bytes]:
        start.wait()
        for i in range(0, len(BODY), 100_000):
            yield BODY[i : i + 100_000]

    def write() -> None:
        answers.append(store.write(digest_of(BODY), slow(), len(BODY)))

    threads = [threading.Thread(target=write) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False] * (count - 1) + [True]
    assert hashlib.sha256(b"".join(store.read(digest_of(BODY)))).hexdigest() == digest_of(BODY)[7:]


def test_unfinished_reads_are_closed(store: PrunableStore) -> None:
    """An iterator that is thrown away, before or after its first piece, leaves no open file (a warning is an error)."""
    digest = keep(store, BODY)
    store.read(digest)
    next(store.read(digest))
    gc.collect()
