"""The window over large texts shows the same, wherever the pieces of a file happen to end."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from conductor_core.formats import text_window
from conductor_core.formats.arnold_ass import _Nodes
from conductor_core.formats.parameter_lists import Requests
from conductor_core.formats.text_window import TextWindow
from conductor_core.formats.vrscene import _Plugins
from hypothesis import given, settings
from hypothesis import strategies as st

ASS = (
    b'image\n{\n name /mat/wood\n filename "wood\\"s.exr"\n}\n# image { filename "no.exr" }\npolymesh\n{\n name m\n'
    b' vlist 9 1 b85VECTOR\nB$$$nameB8xx{#}"$$\nBbb\n nlist 3 1 VECTOR 1.5 2 3e-05\n map "a.png"\n}\n'
)
VRSCENE = (
    b'BitmapBuffer a@b {\n file="wood.exr";\n}\n// file="no.exr"\nGeomStaticMesh m {\n v=ListVectorHex("0A{=//");\n x=1;\n}\n'
    b'/* { */ BitmapBuffer c { file=interpolate((1,"a.exr"),(2,"b.exr")); }\n'
)
RIB = (
    b'Pattern "PxrTexture" "wood" "string filename" ["wood.tex"] "float x" 0.5 "string y" "z.tex"\n# "no"\n'
    b'PointsPolygons [4 4] "vertex point P" [1 2 3e5 4E5] "string[2] t" ["a" "b"]\nReadArchive "x.rib"\n'
)


@pytest.fixture(autouse=True)
def small_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the window be so small that every text is longer."""
    monkeypatch.setattr(text_window, "BEHIND", 300)
    monkeypatch.setattr(text_window, "MARK", 40)


def in_pieces(text: bytes, sizes: list[int]) -> Iterator[bytes]:
    """Yield a text in pieces of some sizes, the last size again and again."""
    at = 0
    for number in range(len(text)):
        size = sizes[min(number, len(sizes) - 1)]
        if at >= len(text):
            return
        yield text[at : at + size]
        at += size


SIZES = st.lists(st.integers(1, 97), min_size=1, max_size=30)


@settings(max_examples=150, deadline=None)
@given(sizes=SIZES)
def test_the_same_nodes_in_any_pieces(sizes: list[int]) -> None:
    """Nodes, plugins and requests are those of the text in one piece."""

    def nodes(pieces: Iterator[bytes]) -> object:
        reading = _Nodes(TextWindow(pieces, longest=1000))
        reading.read()
        return [(n.type, n.name, n.values) for n in reading.found]

    def plugins(pieces: Iterator[bytes]) -> object:
        reading = _Plugins(TextWindow(pieces, longest=1000))
        reading.read()
        return [(n.type, n.name, n.values) for n in reading.found]

    def requests(pieces: Iterator[bytes]) -> object:
        return list(Requests(TextWindow(pieces, longest=1000), {"Pattern": 2, "ReadArchive": 1}))

    assert nodes(in_pieces(ASS * 3, sizes)) == nodes(iter([ASS * 3]))
    assert plugins(in_pieces(VRSCENE * 3, sizes)) == plugins(iter([VRSCENE * 3]))
    assert requests(in_pieces(RIB * 3, sizes)) == requests(iter([RIB * 3]))


@settings(max_examples=200, deadline=None)
@given(sizes=SIZES, text=st.text(alphabet='a"\\\n', max_size=300))
def test_quoted_in_any_pieces(sizes: list[int], text: str) -> None:
    """A quoted text ends at its quote, with its escapes, wherever pieces end; one that is too long is passed over."""
    data = text.encode() + b'" rest'
    whole = re.match(rb'((?:[^"\\]|\\.)*)"', data, re.DOTALL)
    assert whole is not None or text.endswith("\\")
    window = TextWindow(in_pieces(data, sizes), longest=100)
    found = window.quoted()
    if whole and len(whole[1]) <= 100:
        assert (found, window.offset) == (whole[1], whole.end())
    elif whole:
        assert (found, window.offset) == (None, whole.end())


@settings(max_examples=100, deadline=None)
@given(sizes=SIZES, before=st.integers(0, 500))
def test_marks_and_ends_in_any_pieces(sizes: list[int], before: int) -> None:
    """A mark, the end of a comment and a run of characters are found across the ends of pieces."""
    data = b"x" * before + b"MARK " + b"y" * before + b"*/" + b"z" * before + b" !"
    window = TextWindow(in_pieces(data, sizes), longest=100)
    assert window.next(re.compile(rb"MARK")) is not None
    assert window.offset == before + 4
    assert window.skip_past(b"*/")
    assert window.offset == 2 * before + 7
    window.skip(re.compile(rb"z+"))
    assert window.match(re.compile(rb" !")) is not None
    assert window.next(re.compile(rb".")) is None
    assert window.ended
