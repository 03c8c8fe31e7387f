"""What everything promises that takes objects in parts; each kind of store runs all of it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from conductor_core.digest import Digest, digest_of
from conductor_core.errors import ContentMismatch, TransferError
from conductor_service.store import (
    FolderParts,
    FolderStore,
    MemoryParts,
    MemoryStore,
    PartStore,
    PartTaken,
    PrunableStore,
    Staged,
    UploadLost,
    part_bytes,
)
from conductor_service.store.s3 import S3Store
from conductor_service.store.s3_parts import S3Parts

PART = 1000
BODY = os.urandom(2 * PART + 345)
ID = "0123456789abcdef" * 2


class Pair(NamedTuple):
    store: PrunableStore
    parts: PartStore


def _memory(_: Path) -> Pair:
    store = MemoryStore()
    return Pair(store, MemoryParts(store))


def _folder(path: Path) -> Pair:
    store = FolderStore(path)
    return Pair(store, FolderParts(store))


def _no_links(path: Path) -> Pair:
    def link(_source: Path, _target: Path) -> None:
        raise PermissionError(1, "no links here")

    store = FolderStore(path, link=link)
    return Pair(store, FolderParts(store))


MAKERS: dict[str, Callable[[Path], Pair]] = {"memory": _memory, "folder": _folder, "folder-without-links": _no_links}


@pytest.fixture(params=[*MAKERS, "s3"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Pair:
    """Give an empty store of each kind."""
    if request.param == "s3":
        store = request.getfixturevalue("s3_store")
        return Pair(store, S3Parts(store))
    return MAKERS[request.param](tmp_path / "store")


def staged(pair: Pair, body: bytes = BODY, upload: str = ID) -> Staged:
    return Staged(upload, digest_of(body), len(body), PART, pair.parts.begin(upload))


def piece(body: bytes, number: int) -> bytes:
    return body[(number - 1) * PART : number * PART]


def send(pair: Pair, upload: Staged, *numbers: int, body: bytes = BODY) -> None:
    for number in numbers:
        data = piece(body, number)
        pair.parts.write_part(upload, number, digest_of(data), iter([data[:7], data[7:]]))


def test_parts_in_any_order_become_the_object(pair: Pair) -> None:
    """What came in parts is an object like any other, and nothing is left of its staging once that is dropped."""
    upload = staged(pair)
    send(pair, upload, 3, 1)
    assert pair.parts.have(upload) == {1, 3}
    assert pair.store.size(upload.digest) is None
    send(pair, upload, 2)
    pair.parts.seal(upload)
    assert pair.parts.readable(upload) == len(BODY)
    assert b"".join(pair.parts.read(upload, 1234)) == BODY[1234:]
    assert pair.parts.publish(upload) is True
    pair.parts.discard(upload)
    assert b"".join(pair.store.read(upload.digest)) == BODY
    assert list(pair.store.digests()) == [upload.digest]
    assert pair.parts.have(upload) == frozenset()
    assert list(pair.parts.kept()) == []


@pytest.mark.parametrize("left", ["", ".have"], ids=["bytes", "record"])
def test_a_part_that_comes_late_changes_no_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: str) -> None:
    """While the staging of a published upload is removed, in whatever order, a part that still comes is not written."""
    pair = _folder(tmp_path)
    upload = staged(pair)
    send(pair, upload, 1, 2, 3)
    assert pair.parts.publish(upload)
    unlink = Path.unlink
    late: list[str] = []

    def unlinked(path: Path, missing_ok: bool = False) -> None:
        if path.name == f"{ID}{left}":
            return  # as if the power went
        unlink(path, missing_ok=missing_ok)
        try:
            pair.parts.write_part(upload, 1, digest_of(b"y" * PART), [b"x" * PART])
        except (UploadLost, ContentMismatch) as exc:
            late.append(type(exc).__name__)

    monkeypatch.setattr(Path, "unlink", unlinked)
    pair.parts.discard(upload)
    monkeypatch.undo()
    assert late == ["UploadLost"]
    assert b"".join(pair.store.read(upload.digest)) == BODY
    assert [kept.id for kept in pair.parts.kept()] == [ID]
    pair.parts.discard(upload)
    assert list((tmp_path / "parts").iterdir()) == []
    assert b"".join(pair.store.read(upload.digest)) == BODY


def test_publishing_beside_a_sweep(tmp_path: Path) -> None:
    """A process that begins meanwhile, and sweeps what a crash left, takes nothing of it."""

    def link(source: Path, target: Path) -> None:
        os.link(source, target)
        FolderStore(tmp_path)

    store = FolderStore(tmp_path, link=link)
    pair = Pair(store, FolderParts(store))
    upload = staged(pair)
    send(pair, upload, 1, 2, 3)
    assert pair.parts.publish(upload) is True
    assert b"".join(store.read(upload.digest)) == BODY


def test_publishing_twice(pair: Pair) -> None:
    """An object that is there already, or that a crash kept from being answered for, is published again and is right."""
    first, second = staged(pair), staged(pair, upload="f" * 32)
    for upload, new in ((first, True), (second, False)):
        send(pair, upload, 1, 2, 3)
        pair.parts.seal(upload)
        assert pair.parts.publish(upload) is new
        pair.parts.discard(upload)
    assert b"".join(pair.store.read(first.digest)) == BODY


@pytest.mark.parametrize(
    "data", [b"x" * PART, piece(BODY, 1)[:-1], piece(BODY, 1) + b"x", b""], ids=["other", "short", "long", "none"]
)
def test_a_wrong_part_is_not_there(pair: Pair, data: bytes) -> None:
    """A part that is not what it is called does not count, does no harm to its neighbours, and can be sent again."""
    upload = staged(pair)
    send(pair, upload, 2)
    with pytest.raises(ContentMismatch):
        pair.parts.write_part(upload, 1, digest_of(piece(BODY, 1)), [data])
    assert pair.parts.have(upload) == {2}
    send(pair, upload, 1, 3)
    pair.parts.seal(upload)
    assert b"".join(pair.parts.read(upload, 0)) == BODY


def test_a_part_that_is_there_stays(pair: Pair) -> None:
    """What comes wrong for a part that is there changes nothing, nor does what is right in itself, but on S3."""
    upload = staged(pair)
    send(pair, upload, 1, 2, 3)
    if not isinstance(pair.store, S3Store):
        send(pair, upload, 1, body=b"y" * PART)
    with pytest.raises(ContentMismatch):
        pair.parts.write_part(upload, 1, digest_of(piece(BODY, 1)), [b"x" * PART])
    pair.parts.seal(upload)
    assert b"".join(pair.parts.read(upload, 0)) == BODY


def test_an_upload_is_taken_up(pair: Pair) -> None:
    """A store tells whether there is something to go on with: none, some or all parts, ended or not, but not dropped."""
    upload = staged(pair)
    assert pair.parts.take_up(upload)
    send(pair, upload, 1, 2, 3)
    assert pair.parts.take_up(upload)
    pair.parts.seal(upload)
    pair.parts.seal(upload)
    assert pair.parts.take_up(upload)
    assert pair.parts.have(upload) == {1, 2, 3}
    pair.parts.discard(upload)
    assert not pair.parts.take_up(upload)


def test_what_was_dropped_takes_nothing(pair: Pair) -> None:
    """Dropped uploads have no parts, take none, and cannot be read; dropping them again is no error."""
    upload = staged(pair)
    send(pair, upload, 1)
    for _ in range(2):
        pair.parts.discard(upload)
    assert pair.parts.have(upload) == frozenset()
    with pytest.raises(UploadLost, match=upload.digest):
        send(pair, upload, 1)
    with pytest.raises(UploadLost):
        pair.parts.read(upload, 0)
    with pytest.raises(UploadLost):
        pair.parts.seal(upload)


def test_says_what_it_keeps(pair: Pair) -> None:
    """Whoever tidies up learns of every upload and its age."""
    upload = staged(pair)
    (kept,) = pair.parts.kept()
    assert (kept.id, kept.token) == (ID, upload.token)
    assert abs(datetime.now(UTC) - kept.begun) < timedelta(minutes=1)


@pytest.mark.parametrize("number", [0, 4, -1])
def test_there_is_no_such_part(pair: Pair, number: int) -> None:
    """A number beyond the object is a mistake of the caller, and writes nothing."""
    with pytest.raises(ValueError, match="between 1 and 3"):
        pair.parts.write_part(staged(pair), number, digest_of(b"x"), [b"x"])


@pytest.mark.parametrize(
    ("size", "expected"),
    [(1, 16 << 20), (10_000 * (16 << 20), 16 << 20), (10_000 * (16 << 20) + 1, 17 << 20), (1 << 40, 105 << 20)],
    ids=["small", "ten thousand parts", "one byte more", "the largest"],
)
def test_no_object_has_too_many_parts(size: int, expected: int) -> None:
    """Parts are as small as S3's limit on their number allows."""
    assert part_bytes(size) == expected
    assert Staged(ID, digest_of(b""), size, expected).parts <= 10_000


