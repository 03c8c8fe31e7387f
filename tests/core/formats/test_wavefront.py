"""What `.obj` and `.mtl` files point to."""

from __future__ import annotations

from pathlib import Path

from conductor_core.discovery.limits import Limits
from conductor_core.discovery.survey import Survey
from conductor_core.formats import scan_file


def test_textures_behind_geometry(tmp_path: Path) -> None:
    """Geometry leads to its materials, and those to their textures; options and blanks in names are understood."""
    (tmp_path / "chair.obj").write_text("# a chair\nmtllib chair.mtl\nv 0 0 0\n")
    (tmp_path / "chair.mtl").write_text(
        "newmtl seat\nKd 1 1 1\nmap_Kd -o 0.5 0.5 -blendu off old leather.png\nbump -bm 0.8 bump.png\n#map_Kd old.png\n"
    )
    (tmp_path / "old leather.png").write_bytes(b"")
    report = scan_file(Survey(str(tmp_path / "chair.obj"))).report
    assert [(d.as_written, d.kind, d.referrer) for d in report.dependencies] == [
        ("chair.mtl", "material", "mtllib"),
        ("old leather.png", "texture", "seat.map_Kd"),
    ]
    assert report.dependencies[1].within == str(tmp_path / "chair.mtl")
    assert [(m.as_written, m.reason) for m in report.missing] == [("bump.png", "there is no such file")]


def test_more_files_than_a_scan_reads(tmp_path: Path) -> None:
    """Where a scene leads to more files than one scan reads, the report says so, and has what was read."""
    (tmp_path / "chair.obj").write_text("mtllib " + " ".join(f"{n}.mtl" for n in range(5)) + "\nv 0 0 0\n")
    for n in range(5):
        (tmp_path / f"{n}.mtl").write_text(f"newmtl m\nmap_Kd {n}.png\n")
    report = scan_file(Survey(str(tmp_path / "chair.obj"), limits=Limits(files=3))).report
    assert len(report.dependencies) == 5
    assert [m.as_written for m in report.missing] == ["0.png", "1.png"]
    assert [u.reason for u in report.unresolved] == ["it points to more than 3 files that may point on; the others were not read"]
