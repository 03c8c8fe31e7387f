"""What the extension knows by itself, without Blender: headers, status lines, names of frames, causes.

Rules that it shares with our own reading of .blend files are in tests/core/discovery.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Extension = Callable[[str], Any]


@pytest.mark.parametrize(
    ("head", "version"),
    [
        pytest.param(b"BLENDER-v405RENDH", (4, 5), id="until-4"),
        pytest.param(b"BLENDER_V279REND", (2, 79), id="32-bit"),
        pytest.param(b"BLENDER17-01v0500REN", (5, 0), id="since-5"),
        pytest.param(b"\x28\xb5\x2f\xfd`\xd4\x03\xed\x03\x00\xe4\x05BLENDER-v405REN", (4, 5), id="zstd-in-the-clear"),
        pytest.param(b"PK\x03\x04", None, id="something-else"),
    ],
)
def test_header_versions(extension: Extension, head: bytes, version: tuple[int, int] | None) -> None:
    """The Blender that wrote a file is told by its first bytes."""
    assert extension("opening").header_version(head) == version


@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(lambda p: None, "there is no such file", id="not-there"),
        pytest.param(lambda p: p.mkdir(), "a folder", id="folder"),
        pytest.param(lambda p: p.write_bytes(b"hello"), "not a Blender scene", id="not-a-blend"),
        pytest.param(lambda p: p.write_bytes(b""), "it is empty", id="empty"),
        pytest.param(lambda p: p.write_bytes(b"BLENDER17-01v0501REND"), "saved by Blender 5.1, this is Blender 4.5", id="newer"),
        pytest.param(lambda p: p.write_bytes(gzip.compress(b"BLENDER-v409RENDH")), "saved by Blender 4.9", id="newer-gzip"),
        pytest.param(lambda p: p.write_bytes(gzip.compress(b"BLENDER-v283REND" * 99)[:12]), "cannot be read", id="cut-gzip"),
    ],
)
def test_files_that_cannot_be_opened(extension: Extension, tmp_path: Path, make: Callable[[Path], Any], says: str) -> None:
    """What Blender could not open is refused before it tries, with the reason and a next step."""
    path = tmp_path / "x.blend"
    make(path)
    with pytest.raises(extension("errors").SceneNotOpened) as refused:
        extension("opening").check_header(str(path), (4, 5))
    assert says in refused.value.what
    assert str(path) in refused.value.what
    assert refused.value.next_step


def test_progress_rises_over_samples_and_layers_and_is_throttled(extension: Extension) -> None:
    """Two view layers of four samples: the fraction never falls, and no two reports come within the interval."""
    now = iter(x * 0.2 for x in range(100))
    reports: list[tuple[float, str]] = []
    progress = extension("progress").FrameProgress(2, lambda f, s: reports.append((f, s)), lambda: next(now))
    for layer in ("Beauty", "Fog"):
        progress.line(f"Fra:1 Mem:8M | Time:00:00.01 | Scene, {layer} | Synchronizing object | Cube")
        for sample in range(5):
            progress.line(
                f"Fra:1 Mem:8M | Time:00:00.01 | Remaining:00:01 | Mem:1M, Peak:1M | Scene, {layer} | Sample {sample}/4"
            )
    fractions = [f for f, _ in reports]
    assert fractions == sorted(fractions)
    assert reports[-1] == (0.875, "Sample 3/4")
    assert len(reports) == 6  # 12 lines, 0.2 s apart, at most one in 0.25 s


@pytest.mark.parametrize(
    ("line", "fraction"),
    [
        ("Fra:1 | Scene, ViewLayer | Sample 12/64", 12 / 64),
        ("Fra:1 | Rendering 3 / 4 samples", 0.75),
        ("Fra:1 | Scene, ViewLayer | Rendered 1/4 Tiles, Sample 32/64", 1.5 / 4),
        ("Fra:1 | Scene, ViewLayer | Rendered 4/4 Tiles, Sample 64/64", 1.0),
        ("Fra:1 | Scene, ViewLayer | Updating Lights", 0.0),
    ],
)
def test_status_lines(extension: Extension, line: str, fraction: float) -> None:
    """Samples and tiles of Cycles and EEVEE are understood."""
    reports: list[float] = []
    extension("progress").FrameProgress(1, lambda f, _: reports.append(f), lambda: 0.0).line(line)
    assert reports == [pytest.approx(fraction)]


@pytest.mark.parametrize(
    ("path", "frame", "expected"),
    [
        ("/a/s_####.exr", 7, "/a/s_0007.exr"),
        ("/a/s_##.exr", 1234, "/a/s_1234.exr"),
        ("/a/s_####.exr", -5, "/a/s_-0005.exr"),
        ("/a/#x/#s_##_b.exr", 3, "/a/#x/#s_03_b.exr"),
        ("/a/movie.mp4", 3, "/a/movie.mp4"),
    ],
)
def test_frame_files(extension: Extension, path: str, frame: int, expected: str) -> None:
    """The last run of `#` in the name is the frame."""
    assert extension("output_paths").frame_file(path, frame) == expected


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("Error: System is out of GPU memory\n", "out-of-memory"),
        ("Error: Error writing render result, No space left on device (see console)", "disk-full"),
        ("Error: Error writing render result, Permission denied", "bad-output"),
        ('Error: No camera found in scene "Scene"', "scene-load"),
        ("Error: Build without OpenImageDenoiser", "exit-code"),
        ("", "exit-code"),
    ],
)
def test_causes(extension: Extension, tmp_path: Path, text: str, cause: str) -> None:
    """What Blender says when it gives up is sorted by cause, its words kept."""
    found, reason = extension("rendering").why_failed(text, str(tmp_path / "x.exr"))
    assert found == cause
    assert reason
