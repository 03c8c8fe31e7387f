"""Scripts and plug-ins that an artist sends along: on the software's paths, in the scene once it is loaded, around each task."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import OpenImageIO as oiio
import pytest
from conductor_core.environment import EnvironmentVariable
from conductor_core.paths import Flavour
from conductor_core.submission import Limits, Output, Scripts
from conductor_service.runner.assignment import Package
from conductor_service.runner.service import Orders

if TYPE_CHECKING:
    from runner.conftest import Farm, Job, Told

    MakeJob = Callable[..., Job]

OUT = (Output("/job/render/shot_####.png"),)


@pytest.fixture(params=["sandbox", "rewrite"])
def any_farm(request: pytest.FixtureRequest) -> Farm:
    """Give a farm of each isolation."""
    farm: Farm = request.getfixturevalue("farm" if request.param == "sandbox" else "open_farm")
    return farm


def lines(told: Told) -> list[str]:
    """Return the log of the scripts: without times, and without what the software prints, which comes by a way of its own."""
    others = ("limits:", "files laid out", "rendering ")
    return [line for line in told.log.decode().splitlines() if not any(words in line for words in others)]


def ended(told: Told) -> tuple[str, str]:
    assert told.verdict is not None
    return told.verdict.state, told.verdict.cause or ""


def test_programs_run_before_and_after_a_task(any_farm: Farm, job: MakeJob) -> None:
    """Each says in the log what it is, prints below that, knows its frames, and may add files to what the task wrote."""
    scripts = Scripts(
        before_task=("/job/tools/pre.sh", "{first}-{last}"), after_task=("/job/tools/post.sh", "/job/render", "{frames}")
    )
    files = {
        "/job/tools/pre.sh": b'echo preparing "$1"\n',
        "/job/tools/post.sh": b'cd "$1" && ls && echo note > note.txt && cp shot_0002.png copy_0002.png\n',
    }
    told = any_farm.told(job(frames=(2, 3), scripts=scripts, files=files))
    assert ended(told) == ("success", ""), told.verdict
    log = lines(told)
    assert log[:2] == ["[conductor] Before the task: /job/tools/pre.sh 2-3", "preparing 2-3"]
    assert log[2].startswith("[conductor] Before the task: done in ")
    after = log.index("[conductor] After the task: /job/tools/post.sh /job/render 2-3")
    assert log[after + 1 : after + 3] == ["shot_0002.png", "shot_0003.png"]
    assert log[-1].startswith("[conductor] After the task: done in ")
    assert sorted(told.outputs) == [f"/job/render/{n}" for n in ("copy_0002.png", "note.txt", "shot_0002.png", "shot_0003.png")]
    assert told.verdict is not None
    assert told.verdict.frames_done == (2, 3)


PROGRAMS = {
    "a shell script without a mode": ("/job/t/a.sh", b"echo it ran: $1\n", "it ran: 7"),
    "a Python file": ("/job/t/a.py", b"import sys\nprint('it ran:', sys.argv[1])\n", "it ran: 7"),
    "by its first line": ("/job/t/a", b"#!/usr/bin/env python3\nimport sys\nprint('it ran:', sys.argv[1])\n", "it ran: 7"),
    "by a first line of Windows": ("/job/t/a.txt", b"#!/bin/sh -e\r\necho it ran: $1\n", "it ran: 7"),
}


@pytest.mark.parametrize(("path", "text", "said"), PROGRAMS.values(), ids=PROGRAMS.keys())
def test_a_file_of_the_job_is_run_by_what_it_is(farm: Farm, job: MakeJob, path: str, text: bytes, said: str) -> None:
    """Its first line decides, else its ending: it need not have the mode of a program."""
    told = farm.told(job(scripts=Scripts(before_task=(path, "{frame}")), frames=(7,), files={path: text}))
    assert ended(told) == ("success", ""), told.verdict
    assert said in told.log.decode()


def test_a_program_of_the_instance(farm: Farm, job: MakeJob) -> None:
    """A name is looked for on the PATH, and its words may be files of the job."""
    told = farm.told(job(scripts=Scripts(before_task=("cat", "/job/t/a.txt")), files={"/job/t/a.txt": b"these words\n"}))
    assert ended(told) == ("success", "")
    assert b"\nthese words\n" in told.log


FAILURES = {
    "before": (
        Scripts(before_task=("sh", "-c", "echo no disc; exit 3")),
        "exit-code",
        "The script before the task, sh -c 'echo no disc; exit 3', ended with exit code 3.",
    ),
    "after": (
        Scripts(after_task=("sh", "-c", "echo no disc; exit 3")),
        "exit-code",
        "The script after the task, sh -c 'echo no disc; exit 3', ended with exit code 3.",
    ),
    "not there": (
        Scripts(before_task=("/no/such/program",)),
        "exit-code",
        "/no/such/program, ended with exit code 127. There is no such program",
    ),
    "a signal": (
        Scripts(after_task=("sh", "-c", "kill -SEGV $$")),
        "crashed",
        "The script after the task, sh -c 'kill -SEGV $$', crashed (signal SIGSEGV).",
    ),
}


@pytest.mark.parametrize(("scripts", "cause", "words"), FAILURES.values(), ids=FAILURES.keys())
def test_a_program_that_fails_fails_the_task(any_farm: Farm, job: MakeJob, scripts: Scripts, cause: str, words: str) -> None:
    """The attempt ends with the cause and a sentence that names the program; nothing is published, and the next task can run."""
    bad = any_farm.add(job(scripts=scripts))
    good = any_farm.add(job(scripts=Scripts(after_task=("true",)), session="another"))
    any_farm.run()
    told = any_farm.service.told[bad]
    assert ended(told) == ("failed", cause), told.verdict
    assert told.verdict is not None
    assert words in told.verdict.message
    assert not told.outputs
    assert ended(any_farm.service.told[good]) == ("success", "")
    rendered = b"rendering 1" in told.log
    assert rendered is bool(scripts.after_task)


def test_after_a_frame_that_failed_nothing_runs(farm: Farm, job: MakeJob) -> None:
    """The program after the task runs only where the frames are there."""
    scripts = Scripts(after_task=("echo", "ran after all"))
    failed = farm.told(job("raise RuntimeError('no')", scripts=scripts))
    assert ended(failed) == ("failed", "internal")
    assert b"ran after all" not in failed.log


def test_after_a_frame_that_was_not_written_nothing_runs(farm: Farm, job: MakeJob) -> None:
    """A frame that is only said to be there is found out first."""
    told = farm.told(job("pass", scripts=Scripts(after_task=("echo", "ran after all"))))
    assert ended(told) == ("failed", "bad-output")
    assert b"ran after all" not in told.log


def picture(folder: Path, size: tuple[int, int]) -> bytes:
    """Return a PNG."""
    image = oiio.ImageBuf(oiio.ImageSpec(*size, 3, oiio.UINT8))
    oiio.ImageBufAlgo.fill(image, (0.5, 0.25, 0.75))
    image.write(str(folder / "made.png"))
    return (folder / "made.png").read_bytes()


def test_the_program_after_a_task_may_change_its_frames(any_farm: Farm, job: MakeJob, tmp_path: Path) -> None:
    """What it leaves is what comes home."""
    better = picture(tmp_path, (8, 4))
    scripts = Scripts(after_task=("cp", "/job/t/better.png", "/job/render/shot_0001.png"))
    told = any_farm.told(job(scripts=scripts, files={"/job/t/better.png": better}))
    assert ended(told) == ("success", ""), told.verdict
    assert any_farm.service.objects[told.outputs["/job/render/shot_0001.png"].digest] == better


@pytest.mark.parametrize(
    "words",
    [
        ("rm", "/job/render/shot_0001.png"),
        ("mv", "/job/render/shot_0001.png", "/job/render/other.png"),
        ("cp", "/job/t/small.png", "/job/render/shot_0001.png"),
        ("cp", "/job/t/small.txt", "/job/render/shot_0001.png"),
    ],
    ids=["takes it away", "renames it", "another size", "no picture"],
)
def test_frames_are_looked_at_after_the_program(farm: Farm, job: MakeJob, tmp_path: Path, words: tuple[str, ...]) -> None:
    """A frame that it took away or spoilt is bad output, as from any renderer, and is not done."""
    files = {"/job/t/small.png": picture(tmp_path, (2, 2)), "/job/t/small.txt": b"no picture"}
    scene = "png(path); answer.update(width=8, height=4)"
    told = farm.told(job(scene, outputs=(Output("/job/render/shot_####.png"),), scripts=Scripts(after_task=words), files=files))
    assert ended(told) == ("failed", "bad-output"), told.verdict
    assert told.verdict is not None
    assert told.verdict.frames_done == ()


def test_programs_around_a_command(farm: Farm, job: MakeJob) -> None:
    """A command step has them too; what it wrote can be seen by the one after it."""
    scripts = Scripts(before_task=("sh", "-c", "echo first"), after_task=("sh", "-c", "cat /job/out/a.1.txt"))
    asked = job(
        command=("sh", "-c", "echo made > /job/out/a.1.txt"), outputs=(Output("/job/out/a.#.txt", "other"),), scripts=scripts
    )
    told = farm.told(asked)
    assert ended(told) == ("success", ""), told.verdict
    log = told.log.decode()
    assert log.index("first") < log.index("After the task") < log.index("made\n")
    assert list(told.outputs) == ["/job/out/a.1.txt"]


def test_the_time_of_a_task_is_that_of_its_programs_too(farm: Farm, job: MakeJob) -> None:
    """A program that hangs is ended at the task's limit, and one that took most of it leaves little for the frame."""
    late = farm.add(job(scripts=Scripts(before_task=("sleep", "600")), limits=Limits(task_seconds=1), session="late"))
    slow = job("import time; time.sleep(600)", scripts=Scripts(before_task=("sleep", "2")), limits=Limits(task_seconds=3))
    both = farm.add(slow)
    silent = farm.add(job(scripts=Scripts(after_task=("sleep", "600")), limits=Limits(silence_seconds=1), session="silent"))
    began = time.monotonic()
    farm.run()
    told = farm.service.told
    assert [ended(told[a]) for a in (late, both, silent)] == [
        ("failed", "time-out"), ("failed", "time-out"), ("failed", "no-progress"),
    ]  # fmt: skip
    assert "before the task, sleep 600, failed: The task ran longer" in str(told[late].verdict)
    assert time.monotonic() - began < 60


