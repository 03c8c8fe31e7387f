"""What the steps before a step made lies at its place for the step's tasks, in the sandbox and by path mapping."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from conductor_core.digest import digest_of
from conductor_core.manifest import Entry, Manifest, make_manifest
from conductor_core.paths import Flavour
from conductor_core.submission import Output
from conductor_service.runner.step_inputs import with_inputs

if TYPE_CHECKING:
    from runner.conftest import Farm, Job

    MakeJob = Callable[..., Job]

SH = ("/bin/sh", "-c")
COPY = ("cp", "/job/ass/x.0001.ass", "/job/out/a.1.txt")
OUT = (Output("/job/out/a.#.txt", kind="other"),)


@pytest.fixture(params=["sandbox", "rewrite"])
def any_farm(request: pytest.FixtureRequest) -> Farm:
    """Give a farm of each isolation."""
    farm: Farm = request.getfixturevalue("farm" if request.param == "sandbox" else "open_farm")
    return farm


def made_of(farm: Farm, asked: Job) -> bytes:
    """Run a job, and return what it wrote."""
    told = farm.told(asked)
    assert told.verdict is not None
    assert told.verdict.state == "success", told.verdict
    return farm.service.objects[told.outputs["/job/out/a.1.txt"].digest]


def test_a_command_reads_what_was_made_before(any_farm: Farm, job: MakeJob) -> None:
    """A file of a step before is found by the artist's path."""
    assert made_of(any_farm, job(command=COPY, outputs=OUT, made={"/job/ass/x.0001.ass": b"exported"})) == b"exported"


def test_the_newer_file_wins(any_farm: Farm, job: MakeJob) -> None:
    """Where the artist had an older file of that name, the step's own is read."""
    files = {"/job/ass/x.0001.ass": b"of the artist", "/job/ass/other": b""}
    assert made_of(any_farm, job(command=COPY, outputs=OUT, files=files, made={"/job/ass/x.0001.ass": b"new"})) == b"new"


def test_what_was_made_cannot_be_changed(farm: Farm, job: MakeJob) -> None:
    """In the sandbox it is an input like others: read-only for the step's tasks."""
    script = "echo bad > /job/ass/x.0001.ass; cat /job/ass/x.0001.ass > /job/out/a.1.txt"
    assert made_of(farm, job(command=(*SH, script), outputs=OUT, made={"/job/ass/x.0001.ass": b"exported"})) == b"exported"


def test_a_step_that_writes_into_the_same_folder(farm: Farm, job: MakeJob) -> None:
    """What lay there before is there to be read, and is no output of the step."""
    script = "cat /job/out/x.ass > /job/out/a.1.txt"
    told = farm.told(job(command=(*SH, script), outputs=OUT, made={"/job/out/x.ass": b"exported"}))
    assert set(told.outputs) == {"/job/out/a.1.txt"}


def test_a_scene_reads_what_was_made_before(any_farm: Farm, job: MakeJob) -> None:
    """A frame server finds it too."""
    scene = "open(path, 'wb').write(open(mapped('/job/cache/c.1.bgeo'), 'rb').read())"
    outputs = (Output("/job/render/shot_####.png", kind="other"),)
    told = any_farm.told(job(scene, outputs=outputs, made={"/job/cache/c.1.bgeo": b"simulated"}))
    assert told.verdict is not None
    assert told.verdict.state == "success", told.verdict
    assert any_farm.service.objects[told.outputs["/job/render/shot_0001.png"].digest] == b"simulated"


def test_two_states_of_a_step_before_share_no_session(farm: Farm, job: MakeJob) -> None:
    """When a step was made again, the next task of the same session reads the new files."""
    first = farm.add(job(command=COPY, outputs=OUT, made={"/job/ass/x.0001.ass": b"first"}))
    second = farm.add(job(command=COPY, outputs=OUT, made={"/job/ass/x.0001.ass": b"second"}))
    farm.run()
    read = [farm.service.objects[farm.service.told[a].outputs["/job/out/a.1.txt"].digest] for a in (first, second)]
    assert read == [b"first", b"second"]


def test_a_step_that_is_made_again_meanwhile_gives_the_task_back(farm: Farm, job: MakeJob) -> None:
    """The task is not run on files that nobody accepts any more, and has not failed."""
    attempt = farm.add(job(command=COPY, outputs=OUT, made={"/job/ass/x.0001.ass": b"first"}))
    made = make_manifest(Flavour.POSIX, [farm._entry("/job/ass/x.0001.ass", b"first")])
    del farm.service.manifests[made.digest()]
    farm.run()
    verdict = farm.service.told[attempt].verdict
    assert verdict is not None
    assert verdict.state == "killed", verdict


def test_a_job_that_has_all_its_files_meanwhile_gives_a_scout_back(farm: Farm, job: MakeJob) -> None:
    """A task that was given with the scouts' manifest, and asks for it when that of the whole has come, has not failed."""
    attempt = farm.add(job(command=COPY, outputs=OUT, files={"/job/ass/x.0001.ass": b"first"}))
    farm.service.grow(attempt, manifest(entry("/job/ass/x.0001.ass", b"first"), entry("/job/more", b"more")))
    farm.run()
    verdict = farm.service.told[attempt].verdict
    assert verdict is not None
    assert verdict.state == "killed", verdict


def entry(path: str, data: bytes = b"", target: str = "") -> Entry:
    if target:
        return Entry(path, "symlink", target=target)
    return Entry(path, digest=digest_of(data), size=len(data))


def manifest(*entries: Entry, flavour: Flavour = Flavour.POSIX) -> Manifest:
    return make_manifest(flavour, entries)


LINKS = {
    "none": ((), "/job/ass/x", "/job/ass/x"),
    "absolute": ((entry("/job/ass", target="/disk/ass"),), "/job/ass/x", "/disk/ass/x"),
    "relative": ((entry("/job/ass", target="../disk"),), "/job/ass/sub/x", "/disk/sub/x"),
    "two": ((entry("/job", target="/mnt"), entry("/mnt/ass", target="a")), "/job/ass/x", "/mnt/a/x"),
    "the file itself": ((entry("/job/latest", target="v2/x"),), "/job/latest", "/job/v2/x"),
    "a circle": ((entry("/a", target="/b"), entry("/b", target="/a")), "/a/x", "/a/x"),
    "nowhere": ((entry("/a", target="../../.."),), "/a/x", "/a/x"),
}


@pytest.mark.parametrize(("links", "made", "lies"), LINKS.values(), ids=LINKS.keys())
def test_what_was_made_lies_where_links_lead(links: tuple[Entry, ...], made: str, lies: str) -> None:
    """A path through a folder that is a link of the artist's ends where the artist's machine would have it."""
    whole = with_inputs(manifest(*links), manifest(entry(made, b"made")))
    assert [e.path for e in whole.entries if e.kind == "file"] == [lies]


def test_windows_paths_are_compared_without_case() -> None:
    """The step's own file takes the place of the artist's, however that was written."""
    sent = manifest(entry("C:\\Job\\x.ass", b"old"), flavour=Flavour.WINDOWS)
    made = manifest(entry("C:\\job\\X.ass", b"new"), flavour=Flavour.WINDOWS)
    assert [e.digest for e in with_inputs(sent, made).entries] == [digest_of(b"new")]


def test_without_steps_before_nothing_changes() -> None:
    """The manifest is the artist's, to the byte."""
    sent = manifest(entry("/job/b"), entry("/job/a"))
    assert with_inputs(sent, manifest()) is sent
