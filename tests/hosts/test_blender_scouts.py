"""A scout frame that Blender's panel has asked for is home while the last picture of the sequence is still being sent."""

from __future__ import annotations

import contextlib
import json
import math
import os
import runpy
import sqlite3
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import OpenImageIO as oiio
import pytest
from conductor_core.agent_client import connect
from conductor_core.digest import digest_of
from conductor_core.transfer.upload import SMALL
from faults.faulty_line import Proxy
from hosts.blender_farm import Farm, farm

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
BUILD: Callable[[Path], Path] = runpy.run_path(str(REPO / "blender" / "build_extension.py"))["build"]
VERSION: str = runpy.run_path(str(HERE.parent / "conftest.py"))["BPY_VERSIONS"][0]
FRAMES = (1, 2, 3, 4)
#: what a frame shows: nothing of it is the pink of a picture that is missing
COLOURS = {1: (0, 0, 255), 2: (0, 255, 0), 3: (255, 255, 0), 4: (0, 255, 255)}
SIDE = math.isqrt(SMALL // 3) + 8


@pytest.fixture
def line() -> Iterator[Proxy]:
    """Give what stands between the artist and the service."""
    line = Proxy()
    yield line
    line.heal()
    line.refuse()


@pytest.fixture
def service(tmp_path: Path, line: Proxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[Farm]:
    """Give a service, and an artist who is logged in to it by way of the line."""
    with farm(tmp_path / "farm") as running:
        line.upstream = int(running.url.rpartition(":")[2])
        running.conductor("login", line.url, "--token-file", str(tmp_path / "farm" / "farm" / "owner-token"))
        for name in [n for n in os.environ if n.startswith(("CONDUCTOR_H", "PYTHONPATH"))]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("CONDUCTOR_HOME", str(running.home))
        yield running
        line.heal()


def picture(colour: tuple[int, int, int]) -> bytes:
    """Return a picture of one colour as PNG, not compressed, so that it is sent by itself."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = (b"\0" + bytes(colour) * SIDE) * SIDE
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")
    assert len(png) > SMALL
    return png


def colour_of(file: Path) -> tuple[int, ...]:
    """Return the colour in the middle of a rendered frame, each of its parts as nothing or all."""
    pixels = oiio.ImageBuf(str(file)).getpixel(8, 8)
    return tuple(255 if part > 0.5 else 0 for part in pixels[:3])


def eventually(condition: Callable[[], Any]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + 240
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def found_later(home: Path, identity: str) -> list[str] | None:
    """Return what the agent has found to be needed by no scout frame; None: nothing yet."""
    (journal,) = home.rglob("journal.sqlite")
    with contextlib.closing(sqlite3.connect(journal)) as database:
        row = database.execute("SELECT found FROM found_later WHERE id = ?", (identity,)).fetchone()
    return list(json.loads(row[0])["later"]) if row else None


def test_the_scout_frame_is_home_before_the_last_picture_is_sent(
    service: Farm, line: Proxy, bpy_python: Any, run_bpy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blender's scene was not saved and is closed; the agent knows from its snapshot which pictures may wait, and none is lacking."""
    scene = tmp_path / "show" / "shot.blend"
    scene.parent.mkdir()
    for frame in FRAMES:
        (scene.parent / f"plate_{frame:04}.png").write_bytes(picture(COLOURS[frame]))
    held = rf"PUT \S*/objects/{digest_of(picture(COLOURS[4]))}"
    line.add("silent", held)
    agent = connect()
    agent.pause()
    for name, value in {"BLENDER_USER_RESOURCES": str(tmp_path / "user"), "CONDUCTOR_QT": str(service.qt)}.items():
        monkeypatch.setenv(name, value)
    command = [str(bpy_python(VERSION)), str(HERE / "blender_scouts_session.py")]
    answer = run_bpy(command, str(BUILD(tmp_path / "zip")), str(scene), str(tmp_path / "answer.json"))
    identity = answer["identity"]
    assert answer["files"] == ["plate_0001.png", "plate_0002.png", "plate_0003.png", "plate_0004.png", "shot.blend"]
    eventually(lambda: found_later(service.home, identity) is not None)
    assert found_later(service.home, identity) == [str(scene.parent / "plate_0004.png")]
    agent.resume()
    home = {frame: scene.parent / "render" / f"shot_{frame:04}.png" for frame in FRAMES}
    eventually(lambda: home[2].exists() and line.count(held))
    assert colour_of(home[2]) == COLOURS[2]
    assert agent.submission(identity)["state"] == "uploading"
    eventually(lambda: agent.preview(identity))
    (card,) = agent.scene_jobs(str(scene))
    assert (card.upload_state, card.frames["success"], card.last_frame, card.verbs) == ("uploading", 1, str(home[2]), ("kill",))
    assert not home[1].exists()
    line.heal()
    eventually(lambda: agent.submission(identity)["state"] == "submitted")
    service.conductor("release", "1")
    eventually(lambda: all(file.exists() for file in home.values()))
    assert {frame: colour_of(file) for frame, file in home.items()} == COLOURS
