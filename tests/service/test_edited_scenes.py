"""Scenes that an artist edits and submits again: real Blender files, the real agent, line and service."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent_client import connect
from conductor_core.api.client import ServiceClient
from conductor_core.digest import digest_of
from conductor_core.errors import AgentError
from conductor_service.embedded import EmbeddedService, embedded_service

REPO = Path(__file__).resolve().parents[2]
#: points on a side of each mesh, and nodes of the Maya scene: 11 MB of .blend and .abc, 8 MB of .ma
ROWS, NODES = 200, 4_000
#: of a file, at most, after an edit
SHARE = 0.02


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory, bpy_python: Callable[..., Path]) -> Path:
    """Give two versions of a scene, its cache and a Maya scene, in `before` and `after`."""
    folder = tmp_path_factory.mktemp("scenes")
    command = [str(bpy_python()), str(REPO / "benchmarks" / "edited_scene.py"), str(folder), str(ROWS), str(NODES)]
    made = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    return folder


class Desk:
    """An artist's machine: a folder that is submitted again and again."""

    def __init__(self, folder: Path, service: EmbeddedService) -> None:
        self.show = folder / "show"
        self.show.mkdir()
        self.client = ServiceClient(service.url, service.token_file.read_text().strip())
        self._environment = {**os.environ, "CONDUCTOR_HOME": str(folder / "home")}
        self._conductor("login", service.url, "--token-file", service.token_file)

    def save(self, source: Path, name: str) -> int:
        """Put a version of a file where the artist works on it, and return its size."""
        shutil.copyfile(source, self.show / name)
        return source.stat().st_size

    def submit(self) -> dict[str, Any]:
        """Submit the folder, and return what the agent says of it when all is sent."""
        words = ("submit", "--command", "true", "--output", self.show.parent / "out" / "f_#.txt", "-f", "1")
        return dict(json.loads(self._conductor(*words, "--file", self.show, "-t", "local", "--json")))

    def _conductor(self, *words: object) -> str:
        command = [sys.executable, "-m", "conductor_core.cli", *map(str, words)]
        ran = subprocess.run(command, capture_output=True, text=True, env=self._environment, timeout=240, check=False)
        assert ran.returncode == 0, (ran.stdout, ran.stderr)
        return ran.stdout


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Give an artist's machine with a service."""
    folder = tmp_path_factory.mktemp("desk")
    kinds = [{"name": "local", "description": "here", "cores": 1, "memory_gb": 1, "price_per_hour": "0.60"}]
    with pytest.MonkeyPatch.context() as patch, embedded_service(folder / "service", {"instance_types": kinds}) as service:
        patch.setenv("CONDUCTOR_HOME", str(folder / "home"))
        yield Desk(folder, service)
        with contextlib.suppress(AgentError):
            connect(start=False).quit(now=True)


@pytest.mark.parametrize("name", ["shot.blend", "cache.abc", "rig.ma"])
def test_an_edited_scene_sends_its_difference(scenes: Path, desk: Desk, name: str) -> None:
    """Saved again after an edit, a scene sends at most a fiftieth; the service has it to the last byte, and the agent says what was saved."""
    desk.save(scenes / "before" / name, name)
    first = desk.submit()
    size = desk.save(scenes / "after" / name, name)
    again = desk.submit()
    assert first["bytes_saved"] == 0
    assert 0 < again["bytes_sent"] < SHARE * size
    assert again["bytes_sent"] + again["bytes_saved"] == size
    data = (scenes / "after" / name).read_bytes()
    with desk.client.object_bytes("default", digest_of(data)) as blocks:
        assert b"".join(blocks) == data


def test_the_next_version_of_a_scene_sends_its_difference(scenes: Path, desk: Desk) -> None:
    """Saved under the next version's name, or under a name that says nothing, it is found as well."""
    desk.save(scenes / "before" / "shot.blend", "lake_v001.blend")
    desk.submit()
    data = (scenes / "after" / "shot.blend").read_bytes()
    for number, name in enumerate(("lake_v002.blend", "another.blend")):
        (desk.show / name).write_bytes(data[:-1] + bytes([number + 1]))
        again = desk.submit()
        assert 0 < again["bytes_sent"] < SHARE * len(data)
