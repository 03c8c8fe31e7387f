"""Deltas: a file is told by another, told again exactly, and what is malformed is taken for nothing."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Callable, Iterator

import pytest
import zstandard
from conductor_core.digest import digest_of
from conductor_core.transfer.chunks import AVERAGE, LARGEST_AVERAGE, USUAL_CHUNKS, average_for, chunks, largest_size
from conductor_core.transfer.delta import BLOCK, BadDelta, Base, assembled, write_delta
from conductor_core.transfer.signatures import BadSignature, read_signature, signature
from conductor_core.transfer.sketch import NAMES, SKETCHED, path_keys, sketch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BASE = random.Random(1).randbytes(3_000_000)


def signed(data: bytes) -> bytes:
    """Return the signature of bytes."""
    return b"".join(signature(digest_of(data), len(data), io.BytesIO(data)))


SIGNED = signed(BASE)


def base_of(data: bytes, piece: int = 100_000) -> Base:
    """Return bytes as a base that is read in pieces."""
    return Base(lambda offset: (data[i : i + piece] for i in range(offset, len(data), piece)), len(data))


def delta_of(new: bytes, old: bytes = BASE, most: int = 1 << 40) -> bytes | None:
    """Return what `new` has other than `old`; None where that is more than `most` bytes."""
    index = read_signature(digest_of(old), iter([SIGNED if old is BASE else signed(old)]))
    into = io.BytesIO()
    pays = write_delta(io.BytesIO(new), len(new), index, into, most=most, check=lambda: None)
    return into.getvalue() if pays else None


def told(delta: bytes, size: int, base: Base | None = None) -> bytes:
    """Return the file that a delta tells, which came in crumbs."""
    crumbs = (delta[i : i + 1000] for i in range(0, len(delta), 1000))
    return b"".join(assembled(crumbs, base or base_of(BASE), size))


def plain(packed: bytes) -> bytes:
    """Return what a zstd frame holds."""
    return zstandard.ZstdDecompressor().decompressobj().decompress(packed)


EDITS = st.lists(st.tuples(st.integers(0, len(BASE)), st.integers(0, 50_000), st.binary(max_size=3000)), min_size=0, max_size=6)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(edits=EDITS, turn=st.integers(0, len(BASE)))
def test_any_edit_comes_out_as_it_was(edits: list[tuple[int, int, bytes]], turn: int) -> None:
    """Whatever was inserted, cut out, replaced or moved, the delta makes the same bytes of the base."""
    new = BASE[turn:] + BASE[:turn]
    for at, gone, put in edits:
        new = new[:at] + put + new[at + gone :]
    delta = delta_of(new)
    assert delta is not None
    assert told(delta, len(new)) == new


@pytest.mark.parametrize(
    ("new", "share"),
    [
        (BASE, 0.001),
        (BASE[:1_500_000] + b"inserted" + BASE[1_500_000:], 0.01),
        (b"a new first line\n" + BASE, 0.01),
        (BASE[:1_000_000] + BASE[1_050_000:], 0.01),
        (BASE[2_000_000:] + BASE[:2_000_000], 0.02),
        (BASE + BASE, 0.01),
        (BASE[:-1], 0.01),
    ],
    ids=["the same", "inserted", "at its top", "cut out", "moved", "twice", "shorter"],
)
def test_a_small_edit_is_a_small_delta(new: bytes, share: float) -> None:
    """Wherever the edit is, no more than the chunks around it are sent."""
    delta = delta_of(new)
    assert delta is not None
    assert len(delta) < share * len(new)
    assert told(delta, len(new)) == new


def test_literals_are_packed() -> None:
    """What is new is sent compressed."""
    text = b'setAttr ".t" -type "double3" 0 0 0;\n' * 20_000
    delta = delta_of(BASE + text)
    assert delta is not None
    assert len(delta) < 20_000


def test_a_delta_that_does_not_pay_ends_early() -> None:
    """A file that has nothing in common is given up as soon as its delta is too large."""
    new = random.Random(2).randbytes(3_000_000)
    into = io.BytesIO()
    read: list[int] = []
    index = read_signature(digest_of(BASE), iter([SIGNED]))
    most = 1_000_000
    assert not write_delta(io.BytesIO(new), len(new), index, into, most=most, check=lambda: read.append(1))
    assert len(into.getvalue()) < most + 3 * BLOCK
    assert len(read) < 0.6 * len(new) / AVERAGE


def test_empty_files() -> None:
    """Nothing, told by something, and something, told by nothing."""
    none = delta_of(b"")
    some = delta_of(BASE, b"")
    assert none is not None
    assert some is not None
    assert told(none, 0) == b""
    assert told(some, len(BASE), base_of(b"")) == BASE


def _pack(*steps: bytes, size: int = 10, magic: bytes = b"CDDL", version: int = 1) -> bytes:
    return zstandard.compress(struct.pack("<4sBQ", magic, version, size) + b"".join(steps))


def _step(kind: int, offset: int = 0, length: int = 0, data: bytes = b"") -> bytes:
    return struct.pack("<BQQ", kind, offset, length) + data


END, LITERAL = _step(0), _step(2, 0, 10, b"0123456789")


@pytest.mark.parametrize(
    ("delta", "reason"),
    [
        (b"", "cut short"),
        (b"no zstd at all", "no zstd frame"),
        (_pack(LITERAL, END)[:-8], "cut short|no zstd frame|says"),
        (_pack(LITERAL, END, magic=b"CDSG"), "form"),
        (_pack(LITERAL, END, version=2), "form"),
        (_pack(LITERAL, END, size=11), "11 bytes where 10 were announced"),
        (_pack(LITERAL), "cut short"),
        (_pack(END), "another number"),
        (_pack(_step(2, 0, 9, b"012345678"), END), "another number"),
        (_pack(_step(2, 0, 1 << 60, b"01234"), END), "another number"),
        (_pack(_step(1, 0, 11), END), "another number"),
        (_pack(_step(1, 0, 0), LITERAL, END), "another number"),
        (_pack(_step(1, len(BASE) - 9, 10), END), "beyond the end"),
        (_pack(_step(1, 1 << 63, 10), END), "beyond the end"),
        (_pack(_step(3, 0, 10), END), "kind"),
        (_pack(LITERAL, END, b"more"), "another number"),
    ],
    ids=[
        "nothing", "no zstd", "half a frame", "a signature", "newer", "another size", "no end", "too little", "one too few",
        "endless literal", "one too many", "empty step", "over the end", "far away", "unknown step", "more behind",
    ],
)  # fmt: skip
def test_a_malformed_delta_is_refused(delta: bytes, reason: str) -> None:
    """Whatever a sender claims, nothing is made of it but a sentence."""
    with pytest.raises(BadDelta, match=reason):
        told(delta, 10)


def test_a_bomb_is_unpacked_in_small_pieces() -> None:
    """A delta that unpacks to a thousand times its size is stopped at the size that was announced."""
    literal = bytes(64 << 20)
    bomb = _pack(_step(2, 0, len(literal), literal), END, size=len(literal))
    assert len(bomb) < 10_000
    with pytest.raises(BadDelta, match="announced"):
        told(bomb, 10)
    pieces = assembled(iter([bomb]), base_of(BASE), len(literal))
    assert max(map(len, pieces)) <= 2 * BLOCK


def test_a_base_that_ends_early() -> None:
    """A base that is shorter than it was said to be makes no file."""
    delta = delta_of(BASE)
    assert delta is not None
    with pytest.raises(BadDelta, match="ended early"):
        told(delta, len(BASE), Base(lambda offset: iter([BASE[offset:1000]]), len(BASE)))


def test_a_base_is_read_forwards_as_far_as_it_goes() -> None:
    """What lies a little further on is read over; only far jumps, and those back, open the base again."""
    opened: list[int] = []

    def read(offset: int) -> Iterator[bytes]:
        opened.append(offset)
        return iter([BASE[offset:]])

    base = Base(read, len(BASE))
    parts = [(0, 10), (10, 10), (2_000_000, 10), (5, 10), (2_000_000, 5)]
    assert b"".join(bytes(b) for at, length in parts for b in base.copy(at, length)) == b"".join(
        BASE[at : at + length] for at, length in parts
    )
    assert opened == [0, 5]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda s: s[:-5], "cut short|damaged"),
        (lambda s: s[:50], "cut short|damaged"),
        (lambda s: b"", "cut short"),
        (lambda s: b"<html>", "damaged"),
        (lambda s: s[: len(s) // 2] + bytes([s[len(s) // 2] ^ 1]) + s[len(s) // 2 + 1 :], "damaged"),
        (lambda s: zstandard.compress(plain(s)[:-20]), "cut short"),
        (lambda s: zstandard.compress(plain(s) + bytes(20)), "add up"),
        (lambda s: zstandard.compress(b"CDDL" + plain(s)[4:]), "form"),
    ],
    ids=["cut", "header alone", "nothing", "a page", "one bit", "no end", "more behind", "a delta"],
)
def test_a_malformed_signature_is_refused(damage: Callable[[bytes], bytes], reason: str) -> None:
    """A list of chunks that came damaged makes no delta."""
    with pytest.raises(BadSignature, match=reason):
        read_signature(digest_of(BASE), iter([damage(SIGNED)]))


def test_a_signature_is_of_one_object() -> None:
    """The list of another object's chunks is not taken for the one that was asked for."""
    with pytest.raises(BadSignature, match="another object's"):
        read_signature(digest_of(b"another"), iter([SIGNED]))


