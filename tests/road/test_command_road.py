"""Any command line per frame or chunk: real programs on real instances, what they read found by itself, what they write home."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import OpenImageIO as oiio
import pytest
import yaml
from road.household import KINDS, Household
from road.people import Person

OIIOTOOL = Path(sys.executable).with_name("oiiotool")
#: sets a package up and runs the rest of its words, as `rez-env NAME --` does
_STARTER = """#!/bin/sh
export SET_UP="$1"
shift
exec "$@"
"""
_STRIPE = """
import os, sys
first, last = int(sys.argv[1]), int(sys.argv[2])
for frame in range(first, last + 1):
    with open(f"{sys.argv[3]}/stripe_{frame}.txt", "w") as file:
        file.write(f"{frame} of {first}-{last} by {os.environ.get('SET_UP', 'nobody')}")
    print(f"openjd_progress: {100 * (frame - first + 1) / (last - first + 1)}", flush=True)
"""


class Show(Household):
    """A household whose catalogue has programs of a pipeline, and plates."""

    def __init__(self, person: Person) -> None:
        super().__init__(person)
        self.folder = person.home / "show"
        self.out = self.folder / "out"
        (self.folder / "plates").mkdir(parents=True)
        starter = person.home / "opt" / "starter"
        starter.parent.mkdir()
        starter.write_text(_STARTER)
        starter.chmod(0o755)
        software: list[dict[str, Any]] = [
            {"name": "oiiotool", "version": "3.2", "executable": str(OIIOTOOL)},
            {"name": "pipeline", "version": "7", "start": [str(starter), "pipeline-7"]},
            {"name": "broken", "version": "1", "start": ["no-such-starter", "x"]},
        ]
        settings = {"idle_seconds": 600, "instance_types": KINDS, "find_software": False, "software": software}
        self.settings.write_text(yaml.safe_dump(settings))

    def submit(self, command: str, *words: object, code: int = 0) -> dict[str, Any]:
        """Submit a command, wait for its end, and return what was said."""
        said = self.person.conductor("submit", "-t", "local", "--command", command, *words, "--wait", "--json", code=code)
        return dict(json.JSONDecoder().raw_decode(said)[0])

    def home(self) -> list[str]:
        return sorted(p.name for p in self.out.glob("*"))


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Show]:
    """Give an artist whose farm is up, with five plates."""
    home = tmp_path_factory.mktemp("commands") / "home"
    home.mkdir()
    show = Show(Person(home))
    for frame in range(1, 6):
        plate = show.folder / "plates" / f"plate.{frame:04}.png"
        subprocess.run([OIIOTOOL, "--pattern", "checker", "64x48", "3", "-o", plate], check=True, timeout=60)
    show.serve()
    show.person.conductor("login", show.url, "--token-file", show.data / "owner-token")
    yield show
    show.close()


@pytest.fixture
def show(farm: Show) -> Show:
    """Give the same farm with nothing brought home yet."""
    shutil.rmtree(farm.out, ignore_errors=True)
    return farm


def test_a_picture_per_frame_by_oiiotool(show: Show) -> None:
    """The plates that the words name are sent, for these frames only; each picture comes home as it was made."""
    plates, out = show.folder / "plates", show.out
    said = show.submit(
        f"oiiotool {plates}/plate.{{frame:04}}.png --resize 32x24 -o {out}/small.{{frame:04}}.exr",
        *("-f", "2-4", "--software", "oiiotool@3.2", "--output", f"{out}/small.{{frame:04}}.exr"),
    )
    assert (said["files"], said["job_state"]) == (3, "success")
    assert show.home() == [f"small.{frame:04}.exr" for frame in (2, 3, 4)]
    for path in out.iterdir():
        spec = oiio.ImageBuf(str(path)).spec()
        assert (spec.width, spec.height) == (32, 24)


def test_a_movie_of_a_chunk_by_ffmpeg(show: Show, require: Callable[[object, str], None]) -> None:
    """A program that counts the frames itself gets those of its chunk, and the movie comes home whole."""
    require(shutil.which("ffmpeg"), "ffmpeg is not on the PATH")
    movie = show.out / "plates.mp4"
    said = show.submit(
        f"ffmpeg -loglevel error -start_number {{first}} -i {show.folder}/plates/plate.%04d.png -frames:v 4 -y {movie}",
        *("-f", "2-5", "--chunk-size", "4", "--output", movie),
    )
    assert (said["files"], said["job_state"]) == (4, "success")
    words = ["ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", str(movie)]
    counted = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    assert counted.stdout.strip() == "4"


def test_a_python_script_per_chunk(show: Show) -> None:
    """A script of the artist's own goes along and needs no mode of a program; its chunks are exactly the frames."""
    script = show.folder / "stripe.py"
    script.write_text(_STRIPE)
    script.chmod(0o644)
    said = show.submit(
        f"{script} {{first}} {{last}} {show.out}",
        *("-f", "1-5", "--chunk-size", "2", "--output", show.out / "stripe_#.txt"),
    )
    assert said["job_state"] == "success"
    assert [path.read_text() for path in sorted(show.out.iterdir())] == [
        *("1 of 1-2 by nobody", "2 of 1-2 by nobody", "3 of 3-4 by nobody", "4 of 3-4 by nobody", "5 of 5-5 by nobody")
    ]


def test_the_catalogue_says_how_a_package_is_started(show: Show) -> None:
    """What sets a package up stands before each command; one that is not on the instance is named."""
    script = show.folder / "stripe.py"
    script.write_text(_STRIPE)
    words = ("-f", "1", "--output", show.out / "stripe_#.txt")
    command = f"python3 {script} {{first}} {{last}} {show.out}"
    assert show.submit(command, *words, "--software", "pipeline@7")["job_state"] == "success"
    assert (show.out / "stripe_1.txt").read_text() == "1 of 1-1 by pipeline-7"
    show.submit(command, *words, "--software", "broken@1", "--retries", "0", code=1)
    newest = show.person.json("jobs")["jobs"][0]
    tasks = show.person.json("job", newest["number"], "--tasks")
    assert "is started by no-such-starter, which is not on this instance" in json.dumps(tasks)
