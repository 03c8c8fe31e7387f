"""From `conductor submit` to frames at home, by the render.py of each host: real service, agent and runner, in the sandbox and without.

The hosts themselves are fakes (tests/fakes), programs that a catalogue starts as it would start Maya and Nuke.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import OpenImageIO as oiio
import pytest
import yaml
from fakes.maya_program import install as install_maya
from fakes.nuke_program import install as install_nuke
from road.household import KINDS, Household
from road.people import REPO, Person

NUKE_SCRIPT = """version 15.1 v3
Root {{
 inputs 0
 name {show}/comp.nk
 first_frame 1
 last_frame 9
 views main
}}
Read {{
 inputs 0
 file {show}/plates/plate.%04d.exr
 first 1
 last 9
 name Plate
}}
Write {{
 file {show}/out/pass/graded.%04d.exr
 file_type exr
 name Graded
}}
"""
MAYA_SCENE = """//Maya ASCII 2025 scene
requires maya "2025";
fileInfo "version" "2025";
file -rdi 1 -ns "set" -rfn "setRN" "{show}/parts/set.ma";
file -r -ns "set" -dr 1 -rfn "setRN" "{show}/parts/set.ma";
createNode transform -s -n "persp";
createNode camera -s -n "perspShape" -p "persp";
\tsetAttr ".rnd" no;
createNode transform -n "hero";
createNode camera -n "heroShape" -p "hero";
createNode file -n "wood";
\tsetAttr ".ftn" -type "string" "{show}/plates/wood.png";
select -ne :defaultRenderGlobals;
\tsetAttr ".ren" -type "string" "mayaSoftware";
\tsetAttr ".ifp" -type "string" "<RenderLayer>/<Camera>_<Scene>";
\tsetAttr ".outf" 32;
\tsetAttr ".an" yes;
\tsetAttr ".fs" 1;
\tsetAttr ".ef" 9;
\tsetAttr ".ep" 4;
\tsetAttr ".pff" yes;
select -ne :defaultResolution;
\tsetAttr ".w" 32;
\tsetAttr ".h" 18;
"""


@dataclass(frozen=True)
class Road:
    """One host."""

    software: str
    version: str
    launch: str
    install: Callable[[Path], Path]
    scene: str
    #: files of the show
    files: dict[str, str]
    #: output, relative to the show, with `{frame}`
    output: str
    #: what the log of a frame must have
    told: tuple[str, ...]
    #: in which way the picture tells its frame: 255 of it is white; 0: it does not
    white: int = 0


ROADS = {
    "nuke": Road(
        software="nuke",
        version="15.1v3",
        launch="nuke",
        install=install_nuke,
        scene="comp.nk",
        files={"comp.nk": NUKE_SCRIPT, **{f"plates/plate.{frame:04}.exr": "a picture" for frame in range(1, 10)}},
        output="out/pass/graded.{frame:04}.exr",
        told=("nuke 15.1v3 is up", "rendering Graded at full resolution", "Writing "),
        white=255,
    ),
    "maya": Road(
        software="maya",
        version="2025",
        launch="mayapy",
        install=install_maya,
        scene="scenes/shot.ma",
        files={
            "scenes/shot.ma": MAYA_SCENE,
            "workspace.mel": 'workspace -fr "images" "out";\nworkspace -fr "scene" "scenes";\n',
            "parts/set.ma": '//Maya ASCII 2025 scene\nrequires maya "2025";\ncreateNode transform -n "set";\n',
            "plates/wood.png": "a picture",
        },
        output="out/masterLayer/hero_shot.{frame:04}.png",
        told=("maya 2025 is up", "shot.ma is open", "Percentage of rendering done: 100"),
    ),
}


class WithoutSandbox(Person):
    """Somebody on whose machine bubblewrap does not work."""

    def environment(self) -> dict[str, str]:
        """Return an environment whose first bubblewrap fails."""
        found = super().environment()
        broken = self.home / "broken"
        if not broken.exists():
            broken.mkdir()
            (broken / "bwrap").write_text("#!/bin/sh\necho no namespaces here >&2\nexit 1\n")
            (broken / "bwrap").chmod(0o755)
        return {**found, "PATH": f"{broken}:{found['PATH']}"}


class Show(Household):
    """A household with a host's program in its catalogue, and a scene of that host."""

    def __init__(self, person: Person, road: Road) -> None:
        super().__init__(person)
        self.road = road
        program = road.install(person.home / "farm-software" / road.software / "bin")
        python = [sys.prefix, sys.base_prefix, str(Path(os.path.realpath(sys.executable)).parents[1])]
        package: dict[str, Any] = {
            "name": road.software,
            "version": road.version,
            "launch": road.launch,
            "executable": str(program),
        }
        package["roots"] = list(dict.fromkeys([*python, str(REPO / "tests")]))
        if isinstance(person, WithoutSandbox):  # of this clone, whichever the environment was installed from
            code = os.pathsep.join(str(REPO / folder) for folder in ("core", "plugins"))
            package["environment"] = [{"name": "PYTHONPATH", "value": code}]
        settings = {"idle_seconds": 600, "instance_types": KINDS, "find_software": False, "software": [package]}
        self.settings.write_text(yaml.safe_dump(settings))
        self.folder = person.home / "show"
        self.folder.mkdir()
        for name, text in road.files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text.format(show=self.folder) if name == road.scene else text)
        self.scene = self.folder / road.scene

    def submit(self, *words: object, code: int = 0) -> dict[str, Any]:
        """Submit the scene as an artist would, wait for the job's end, and return what the command said."""
        base = ("submit", self.scene, "--no-host", "-t", "local", "--retries", "0", "--wait", "--json")
        said, _ = json.JSONDecoder().raw_decode(self.person.conductor(*base, *words, code=code))
        return dict(said)

    def home(self) -> list[str]:
        """Return the pictures that are at home, relative to the show."""
        return sorted(p.relative_to(self.folder).as_posix() for p in self.folder.rglob("out/**/*") if p.is_file())