def test_a_signature_names_no_endless_chunks() -> None:
    """A list that is longer than any file's is not held."""
    header = struct.pack("<4sBQI32s", b"CDSG", 1, 1 << 20, AVERAGE, bytes.fromhex(digest_of(b"")[7:]))
    endless = zstandard.compress(header + struct.pack("<I16s", 1, bytes(16)) * 1_100_000)
    with pytest.raises(BadSignature, match="cannot be"):
        read_signature(digest_of(b""), iter([endless]))


@pytest.mark.parametrize("size", [0, 1, 500 << 20, USUAL_CHUNKS * AVERAGE, 50 << 30, 1 << 40], ids=str)
def test_the_list_of_chunks_is_bounded(size: int) -> None:
    """Small files have small chunks; of the largest no more chunks are listed than memory holds."""
    average = average_for(size)
    assert AVERAGE <= average <= LARGEST_AVERAGE
    assert size <= average * USUAL_CHUNKS
    assert average == AVERAGE or size > average // 2 * USUAL_CHUNKS
    assert largest_size() == 1 << 40


def test_cuts_follow_the_content() -> None:
    """Cut anywhere, a file is cut alike again a few chunks later."""
    whole = [bytes(c) for c in chunks(io.BytesIO(BASE), AVERAGE)]
    rest = [bytes(c) for c in chunks(io.BytesIO(BASE[12_345:]), AVERAGE)]
    assert b"".join(whole) == BASE
    assert len(set(whole) & set(rest)) > 0.95 * len(whole)


