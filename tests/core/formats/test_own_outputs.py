"""What lacks because the scene itself is still to make it."""

from __future__ import annotations

from pathlib import Path

import pytest
from conductor_core.discovery.survey import Survey
from conductor_core.formats import scan_file
from conductor_core.formats.own_outputs import with_writers
from conductor_core.report import Missing, ScanOutput
from hip.builder import Hip


@pytest.mark.parametrize(
    ("output", "path", "told"),
    [
        ("/show/a.usd", "/show/a.usd", True),
        ("/show/a.####.exr", "/show/a.0012.exr", True),
        ("/show/a.#.exr", "/show/a.-3.exr", True),
        ("/show/a.%04d.exr", "/show/a.%04d.exr", True),
        ("/show/a_v2.####.exr", "/show/a_v1.0012.exr", False),
        ("/show/a_v2.exr", "/show/a_v1.exr", False),
        ("/show/a.####.exr", "/show/b.0012.exr", False),
    ],
)
def test_who_writes_it(output: str, path: str, told: bool) -> None:
    """The same file, or a frame of the same sequence; another version is another file."""
    (entry,) = with_writers(
        [Missing(path, path, "image", "Read1", "there is no such file")], [ScanOutput(output, output, "Write1")]
    )
    assert entry.reason == "there is no such file" + "; Write1 of this scene writes it" * told


def test_a_scene_that_reads_what_it_writes(tmp_path: Path) -> None:
    """An artist sees that the layer lacks because the scene has not written it yet, and by which node it will."""
    hip = Hip().node("stage/rop", "usd_rop", {"lopoutput": "$HIP/a.usd"})
    hip.node("stage/ref", "reference::2.0", {"filepath1": r"`chs(\"../rop/lopoutput\")`"})
    (tmp_path / "shot.hip").write_bytes(hip.save())
    (entry,) = scan_file(Survey(str(tmp_path / "shot.hip"))).report.missing
    assert entry.reason == "there is no such file; /stage/rop/lopoutput of this scene writes it"
