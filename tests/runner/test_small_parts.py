"""The runner's small pure parts, by tables: causes, logs, expectations, launching, places."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from conductor_core.environment import EnvironmentVariable
from conductor_core.errors import EnvironmentConflict, InvalidDocument, PathError, ServiceError
from conductor_core.paths import ClientPath, Flavour
from conductor_core.submission import Limits, Output, Step
from conductor_service import catalogue
from conductor_service.runner.assignment import (
    Assignment,
    AttemptRef,
    JobRef,
    LaunchKind,
    Package,
    TaskRef,
    assignment_from_json,
)
from conductor_service.runner.causes import failure_of_exit, failure_of_toll
from conductor_service.runner.command_step import openjd_message
from conductor_service.runner.conversation import json_message
from conductor_service.runner.errors import TaskFailed
from conductor_service.runner.expectations import Expectations, is_image
from conductor_service.runner.groups import Toll
from conductor_service.runner.http_service import require_safe_url
from conductor_service.runner.launching import (
    HostScripts,
    frame_server_argv,
    hosts_folder,
    resolved,
    software_view,
    task_environment,
)
from conductor_service.runner.limits import ResourceLimits
from conductor_service.runner.logbook import TAIL_BYTES, LogBook
from conductor_service.runner.places import Places, output_folders
from hypothesis import given
from hypothesis import strategies as st

EXITS = {
    "a code": (3, "", 0, "exit-code", "exit code 3"),
    "a signal": (-11, "", 0, "crashed", "SIGSEGV"),
    "a signal without a name": (-63, "", 0, "crashed", "signal 63"),
    "killed near the memory limit": (-9, "", 950, "out-of-memory", "of memory"),
    "killed far from it": (-9, "", 500, "crashed", "SIGKILL"),
    "last words of memory": (1, "terminate called after throwing std::bad_alloc", 0, "out-of-memory", "bad_alloc"),
    "Python's": (1, "MemoryError", 0, "out-of-memory", "MemoryError"),
    "last words of the disk": (1, "OSError: [Errno 28] No space left on device", 0, "disk-full", "No space"),
    "last words of a licence": (100, "ERROR: License checkout failed", 0, "licence", "License"),
    "the sandbox's own": (1, "bwrap: Can't mount proc on /newroot/proc", 0, "internal", "sandbox could not be set up"),
    "it ended though it should not have": (0, "", 0, "exit-code", "exit code 0"),
}


@pytest.mark.parametrize(("code", "words", "peak", "cause", "text"), EXITS.values(), ids=EXITS.keys())
def test_why_software_ended(code: int, words: str, peak: int, cause: str, text: str) -> None:
    """Exit code, memory and last words together name the cause."""
    failure = failure_of_exit(code, last_lines=words, peak_memory=peak, memory_limit=1000)
    assert (failure.cause, failure.exit_code) == (cause, code)
    assert text in str(failure)


MIB = 1 << 20
TOLLS = {
    "its own limit": (Toll(1, 0, 4000 * MIB), 0, "The task needed more memory than its limit of 4,096 MiB (peak 4,000 MiB)"),
    "a limit above it": (Toll(1, 0, 100 * MIB), 0, "The instance had no memory left (the task had 100 MiB of its 4,096 MiB)"),
    "a kernel without a peak": (Toll(1), 4096 * MIB, "The task needed more memory than its limit of 4,096 MiB (peak 4,096 MiB)"),
    "forks": (Toll(0, 1, 0, 30), 0, "The task started more than 30 processes and threads."),
    "forks, by a limit above": (
        Toll(0, 1, 0, 9),
        0,
        "The instance let the task start no more processes and threads (it had 9 of its 30).",
    ),
    "forks, nobody knows whose": (Toll(0, 1), 0, "its limit is 30; the instance may have had fewer left"),
}


@pytest.mark.parametrize(("toll", "measured", "text"), TOLLS.values(), ids=TOLLS.keys())
def test_whose_limit_it_was(toll: Toll, measured: int, text: str) -> None:
    """The kernel counts alike what a group's own limit, one above it, or the end of the machine costs: the peak tells."""
    failure = failure_of_toll(toll, ResourceLimits(memory=4096 * MIB, processes=30), measured=measured, code=-9)
    assert (failure.cause, failure.exit_code) == ("out-of-memory" if toll.killed else "crashed", -9)
    assert text in str(failure)