def test_a_kill_reaches_a_program(farm: Farm, job: MakeJob) -> None:
    """A person ends the task while its program runs; the next task of the session is rendered."""
    scripts = Scripts(before_task=("sh", "-c", "test {frame} = 2 || sleep 600"))
    killed = farm.add(job(scripts=scripts))
    farm.service.orders[killed] = Orders("kill", "not needed any more")
    after = farm.add(job(frames=(2,), scripts=scripts))
    farm.run()
    assert ended(farm.service.told[killed]) == ("killed", "user")
    assert ended(farm.service.told[after]) == ("success", "")


def test_startup_files_run_in_the_loaded_scene(any_farm: Farm, job: MakeJob) -> None:
    """In their order, once for all tasks of a session; the software finds them at the artist's paths, or is told where."""
    scripts = Scripts(startup=("/job/s/one.py", "/job/s/two.py"))
    files = {
        "/job/s/one.py": b"order = [1]\nprint('one', __import__('sys').argv[0] != '', flush=True)\n",
        "/job/s/two.py": b"print('two', flush=True)\n",
    }
    tasks = [any_farm.add(job(frames=(n,), scripts=scripts, files=files)) for n in (1, 2)]
    any_farm.run()
    logs = [any_farm.service.told[t].log.decode() for t in tasks]
    assert logs[0].index("one") < logs[0].index("two") < logs[0].index("scene loaded")
    assert "one" not in logs[1]


