"""Houdini's scenes on a real farm: service, instance and sandbox are real, hython, mantra and husk are stand-ins."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conductor_core.digest import digest_of
from conductor_core.discovery.survey import Survey
from conductor_core.documents import canonical_bytes, to_json
from conductor_core.formats import scan_file
from conductor_core.manifest import Entry, make_manifest
from conductor_core.paths import Flavour
from conductor_core.submission import Output, Retries, Software, Step, Submission, new_submission_id
from fakes.stub_reading import Stubs, StubsAbsent
from runner.test_with_service import Service

REPO = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.xdist_group("rendering"), pytest.mark.skipif(sys.platform != "linux", reason="runners need Linux")]

HYTHON = """#!{python}
import os, runpy, sys
here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
if not os.path.exists(os.path.join(here, "licence")):
    print("No licenses could be found to run this application.", file=sys.stderr)
    print("    Please check for a valid license server host", file=sys.stderr)
    sys.exit(3)
sys.path.insert(0, {tests!r})
from fakes.houdini_fake import hou
from fakes.houdini_session import WORLD
WORLD.graphical = False
sys.modules["hou"] = hou()
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
#: a renderer's own program: makes the picture of the scene that it is given, named as the scene is
PROGRAM = """#!{python}
import os, sys
sys.path.insert(0, {tests!r})
from fakes.houdini_pictures import write_picture
scene = sys.argv[-1]
words = open(scene, "rb").read().decode()
assert words.startswith({kind!r}), words
frame = int(scene.split(".")[-2]) or int(sys.argv[sys.argv.index("--frame") + 1])
print("ALF_PROGRESS 50%", flush=True)
os.makedirs("/job/render", exist_ok=True)
write_picture("/job/render/shot.%04d.png" % frame, frame)
"""
#: makes the scene and prints the steps that the host finds in it
MAKE = """
import json, sys
sys.path[:0] = [{repo!r} + "/houdini", {repo!r} + "/core", {repo!r} + "/plugins"]
import hou
hou.node("/obj").createNode("cam", "cam1")
cache = hou.node("/out").createNode("geometry", "cache")
cache.parm("sopoutput").set("$HIP/geo/c.$F4.bgeo.sc")
cache.parm("trange").set("normal")
mantra = hou.node("/out").createNode("ifd", "mantra1")
mantra.setInput(0, cache)
for name, value in {values!r}.items():
    mantra.parm(name).set(value)
for node in (cache, mantra):
    node.parm("trange").set("normal")
    for name, value in (("f1", 1), ("f2", 2), ("f3", 1)):
        node.parm(name).deleteAllKeyframes()
        node.parm(name).set(value)
hou.hipFile.save({scene!r})
from conductor_core.discovery.survey import Survey
from conductor_core.documents import to_json
from conductor_houdini.steps import steps
print(json.dumps(to_json(steps())))
"""