def test_a_machine_without_memory_and_a_task_without_a_limit() -> None:
    """What it had is said, and no limit."""
    failure = failure_of_toll(Toll(1, 0, 100 * MIB), ResourceLimits(), measured=0, code=None)
    assert str(failure) == "The instance had no memory left (the task had 100 MiB): the kernel ended it."


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"openjd_progress: 42\n", {"event": "progress", "fraction": 0.42}),
        (b"openjd_progress:250\n", {"event": "progress", "fraction": 1.0}),
        (b"openjd_progress: much\n", None),
        (b"openjd_status: Baking\n", {"event": "status", "message": "Baking"}),
        (b"openjd_fail: no licence\n", {"event": "fail", "message": "no licence"}),
        (b" openjd_progress: 42\n", None),
        (b"openjd_env: A=B\n", None),
    ],
)
def test_openjd_lines(line: bytes, message: dict[str, object] | None) -> None:
    """Progress, status and fail are understood at the start of a line; the rest is log."""
    assert openjd_message(line) == message


@pytest.mark.parametrize("line", [b"", b"hello", b"{", b"[1]", b'{"event": 1}', b'{"frame": 1}', b'"event"', b"{\xff}"])
def test_what_is_no_message_is_log(line: bytes) -> None:
    """Only a JSON object with an event is a message."""
    assert json_message(line) is None


@given(st.binary(max_size=200))
def test_no_line_breaks_the_reader(line: bytes) -> None:
    """Whatever a server prints, reading it raises nothing."""
    json_message(line)
    openjd_message(line)


def test_a_long_log_keeps_its_head_and_tail(tmp_path: Path) -> None:
    """Beyond its bound the middle is left out, and a line says how much; nothing is taken after the end."""
    book = LogBook(tmp_path / "log", clock=lambda: 0.0, head_bytes=1000)
    for number in range(30_000):
        book.write(b"%07d\n" % number)
    assert book.size == 1000
    assert "0029999" in book.last_lines()
    book.close()
    book.write(b"too late")
    text = book.read(0, 1 << 20)
    assert text.startswith(b"0000000\n")
    assert text.endswith(b"0029999\n")
    left_out = 30_000 * 8 - 1000 - TAIL_BYTES
    assert f"{left_out} bytes of log are left out".encode() in text
    assert len(text) == book.size
    book.discard()
    assert not (tmp_path / "log").exists()


def test_a_log_just_over_its_bound_loses_nothing(tmp_path: Path) -> None:
    """What fits into the tail is kept whole."""
    book = LogBook(tmp_path / "log", clock=lambda: 0.0, head_bytes=10)
    book.write(b"0123456789abcdef\n")
    book.close()
    text = book.read(0, 1000)
    assert text.startswith(b"0123456789")
    assert text.endswith(b"abcdef\n")
    book.discard()


STEP = Step(
    "beauty",
    "1-5",
    outputs=(
        Output("/job/render/####/shot_####.exr", width=8, height=4, layers=("Z",)),
        Output("/job/render/clip.mp4", kind="movie"),
        Output("/job/cache/p.####.abc", kind="cache"),
    ),
)

FILES = {
    "/job/render/0007/shot_0007.exr": (0, 7, True),
    "/job/render/-0007/shot_-0007.exr": (0, -7, True),
    "/job/render/12345/shot_12345.exr": (0, 12345, True),
    "/job/render/clip.mp4": (1, None, False),
    "/job/cache/p.0001.abc": (2, 1, False),
    "/job/render/extra.PNG": (None, None, True),
    "/job/render/notes.txt": (None, None, False),
}


@pytest.mark.parametrize(("path", "expected"), FILES.items())
def test_what_is_expected_of_a_file(path: str, expected: tuple[int | None, int | None, bool]) -> None:
    """A file is matched to its output, its frame is read from its name, and pictures are known."""
    output, frame, picture = expected
    client = ClientPath.parse(path, Flavour.POSIX)
    found = Expectations(STEP, Flavour.POSIX).of(client)
    assert found.output == (None if output is None else STEP.outputs[output])
    assert (found.frame, is_image(client, found)) == (frame, picture)
    assert (found.width, found.height, found.layers) == ((8, 4, ("Z",)) if output == 0 else (0, 0, ()))


def test_what_must_be_there() -> None:
    """After a frame its pictures, after a command every output of its frames."""
    expectations = Expectations(STEP, Flavour.POSIX)
    assert [p.text for p in expectations.per_frame(7)] == ["/job/render/0007/shot_0007.exr"]
    assert [p.text for p in expectations.per_task((1, 2))] == [
        "/job/render/0001/shot_0001.exr",
        "/job/render/0002/shot_0002.exr",
        "/job/render/clip.mp4",
        "/job/cache/p.0001.abc",
        "/job/cache/p.0002.abc",
    ]


