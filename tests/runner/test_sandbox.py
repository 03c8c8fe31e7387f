"""The sandbox is in force: scenes that try to get out, run for real. docs/security.md promises what these tests show."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from conductor_core.paths import ClientPath, Flavour
from conductor_core.submission import Output
from conductor_service.runner.assignment import Package
from conductor_service.runner.collect import Collector, OutputFolder
from conductor_service.runner.errors import SandboxUnavailable
from conductor_service.runner.isolation import Isolation, Rewrite, Sandbox, choose_isolation
from conductor_service.runner.limits import ResourceLimits

if TYPE_CHECKING:
    from runner.conftest import Farm, Job

    MakeJob = Callable[..., Job]

REFUSED = """
def refused(attempt):
    try:
        what = attempt()
    except OSError as exc:
        return
    raise SystemError(f"the sandbox let it through: {what!r}")
"""


def attempt_in(farm: Farm, job: MakeJob, body: str, **changes: object) -> None:
    """Run a scene that must come to its end: every `refused(...)` in it was refused."""
    told = farm.told(job(REFUSED + body + "\npng(path)", **changes))
    assert told.verdict is not None
    assert told.verdict.state == "success", told.verdict.message


def test_the_fake_hostile_scenes_do_something(open_farm: Farm, job: MakeJob) -> None:
    """Without the sandbox the same attempts succeed, so that their refusal within it means something."""
    told = open_farm.told(job(REFUSED + "refused(lambda: open('/etc/hostname').read())"))
    assert told.verdict is not None
    assert "the sandbox let it through" in told.verdict.message


@pytest.mark.parametrize(
    "path",
    [
        "/etc/hostname",
        "/etc/shadow",
        str(Path.home() / ".bashrc"),
        "/home",
        "/var/log",
        "/etc/machine-id",
        "/opt",
        "/mnt",
        "/srv",
    ],
)
def test_files_of_the_machine_are_not_there(farm: Farm, job: MakeJob, path: str) -> None:
    """Users' homes, other disks, system settings and logs cannot be read."""
    attempt_in(
        farm, job, f"import os\nrefused(lambda: os.listdir({path!r}) if os.path.isdir({path!r}) else open({path!r}).read())"
    )


def test_the_runner_its_token_and_other_attempts_are_not_there(farm: Farm, job: MakeJob) -> None:
    """The work folder, with cache, other stages and attempts, does not exist in the sandbox."""
    attempt_in(
        farm,
        job,
        f"import os\nrefused(lambda: os.listdir({str(farm.work.root)!r}))\nrefused(lambda: os.listdir({str(farm.folder)!r}))",
    )


def test_inputs_cannot_be_written(farm: Farm, job: MakeJob) -> None:
    """Neither content, mode, time nor name of an input can be changed, nor a file be put beside it."""
    body = """
import os
refused(lambda: open("/job/tex/wood.txt", "w"))
refused(lambda: os.chmod("/job/tex/wood.txt", 0o777))
refused(lambda: os.utime("/job/tex/wood.txt"))
refused(lambda: os.rename("/job/tex/wood.txt", "/job/tex/x"))
refused(lambda: os.unlink("/job/tex/wood.txt"))
refused(lambda: open("/job/tex/new.txt", "w"))
refused(lambda: os.link("/job/tex/wood.txt", os.path.dirname(path) + "/stolen"))
"""
    attempt_in(farm, job, body, files={"/job/tex/wood.txt": b"wood"})


def test_the_system_cannot_be_written(farm: Farm, job: MakeJob) -> None:
    """System, software and the root folder are read-only."""
    folders = ["/", "/usr", "/usr/bin", "/etc", sys.prefix, "/conductor", "/conductor/hosts/blender", "/job"]
    attempt_in(farm, job, "\n".join(f"refused(lambda: open({f + '/planted'!r}, 'w'))" for f in folders))