@pytest.fixture(scope="module", params=[(host, way) for host in ROADS for way in ("sandbox", "rewrite")], ids="-".join)
def show(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Show]:
    """Give a show of an artist whose farm is up."""
    host, way = request.param
    if way == "sandbox" and not shutil.which("bwrap"):
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("bubblewrap is not installed")
    home = tmp_path_factory.mktemp(f"{host}-{way}") / "home"
    home.mkdir()
    found = Show(Person(home) if way == "sandbox" else WithoutSandbox(home), ROADS[host])
    try:
        found.serve()
        found.person.conductor("login", found.url, "--token-file", found.data / "owner-token")
        yield found
    finally:
        found.close()


def test_exactly_the_frames_asked_for_come_home(show: Show, request: pytest.FixtureRequest) -> None:
    """Step, order and chunks of the submission; pictures of their own frames, at the artist's own paths; the scene is loaded once."""
    done = show.submit("-f", "8,2-6x2", "--chunk-size", "2", "--max-instances", "1")
    assert done["job_state"] == "success", done
    wanted = [show.road.output.format(frame=frame) for frame in (2, 4, 6, 8)]
    assert show.home() == wanted
    for frame, name in zip((2, 4, 6, 8), wanted, strict=True):
        picture = oiio.ImageBuf(str(show.folder / name))
        assert (picture.spec().width, picture.spec().height) == (32, 18)
        if show.road.white:
            assert picture.getpixel(1, 1)[0] == pytest.approx(frame / show.road.white, abs=0.003)
    log = show.person.conductor("log", done["number"], "--frame", "8")
    assert [words for words in show.road.told if words not in log] == [], log
    way = "rewrite" if "rewrite" in request.node.callspec.id else "sandbox"
    assert f"isolation: {way}" in log
    loads = [show.person.conductor("log", done["number"], "--frame", str(f)).count("scene loaded in ") for f in (8, 4)]
    assert sum(loads) == 1


@pytest.mark.parametrize("show", [("nuke", "sandbox"), ("nuke", "rewrite")], indirect=True, ids="-".join)
def test_a_frame_whose_input_is_lacking_says_which(show: Show) -> None:
    """The artist agreed to do without a file; the one frame that needs it fails and names it, the other is there.

    (Maya renders without a texture, in grey, and says so in its log alone.)
    """
    (show.folder / "plates" / "plate.0009.exr").unlink()
    said = show.submit("-f", "1,9", "--allow-missing", code=1)
    assert show.road.output.format(frame=1) in show.home()
    attempt = show.person.json("log", said["number"], "--frame", "9")["attempts"][-1]
    assert (attempt["state"], attempt["cause"]) == ("failed", "missing-file"), attempt
    assert "plate.0009.exr" in attempt["message"]


@pytest.mark.parametrize("show", [(host, "sandbox") for host in ROADS], indirect=True, ids="-".join)
def test_a_host_without_a_licence_is_waited_for(show: Show) -> None:
    """Its own words are recognised, whichever way it ends: the job waits and tells so, and no try counts as a failure."""
    variable = f"FAKE_{show.road.software.upper()}_LICENCE=absent"
    base = ("submit", show.scene, "--no-host", "-t", "local", "--retries", "0", "--json")
    number = json.JSONDecoder().raw_decode(show.person.conductor(*base, "-f", "1", "--env", variable))[0]["number"]
    deadline = time.monotonic() + 120
    while not (job := show.person.json("job", number)).get("licence"):
        assert job["state"] not in ("failed", "success"), job
        assert time.monotonic() < deadline, job
        time.sleep(0.2)
    attempt = show.person.json("log", number, "--frame", "1")["attempts"][-1]
    assert attempt["cause"] == "licence", attempt
    show.person.conductor("kill", number, "--reason", "seen")
