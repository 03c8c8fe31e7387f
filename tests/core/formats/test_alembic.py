"""What Alembic archives say of files: nothing that a render needs."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import pytest
from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats import scan_file
from hypothesis import given, settings
from hypothesis import strategies as st

WORDS = b"_ai_AlembicVersion=Alembic 1.8.3;_ai_Application=Maya 2024;_ai_Description=Exported from: /job/scenes/shot v2.ma"


def archive(words: bytes = WORDS, *, finished: bool = True) -> bytes:
    """Return an archive that has only its words."""
    data = b"Ogawa" + (b"\xff" if finished else b"\0") + b"\0\1"
    versions, place = 16, 16 + 12
    group = place + 8 + len(words)
    children = [1 << 63 | versions, 1 << 63 | versions, 0, 1 << 63 | place, 1 << 63, 1 << 63]
    return (
        data
        + struct.pack("<Q", group)
        + struct.pack("<Qi", 4, 1)
        + struct.pack("<Q", len(words))
        + words
        + struct.pack(f"<Q{len(children)}Q", len(children), *children)
    )


def test_the_source_scene_is_no_dependency(tmp_path: Path) -> None:
    """An archive names the scene that it came from, which nobody needs."""
    (tmp_path / "a.abc").write_bytes(archive())
    report = scan_file(Survey(str(tmp_path / "a.abc"))).report
    assert report.format == "alembic"
    assert (report.dependencies, report.missing, report.unresolved) == ((), (), ())
    assert [(i.as_written, i.referrer) for i in report.ignored] == [("/job/scenes/shot v2.ma", "_ai_Description")]


def test_archives_of_the_old_kind(tmp_path: Path) -> None:
    """An archive in HDF5 is named."""
    (tmp_path / "a.abc").write_bytes(b"\x89HDF\r\n\x1a\n" + b"\0" * 100)
    assert scan_file(Survey(str(tmp_path / "a.abc"))).report.format == "alembic-hdf5"


def test_unfinished_archives(tmp_path: Path) -> None:
    """An archive whose export was broken off is said so."""
    (tmp_path / "a.abc").write_bytes(archive(finished=False))
    with pytest.raises(SceneNotRead, match="not written to its end"):
        scan_file(Survey(str(tmp_path / "a.abc")))


@settings(max_examples=60)
@given(at=st.integers(8, len(archive()) - 1), byte=st.integers(0, 255), cut=st.booleans())
def test_any_damage(tmp_path_factory: pytest.TempPathFactory, at: int, byte: int, cut: bool) -> None:
    """A damaged archive gives a report or says why not."""
    data = bytearray(archive())
    data[at] = byte
    file = tmp_path_factory.mktemp("damage") / "a.abc"
    file.write_bytes(data[:at] if cut else data)
    with contextlib.suppress(SceneNotRead):
        scan_file(Survey(str(file)))
