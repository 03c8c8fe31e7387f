"""How the paths of a .blend come to files on the disk."""

from __future__ import annotations

from pathlib import Path

from conductor_core.discovery.blender_numbers import numbered
from conductor_core.discovery.blender_reach import Itself, Numbers, clip_stills, point_cache_files, point_cache_folder, shown
from conductor_core.discovery.reach import Found
from conductor_core.sequences import DirectoryListing


def _found(path: Path, wanted: tuple[int, ...] | None, welcome: tuple[int, ...] = ()) -> Found:
    name = numbered(str(path))
    assert name is not None
    return Numbers(name, wanted, welcome).find(shown(str(path), Numbers(name, wanted)), DirectoryListing())


def test_a_sequence_with_gaps_names_each_gap(tmp_path: Path) -> None:
    """Wanted numbers are found or lacking, welcome ones found or forgotten, others not taken."""
    for n in (1, 2, 4, 9):
        (tmp_path / f"s.{n:03d}.vdb").touch()
    found = _found(tmp_path / "s.001.vdb", (2, 3, 4), welcome=(1, 5))
    assert [Path(f).name for f in found.files] == ["s.002.vdb", "s.004.vdb", "s.001.vdb"]
    assert [Path(f).name for f in found.lacking] == ["s.003.vdb"]


def test_where_the_frames_cannot_be_told_all_are_taken(tmp_path: Path) -> None:
    """Every file of the sequence is found, and no other."""
    for name in ("s.001.png", "s.1234.png", "s.1.png", "s.001.exr", "t.001.png", "s.00a.png"):
        (tmp_path / name).touch()
    found = _found(tmp_path / "s.001.png", None)
    assert [Path(f).name for f in found.files] == ["s.001.png", "s.1234.png"]


def test_a_name_is_taken_literally(tmp_path: Path) -> None:
    """What is a token elsewhere is a part of the name in Blender; a folder of that name is no file."""
    (tmp_path / "a.%04d.png").touch()
    (tmp_path / "a.0001.png").touch()
    (tmp_path / "b.png").mkdir()
    path = str(tmp_path / "a.%04d.png")
    assert Itself().find(path, DirectoryListing()) == Found((path,))
    assert Itself().find(str(tmp_path / "b.png"), DirectoryListing()).files == ()


def test_a_clip_shows_nothing_beyond_its_length() -> None:
    """Frames beyond the clip's stills are welcome, not wanted; where all are, its first still is wanted."""
    name = numbered("/a/plate.0010.png")
    assert name is not None
    reach = clip_stills(name, (1, 2, 9), start=1, offset=0, length=2)
    assert (reach.wanted, reach.welcome) == ((10, 11), (18,))
    assert clip_stills(name, (9,), start=1, offset=0, length=2).wanted == (10,)


def test_a_point_cache_takes_its_own_files(tmp_path: Path) -> None:
    """Its name, plain or hex, or its owner's in hex; an external cache that was renamed takes all caches of the folder."""
    for name in (
        "Dust_000001_00.bphys",
        "44757374_000002_00.bphys",
        "506c616e65_000003_00.bphys",
        "other_000001_00.bphys",
        "x.txt",
    ):
        (tmp_path / name).touch()
    own = point_cache_files("Dust", "Plane", external=False).find(str(tmp_path), DirectoryListing())
    assert [Path(f).name for f in own.files] == [
        "44757374_000002_00.bphys",
        "506c616e65_000003_00.bphys",
        "Dust_000001_00.bphys",
    ]
    renamed = point_cache_files("Snow", "Cube", external=True).find(str(tmp_path), DirectoryListing())
    assert len(renamed.files) == 4
    assert point_cache_files("Snow", "Cube", external=False).find(str(tmp_path), DirectoryListing()).files == ()
    assert point_cache_folder("C:\\jobs\\shot.v1.blend") == "//blendcache_shot.v1"
