"""Packs: what goes in comes out, and what is not exactly a pack is refused before it costs anything."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator

import pytest
from conductor_core.digest import Digest, digest_of
from conductor_core.errors import ContentMismatch, PackMalformed
from conductor_core.transfer.packs import (
    BLOCK_BYTES,
    MAGIC,
    Limits,
    Member,
    head_size,
    pack_head,
    pack_size,
    read_pack,
    read_table,
    write_pack,
)
from hypothesis import given
from hypothesis import strategies as st

BODIES = [b"wood", b"", b"x" * 300_000]


def members(bodies: Iterable[bytes]) -> list[Member]:
    return [Member(digest_of(b), len(b), lambda b=b: [b[:3], b[3:]]) for b in bodies]  # type: ignore[misc]


PACK = b"".join(write_pack(members(BODIES)))


@given(
    bodies=st.lists(st.binary(max_size=40), min_size=1, max_size=8, unique=True),
    cuts=st.lists(st.integers(1, 30), min_size=1, max_size=5),
)
def test_what_goes_in_comes_out(bodies: list[bytes], cuts: list[int]) -> None:
    """Members come out with their bytes and their places, in order, whatever the pieces are that the line brings."""
    data = b"".join(write_pack(members(bodies)))
    assert len(data) == pack_size([len(b) for b in bodies])

    def pieces() -> Iterator[bytes]:
        start = turn = 0
        while start < len(data):
            step = cuts[turn % len(cuts)]
            yield data[start : start + step]
            yield b""
            start, turn = start + step, turn + 1

    read = list(read_pack(pieces()))
    assert [(row.digest, row.size, body) for row, body in read] == [(digest_of(b), len(b), b) for b in bodies]
    assert all(data[row.offset : row.offset + row.size] == body for row, body in read)
    assert read_table(pieces()) == tuple(row for row, _ in read)


def test_it_is_written_in_blocks_and_members_are_opened_in_turn() -> None:
    """A pack is never whole in the writer's memory, and no file is open before its turn."""
    opened: list[int] = []

    def member(number: int) -> Member:
        def opens() -> list[bytes]:
            opened.append(number)
            return [bytes([number]) * BLOCK_BYTES]

        return Member(Digest(f"sha256:{number:064x}"), BLOCK_BYTES, opens)

    blocks = write_pack([member(n) for n in range(4)])
    assert opened == []
    assert len(next(blocks)) == BLOCK_BYTES
    assert opened == [0]
    assert all(len(block) <= BLOCK_BYTES for block in blocks)


@pytest.mark.parametrize("body", [b"woo", b"woods"], ids=["shorter", "longer"])
def test_a_member_of_another_size_is_not_written(body: bytes) -> None:
    """A file that has grown or shrunk ends the pack by its name."""
    with pytest.raises(ContentMismatch, match=digest_of(b"wood")):
        list(write_pack([Member(digest_of(b"wood"), 4, lambda: [body])]))


def table(*rows: tuple[bytes, int]) -> bytes:
    return struct.pack("<8sI", MAGIC, len(rows)) + b"".join(struct.pack("<32sQ", *row) for row in rows)


ONE = (bytes.fromhex(digest_of(b"wood")[7:]), 4)

MALFORMED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "breaks off"),
    "half a head": (PACK[:5], "breaks off"),
    "another format": (b"PK\x03\x04" + PACK[4:], "does not begin"),
    "a later version": (PACK[:7] + b"\x02" + PACK[8:], "does not begin"),
    "half a table": (PACK[:60], "breaks off"),
    "half a member": (PACK[:-1], "breaks off"),
    "more behind its end": (PACK + b"x", "goes on behind its end"),
    "no member": (table(), "has 0 members"),
    "more members than are taken": (struct.pack("<8sI", MAGIC, 4097), "has 4097 members"),
    "four thousand million members": (struct.pack("<8sI", MAGIC, 0xFFFFFFFF), "members"),
    "a member larger than a pack": (table((ONE[0], 9 << 20)), "is larger than"),
    "sizes that overflow": (table((ONE[0], 2**64 - 1), (ONE[0], 2)), "is larger than"),
    "a member twice": (table(ONE, ONE) + b"woodwood", "names a member twice"),
}


@pytest.mark.parametrize(("data", "reason"), MALFORMED.values(), ids=list(MALFORMED))
def test_what_is_no_pack_is_refused(data: bytes, reason: str) -> None:
    """Every bound is known from the table before a byte of content is read, and nothing is passed over."""
    with pytest.raises(PackMalformed, match=reason):
        list(read_pack([data]))


def test_limits_are_the_reader_s() -> None:
    """A reader takes no more members, and no more bytes, than it says."""
    for limits in (Limits(members=2), Limits(pack_bytes=len(PACK) - 1), Limits(pack_bytes=head_size(3) - 1)):
        with pytest.raises(PackMalformed):
            list(read_pack([PACK], limits=limits))
    assert len(list(read_pack([PACK], limits=Limits(len(PACK), 3)))) == 3


@pytest.mark.parametrize(
    "damage",
    [lambda b: b[:-1] + b"y", lambda b: b[:20] + bytes([b[20] ^ 1]) + b[21:]],
    ids=["in a member", "in the table"],
)
def test_a_member_that_is_not_its_name_is_named(damage: Callable[[bytes], bytes]) -> None:
    """One wrong bit ends it, with the digest of the member that it concerns."""
    with pytest.raises(ContentMismatch) as caught:
        list(read_pack([damage(PACK)]))
    assert caught.value.path.startswith("sha256:")
    assert caught.value.path == caught.value.expected


def test_the_head_alone() -> None:
    """A sender that has the bytes elsewhere writes the head by itself."""
    assert PACK.startswith(pack_head([(digest_of(b), len(b)) for b in BODIES]))
    assert len(pack_head([(digest_of(b""), 0)])) == head_size(1)
