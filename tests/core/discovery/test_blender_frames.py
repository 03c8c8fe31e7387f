"""At which frames the time of a Blender scene may stand."""

from __future__ import annotations

import pytest
from conductor_core.discovery.blender_frames import SceneTime, neighbours, scene_times


@pytest.mark.parametrize(
    ("frames", "scenes", "times"),
    [
        pytest.param((3, 1), [SceneTime(range(1, 9))], (1, 3), id="the-job's"),
        pytest.param((), [SceneTime(range(1, 3)), SceneTime(range(5, 9, 2))], (1, 2, 5, 7), id="without-a-job-all-ranges"),
        pytest.param((5,), [SceneTime(range(1, 9), old=100, new=50)], (5, 10), id="remapped"),
        pytest.param((5,), [SceneTime(range(1, 9), old=100, new=0)], (5,), id="remapped-to-nothing"),
        pytest.param((5,), [SceneTime(range(1, 9), shown=(range(7, 9),))], (5, 7, 8), id="scene-strip"),
    ],
)
def test_scene_times(frames: tuple[int, ...], scenes: list[SceneTime], times: tuple[int, ...]) -> None:
    """Time remapping and scene strips widen the frames of a job."""
    assert scene_times(frames, scenes) == times


def test_neighbours() -> None:
    """The frames beside the job's, without those that are the job's."""
    assert neighbours((1, 2, 9)) == (0, 3, 8, 10)