def test_there_is_no_network(farm: Farm, job: MakeJob) -> None:
    """Not even the machine's own loopback, where the service may listen; abstract sockets neither."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0conductor-test-{os.getpid()}")
        abstract.listen()
        body = f"""
import socket
def over_unix():
    with socket.socket(socket.AF_UNIX) as s:
        s.connect("\\0conductor-test-{os.getpid()}")
refused(lambda: socket.create_connection(("127.0.0.1", {listener.getsockname()[1]}), timeout=2))
refused(lambda: socket.create_connection(("1.1.1.1", 53), timeout=2))
refused(over_unix)
assert [name for _, name in socket.if_nameindex()] == ["lo"]
"""
        attempt_in(farm, job, body)


def test_software_with_a_licence_server_shares_the_network(farm: Farm, job: MakeJob) -> None:
    """A package with `network` reaches a server, also by a name; all else of its sandbox stays."""
    licensed = Package("licensed", "1.0", network=True)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        body = f"""
import os, socket
socket.create_connection(("localhost", {listener.getsockname()[1]}), timeout=5).close()
refused(lambda: open({str(farm.folder / "planted")!r}, "w"))
assert len([p for p in os.listdir("/proc") if p.isdigit()]) <= 4
"""
        attempt_in(farm, job, body, plug_ins=(licensed,))


def test_other_processes_are_not_there(farm: Farm, job: MakeJob) -> None:
    """The task sees its own processes only; the runner's pid means nothing, or another process."""
    body = f"""
import os
pids = [int(p) for p in os.listdir("/proc") if p.isdigit()]
assert len(pids) <= 4, pids
lines = [open(f"/proc/{{p}}/cmdline").read() for p in pids]
assert not any("pytest" in line for line in lines), lines
refused(lambda: os.kill({os.getpid()}, 0) if {os.getpid()} not in pids else (_ for _ in ()).throw(OSError()))
"""
    attempt_in(farm, job, body)


def test_there_are_no_privileges(farm: Farm, job: MakeJob) -> None:
    """No capabilities, no root, no new user namespaces, no terminal to type into, and set-uid programs gain nothing."""
    body = """
import os, subprocess
status = open("/proc/self/status").read()
fields = dict(line.split(":", 1) for line in status.splitlines())
assert all(int(fields[name].strip(), 16) == 0 for name in ("CapPrm", "CapEff", "CapBnd", "CapInh", "CapAmb")), status
assert fields["NoNewPrivs"].strip() == "1"
assert os.getuid() == 1000
assert subprocess.run(["unshare", "--user", "true"], capture_output=True).returncode != 0
refused(lambda: open("/dev/tty"))
refused(lambda: os.chroot("/tmp"))
"""
    attempt_in(farm, job, body)


