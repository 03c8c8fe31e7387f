"""What glTF files point to."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from conductor_core.errors import SceneNotRead
from hypothesis import given, settings
from hypothesis import strategies as st
from planted.scans import damaged, lists, lists_of, plant, report_of, survives

DOCUMENT = {
    "asset": {"version": "2.0", "generator": "notes/with.png"},
    "scenes": [{"nodes": [0]}],
    "meshes": [{"name": "uri", "primitives": [{"attributes": {"POSITION": 0}}]}],
    "accessors": [{"max": [1.5, 2, 3], "type": "VEC3"}],
    "buffers": [{"byteLength": 4, "uri": "mesh data.bin"}, {"uri": "data:application/octet-stream;base64,AAAA"}],
    "images": [
        {"uri": "tex/wood%20old.png"},
        {"uri": "tex\\/bark.jpg"},
        {"bufferView": 1, "name": "inner.png"},
        {"uri": "https://example.com/a.png"},
        {"uri": "gone.png"},
    ],
    "extensions": {"KHR_audio": {"audio": [{"uri": "wind.mp3"}]}},
}
TEXT = json.dumps(DOCUMENT).replace("\\\\/", "\\/")


def glb(text: str) -> bytes:
    """Return a document as binary glTF."""
    padded = text.encode() + b" " * (-len(text.encode()) % 4)
    chunks = struct.pack("<II", len(padded), 0x4E4F534A) + padded + struct.pack("<II", 4, 0x004E4942) + b'"{"\0'
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


@pytest.mark.parametrize("name", ["chair.gltf", "chair.glb"])
def test_everything_ends_in_one_list(tmp_path: Path, name: str) -> None:
    """Images and buffers are found with their signs decoded; what lies in the file, or in the web, is not sent."""
    plant(tmp_path, {"mesh data.bin": "", "tex/wood old.png": "", "tex/bark.jpg": "", "wind.mp3": ""})
    plant(tmp_path, {"chair.gltf": TEXT, "chair.glb": glb(TEXT)})
    report = report_of(tmp_path / name)
    assert lists_of(report) == lists(
        found="mesh data.bin|tex/wood%20old.png|tex/bark.jpg|wind.mp3", missing="gone.png", ignored="https://example.com/a.png"
    )
    assert {d.referrer: d.kind for d in report.dependencies} == {
        "buffers[0].uri": "data",
        "images[0].uri": "texture",
        "images[1].uri": "texture",
        "audio[0].uri": "sound",
    }


def test_depth_is_bounded(tmp_path: Path) -> None:
    """Lists in lists in lists are not followed without end."""
    plant(tmp_path, {"a.gltf": '{"images": [{"uri": "a.png"}], "x": ' + "[" * 100_000})
    report = report_of(tmp_path / "a.gltf")
    assert [m.as_written for m in report.missing] == ["a.png"]
    assert "nested" in report.unresolved[0].reason


def test_a_binary_without_json(tmp_path: Path) -> None:
    """A `.glb` whose first chunk is something else is named."""
    plant(tmp_path, {"a.glb": struct.pack("<4sIIII", b"glTF", 2, 20, 0, 7)})
    with pytest.raises(SceneNotRead, match="no JSON"):
        report_of(tmp_path / "a.glb")


@settings(max_examples=120, deadline=None)
@given(cut=st.integers(0, 2000), flips=st.lists(st.integers(0, 2000), max_size=8))
def test_damage_of_any_kind(tmp_path_factory: pytest.TempPathFactory, cut: int, flips: list[int]) -> None:
    """Cut off and with turned bits, text and binary end in a report or a clear error."""
    folder = tmp_path_factory.mktemp("damaged")
    survives(folder, "a.gltf", damaged(TEXT.encode(), cut, flips))
    survives(folder, "a.glb", damaged(glb(TEXT), cut, flips))