def test_output_folders_are_the_outermost_above_frame_tokens() -> None:
    """One writable folder where one lies in another."""
    assert [f.text for f in output_folders(STEP, Flavour.POSIX)] == ["/job/cache", "/job/render"]
    nested = Step("s", "1", outputs=(Output("/a/b/x.exr"), Output("/a/y.exr"), Output("/ab/z.exr")))
    assert [f.text for f in output_folders(nested, Flavour.POSIX)] == ["/a", "/ab"]
    with pytest.raises(PathError):
        output_folders(Step("s", "1", outputs=(Output("x.exr"),)), Flavour.POSIX)


def test_rules_map_what_is_used_and_nothing_else() -> None:
    """The artist's own paths need no rules; a Windows client's drives, and a stage, do."""
    posix = [ClientPath.parse(p, Flavour.POSIX) for p in ("/job/a/x.png", "/job/b/y.png", "/mnt/z.png")]
    out = ClientPath.parse("/render/shots", Flavour.POSIX)
    assert Places(Flavour.POSIX, "/").rules(posix, [out]) == ()
    rules = Places(Flavour.POSIX, "/instance/stage").rules(posix, [out])
    assert {r.source.text: r.target.text for r in rules} == {
        "/job": "/instance/stage/job",
        "/mnt": "/instance/stage/mnt",
        "/render/shots": "/instance/stage/render/shots",
    }
    windows = Places(Flavour.WINDOWS, "/conductor/files")
    files = [ClientPath.parse(p, Flavour.WINDOWS) for p in ("C:\\job\\a.blend", "\\\\srv\\share\\b.png")]
    assert {r.source.slashed: r.target.text for r in windows.rules(files, [])} == {
        "C:/job": "/conductor/files/C/job",
        "//srv/share/": "/conductor/files/UNC/srv/share",
    }
    assert windows.staged("D:\\x") == "D/x"


SCRIPTS = HostScripts(Path("/hosts"), "/conductor/hosts", "/conductor/hosts/core")


STARTS: dict[LaunchKind, tuple[str, ...]] = {
    "bpy-module": ("/bin/x", "/conductor/hosts/blender/render.py"),
    "blender-binary": (
        *("/bin/x", "-b", "--factory-startup", "--python-exit-code", "1", "--python"),
        "/conductor/hosts/blender/render.py",
    ),
    "mayapy": ("/bin/x", "/conductor/hosts/maya/render.py"),
    "nuke": ("/bin/x", "-t", "/conductor/hosts/nuke/render.py"),
    "hython": ("/bin/x", "/conductor/hosts/houdini/render.py"),
}


@pytest.mark.parametrize("launch", STARTS)
def test_the_ways_to_start_a_host(launch: LaunchKind) -> None:
    """A module by its Python, a binary by its options, each with its own host's script."""
    assert frame_server_argv(Package("any", "1", launch=launch, executable="/bin/x"), SCRIPTS) == STARTS[launch]


def test_every_way_to_start_is_known_to_catalogue_and_runner() -> None:
    """What a catalogue may say is what the runner understands, and the other way round."""
    in_catalogue = get_type_hints(catalogue.Package)["launch"]
    assert set(get_args(in_catalogue)) == set(get_args(LaunchKind)) == {*STARTS, "command"}


def test_a_command_package_renders_no_frames() -> None:
    """It is refused by a sentence that names it."""
    with pytest.raises(TaskFailed, match="renders no frames") as failure:
        frame_server_argv(Package("shell", "1"), SCRIPTS)
    assert failure.value.cause == "software-missing"


def test_software_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A missing executable, root or bare name says which, with the cause software-missing."""
    for package in (
        Package("blender", "1", launch="bpy-module", executable="/no/such/python"),
        Package("tool", "1", roots=("/no/such/root",)),
    ):
        with pytest.raises(TaskFailed, match="/no/such") as failure:
            software_view(package, SCRIPTS)
        assert failure.value.cause == "software-missing"
    with pytest.raises(TaskFailed, match="no-such-tool"):
        resolved(Package("tool", "1", executable="no-such-tool"))
    assert resolved(Package("shell", "1", executable="sh")).executable in ("/bin/sh", "/usr/bin/sh")
    assert resolved(Package("shell", "1")).executable == ""


@pytest.mark.parametrize(("launch", "host"), [("mayapy", "maya"), ("hython", "houdini")])
def test_an_installation_is_seen_as_a_whole(tmp_path: Path, launch: LaunchKind, host: str) -> None:
    """The folder above `bin` is shown, by the name of the catalogue and by its own; of ours the host's folder and the plugins."""
    program = tmp_path / "host2025.1" / "bin" / "program"
    program.parent.mkdir(parents=True)
    program.write_text("")
    (tmp_path / "host2025").symlink_to("host2025.1")
    hosts = tmp_path / "hosts"
    (hosts / "plugins" / "conductor_plugins").mkdir(parents=True)
    package = Package(host, "2025", launch=launch, executable=str(tmp_path / "host2025" / "bin" / "program"))
    view = software_view(package, replace(SCRIPTS, here=hosts))
    assert view[str(tmp_path / "host2025")] == str(tmp_path / "host2025")
    assert view[str(tmp_path / "host2025.1")] == str(tmp_path / "host2025.1")
    assert view[f"/conductor/hosts/{host}"] == str(hosts / host)
    assert view["/conductor/hosts/plugins/conductor_plugins"] == str(hosts / "plugins" / "conductor_plugins")