def test_the_environment_is_clean(farm: Farm, job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the runner's own environment reaches the task."""
    monkeypatch.setenv("CONDUCTOR_SECRET", "s3cret")
    body = """
import os
assert "CONDUCTOR_SECRET" not in os.environ
assert not [v for v in os.environ.values() if "s3cret" in v]
assert "s3cret" not in "".join(open(f"/proc/{p}/environ").read() for p in os.listdir("/proc") if p.isdigit() and os.access(f"/proc/{p}/environ", os.R_OK))
assert os.environ["HOME"] == "/conductor/home"
assert os.environ["CONDUCTOR_JOB"] == "1"
"""
    attempt_in(farm, job, body)


def test_scratch_is_fresh_and_goes_with_the_session(farm: Farm, job: MakeJob) -> None:
    """`/tmp` and the home are writable and empty; another session does not see what was left there."""
    # Software that lies below /tmp, as in a clone there, is seen at its place.
    software = [Path(sys.prefix).parts[2]] if Path(sys.prefix).is_relative_to("/tmp") else []
    body = f"import os\nassert os.listdir('/tmp') == {software} and os.listdir(os.environ['HOME']) == []\nopen('/tmp/x', 'w')\nopen(os.environ['HOME'] + '/x', 'w')\npng(path)"
    attempts = [farm.add(job(body)), farm.add(job(body, session="other"))]
    farm.run()
    verdicts = [farm.service.verdict(a) for a in attempts]
    assert [v.state for v in verdicts] == ["success", "success"], verdicts


def test_links_and_folders_swapped_under_the_collector_lead_nowhere(farm: Farm, job: MakeJob) -> None:
    """A link in place of an output's folder is not followed to the machine's files."""
    body = "import os\nos.symlink('/etc', os.path.dirname(path) + '/sub')\npng(path)\nanswer['outputs'] = [path, os.path.dirname(path) + '/sub/x.png']"
    told = farm.told(job(body))
    assert told.verdict is not None
    assert (told.verdict.state, told.verdict.cause) == ("failed", "bad-output")


def test_a_symlink_of_the_manifest_is_followed_inside_only(farm: Farm, job: MakeJob) -> None:
    """A link of the job leads to what the sandbox has at its target, never to the machine's file of that name."""
    body = """
assert open("/job/tex/link.txt").read() == "wood"
refused(lambda: open("/job/tex/out.txt").read())
refused(lambda: open("/escape/hostname").read())
"""
    links = {"/job/tex/link.txt": "wood.txt", "/job/tex/out.txt": "/etc/hostname", "/escape": "/etc"}
    attempt_in(farm, job, body, files={"/job/tex/wood.txt": b"wood"}, links=links)


ANYWHERE = ("/tmp/shots/out", "/usr/share/conductor-test/out", "/home/anna/out", "/job/scenes", "/tmp", "/usr/local/share/x/out")


def test_inputs_and_outputs_may_lie_anywhere(farm: Farm, job: MakeJob) -> None:
    """Beneath system folders, in `/tmp`, in a home, and outputs in the folder of the scene."""
    for folder in ANYWHERE:
        scene = """
import os
assert open("/usr/share/fonts/studio/x.ttf").read() == "font"
assert open("/tmp/anna/y.txt").read() == "temporary"
assert os.path.exists("/usr/bin/env") and os.path.isdir("/usr/share/fonts")
png(path)
"""
        files = {"/usr/share/fonts/studio/x.ttf": b"font", "/tmp/anna/y.txt": b"temporary", "/etc/studio/z.conf": b"z"}
        attempt = farm.add(job(scene, files=files, outputs=(Output(folder + "/shot_####.png"),), session=folder))
        farm.service.told[attempt].log = b""
    farm.run()
    for attempt, told in farm.service.told.items():
        assert told.verdict is not None
        assert told.verdict.state == "success", (attempt, told.verdict.message)
        assert len(told.outputs) == 1, told.outputs.keys()


@pytest.mark.parametrize("folder", ["", "/usr", "/proc/x", "/dev/shm", "/conductor/x", "/etc"])
def test_an_output_folder_that_the_sandbox_needs_is_refused(farm: Farm, job: MakeJob, folder: str) -> None:
    """The attempt says which folder, and what to do."""
    told = farm.told(job(outputs=(Output(f"{folder}/shot_####.png"),)))
    assert told.verdict is not None
    assert (told.verdict.state, told.verdict.cause) == ("failed", "bad-output")
    assert "cannot be an output folder" in told.verdict.message


def test_a_fork_bomb_is_ended(farm: Farm, job: MakeJob) -> None:
    """A task that forks without end is ended with all its processes; the instance goes on."""
    farm.resources = ResourceLimits(processes=50, free_disk=1 << 20)
    bomb = "import os, time\nfor _ in range(400):\n    if os.fork() == 0: time.sleep(77.75)\ntime.sleep(60)"
    bad, good = farm.add(job(bomb)), farm.add(job(session="other"))
    farm.run()
    assert farm.service.verdict(bad).state == "failed"
    assert farm.service.verdict(good).state == "success"


def test_nothing_outlives_a_runner_that_is_killed(tmp_path: Path, sandbox: Isolation) -> None:
    """kill -9 of the process that started a sandboxed, or a merely supervised, tree ends all of it."""
    for name, mark in (("sandbox", "83.125"), ("rewrite", "84.125")):
        script = f"""
import os, sys, time
from pathlib import Path
from conductor_service.runner.isolation import World, choose_isolation
from conductor_service.runner.limits import ResourceLimits
from conductor_service.runner.processes import ProcessTree
from conductor_service.runner.system_view import write_etc
folder = Path({str(tmp_path)!r}) / {name!r}
for sub in ("tmp", "scratch", "home"): (folder / sub).mkdir(parents=True)
write_etc(folder / "etc")
world = World(folder=folder, stage=folder, inputs={{}}, outputs={{}}, software={{}}, seen_root="/", limits=ResourceLimits())
argv = ("/bin/sh", "-c", "setsid sleep {mark} & sleep {mark}")
tree = ProcessTree(choose_isolation({name!r}).launch(world, argv, {{"PATH": "/usr/bin:/bin"}}))
time.sleep(0.5)
print("up", flush=True)
time.sleep(60)
"""
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env={**os.environ}) as runner:
            assert runner.stdout is not None
            assert runner.stdout.readline() == b"up\n"
            assert len(_sleepers(mark)) >= 2
            runner.kill()
        deadline = time.monotonic() + 10
        while _sleepers(mark) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not _sleepers(mark), name


