"""A scene is submitted where its application is not: read by us, sent, and waiting for an instance of a real service."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from conductor_core.digest import Digest, digest_of
from conductor_core.manifest import Manifest, parse_manifest
from conductor_service.store import FolderStore
from road.household import Household
from road.people import Person

READER = """
import os
from conductor_core.discovery.finding import Facts, Usage
from conductor_core.formats import reads_format
from conductor_core.host import SceneStep
from conductor_core.submission import Output, Software

@reads_format("toy", lambda head, extension: head.startswith(b"toy"))
def read(survey):
    steps = []
    for line in open(survey.file, encoding="utf-8").read().splitlines()[1:]:
        verb, _, name = line.partition(" ")
        path = os.path.join(survey.folder, name)
        if verb == "read":
            yield Usage(name, f"node.{name}", "geometry", (path,))
        else:
            steps.append(SceneStep(name, (Output(os.path.join(survey.folder, "out", name + "_%04d.exr")),)))
    yield Facts(Software("toy", "3"), "1-3", tuple(steps))
"""


#: what the service could render with, if it had it
SOFTWARE = {"toy": "3.1", "nuke": "15.1v1", "maya": "2024"}
#: scene → its text, the step that is read from it, and where that writes
SCENES = {
    "comp.nk": (
        "version 15.1 v1\nRoot {\n inputs 0\n first_frame 1001\n last_frame 1002\n}\n"
        "Read {\n inputs 0\n file plate.%04d.png\n first 1001\n last 1002\n name Read1\n}\n"
        "Write {\n file out/comp.%04d.exr\n file_type exr\n name Write1\n}\n",
        ("Write1", "1001-1002", "out/comp.####.exr"),
    ),
    "shot.ma": (
        '//Maya ASCII 2024 scene\nrequires maya "2024";\n'
        'createNode camera -s -n "perspShape";\n\tsetAttr ".rnd" yes;\n'
        + "".join(f'createNode file -n "f{n}";\n\tsetAttr ".ftn" -type "string" "plate.{n}.png";\n' for n in (1001, 1002))
        + 'select -ne :defaultRenderGlobals;\n\tsetAttr ".ifp" -type "string" "out/shot";\n\tsetAttr ".an" 1;\n'
        '\tsetAttr ".pff" yes;\n\tsetAttr ".fs" 1;\n\tsetAttr ".ef" 4;\n',
        ("masterLayer", "1-4", "out/shot.#.iff"),
    ),
}


@pytest.fixture
def household(tmp_path: Path) -> Iterator[Household]:
    """Give a service that has one instance at most, which is busy, and software that is not on this machine."""
    person = Person(tmp_path / "home")
    person.home.mkdir()
    household = Household(person)
    settings = yaml.safe_load(household.settings.read_text())
    packages = [{"name": name, "version": version, "launch": "command"} for name, version in SOFTWARE.items()]
    settings |= {"account_instance_limit": 1, "software": packages}
    household.settings.write_text(yaml.safe_dump(settings))
    household.serve()
    person.conductor("login", household.url, "--token-file", household.data / "owner-token")
    busy = ("submit", "--command", "sleep 600", "-t", "local", "--output", person.home / "busy_#.txt", "--no-download")
    person.conductor(*busy)
    yield household
    household.close()


def _get(household: Household, path: str) -> requests.Response:
    token = (household.data / "owner-token").read_text().strip()
    answer = requests.get(f"{household.url}/api/v1/{path}", headers={"Authorization": f"Bearer {token}"}, timeout=30)
    answer.raise_for_status()
    return answer


def _api(household: Household, path: str) -> Any:
    return _get(household, path).json()


def _submission(household: Household, job: str) -> Any:
    detail = _api(household, f"jobs/{job}")
    detail = detail.get("job", detail)
    assert detail["state"] == "pending", "no instance is free"
    return detail["submission"]


def _manifest(household: Household, job: str) -> Manifest:
    """Return what the service has committed for a job, from its own database and store."""
    with contextlib.closing(sqlite3.connect(f"file:{household.data}/conductor.sqlite?mode=ro", uri=True)) as database:
        (digest,) = database.execute("select manifest from job where id = ?", (job,)).fetchone()
    return parse_manifest(b"".join(FolderStore(household.data / "store").read(Digest(digest))))


def test_a_scene_is_submitted_without_its_application(household: Household, tmp_path: Path) -> None:
    """Steps, frames and software are the file's own; each file that it leads to is in the manifest; the job waits."""
    show = tmp_path / "show"
    show.mkdir()
    (tmp_path / "readers").mkdir()
    (tmp_path / "readers" / "toy.py").write_text(READER)
    scene = show / "shot.scene"
    scene.write_text("toy\nread chair.obj\nrender beauty\n")
    (show / "chair.obj").write_text("mtllib chair.mtl\nv 0 0 0\n")
    (show / "chair.mtl").write_text("newmtl seat\nmap_Kd wood.png\n")
    words = ("submit", scene, "--readers", tmp_path / "readers", "-t", "local")
    said = household.person.conductor(*words, code=5)
    assert f"{show / 'wood.png'}\n      texture of seat.map_Kd, written wood.png: there is no such file" in said
    (show / "wood.png").write_bytes(b"wood")
    done = household.person.json(*words)
    assert done["number"] == 2
    job = household.person.json("job", 2)
    job = job.get("job", job)
    assert job["state"] == "pending"
    time.sleep(2)
    submission = _submission(household, job["id"])
    assert submission["software"] == {"name": "toy", "version": "3"}
    assert [(s["name"], s["frames"]) for s in submission["steps"]] == [("beauty", "1-3")]
    assert submission["steps"][0]["outputs"][0]["path"] == str(show / "out" / "beauty_####.exr")
    manifest = _manifest(household, job["id"])
    entries = {entry.path: entry for entry in manifest.entries if entry.kind == "file"}
    files = [scene, show / "chair.obj", show / "chair.mtl", show / "wood.png"]
    assert set(entries) == {str(file) for file in files}
    assert {path: entry.digest for path, entry in entries.items()} == {str(f): digest_of(f.read_bytes()) for f in files}
    for path, entry in entries.items():
        assert _get(household, f"projects/{job['project']}/objects/{entry.digest}").content == Path(path).read_bytes()


def test_scenes_of_nuke_and_maya_are_submitted_without_them(household: Household, tmp_path: Path) -> None:
    """What the file says of software, steps, frames and outputs is the job; what it reads is sent."""
    show = tmp_path / "show"
    show.mkdir()
    plates = [show / f"plate.{frame}.png" for frame in (1001, 1002)]
    for plate in plates:
        plate.write_bytes(plate.name.encode())
    for name, (text, step) in SCENES.items():
        scene = show / name
        scene.write_text(text)
        number = household.person.json("submit", scene, "-t", "local")["number"]
        answer = household.person.json("job", number)
        job = answer.get("job", answer)["id"]
        submission = _submission(household, job)
        assert SOFTWARE[submission["software"]["name"]] == submission["software"]["version"]
        (read,) = submission["steps"]
        assert (read["name"], read["frames"], read["outputs"][0]["path"]) == (*step[:2], str(show / step[2]))
        sent = {entry.path for entry in _manifest(household, job).entries if entry.kind == "file"}
        assert sent == {str(path) for path in (scene, *plates)}
