"""One task from assignment to verdict, with a fake frame server, in the sandbox and without it."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["sandbox", "rewrite"])
def any_farm(request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    """Give a farm of each isolation."""
    return request.getfixturevalue("farm" if request.param == "sandbox" else "open_farm")


def test_a_frame_is_rendered_verified_published_and_previewed(any_farm, job):  # type: ignore[no-untyped-def]
    """A task's frame ends published under the artist's path, with preview, log, and success."""
    told = any_farm.told(job())
    assert told.verdict.state == "success", told
    assert told.verdict.frames_done == (1,)
    record = told.outputs["/job/render/shot_0001.png"]
    assert (record.frame, record.width, record.height) == (1, 8, 4)
    assert told.previews["/job/render/shot_0001.png"].startswith(b"\x89PNG")
    assert b"rendering 1" in told.log
    assert any_farm.isolation.name in told.verdict.message