@pytest.mark.parametrize(
    ("one", "other", "common"),
    [
        ("/show/shot.blend", "/show/shot.blend", 1),
        ("/show/shot.blend", "/show/shot2.blend", 0),
        ("/show/shot_v001.blend", "/show/shot_v002.blend", 1),
        ("/pub/v9/cache.abc", "/pub/v10/cache.abc", 1),
        ("/pub/v9/cache.abc", "/pub/v9/cache.abc", 2),
        ("/show/cv1.ma", "/show/cv2.ma", 0),
        ("/show/tex.1001.exr", "/show/tex.1002.exr", 0),
        ("/bad/\udcff.ma", "/bad/\udcff.ma", 1),
    ],
    ids=["same", "other", "version", "folder", "both", "no version", "sequence", "not text"],
)
def test_what_a_path_is_known_by(one: str, other: str, common: int) -> None:
    """A file is known by its path, and as another version of itself where the path says which version it is."""
    assert len(set(path_keys(one)) & set(path_keys(other))) == common


def _sketch(data: bytes) -> set[str]:
    return set(sketch(io.BytesIO(data), len(data)))


def test_sketches_are_alike_where_files_are() -> None:
    """An edited file shares most of its sketch with what it was, another file nothing; a small one has none."""
    data = random.Random(3).randbytes(2 * SKETCHED)
    edited = data[:20_000] + b"a new node" + data[20_000:5_000_000] + data[5_010_000:]
    assert len(_sketch(data)) == NAMES
    assert len(_sketch(data) & _sketch(edited)) >= NAMES // 2
    assert not _sketch(data) & _sketch(random.Random(4).randbytes(2 * SKETCHED))
    assert _sketch(data[: SKETCHED - 1]) == set()