@pytest.mark.parametrize("upload", ["", "../x", "A" * 32, "0" * 31])
def test_only_ids_are_names(upload: str) -> None:
    """What is no id never becomes a path."""
    with pytest.raises(ValueError, match="no upload's id"):
        Staged(upload, digest_of(b""), 1, 1)


def test_the_later_sender_of_a_part_counts(tmp_path: Path) -> None:
    """A sender that hangs does not keep another from sending the same part; what it sends afterwards does no harm."""
    pair = _folder(tmp_path)
    upload = staged(pair)
    under_way, other_done = threading.Event(), threading.Event()
    caught: list[Exception] = []

    def slow() -> Iterator[bytes]:
        yield b"x" * 10
        under_way.set()
        assert other_done.wait(60)
        yield b"x" * (PART - 10)

    def write() -> None:
        try:
            pair.parts.write_part(upload, 1, digest_of(b"x" * PART), slow())
        except PartTaken as exc:
            caught.append(exc)

    thread = threading.Thread(target=write)
    thread.start()
    assert under_way.wait(60)
    send(pair, upload, 1, 2, 3)
    other_done.set()
    thread.join()
    assert len(caught) == 1
    pair.parts.seal(upload)
    assert b"".join(pair.parts.read(upload, 0)) == BODY


