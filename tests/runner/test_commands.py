"""Command steps: one command per task, in the sandbox, with Open Job Description's words."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from conductor_core.environment import EnvironmentVariable
from conductor_core.paths import Flavour
from conductor_core.submission import Limits, Output
from conductor_service.runner.service import Orders

if TYPE_CHECKING:
    from runner.conftest import Farm, Job

    MakeJob = Callable[..., Job]

SH = ("/bin/sh", "-c")


@pytest.fixture(params=["sandbox", "rewrite"])
def any_farm(request: pytest.FixtureRequest) -> Farm:
    """Give a farm of each isolation."""
    farm: Farm = request.getfixturevalue("farm" if request.param == "sandbox" else "open_farm")
    return farm


def test_a_command_writes_its_outputs(any_farm: Farm, job: MakeJob) -> None:
    """Paths that are words of the command lie where the command finds them, and come back under the artist's."""
    asked = job(
        command=("cp", "/job/in.dat", "/job/out/made_{frame}.dat"),
        outputs=(Output("/job/out/made_#.dat", kind="other"),),
        files={"/job/in.dat": b"data"},
        frames=(7,),
    )
    told = any_farm.told(asked)
    assert told.verdict is not None
    assert (told.verdict.state, told.verdict.frames_done) == ("success", (7,)), told.verdict
    record = told.outputs["/job/out/made_7.dat"]
    assert any_farm.service.objects[record.digest] == b"data"
    assert record.frame == 7
    assert not told.previews


def test_a_command_of_several_frames_publishes_all(farm: Farm, job: MakeJob) -> None:
    """Each frame's file is found, required, and published with its frame."""
    script = (
        "for f in 1 2 3; do echo $f > /job/out/a.$f.txt; done; echo openjd_progress: 50; echo openjd_status: Halfway; sleep 1.5"
    )
    told = farm.told(job(command=(*SH, script), outputs=(Output("/job/out/a.#.txt", kind="other"),), frames=(1, 2, 3)))
    assert told.verdict is not None
    assert (told.verdict.state, told.verdict.frames_done) == ("success", (1, 2, 3)), told.verdict
    assert sorted(o.frame or 0 for o in told.outputs.values()) == [1, 2, 3]
    assert any(b.progress == 0.5 and b.status == "Halfway" for b in told.beats)


ENDS = {
    "by a code": ("echo words; exit 3", "exit-code", "exit code 3"),
    "by a signal": ("kill -SEGV $$", "crashed", "SIGSEGV"),
    "by openjd_fail": ("echo openjd_fail: no seats left; exit 1", "exit-code", "no seats left"),
    "not found": ("exec /no/such/program", "exit-code", "/no/such/program"),
    "without its output": ("true", "bad-output", "/job/out/a.1.txt was not written"),
    "with an empty one": (": > /job/out/a.1.txt", "bad-output", "is empty"),
}


@pytest.mark.parametrize(("script", "cause", "text"), ENDS.values(), ids=ENDS.keys())
def test_how_a_command_fails(farm: Farm, job: MakeJob, script: str, cause: str, text: str) -> None:
    """Exit codes, signals, its own words and its outputs decide."""
    told = farm.told(job(command=(*SH, script), outputs=(Output("/job/out/a.#.txt", kind="other"),)))
    assert told.verdict is not None
    assert (told.verdict.state, told.verdict.cause) == ("failed", cause), told.verdict
    assert text in told.verdict.message


def test_frames_of_a_command_with_a_bad_file_are_not_done(farm: Farm, job: MakeJob) -> None:
    """One empty file of two fails the task, and no frame of it counts as done."""
    script = "echo x > /job/out/a.1.txt; : > /job/out/a.2.txt"
    told = farm.told(job(command=(*SH, script), outputs=(Output("/job/out/a.#.txt", kind="other"),), frames=(1, 2)))
    assert told.verdict is not None
    assert (told.verdict.cause, told.verdict.frames_done) == ("bad-output", ())


def test_the_environment_reaches_the_command(farm: Farm, job: MakeJob) -> None:
    """The job's variables are set, and what the command prints is its log."""
    told = farm.told(job(command=(*SH, "echo $SHOT"), outputs=(), environment=(EnvironmentVariable("SHOT", "sh010"),)))
    assert told.log == b"sh010\n"