def test_a_startup_file_that_fails(farm: Farm, job: MakeJob) -> None:
    """It is the scene that cannot be loaded."""
    told = farm.told(job(scripts=Scripts(startup=("/job/s/one.py",)), files={"/job/s/one.py": b"nonsense\n"}))
    assert ended(told) == ("failed", "scene-load")
    assert "nonsense" in str(told.verdict)


@pytest.mark.parametrize(
    "scripts", [Scripts(startup=("/job/s/one.py",)), Scripts(plug_in_folders=("/job/s",))], ids=["startup", "folder"]
)
def test_what_was_not_sent_along_is_named(farm: Farm, job: MakeJob, scripts: Scripts) -> None:
    """A script that is not among the job's files is missing, and not silently left out."""
    told = farm.told(job(scripts=scripts))
    assert ended(told) == ("failed", "missing-file")
    assert "/job/s" in str(told.verdict)
    assert "is not among the job's files" in str(told.verdict)


def test_plug_in_folders_are_on_the_paths(any_farm: Farm, job: MakeJob) -> None:
    """Modules and programs in them are found, the first folder first, before those of the job's own variables."""
    scripts = Scripts(plug_in_folders=("/job/new", "/job/old"))
    files = {
        "/job/new/tool.py": b"print('the new tool')\n",
        "/job/old/tool.py": b"print('the old tool')\n",
        "/job/old/more.py": b"print('more')\n",
    }
    asked = job(
        command=("python3", "-c", "import tool, more"),
        outputs=(),
        scripts=scripts,
        files=files,
        environment=(EnvironmentVariable("PYTHONPATH", "/elsewhere", "append"),),
    )
    told = any_farm.told(asked)
    assert ended(told) == ("success", ""), told.verdict
    assert told.log.decode().split("\n")[-3:] == ["the new tool", "more", ""]