def test_a_virtual_environment_is_seen_with_the_python_it_is_of(tmp_path: Path) -> None:
    """The interpreter's environment, the folders its symlinks lead through, and its home are shown."""
    real = tmp_path / "python" / "bin"
    venv = tmp_path / "venv" / "bin"
    library = tmp_path / "python" / "lib" / "python3.11"
    for folder in (real, venv, library):
        folder.mkdir(parents=True)
    (real / "python3").write_text("")
    (library / "os.py").write_text("")
    (venv / "python").symlink_to(real / "python3")
    (tmp_path / "venv" / "pyvenv.cfg").write_text(f"home = {real}\nversion = 3.11\n")
    package = Package("blender", "4.5", launch="bpy-module", executable=str(venv / "python"), roots=(str(tmp_path / "venv"),))
    view = software_view(package, SCRIPTS)
    assert view == {
        str(tmp_path / "venv"): str(tmp_path / "venv"),
        str(tmp_path / "python"): str(tmp_path / "python"),
        "/conductor/hosts/blender": "/hosts/blender",
    }


def test_a_script_is_seen_with_what_runs_it(tmp_path: Path) -> None:
    """A tool that is a script of another folder's interpreter, and what sets a package up, are shown with it."""
    interpreter, tool, starter = (tmp_path / name / "bin" / name for name in ("python", "tool", "starter"))
    for file in (interpreter, tool, starter):
        file.parent.mkdir(parents=True)
        file.write_text("")
        file.chmod(0o755)
    tool.write_text(f"#!{interpreter} -s\nprint()\n")
    package = resolved(Package("tool", "1", executable=str(tool), start=(str(starter), "tool-1", "--")))
    assert package.start == (str(starter), "tool-1", "--")
    assert set(software_view(package, SCRIPTS)) == {str(file.parent) for file in (interpreter, tool, starter)}
    assert resolved(Package("tool", "1", start=("sh", "-c"))).start[0] in ("/bin/sh", "/usr/bin/sh")
    with pytest.raises(TaskFailed, match="is started by no-such-starter"):
        resolved(Package("tool", "1", start=("no-such-starter",)))


def assignment(*environment: EnvironmentVariable, package: Package | None = None) -> Assignment:
    return Assignment(
        attempt=AttemptRef("a", 1, 1),
        job=JobRef("j", 12, "title", "show"),
        task=TaskRef("t", 0, (1,)),
        step=STEP,
        scene="",
        flavour=Flavour.POSIX,
        software=package or Package("shell", "1"),
        manifest="",
        environment=environment,
        limits=Limits(),
        session="s",
    )


def test_a_task_s_environment_is_clean_and_merged() -> None:
    """The package's variables, then the job's by their policy; PATH keeps the system's folders."""
    package = Package("t", "1", executable="/soft/bin/t", environment=(EnvironmentVariable("LIB", "/soft", "append"),))
    wanted = (EnvironmentVariable("LIB", "/mine", "prepend"), EnvironmentVariable("PATH", "/extra", "prepend"))
    found = task_environment(assignment(*wanted, package=package), SCRIPTS)
    assert found["LIB"] == "/mine:/soft"
    assert found["PATH"] == "/extra:/soft/bin:/usr/local/bin:/usr/bin:/bin"
    assert (found["CONDUCTOR_JOB"], found["CONDUCTOR_STEP"]) == ("12", "beauty")
    whole = task_environment(assignment(EnvironmentVariable("PATH", "/only")), SCRIPTS)
    assert whole["PATH"] == "/only"
    clash = (EnvironmentVariable("LIB", "/a"), EnvironmentVariable("LIB", "/b"))
    with pytest.raises(EnvironmentConflict):
        task_environment(assignment(*clash), SCRIPTS)


