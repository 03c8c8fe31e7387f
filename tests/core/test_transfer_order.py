"""The order of sending: the scene, what all frames need, then frame by frame as they are rendered."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from conductor_core.digest import digest_of
from conductor_core.manifest import Entry
from conductor_core.paths import Flavour
from conductor_core.submission import Software, Step, Submission
from conductor_core.transfer.order import SendingOrder, frames_in_order, sending_order
from conductor_core.transfer.upload import SMALL, loads_of


def _entry(path: str, size: int = 1) -> Entry:
    return Entry(path, "file", digest_of(path.encode()), size=size, mode=0o644, mtime_ns=1)


def _submission(*steps: Step) -> Submission:
    values: dict[str, Any] = {"software": Software("maya", "2026"), "instance_type": "small"}
    return Submission(
        id="s1", project="p", title="t", scene="/p/shot.ma", flavour=Flavour.POSIX, steps=steps, **values
    )  # fmt: skip


def test_what_the_first_frames_need_goes_first() -> None:
    """Scene, textures, then the plates of the scout frames, then the others in the order of rendering."""
    frames = frames_in_order(_submission(Step("a", "1-5", scouts="3,5")))
    wanted = [
        "/p/shot.ma", "/t/large.exr", "/t/wood.1001.png", "/t/wood.1002.png", "/t/wood_2.png",
        "/v/c.3.vdb", "/v/p.0003.exr", "/v/p.0005.exr", "/v/p.0001.exr", "/v/c.2.vdb", "/v/p.0002.exr", "/v/p.0004.exr",
    ]  # fmt: skip
    entries = [_entry(path, 9 if "large" in path else 1) for path in wanted]
    random.Random(7).shuffle(entries)
    assert [e.path for e in sending_order(entries, scene="/p/shot.ma", frames=frames)] == wanted


@pytest.mark.parametrize(
    ("steps", "order"),
    [
        ((Step("a", "1-4"),), [1, 2, 3, 4]),
        ((Step("a", "1-3", scouts="fml:3"), Step("b", "2-5", scouts="5")), [1, 2, 3, 5, 4]),
        ((Step("a", "nonsense"), Step("b", "7")), [7]),
    ],
    ids=["range", "two steps", "no range"],
)
def test_scouts_come_first(steps: tuple[Step, ...], order: list[int]) -> None:
    """Frames are in the order of their steps, the scout frames of all steps before the rest; what is no range has none."""
    frames = frames_in_order(_submission(*steps))
    assert list(frames) == order
    assert list(frames.values()) == list(range(len(order)))


def test_a_job_without_frames_sends_the_largest_first() -> None:
    """Where no frame is known, the scene goes first and then the largest."""
    entries = [_entry("/a", 1), _entry("/b", 3), _entry("/c", 2), _entry("/s", 1)]
    assert [e.path for e in sending_order(entries, scene="/s", frames={})] == ["/s", "/b", "/c", "/a"]


def test_files_for_later_come_last() -> None:
    """What no scout frame needs comes after everything else; the scene is found however it is written."""
    job = replace(_submission(Step("a", "1-2")), scene="/p/../p/shot.ma")
    entries = [_entry(path) for path in ("/p/a.1.exr", "/p/a.2.exr", "/p/shot.ma", "/p/wood.png")]
    order = SendingOrder(job, frozenset({"/p/wood.png", "/p/a.1.exr"}))
    assert [entry.path for entry in order.sort(entries)] == ["/p/shot.ma", "/p/a.2.exr", "/p/wood.png", "/p/a.1.exr"]


def test_a_pack_goes_in_the_place_of_its_first() -> None:
    """A small scene does not wait until its pack would be full: it is sent first, with small files that come after it."""
    entries = [_entry("/scene", 10), _entry("/large", SMALL), _entry("/small", 5), _entry("/larger", SMALL + 1)]
    loads = [[entry.path for entry in load] for load in loads_of(entries)]
    assert loads == [["/scene", "/small"], ["/large"], ["/larger"]]
