"""Broken files of every format: cut, flipped, repeated, filled with what confuses, mixed with each other.

`benchmarks/fuzz.py` goes on from here with a fuzzer that is guided by coverage.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from conductor_core.discovery.limits import Limits
from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats import known_formats, scan_file
from core.formats.samples import SAMPLES
from core.formats.seeds import Seed, seeds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

#: what has confused a parser of one of these formats
TOKENS = (
    b"\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff\xff\xff\xff\xff", b"\x80\0\0\0", b'"', b"\\", b"{", b"}", b"[", b"]]", b"(",
    b"<<<<<<< HEAD\n", b"=======\n", b">>>>>>> other\n", b"\xef\xbb\xbf", b"\xff\xfe", b"$", b"${", b"%s%n%04d%999d", b"####",
    b"<UDIM>", b"../" * 9, b"//", b"C:\\", b"\n", b"\r", b"\t", b"@@@", b'"""', b"[value [value [value ", b"`chs(\"../a\")`",
    b"-1", b"99999999999999999999", b"1e999", b"nan", b"TRAILER!!!", b"070707", b"ENDB", b"DNA1", b"end_group\n", b"Group {\n",
)  # fmt: skip

tokens = st.sampled_from(TOKENS)
places = st.floats(0, 1)
changes = st.lists(
    st.one_of(
        st.tuples(st.just("cut"), places, places, st.just(b"")),
        st.tuples(st.just("remove"), places, places, st.just(b"")),
        st.tuples(st.just("repeat"), places, places, st.just(b"")),
        st.tuples(st.just("flip"), places, places, st.binary(min_size=1, max_size=4)),
        st.tuples(st.just("insert"), places, places, tokens),
        st.tuples(st.just("fill"), places, places, tokens),
    ),
    min_size=1,
    max_size=6,
)


def changed(data: bytes, how: list[tuple[str, float, float, bytes]]) -> bytes:
    """Return a file with some changes."""
    for verb, first, second, what in how:
        start, end = sorted((int(first * len(data)), int(second * len(data))))
        end = min(end, start + 400)
        if verb == "cut":
            data = data[:start] if first < second else data[: max(0, len(data) - 1 - start % 60)]
        elif verb == "remove":
            data = data[:start] + data[end:]
        elif verb == "repeat":
            data = data[:start] + data[start:end] * 3 + data[end:]
        elif verb == "insert":
            data = data[:start] + what + data[start:]
        elif verb == "fill":
            data = data[:start] + what * (1 + (end - start) // len(what)) + data[end:]
        else:
            data = data[:start] + bytes(a ^ b for a, b in zip(data[start:], what, strict=False)) + data[start + len(what) :]
    return data


def scanned(path: Path, data: bytes) -> str:
    """Scan a file; return its format, or why it cannot be read. Anything else that is raised is a defect."""
    path.write_bytes(data)
    try:
        return scan_file(Survey(str(path), variables={}, limits=Limits(unpacked=1 << 24, files=200))).report.format
    except SceneNotRead as exc:
        return exc.reason


@pytest.mark.parametrize("name", sorted(seeds()))
def test_a_right_file(name: str, tmp_path: Path) -> None:
    """Before anything is broken the file is read."""
    seed = seeds()[name]
    known = {f.name for f in known_formats()}
    if name in SAMPLES and name not in known:
        pytest.skip("no reader yet")
    assert scanned(tmp_path / f"a{seed.extension}", seed.data) in known


@pytest.mark.parametrize("seed", [pytest.param(seed, id=name) for name, seed in sorted(seeds().items())])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(how=changes)
def test_a_broken_file(seed: Seed, how: list[tuple[str, float, float, bytes]], tmp_path: Path) -> None:
    """A report or a clear sentence, whatever was done to it."""
    assert scanned(tmp_path / f"a{seed.extension}", changed(seed.data, how))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=st.sampled_from(sorted(seeds())),
    second=st.sampled_from(sorted(seeds())),
    cut=places,
    name=st.sampled_from(sorted(seeds())),
)
def test_two_files_in_one(first: str, second: str, cut: float, name: str, tmp_path: Path) -> None:
    """The head of one and the rest of another, under any extension."""
    a, b = seeds()[first].data, seeds()[second].data
    data = a[: int(cut * len(a))] + b[int(cut * len(b)) :]
    assert scanned(tmp_path / f"a{seeds()[name].extension}", data)


def test_an_archive_whose_names_disagree(tmp_path: Path) -> None:
    """Found by benchmarks/fuzz.py: the name before a file in a zip is no UTF-8, while that in the directory is."""
    data = bytearray(seeds()["ocio-archive"].data)
    data[7] |= 0x08  # the flag that says UTF-8
    data[33] = 0xF1  # in the name
    assert "damaged" in scanned(tmp_path / "a.ocioz", bytes(data))
