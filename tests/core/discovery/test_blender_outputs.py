"""What Blender calls the files that it renders, and how large they are."""

from __future__ import annotations

import pytest
from conductor_core.discovery.blender_outputs import hashed, pixels


@pytest.mark.parametrize(
    ("path", "extensions", "expected"),
    [
        ("/a/shot_####", (".png",), "/a/shot_####.png"),
        ("/a/shot_##.png", (".png",), "/a/shot_##.png"),
        ("/a/shot", (".exr",), "/a/shot####.exr"),
        ("/a/v##/shot.png", (".exr",), "/a/v##/shot.png####.exr"),
        ("/a/shot_##.png", (".exr",), "/a/shot_##.exr"),
        ("/a/shot.v1", (".exr",), "/a/shot.v1####.exr"),
        ("/a/shot_##", None, "/a/shot_##"),
        ("shot", None, "shot####"),
        ("C:\\a#\\shot", (".exr",), "C:\\a#\\shot####.exr"),
    ],
)
def test_output_patterns(path: str, extensions: tuple[str, ...] | None, expected: str) -> None:
    """The frame and the extension come where Blender puts them."""
    assert hashed(path, extensions) == expected


@pytest.mark.parametrize(
    ("percent", "crop", "expected"),
    [
        pytest.param(100, None, (1921, 1080), id="whole"),
        pytest.param(50, None, (960, 540), id="percents-are-cut"),
        pytest.param(100, ((0.25, 0.5), (0.0, 1.0)), (480, 1080), id="border"),
        pytest.param(100, ((0.5, 0.25), (0.0, 1.0)), (0, 1080), id="border-inside-out"),
    ],
)
def test_sizes(percent: int, crop: tuple[tuple[float, float], tuple[float, float]] | None, expected: tuple[int, int]) -> None:
    """Percents come first, then the border, each side cut to whole pixels."""
    assert pixels((1921, 1080), percent, crop) == expected
