"""What FBX files point to."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted.scans import damaged, lists, lists_of, plant, report_of, survives

#: name, properties, records within
Tree = tuple[str, list[bytes | str | int], list["Tree"]]


def property_bytes(value: bytes | str | int) -> bytes:
    """Return a property as FBX stores it."""
    if isinstance(value, int):
        return b"L" + struct.pack("<q", value)
    data = value.encode() if isinstance(value, str) else value
    return (b"S" if isinstance(value, str) else b"R") + struct.pack("<I", len(data)) + data


def record_bytes(record: Tree, start: int, large: bool) -> bytes:
    """Return a record with its offsets."""
    name, properties, within = record
    head = struct.Struct("<QQQB" if large else "<IIIB")
    packed = b"".join(map(property_bytes, properties))
    at = start + head.size + len(name) + len(packed)
    body = b""
    for one in within:
        body += record_bytes(one, at + len(body), large)
    if within:
        body += bytes(head.size)
    return head.pack(at + len(body), len(properties), len(packed), len(name)) + name.encode() + packed + body


def binary(records: list[Tree], version: int) -> bytes:
    """Return an FBX."""
    data = b"Kaydara FBX Binary  \x00\x1a\x00" + struct.pack("<I", version)
    for record in records:
        data += record_bytes(record, len(data), version >= 7500)
    return data + bytes(25 if version >= 7500 else 13) + bytes(120)


def media(kind: str, name: str, relative: str, absolute: str, content: bytes = b"") -> Tree:
    """Return a Video or a Texture."""
    paths: list[Tree] = [("RelativeFilename", [relative], []), ("FileName", [absolute], []), ("Content", [content], [])]
    return (kind, [1, f"{name}\x00\x01{kind}", "Clip"], paths)


RECORDS: list[Tree] = [
    (
        "FBXHeaderExtension",
        [],
        [("SceneInfo", ["x"], [("Properties70", [], [("P", ["DocumentUrl", "KString", "Url", "", "/old/chair.fbx"], [])])])],
    ),
    (
        "Objects",
        [],
        [
            ("Geometry", [1, "mesh\x00\x01Geometry", "Mesh"], [("Vertices", [b"RelativeFilename" * 50], [])]),
            media("Video", "wood", "tex\\wood.png", "C:\\work\\tex\\wood.png"),
            media("Texture", "wood", "tex\\wood.png", "C:\\work\\tex\\wood.png"),
            media("Video", "inner", "inner.png", "/show/inner.png", b"\x89PNG...."),
            media("Texture", "inner", "inner.png", "/show/inner.png"),
            media("Video", "gone", "gone.png", "/show/gone.png"),
        ],
    ),
]

TEXT = """; FBX 7.4.0 project file
; ----------------------------------------------------
FBXHeaderExtension:  {
	SceneInfo: "SceneInfo::GlobalInfo", "UserData" {
		Properties70:  {
			P: "DocumentUrl", "KString", "Url", "", "/old/chair.fbx"
		}
	}
}
Objects:  {
	Geometry: 1, "Geometry::mesh", "Mesh" {
		Vertices: *3 {
			a: 1,2,3
		}
	}
	Video: 2, "Video::wood", "Clip" {
		UseMipMap: 0
		Filename: "C:\\work\\tex\\wood.png"
		RelativeFilename: "tex\\wood.png"
	}
	Texture: 3, "Texture::wood", "" {
		FileName: "C:\\work\\tex\\wood.png"
		RelativeFilename: "tex\\wood.png"
	}
	Video: 4, "Video::inner", "Clip" {
		Filename: "/show/inner.png"
		RelativeFilename: "inner.png"
		Content: ,
			"iVBORw0KGgo="
	}
	Video: 5, "Video::gone", "Clip" {
		Filename: "/show/gone.png"
		RelativeFilename: "gone.png"
	}
}
; "commented.png"
"""

EXPECTED = lists(
    found="tex\\wood.png|C:\\work\\tex\\wood.png",
    missing="gone.png|/show/gone.png",
    ignored="inner.png|/show/inner.png|/old/chair.fbx",
)


@pytest.mark.parametrize(
    "content", [binary(RECORDS, 7400), binary(RECORDS, 7700), TEXT.encode()], ids=["binary", "binary, large offsets", "text"]
)
def test_everything_ends_in_one_list(tmp_path: Path, content: bytes) -> None:
    """Images are found beside the file, by their path in it; one that lies in the file, and where it was, are not sent."""
    plant(tmp_path, {"chair.fbx": content, "tex/wood.png": ""})
    report = report_of(tmp_path / "chair.fbx")
    assert lists_of(report) == EXPECTED
    assert report.files()[1:] == (str(tmp_path / "tex/wood.png"),)


def test_converted_media(tmp_path: Path) -> None:
    """Images that an importer has taken out of the file lie in NAME.fbm."""
    plant(tmp_path, {"chair.fbx": binary(RECORDS, 7400), "chair.fbm/wood.png": ""})
    assert str(tmp_path / "chair.fbm/wood.png") in report_of(tmp_path / "chair.fbx").files()


def test_the_end_of_a_damaged_file(tmp_path: Path) -> None:
    """What stands before damage is in the report, and where it begins is said."""
    data = binary(RECORDS, 7400)
    cut = data.index(b"inner\x00\x01Video")
    plant(tmp_path, {"cut.fbx": data[: cut + 5], "tex/wood.png": ""})
    report = report_of(tmp_path / "cut.fbx")
    assert report.unresolved[0].reason.endswith("what stands before that was read")


@settings(max_examples=200, deadline=None)
@given(cut=st.integers(0, 3000), flips=st.lists(st.integers(0, 3000), max_size=8))
def test_damage_of_any_kind(tmp_path_factory: pytest.TempPathFactory, cut: int, flips: list[int]) -> None:
    """Cut off and with turned bits, binary and text end in a report or a clear error."""
    folder = tmp_path_factory.mktemp("damaged")
    survives(folder, "a.fbx", damaged(binary(RECORDS, 7400), cut, flips))
    survives(folder, "a.fbx", damaged(binary(RECORDS, 7700), cut, flips))
    survives(folder, "a.fbx", damaged(TEXT.encode(), cut, flips))