def test_folders_of_a_windows_client(farm: Farm, job: MakeJob) -> None:
    """They lie where the instance shows the client's drives, and words that are paths are mapped."""
    scripts = Scripts(plug_in_folders=("D:\\tools",), before_task=("D:\\tools\\pre.py", "D:\\tools\\words.txt"))
    files = {
        "D:\\tools\\pre.py": b"import sys, words\r\nprint(open(sys.argv[1]).read())\r\n",
        "D:\\tools\\words.py": b"",
        "D:\\tools\\words.txt": b"from a drive",
    }
    told = farm.told(job(command=("true",), flavour=Flavour.WINDOWS, outputs=(), scripts=scripts, files=files))
    assert ended(told) == ("success", ""), told.verdict
    assert b"from a drive" in told.log


def test_a_plug_in_package(farm: Farm, job: MakeJob, tmp_path: Path) -> None:
    """Its folders are there read-only, and its variables join the software's."""
    root = tmp_path / "hair-1.2"
    root.mkdir()
    (root / "hair.txt").write_text("curls")
    plug_in = Package(
        "hair", "1.2", roots=(str(root),), environment=(EnvironmentVariable("HAIR", str(root)),), plug_in_of="shell"
    )
    script = 'cat "$HAIR/hair.txt"; touch "$HAIR/x" 2>/dev/null && echo writable; true'
    told = farm.told(job(command=("sh", "-c", script), outputs=(), plug_ins=(plug_in,)))
    assert (ended(told), told.log) == (("success", ""), b"curls"), told.verdict


def test_a_plug_in_that_is_not_installed(farm: Farm, job: MakeJob) -> None:
    """It is named with what is not there."""
    plug_in = Package("hair", "1.2", roots=("/opt/no-such-hair",), plug_in_of="fake")
    told = farm.told(job(plug_ins=(plug_in,)))
    assert ended(told) == ("failed", "software-missing")
    assert "hair 1.2: /opt/no-such-hair is not on this instance" in str(told.verdict)


def test_programs_are_in_the_sandbox(farm: Farm, job: MakeJob, tmp_path: Path) -> None:
    """They see what their task sees: no file of the machine, no network, inputs that cannot be written."""
    secret = tmp_path / "secret"
    secret.write_text("the token")
    script = (
        f"cat {secret} /etc/shadow; ls /root; echo x >> /job/scenes/shot.blend; echo x > /job/tools/new; "
        "cat /proc/net/dev | grep -c : ; id -u; echo end"
    )
    told = farm.told(
        job(scripts=Scripts(before_task=("sh", "-c", script), after_task=("sh", "-c", script)), files={"/job/tools/a": b""})
    )
    assert ended(told) == ("success", ""), told.verdict
    log = told.log.decode()
    assert log.count("end\n") >= 2
    assert "the token" not in log
    assert "root:" not in log
    assert log.count("Read-only file system") == 4
    assert log.count("\n1\n1000\nend\n") == 2
    assert list(told.outputs) == ["/job/render/shot_0001.png"]