def test_a_new_process_finds_the_parts(tmp_path: Path) -> None:
    """What is on disk counts after a crash; a line that it cut short, or a part whose bytes are gone, does not."""
    pair = _folder(tmp_path)
    store = FolderStore(tmp_path)
    upload = staged(pair)
    send(pair, upload, 1, 3)
    record = tmp_path / "parts" / f"{ID}.have"
    with record.open("ab") as file:
        file.write(b"\n00000")  # of part 2
    again = Pair(pair.store, FolderParts(store))
    assert again.parts.have(upload) == {1, 3}
    send(again, upload, 2)
    third = FolderParts(store)
    assert third.have(upload) == {1, 2, 3}
    os.truncate(tmp_path / "parts" / ID, PART + 5)
    assert FolderParts(store).have(upload) == {1}
    (tmp_path / "parts" / ID).unlink()
    lost = Pair(pair.store, FolderParts(store))
    assert lost.parts.have(upload) == frozenset()
    assert not lost.parts.take_up(upload)


def test_bytes_that_went_while_the_service_ran(tmp_path: Path) -> None:
    """Where somebody removes what is staged there is nothing to go on with, and nothing to publish."""
    pair = _folder(tmp_path)
    upload = staged(pair)
    send(pair, upload, 1, 2, 3)
    (tmp_path / "parts" / ID).unlink()
    assert not pair.parts.take_up(upload)
    with pytest.raises(UploadLost):
        pair.parts.publish(upload)


def test_publishing_copies_nothing(tmp_path: Path) -> None:
    """The object is the very file that the parts were written to, readable by its owner alone."""
    pair = _folder(tmp_path)
    upload = staged(pair)
    send(pair, upload, 1, 2, 3)
    before = (tmp_path / "parts" / ID).stat()
    pair.parts.publish(upload)
    after = (tmp_path / "objects" / upload.digest[7:9] / upload.digest[7:]).stat()
    assert (after.st_ino, after.st_mode & 0o777) == (before.st_ino, 0o600)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """The sentence names the store."""
    pair = _folder(tmp_path)
    (tmp_path / "parts").write_text("in the way")
    with pytest.raises(TransferError, match="the store failed while writing") as caught:
        pair.parts.begin(ID)
    assert str(tmp_path) in str(caught.value)


def test_a_sender_that_breaks_off(pair: Pair) -> None:
    """The sender's own error comes through as it is; the part is not there and can be sent again."""
    upload = staged(pair)
    error = ConnectionResetError("gone")

    def broken() -> Iterator[bytes]:
        yield b"ri"
        raise error

    with pytest.raises(ConnectionResetError) as caught:
        pair.parts.write_part(upload, 1, Digest(digest_of(piece(BODY, 1))), broken())
    assert caught.value is error
    send(pair, upload, 1)
    assert pair.parts.have(upload) == {1}