def test_a_daemon_of_a_command_does_not_outlive_it(any_farm: Farm, job: MakeJob) -> None:
    """A process that a command leaves behind holds nothing up, and is gone when the command is."""
    began = time.monotonic()
    told = any_farm.told(job(command=(*SH, "setsid sleep 600 >/dev/null 2>&1 </dev/null & exit 0"), outputs=()))
    assert told.verdict is not None
    assert told.verdict.state == "success"
    assert time.monotonic() - began < 15


def test_a_silent_command_is_ended(farm: Farm, job: MakeJob) -> None:
    """The job's silence counts for commands too."""
    told = farm.told(job(command=("sleep", "600"), outputs=(), limits=Limits(silence_seconds=1)))
    assert told.verdict is not None
    assert told.verdict.cause == "no-progress"


def test_a_windows_client_s_paths_are_mapped(farm: Farm, job: MakeJob) -> None:
    """A word that is a Windows path becomes the place where its file lies; outputs come back as Windows paths."""
    asked = job(
        command=("cp", "C:\\job\\in.dat", "D:\\out\\made.dat"),
        outputs=(Output("D:\\out\\made.dat", kind="other"),),
        files={"C:\\job\\in.dat": b"data"},
        flavour=Flavour.WINDOWS,
    )
    told = farm.told(asked)
    assert told.verdict is not None
    assert told.verdict.state == "success", told.verdict
    assert list(told.outputs) == ["D:\\out\\made.dat"]


def test_a_path_behind_an_equals_sign_is_mapped(farm: Farm, job: MakeJob) -> None:
    """As it goes along by itself (docs/cli.md), so it is found."""
    asked = job(
        command=("dd", "if=C:\\job\\in.dat", "of=D:\\out\\made.dat", "bs=4"),
        outputs=(Output("D:\\out\\made.dat", kind="other"),),
        files={"C:\\job\\in.dat": b"data"},
        flavour=Flavour.WINDOWS,
    )
    told = farm.told(asked)
    assert told.verdict is not None
    assert told.verdict.state == "success", told.verdict


def test_a_file_name_that_the_artist_s_system_cannot_have_is_bad_output(farm: Farm, job: MakeJob) -> None:
    """A backslash in a name would be a folder on Windows: it is refused and named."""
    asked = job(
        command=(*SH, "echo x > /conductor/files/D/out/made.dat; echo x > '/conductor/files/D/out/a:b'"),
        outputs=(Output("D:\\out\\made.dat", kind="other"),),
        flavour=Flavour.WINDOWS,
    )
    told = farm.told(asked)
    assert told.verdict is not None
    assert told.verdict.cause == "bad-output"
    assert "cannot have such a file" in told.verdict.message


def test_a_no_op_command_is_cheap(farm: Farm, job: MakeJob) -> None:
    """Twenty commands without files take well under 100 ms each, sandbox included."""
    for _ in range(20):
        farm.add(job(command=("true",), outputs=(), session="noop"))
    began = time.monotonic()
    farm.run()
    assert time.monotonic() - began < 6
    assert all(told.verdict is not None and told.verdict.state == "success" for told in farm.service.told.values())
    assert farm.service.fetched == []


def test_a_command_that_was_ended_takes_no_other_with_it(farm: Farm, job: MakeJob) -> None:
    """After a time-out and a kill, the commands that follow in the same session run as if nothing had been."""
    late = farm.add(job(command=("sleep", "600"), outputs=(), limits=Limits(task_seconds=1)))
    after = farm.add(job(command=("sleep", "0.3"), outputs=()))
    killed = farm.add(job(command=("sleep", "600"), outputs=()))
    farm.service.orders[killed] = Orders("kill", "Anna wants it")
    rest = [farm.add(job(command=(*SH, f"sleep 0.3; exit {code}"), outputs=())) for code in (0, 7, 0)]
    farm.run()
    ends = [(v.state, v.cause, v.exit_code) for v in (farm.service.verdict(a) for a in (late, after, killed, *rest))]
    assert ends == [
        ("failed", "time-out", None),
        ("success", None, None),
        ("killed", "user", None),
        ("success", None, None),
        ("failed", "exit-code", 7),
        ("success", None, None),
    ]