class Studio:
    """A service with the stand-ins installed, and what an artist submits to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "hfs"
        self.licence = self.home / "licence"
        (self.home / "bin").mkdir(parents=True)
        self.licence.touch()
        given = {"python": sys.executable, "tests": str(REPO / "tests")}
        for name, text, kind in (("hython", HYTHON, ""), ("mantra", PROGRAM, "ifd"), ("husk", PROGRAM, "#usda")):
            program = self.home / "bin" / name
            program.write_text(text.format(**given, kind=kind))
            program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        package = {
            **{"name": "houdini", "version": "21.0.512", "launch": "hython", "executable": str(self.home / "bin" / "hython")},
            "roots": [str(self.home), sys.prefix, sys.base_prefix, str(REPO / "tests")],
        }
        licence = {"first_wait_seconds": 1, "longest_wait_seconds": 2}
        self.service = Service(folder, REPO, software=[package], licence=licence, find_software=False)
        self.service.wait_until_ready()

    def scene(self, **values: object) -> tuple[bytes, list[Step]]:
        """Return a scene of two nodes, one after the other, and the steps that the host finds in it, as on the artist's machine."""
        path = self.folder / "shot.hip"
        made = MAKE.format(repo=str(REPO), values=values, scene=str(path))
        script = self.folder / "make.py"
        script.write_text(made)
        hython = str(self.home / "bin" / "hython")
        done = subprocess.run([hython, str(script)], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        folder = str(self.folder)
        return path.read_bytes(), [_step(found, folder) for found in json.loads(done.stdout.splitlines()[-1]) if found["enabled"]]

    def submit(self, data: bytes, steps: list[Step], scene: str = "/job/shot.hip") -> int:
        """Submit a scene; return the job's number."""
        digest = digest_of(data)
        submission = Submission(
            id=new_submission_id(),
            project="default",
            title="test",
            scene=scene,
            flavour=Flavour.POSIX,
            software=Software("houdini", "21.0"),
            steps=tuple(steps),
            instance_type="small",
            retries=Retries(failure=0),
        )
        manifest = make_manifest(Flavour.POSIX, [Entry(scene, digest=digest, size=len(data), mode=0o644)])
        ask = self.service.ask
        made = ask("POST", "/projects/default/jobs", json=to_json(submission))
        ask("PUT", f"/projects/default/objects/{digest}", data=data)
        ask("PUT", f"/jobs/{made['number']}/manifest", data=canonical_bytes(manifest))
        return int(made["number"])

    def done(self, number: int) -> list[str]:
        """Wait for a job's success; return what it made."""
        job = self.service.wait(number)
        tasks = self.service.ask("GET", f"/jobs/{number}/tasks")["tasks"]
        assert job["state"] == "success", [(t["step"], t["state"], t["message"]) for t in tasks]
        return sorted(o["path"] for o in self.service.ask("GET", f"/jobs/{number}/outputs")["outputs"])


def _step(found: dict[str, Any], folder: str) -> Step:
    """Return a step of the host's as the panel submits it, for the scene at `/job`."""

    def placed(text: str) -> str:
        return text.replace(folder, "/job")

    return Step(
        found["name"],
        found["frames"],
        kind="command" if found["command"] else "frames",
        outputs=tuple(Output(placed(o["path"]), o["kind"]) for o in found["outputs"]),
        after=tuple(found["after"]),
        command=tuple(placed(word) for word in found["command"]),
        parameters=found["parameters"],
    )


@pytest.fixture
def studio(tmp_path: Path, require: Any) -> Iterator[Studio]:
    """Give a service with Houdini's stand-ins."""
    try:
        Stubs.installed("hou-stubs")
    except StubsAbsent as exc:
        require(False, str(exc))
    found = Studio(tmp_path)
    try:
        yield found
    finally:
        found.service.close()


def test_a_network_is_rendered_in_its_order(studio: Studio) -> None:
    """The cache comes first, then the picture; each by hython, with the artist's paths, exactly the frames asked for."""
    scene, steps = studio.scene(vm_picture="$HIP/render/shot.$F4.png")
    assert [(s.name, s.after) for s in steps] == [("/out/cache", ()), ("/out/mantra1", ("/out/cache",))]
    made = studio.done(studio.submit(scene, steps))
    assert made == [*(f"/job/geo/c.000{n}.bgeo.sc" for n in (1, 2)), *(f"/job/render/shot.000{n}.png" for n in (1, 2))]


def test_export_then_render(studio: Studio) -> None:
    """hython writes the renderer's scenes, and its own program renders them, each frame from its own file."""
    values = {"vm_picture": "$HIP/render/shot.$F4.png", "soho_outputmode": 1, "soho_diskfile": "$HIP/ifd/shot.$F4.ifd"}
    scene, steps = studio.scene(**values)
    assert [(s.name, s.kind) for s in steps[1:]] == [("/out/mantra1", "frames"), ("/out/mantra1 mantra", "command")]
    made = studio.done(studio.submit(scene, steps))
    assert [path for path in made if "/ifd/" in path] == [f"/job/ifd/shot.000{n}.ifd" for n in (1, 2)]
    assert [path for path in made if "/render/" in path] == [f"/job/render/shot.000{n}.png" for n in (1, 2)]


def test_a_lacking_licence_is_waited_for(studio: Studio) -> None:
    """Without a licence the job waits, with Houdini's words, and no retry is used up; when there is one it is rendered."""
    scene, steps = studio.scene(vm_picture="$HIP/render/shot.$F4.png")
    studio.licence.unlink()
    number = studio.submit(scene, steps)
    deadline = time.monotonic() + 60
    while (waits := studio.service.ask("GET", f"/jobs/{number}")["licence"]) is None or waits["tries"] < 2:
        assert time.monotonic() < deadline, studio.service.ask("GET", f"/jobs/{number}")
        time.sleep(0.1)
    assert "No licenses could be found" in waits["message"]
    studio.licence.touch()
    assert len(studio.done(number)) == 4
    assert studio.service.ask("GET", f"/jobs/{number}")["licence"] is None


STAGE = """#usda 1.0
(
    startTimeCode = 1
    endTimeCode = 2
)
def RenderProduct "beauty" { token productName.timeSamples = { 1: "render/shot.0001.png", 2: "render/shot.0002.png" } }
"""


def test_a_stage_is_rendered_by_husk(studio: Studio) -> None:
    """The steps that are read from a .usd file render it, with nothing said of how."""
    scene = studio.folder / "job" / "shot.0000.usda"
    scene.parent.mkdir()
    scene.write_text(STAGE)
    facts = scan_file(Survey(str(scene))).facts
    assert facts is not None
    steps = [replace(_step(to_json(step), str(scene.parent)), frames=facts.frames) for step in facts.steps]
    made = studio.done(studio.submit(scene.read_bytes(), steps, scene="/job/shot.0000.usda"))
    assert made == ["/job/render/shot.0001.png", "/job/render/shot.0002.png"]