def test_one_answer_to_what_an_output_s_folder_is() -> None:
    """Folders of frames are written from above them; a # in a folder's name is a #, and opens no more than that folder."""
    outputs = (Output("/render/####/shot_####.exr"), Output("/jobs/#42/shot_####.exr"))
    step = Step("beauty", "1-2", outputs=outputs)
    assert [f.text for f in output_folders(step, Flavour.POSIX)] == ["/jobs/#42", "/render"]
    found = Expectations(step, Flavour.POSIX)
    for path, output, frame in (
        ("/render/0007/shot_0007.exr", outputs[0], 7),
        ("/jobs/#42/shot_-0003.exr", outputs[1], -3),
        ("/render/0007/shot_0008.exr", None, None),
        ("/jobs/742/shot_0003.exr", None, None),
        ("/jobs/#42/shot_00003.exr", None, None),
    ):
        expected = found.of(ClientPath.parse(path, Flavour.POSIX))
        assert (expected.output, expected.frame) == (output, frame), path


def test_a_log_on_a_full_disk_is_cut_and_raises_nothing(tmp_path: Path) -> None:
    """What the disk does not take is left out; its size is what was written, and reading it ends."""
    (tmp_path / "log").symlink_to("/dev/full")
    book = LogBook(tmp_path / "log", clock=lambda: 0.0)
    book.write(b"words")
    book.say("words \udcff")
    book.close()
    assert (book.size, book.read(0, 10)[:0]) == (0, b"")
    assert "words" in book.last_lines()
    book.discard()
    assert not (tmp_path / "log").is_symlink()


def test_a_log_that_the_disk_takes_in_part_is_what_was_written(tmp_path: Path) -> None:
    """A write cut short (a file limit here, a filling disk in life) is followed to its end; the size never runs ahead."""
    script = f"""
import resource
from pathlib import Path
from conductor_service.runner.limits import ResourceLimits
from conductor_service.runner.logbook import LogBook
book = LogBook(Path({str(tmp_path / "log")!r}), clock=lambda: 0.0)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
for _ in range(3):
    book.write(b"x" * 700)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
book.write(b"the last word")
book.close()
data = book.read(0, 1 << 20)
assert len(data) == book.size, (len(data), book.size)
assert data.startswith(b"x" * 1000 + b"\\n[conductor]") and data.endswith(b"the last word"), data
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_the_hosts_folder() -> None:
    """The environment says where the hosts lie; else it is the clone."""
    assert hosts_folder({"CONDUCTOR_HOSTS": "/elsewhere"}) == Path("/elsewhere")
    assert (hosts_folder({}) / "blender" / "render.py").exists()


URLS = {
    "https": ("https://farm.studio:8443/", False, True),
    "plain on this machine": ("http://127.0.0.1:1234", False, True),
    "plain to another one": ("http://farm.studio", False, False),
    "plain to another one, as told": ("http://farm.studio", True, True),
    "no address": ("farm.studio", True, False),
    "a file": ("file:///etc", True, False),
}


@pytest.mark.parametrize(("url", "allow", "good"), URLS.values(), ids=URLS.keys())
def test_the_token_is_not_sent_in_clear_text_elsewhere(url: str, allow: bool, good: bool) -> None:
    """Plain HTTP goes to this machine alone, unless told."""
    if good:
        assert require_safe_url(url, allow_plain=allow) == url.rstrip("/")
    else:
        with pytest.raises(ServiceError):
            require_safe_url(url, allow_plain=allow)


def test_an_assignment_comes_from_json() -> None:
    """The shape of docs/api.md is read; a field that does not fit is named."""
    data = {
        "attempt": {"id": "a", "fence": 3, "number": 1},
        "job": {"id": "j", "number": 1, "title": "t", "project": "p"},
        "task": {"id": "t", "index": 0, "frames": [1, 2]},
        "step": {"name": "s", "frames": "1-2"},
        "scene": "/a.blend",
        "flavour": "posix",
        "software": {
            "name": "blender",
            "version": "4.5.15",
            "launch": "bpy-module",
            "executable": sys.executable,
            "roots": [],
            "environment": [],
        },
        "manifest": "sha256:" + "0" * 64,
        "environment": [{"name": "A", "value": "1", "policy": "exclusive", "source": ""}],
        "limits": {"task_seconds": 5, "silence_seconds": 6},
        "session": "s",
    }
    found = assignment_from_json(data)
    assert (found.task.frames, found.attempt.fence, found.limits.task_seconds) == ((1, 2), 3, 5)
    data["flavour"] = "amiga"
    with pytest.raises(InvalidDocument, match="flavour"):
        assignment_from_json(data)
    assert os.name == "posix"