def _sleepers(mark: str) -> list[psutil.Process]:
    return [p for p in psutil.process_iter(["cmdline"]) if (p.info["cmdline"] or [""])[-1] == mark]


def test_the_choice_of_isolation(sandbox: Isolation) -> None:
    """auto takes the sandbox where it works and rewriting where it does not; sandbox alone fails with a sentence."""
    assert isinstance(choose_isolation("auto"), Sandbox)
    assert isinstance(choose_isolation("auto", "no-such-bwrap"), Rewrite)
    assert isinstance(choose_isolation("rewrite"), Rewrite)
    with pytest.raises(SandboxUnavailable, match="no-such-bwrap"):
        choose_isolation("sandbox", "no-such-bwrap")
    with pytest.raises(SandboxUnavailable, match="exit code 1"):
        choose_isolation("sandbox", "false")


def test_no_thread_of_the_runner_is_left(farm: Farm, job: MakeJob) -> None:
    """After its end a worker leaves no thread behind."""
    before = set(threading.enumerate())
    farm.told(job())
    assert {t for t in threading.enumerate() if t not in before and t.is_alive()} == set()


def test_a_program_linked_from_the_home_does_not_show_the_home(
    farm: Farm, job: MakeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a link in ~/bin its own folder is shown, and what it leads to; a program in the home itself is refused."""
    home, soft = tmp_path / "home" / "anna", tmp_path / "soft"
    (home / "bin").mkdir(parents=True)
    soft.mkdir()
    (home / "secret").write_text("the key")
    (soft / "tool").write_text(f"#!/bin/sh\nif cat {home}/secret; then exit 9; fi\necho made > /job/out/made.txt\n")
    (soft / "tool").chmod(0o755)
    (home / "bin" / "tool").symlink_to(soft / "tool")
    (home / "tool").symlink_to(soft / "tool")
    monkeypatch.setenv("HOME", str(home))
    for program, state, cause in ((home / "bin" / "tool", "success", None), (home / "tool", "failed", "software-missing")):
        package = Package("tool", "1", launch="command", executable=str(program))
        monkeypatch.setattr(farm, "package", lambda _, package=package: package)
        outputs = (Output("/job/out/made.txt", kind="other"),)
        told = farm.told(job(command=(str(program),), outputs=outputs, session=str(program)))
        assert told.verdict is not None
        assert (told.verdict.state, told.verdict.cause) == (state, cause), told


def test_software_beside_the_work_folder_is_refused(farm: Farm, job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package whose root holds the runner's work folder would show a task every other job."""
    package = Package("tool", "1", launch="command", roots=(str(farm.folder),))
    monkeypatch.setattr(farm, "package", lambda _: package)
    told = farm.told(job(command=("true",), outputs=()))
    assert told.verdict is not None
    assert (told.verdict.state, told.verdict.cause) == ("failed", "software-missing"), told.verdict
    assert str(farm.folder) in told.verdict.message


def test_scratch_files_are_no_outputs_of_a_job_that_renders_into_tmp(farm: Farm, job: MakeJob) -> None:
    """With /tmp as output folder (Blender's own default) what the software keeps in its scratch folder is not published."""
    scene = "import tempfile\nopen(tempfile.mkstemp()[1], 'w').write('scratch')\npng(path)"
    told = farm.told(job(scene, outputs=(Output("/tmp/shot_####.png"),)))
    assert told.verdict is not None
    assert told.verdict.state == "success", told.verdict
    assert list(told.outputs) == ["/tmp/shot_0001.png"]


def test_a_picture_that_is_written_while_it_is_looked_at_is_refused(farm: Farm, job: MakeJob) -> None:
    """A task that keeps its file open cannot have other bytes published than those that were decoded."""
    scene = """
        import os, threading, time
        png(path)
        stream = os.open(path, os.O_RDWR)
        begin = os.pread(stream, 8, 0)
        def write():
            while True: os.pwrite(stream, begin, 0); time.sleep(0.001)
        threading.Thread(target=write, daemon=True).start()
        if frame == 2: time.sleep(3)  # so that frame 1 is looked at while the task lives
    """
    told = farm.told(job(scene, frames=(1, 2)))
    assert told.verdict is not None
    assert (told.verdict.state, told.verdict.cause) == ("failed", "bad-output")
    assert "still written to" in told.verdict.message
    assert 1 not in told.verdict.frames_done
    assert "/job/render/shot_0001.png" not in told.outputs


def test_a_file_that_grows_without_end_once_it_is_taken_is_refused(farm: Farm, job: MakeJob) -> None:
    """A task that waits for that with its file open cannot keep the publisher reading, nor the instance from the next task."""
    scene = """
        import os, threading, time
        png(path)
        path = path[:-3] + "txt"
        open(path, "w").write("words")
        answer["outputs"].append(path)
        stream = os.open(path, os.O_RDWR)
        def grow():
            while os.path.exists(path): time.sleep(0.0001)
            os.ftruncate(stream, 1 << 42)
        threading.Thread(target=grow, daemon=True).start()
    """
    bad, good = farm.add(job(scene)), farm.add(job(session="other"))
    farm.run()
    verdict = farm.service.verdict(bad)
    assert (verdict.state, verdict.cause) == ("failed", "bad-output"), verdict
    assert "still written to" in verdict.message
    assert farm.service.verdict(good).state == "success"


def test_a_file_of_two_names_is_taken_as_a_copy(tmp_path: Path) -> None:
    """What the task writes by the name it kept does not reach the file that was taken."""
    outputs, taken = tmp_path / "out", tmp_path / "taken"
    outputs.mkdir()
    taken.mkdir()
    collector = Collector((OutputFolder(ClientPath.parse("/job/out", Flavour.POSIX), "/job/out", outputs),), lambda: 1 << 30)
    (outputs / "shot.exr").write_bytes(b"picture")
    os.utime(outputs / "shot.exr", ns=(5, 7_000_000_001))
    (tmp_path / "kept").hardlink_to(outputs / "shot.exr")
    found = collector.take("/job/out/shot.exr", taken)
    (tmp_path / "kept").write_bytes(b"hostile")
    assert found.file.read_bytes() == b"picture"
    assert (found.size, found.mtime_ns, found.file.stat().st_nlink) == (7, 7_000_000_001, 1)
    assert [p.name for p in taken.iterdir()] == [found.file.name]
