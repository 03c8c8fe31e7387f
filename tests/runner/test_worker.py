"""Tasks from assignment to verdict, with a fake frame server, in the sandbox and without it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from conductor_core.errors import Conflict, NotFound, Refused, ServiceError, Unauthorized
from conductor_core.submission import Limits, Output
from conductor_service.runner.assignment import AttemptRef
from conductor_service.runner.groups import NoGroups
from conductor_service.runner.limits import ResourceLimits
from conductor_service.runner.service import Orders, Verdict

if TYPE_CHECKING:
    from runner.conftest import Farm, Job

    MakeJob = Callable[..., Job]

TWO_KINDS = (Output("/job/render/shot_####.png"), Output("/job/cache/points.dat", kind="other"))


@pytest.fixture(params=["sandbox", "rewrite"])
def any_farm(request: pytest.FixtureRequest) -> Farm:
    """Give a farm of each isolation."""
    farm: Farm = request.getfixturevalue("farm" if request.param == "sandbox" else "open_farm")
    return farm


def test_a_frame_is_rendered_verified_published_and_previewed(any_farm: Farm, job: MakeJob) -> None:
    """A task's frame ends published under the artist's path, with preview, log, and success."""
    told = any_farm.told(job())
    verdict = told.verdict
    assert verdict is not None
    assert verdict.state == "success", told
    assert verdict.frames_done == (1,)
    record = told.outputs["/job/render/shot_0001.png"]
    assert (record.frame, record.width, record.height, record.step) == (1, 8, 4, "beauty")
    assert told.previews["/job/render/shot_0001.png"].startswith(b"\x89PNG")
    assert b"rendering 1" in told.log
    assert any_farm.isolation.name in verdict.message
    assert any_farm.isolation.name.encode() in told.log
    assert verdict.peak_memory > 1 << 20


def test_exactly_the_frames_of_the_task_are_rendered_in_their_order(any_farm: Farm, job: MakeJob) -> None:
    """Frames are taken as they stand, negative ones too."""
    told = any_farm.told(job(frames=(5, -3, 12)))
    assert told.verdict is not None
    assert told.verdict.frames_done == (5, -3, 12)
    assert sorted(told.outputs) == ["/job/render/shot_-0003.png", "/job/render/shot_0005.png", "/job/render/shot_0012.png"]
    assert told.outputs["/job/render/shot_-0003.png"].frame == -3


def test_the_scene_is_loaded_once_for_the_tasks_of_a_session(any_farm: Farm, job: MakeJob) -> None:
    """A second task of a session is rendered by the process that has the scene; another session starts anew."""
    attempts = [any_farm.add(job(frames=(n,))) for n in (1, 2)] + [any_farm.add(job(session="other"))]
    any_farm.run()
    logs = [any_farm.service.told[a].log for a in attempts]
    assert [b"scene loaded" in log for log in logs] == [True, False, True]
    assert any_farm.service.sessions == [(), ("session-1",), ("session-1",), ("other",)]


def test_inputs_have_content_mode_and_time_of_their_entries(any_farm: Farm, job: MakeJob) -> None:
    """The software finds each input, by the path of the artist (or the rewritten one), as the manifest says it is."""
    scene = """
        import os
        facts = os.stat(mapped("/job/tex/wood.txt"))
        assert open(mapped("/job/tex/wood.txt")).read() == "wood", "content"
        assert facts.st_mtime_ns == 1600000000123456789, facts.st_mtime_ns
        assert facts.st_mode & 0o777 == 0o640, oct(facts.st_mode)
        png(path)
    """
    told = any_farm.told(job(scene, files={"/job/tex/wood.txt": b"wood"}))
    assert told.verdict is not None
    assert told.verdict.state == "success", told.verdict.message


def test_files_written_beside_the_frames_are_published_too(any_farm: Farm, job: MakeJob) -> None:
    """What a frame writes into output folders without naming it is found, with the frame its name says."""
    scene = """
        import os
        png(path)
        png(path.replace("shot_", "mask_"))
        os.makedirs(os.path.dirname(path) + "/deep")
        open(os.path.dirname(path) + "/deep/notes.txt", "w").write("hello")
        open(mapped("/job/cache/points.dat"), "w").write("points")
    """
    told = any_farm.told(job(scene, outputs=TWO_KINDS))
    assert told.verdict is not None
    assert told.verdict.state == "success", told.verdict.message
    expected = ["/job/cache/points.dat", "/job/render/deep/notes.txt", "/job/render/mask_0001.png", "/job/render/shot_0001.png"]
    assert sorted(told.outputs) == expected
    assert sorted(told.previews) == ["/job/render/mask_0001.png", "/job/render/shot_0001.png"]


def test_what_is_written_beside_the_frames_holds_the_last_one_open(farm: Farm, job: MakeJob) -> None:
    """The last frame is complete when all is published: an instance lost before that leaves something to be rendered."""
    beside = "png(path)\nimport os\nif frame == 2: open(os.path.dirname(path) + '/cache.bin', 'w').write('cache')"
    told = farm.told(job(beside, frames=(1, 2, 3)))
    first, second, third, cache = ("/job/render/shot_0001.png", "/job/render/shot_0002.png", "/job/render/shot_0003.png",
                                   "/job/render/cache.bin")  # fmt: skip
    assert told.published == [((first,), (1,)), ((second,), (2,)), ((third,), ()), ((cache,), (3,))]
    told = farm.told(job(frames=(1, 2), session="other"))
    assert told.published == [((first,), (1,)), ((second,), (2,))]


@pytest.mark.parametrize(
    "bad", ["open(folder + '/cache.bin', 'w')", "open(folder.encode() + b'/\\xff', 'w')"], ids=["bad", "no name"]
)
def test_what_is_bad_beside_the_frames_has_all_rendered_again(farm: Farm, job: MakeJob, bad: str) -> None:
    """An earlier frame may have written it: no frame is held back, and none but by the attempt's end makes the task complete.

    An instance that is lost between the last frame and that end must leave something to be rendered.
    """
    told = farm.told(job(f"png(path)\nimport os\nfolder = os.path.dirname(path)\nif frame == 1: {bad}", frames=(1, 2, 3)))
    assert told.verdict is not None
    assert (told.verdict.state, told.verdict.cause, told.verdict.frames_done) == ("failed", "bad-output", (1, 2, 3))
    paths = [f"/job/render/shot_000{n}.png" for n in (1, 2, 3)]
    assert told.published == [((paths[0],), (1,)), ((paths[1],), (2,)), ((paths[2],), ())]


def test_an_input_in_an_output_folder_is_published_only_when_it_changed(any_farm: Farm, job: MakeJob) -> None:
    """Old frames that are inputs stay where they are; one that is rendered anew is an output."""
    scene = """
        import os
        assert os.path.exists(path.replace("0001", "0002")), "the old frame is not there"
        os.unlink(path)
        png(path, 8, 4)
    """
    files = {"/job/render/shot_0001.png": b"old 1", "/job/render/shot_0002.png": b"old 2"}
    told = any_farm.told(job(scene, files=files))
    assert told.verdict is not None
    assert told.verdict.state == "success", told.verdict.message
    assert sorted(told.outputs) == ["/job/render/shot_0001.png"]


FAILURES = {
    "it kills itself": ("import os; os.kill(os.getpid(), 11)", "crashed", "SIGSEGV"),
    "it exits": ("import os; os._exit(3)", "exit-code", "exit code 3"),
    "it raises": ("raise RuntimeError('no camera')", "internal", "no camera"),
    "it says fail": ("say(event='fail', frame=frame, cause='missing-file', message='wood.png')", "missing-file", "wood.png"),
    "its cause is no cause": ("say(event='fail', frame=frame, cause='bad luck', message='x')", "internal", "x"),
    "it writes nothing": ("pass", "bad-output", "/job/render/shot_0001.png"),
    "its output is empty": ("open(path, 'w')", "bad-output", "is empty"),
    "its output is no picture": ("open(path, 'w').write('hello')", "bad-output", "does not decode"),
    "its output is a folder": ("import os; os.mkdir(path)", "bad-output", "plain file"),
    "its output is a link": ("import os; os.symlink('/etc/passwd', path)", "bad-output", "plain file"),
    "its output is a pipe": ("import os; os.mkfifo(path)", "bad-output", "plain file"),
    "its output is cut off": (
        "png(path, 64, 64); d = open(path, 'rb').read(); open(path, 'wb').write(d[:60])",
        "bad-output",
        "does not decode",
    ),
    "it names an output elsewhere": ("png(path); answer['outputs'] = ['/job/scenes/x.png']", "bad-output", "outside"),
    "it names an output by dots": ("png(path); answer['outputs'] = [path + '/../../../etc/passwd']", "bad-output", "outside"),
    "its size is not what it says": ("png(path); answer.update(width=16, height=16)", "bad-output", "16×16 was expected"),
    "it tells nonsense": ("answer['outputs'] = 5", "internal", "names no outputs"),
    "it has no memory": ("raise MemoryError()", "out-of-memory", "MemoryError"),
    "its disk is full": ("raise OSError(28, 'No space left on device')", "disk-full", "No space"),
}


@pytest.mark.parametrize(("scene", "cause", "text"), FAILURES.values(), ids=FAILURES.keys())
def test_a_failure_names_its_cause(farm: Farm, job: MakeJob, scene: str, cause: str, text: str) -> None:
    """Whatever a frame does wrong, the attempt fails with the cause, and a message that says what."""
    told = farm.told(job(scene))
    assert told.verdict is not None
    assert (told.verdict.state, told.verdict.cause) == ("failed", cause), told.verdict
    assert text in told.verdict.message
    assert told.verdict.frames_done == ()
    assert not told.outputs


def test_a_crash_while_loading_is_the_scene_s(farm: Farm, job: MakeJob) -> None:
    """It would come again with each try: the cause is scene-load, with the scene and the signal."""
    told = farm.told(job("crash while loading"))
    assert told.verdict is not None
    assert (told.verdict.state, told.verdict.cause, told.verdict.exit_code) == ("failed", "scene-load", -6)
    assert "/job/scenes/shot.blend" in told.verdict.message
    assert "SIGABRT" in told.verdict.message


def test_frames_before_the_failure_are_published(farm: Farm, job: MakeJob) -> None:
    """A crash on frame 2 of 3 leaves frame 1 done, and names the signal and the last lines of the log."""
    scene = """
        import os
        png(path)
        if frame == 2:
            os.write(2, b"assertion failed in kernel.cpp\\n")
            os.abort()
    """
    told = farm.told(job(scene, frames=(1, 2, 3)))
    assert told.verdict is not None
    assert told.verdict.frames_done == (1,)
    assert sorted(told.outputs) == ["/job/render/shot_0001.png"]
    assert told.verdict.exit_code == -6
    assert "SIGABRT" in told.verdict.message
    assert "kernel.cpp" in told.verdict.message


LATE = {
    "a movie, named with each frame": ("/job/render/all.avi", "answer['outputs'].append(other)"),
    "a movie that nobody names": ("/job/render/all.avi", ""),
    "a cache per frame": ("/job/render/points_####.vdb", "answer['outputs'].append(other)"),
}


@pytest.mark.parametrize(("path", "named"), LATE.values(), ids=LATE.keys())
def test_a_frame_is_done_when_all_of_it_is_published(farm: Farm, job: MakeJob, path: str, named: str) -> None:
    """What is taken at the end of the task is lost when it crashes: its frames are for the next attempt, which has all."""
    scene = f"""
        import os
        other = mapped({path!r}).replace("####", f"{{frame:04d}}")
        png(path)
        open(other, "a").write(str(frame))
        {named}
        if frame == 3 and %s:
            os.abort()
    """
    outputs = (Output("/job/render/shot_####.png"), Output(path, kind="other"))
    crashed, retried = (
        farm.add(job(scene % crash, frames=(1, 2, 3), outputs=outputs, session=crash)) for crash in ("True", "False")
    )
    farm.run()
    verdict = farm.service.verdict(crashed)
    assert (verdict.state, verdict.cause, verdict.frames_done) == ("failed", "crashed", ())
    assert not [p for p in farm.service.told[crashed].outputs if not p.endswith(".png")]
    verdict = farm.service.verdict(retried)
    assert (verdict.state, verdict.frames_done) == ("success", (1, 2, 3)), verdict
    expected = {path.replace("####", f"{frame:04d}") for frame in (1, 2, 3)}
    assert expected < set(farm.service.told[retried].outputs)


def test_a_named_file_beside_pictures_keeps_its_frame_open(farm: Farm, job: MakeJob) -> None:
    """A file that one frame names and no output declares is taken at the end: that frame alone waits for it."""
    scene = """
        import os
        png(path)
        if frame == 2:
            open(mapped("/job/render/all.txt"), "w").write("2")
            answer["outputs"].append(mapped("/job/render/all.txt"))
        if frame == 3:
            os.abort()
    """
    told = farm.told(job(scene, frames=(1, 2, 3)))
    assert told.verdict is not None
    assert told.verdict.frames_done == (1,)


def test_a_frame_with_a_bad_file_does_not_stop_the_others(farm: Farm, job: MakeJob) -> None:
    """The rest of the task is rendered and published; the attempt fails for the bad one."""
    told = farm.told(job("png(path) if frame != 2 else open(path, 'w')", frames=(1, 2, 3)))
    assert told.verdict is not None
    assert (told.verdict.state, told.verdict.cause) == ("failed", "bad-output")
    assert told.verdict.frames_done == (1, 3)


def test_the_instance_goes_on_after_a_crash(farm: Farm, job: MakeJob) -> None:
    """The next task of a session whose software died gets a fresh one."""
    attempts = [farm.add(job("import os; os.abort()")), farm.add(job())]
    assert farm.run() == "retired"
    assert [farm.service.verdict(a).state for a in attempts] == ["failed", "success"]
    assert farm.service.said_goodbye


REFUSALS = {
    "the manifest is gone": ("manifest", NotFound("no such manifest", status=404), "missing-file"),
    "the manifest is refused": ("manifest", Conflict("the job is being deleted"), "internal"),
    "a file is gone": ("fetch_object", NotFound("no such object", status=404), "missing-file"),
    "a file is refused": ("fetch_object", Refused("no", status=400), "internal"),
    "an output is refused": ("publish", Conflict("the job is being deleted"), "internal"),
}


def test_software_that_died_with_nothing_to_do_costs_the_next_task_no_try(any_farm: Farm, job: MakeJob) -> None:
    """The loaded scene is gone, somebody killed it between two tasks: the next one loads it again instead of failing."""
    scene = "import os, threading; png(path)\nif frame == 1: threading.Timer(0.3, os.kill, (os.getpid(), 9)).start()"
    first = any_farm.add(job(scene))
    any_farm.work.open()
    thread = threading.Thread(target=any_farm.worker().run)
    thread.start()
    assert any_farm.service.verdict(first).state == "success"
    deadline = time.monotonic() + 30
    while _renderers() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _renderers()
    second = any_farm.add(job(scene, frames=(2,)))
    assert any_farm.service.verdict(second).state == "success"
    any_farm.service.retire()
    thread.join(60)
    any_farm.work.close()


def _renderers() -> list[psutil.Process]:
    """Return the frame servers of this process that run."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE and any(word.endswith("render.py") for word in process.cmdline()):
                found.append(process)
    return found


@pytest.mark.parametrize(("route", "refusal", "cause"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_refusal_fails_one_attempt_and_the_instance_goes_on(
    farm: Farm, job: MakeJob, monkeypatch: pytest.MonkeyPatch, route: str, refusal: ServiceError, cause: str
) -> None:
    """Only a service that is gone ends an instance; what it refuses of one attempt is that attempt's failure."""
    verdict = _refused_once(farm, job, monkeypatch, route, refusal)
    assert (verdict.state, verdict.cause) == ("failed", cause), verdict


def test_a_service_that_breaks_on_an_output_gets_the_attempt_back(
    farm: Farm, job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A defect of the service is no failure of the scene: the attempt is given up, and the instance goes on."""
    verdict = _refused_once(farm, job, monkeypatch, "store_object", ServiceError("it answers 500", status=500))
    assert (verdict.state, verdict.cause) == ("killed", "internal"), verdict


def _refused_once(farm: Farm, job: MakeJob, monkeypatch: pytest.MonkeyPatch, route: str, refusal: ServiceError) -> Verdict:
    """Have one call of a first attempt refused, and return how that ended; a second one is not touched by it."""
    answer = getattr(farm.service, route)
    first, second = farm.add(job()), farm.add(job("png(path) ", session="other"))

    def refuse(attempt: AttemptRef, *call: object) -> object:
        if attempt.id == first:
            raise refusal
        return answer(attempt, *call)

    monkeypatch.setattr(farm.service, route, refuse)
    assert farm.run() == "retired"
    assert farm.service.verdict(second).state == "success"
    assert farm.service.said_goodbye
    verdict: Verdict = farm.service.verdict(first)
    return verdict


def test_a_right_that_is_gone_ends_the_instance(farm: Farm, job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """An instance whose token is revoked says nothing more."""

    def refuse(*_: object) -> bytes:
        raise Unauthorized("revoked", status=401)

    monkeypatch.setattr(farm.service, "manifest", refuse)
    farm.add(job())
    assert farm.run() == "service-gone"
    assert not farm.service.said_goodbye


def test_a_name_that_is_no_text_is_bad_output(farm: Farm, job: MakeJob) -> None:
    """A file whose name is not UTF-8 is refused by a readable name, and its session goes on."""
    scene = "png(path)\nif frame == 1: open(b'/job/render/\\xff.txt', 'w').write('x')"
    attempts = [farm.add(job(scene)), farm.add(job(scene, frames=(2,)))]
    farm.run()
    first, second = (farm.service.verdict(a) for a in attempts)
    assert (first.state, first.cause) == ("failed", "bad-output")
    assert "\\xff.txt" in first.message
    assert second.state == "success", second


def test_an_attempt_without_room_for_its_log_has_an_end(farm: Farm, job: MakeJob) -> None:
    """An instance that cannot write in its work folder says so for each attempt, and stays."""
    attempt = farm.add(job())
    farm.service.retire()
    farm.work.open()
    (farm.work.attempts / "job-1").write_text("in the way")
    assert farm.worker().run() == "retired"
    farm.work.close()
    verdict = farm.service.verdict(attempt)
    assert (verdict.state, verdict.cause) == ("failed", "internal")
    assert "work folder" in verdict.message


def test_a_session_that_cannot_begin_leaves_nothing(farm: Farm, job: MakeJob) -> None:
    """What was laid out for it goes at once, not only when the instance ends: tries do not fill the disk."""
    attempt = farm.add(job(outputs=(Output("/usr/shot_####.png"),)))
    farm.service.retire()
    farm.work.open()
    farm.worker().run()
    assert farm.service.verdict(attempt).cause == "bad-output"
    assert not [p.name for p in farm.work.sessions.iterdir() if p.name != "inspector"]
    farm.work.close()


def test_silence_ends_a_task(farm: Farm, job: MakeJob) -> None:
    """A renderer that hangs is ended after the silence that the job allows, with its process tree."""
    told = farm.told(job("import time; time.sleep(600)", limits=Limits(silence_seconds=1)))
    assert told.verdict is not None
    assert (told.verdict.state, told.verdict.cause) == ("failed", "no-progress")


def test_words_are_no_silence_but_a_task_has_its_time(farm: Farm, job: MakeJob) -> None:
    """A renderer that keeps printing is no silent one; the task's own limit ends it."""
    scene = "import time, sys\nwhile True: time.sleep(0.1); print('.', flush=True)"
    told = farm.told(job(scene, limits=Limits(task_seconds=2, silence_seconds=1)))
    assert told.verdict is not None
    assert (told.verdict.state, told.verdict.cause) == ("failed", "time-out")


def test_the_time_that_a_store_takes_is_not_the_task_s(farm: Farm, job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that a slow or full store holds back for longer than its limit has not run out of its time."""
    store = farm.service.store_object

    def slowly(*call: Any) -> None:
        time.sleep(1.5)
        store(*call)

    monkeypatch.setattr(farm.service, "store_object", slowly)
    frames = tuple(range(1, 9))
    told = farm.told(job("png(path)", frames=frames, limits=Limits(task_seconds=5)))
    assert told.verdict is not None
    assert (told.verdict.state, told.verdict.frames_done) == ("success", frames), told.verdict


@pytest.mark.parametrize("kept", ["by the kernel", "by measuring"])
def test_memory_beyond_the_limit_ends_a_task(farm: Farm, job: MakeJob, kept: str) -> None:
    """The whole tree counts, and a task over its limit is ended for that cause, in a control group or without one."""
    farm.resources = ResourceLimits(memory=300 << 20, free_disk=1 << 20)
    if kept == "by measuring":
        farm.groups = NoGroups
    scene = """
        import subprocess, sys, time
        hog = "x = bytearray(120 << 20); import time; time.sleep(60)"
        for _ in range(4): subprocess.Popen([sys.executable, "-c", hog])
        time.sleep(60)
    """
    told = farm.told(job(scene))
    assert told.verdict is not None
    assert (told.verdict.state, told.verdict.cause) == ("failed", "out-of-memory")
    assert told.verdict.peak_memory >= 300 << 20
    assert "MiB of memory" in told.verdict.message or "limit of 300 MiB (peak 300 MiB)" in told.verdict.message


def test_memory_of_one_process_is_limited_at_once(farm: Farm, job: MakeJob) -> None:
    """A single allocation over the limit fails inside the software, whatever the measuring sees."""
    farm.resources = ResourceLimits(memory=300 << 20, free_disk=1 << 20)
    told = farm.told(job("x = bytearray(400 << 20)"))
    assert told.verdict is not None
    assert (told.verdict.state, told.verdict.cause) == ("failed", "out-of-memory")
    assert "Its limit is 300 MiB" in told.verdict.message


def test_a_full_disk_ends_a_task(farm: Farm, job: MakeJob) -> None:
    """A task is ended before it takes the last of the disk."""
    farm.resources = replace(farm.resources, free_disk=1 << 62)
    told = farm.told(job("import time; time.sleep(60)"))
    assert told.verdict is not None
    assert (told.verdict.state, told.verdict.cause) == ("failed", "disk-full")


def test_a_person_kills_a_task_and_nothing_of_it_is_left(any_farm: Farm, job: MakeJob) -> None:
    """An order to kill, heard by a beat, ends the tree: children in sessions of their own, too."""
    scene = """
        import subprocess, sys, time
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(61.25)"], start_new_session=True)
        say(event="progress", frame=frame, fraction=0.7, status="hanging")
        time.sleep(600)
    """
    attempt = any_farm.add(job(scene))
    any_farm.service.orders[attempt] = Orders("kill", "Anna wants it")
    began = time.monotonic()
    any_farm.run()
    verdict = any_farm.service.verdict(attempt)
    assert (verdict.state, verdict.cause) == ("killed", "user")
    assert "Anna wants it" in verdict.message
    assert time.monotonic() - began < 20
    assert not [p for p in psutil.process_iter(["cmdline"]) if "61.25" in " ".join(p.info["cmdline"] or ())]


def test_nothing_is_published_under_a_stale_fence(farm: Farm, job: MakeJob) -> None:
    """When the lease is gone the task is ended, nothing is said or published of it, and the instance works on."""
    first, second = farm.add(job("import time; time.sleep(600)")), farm.add(job(session="other"))
    farm.service.fences[first] = 8
    farm.run()
    assert farm.service.told[first].verdict is None
    assert not farm.service.told[first].outputs
    assert farm.service.verdict(second).state == "success"


def test_a_huge_log_is_shipped_within_bounds(farm: Farm, job: MakeJob) -> None:
    """Of 200 MB of log the head and the tail reach the service, and a line says how much is left out."""
    scene = """
        import sys
        for _ in range(200): sys.stdout.write(("y" * 99 + "\\n") * 10486)
        print("the last word", flush=True)
        png(path)
    """
    told = farm.told(job(scene))
    assert told.verdict is not None
    assert told.verdict.state == "success", told.verdict.message
    assert len(told.log) < 34 << 20
    assert b"the last word" in told.log[-1000:]
    assert b"bytes of log are left out" in told.log


def test_each_attempt_has_its_own_words_to_the_last(farm: Farm, job: MakeJob) -> None:
    """What a frame printed before it was done is in its attempt's log, however far reading was behind."""
    scene = "import os\npng(path)\nos.write(2, b'z' * 60000 + b'\\nend of %d\\n' % frame)"
    attempts = [farm.add(job(scene, frames=(n,))) for n in range(1, 16)]
    farm.run()
    logs = [farm.service.told[a].log for a in attempts]
    assert [n for n, log in enumerate(logs, 1) if log.count(b"end of") != 1 or b"end of %d\n" % n not in log] == []


def test_stopping_ends_the_task_as_preempted_and_publishes_what_is_rendered(farm: Farm, job: MakeJob) -> None:
    """SIGTERM's path: the rendered frame is published, the running one is given up, goodbye is said."""
    attempt = farm.add(job("png(path)\nif frame == 2: import time; time.sleep(600)", frames=(1, 2)))
    farm.work.open()
    worker = farm.worker()
    stopper = threading.Timer(1.5, worker.stop)
    stopper.start()
    assert worker.run() == "stopped"
    farm.work.close()
    verdict = farm.service.verdict(attempt)
    assert (verdict.state, verdict.cause, verdict.frames_done) == ("failed", "preempted", (1,))
    assert farm.service.said_goodbye
    assert farm.service.told[attempt].previews


def test_progress_reaches_the_service(farm: Farm, job: MakeJob) -> None:
    """Beats carry frame, fraction over all frames, and the server's status, at most one a second on change."""
    scene = "import time; time.sleep(1.2); say(event='progress', frame=frame, fraction=0.5, status='Sample 1'); time.sleep(1.5); png(path)"
    told = farm.told(job(scene, frames=(1, 2)))
    assert any(b.frame == 1 and b.progress == 0.25 and b.status == "Sample 1" for b in told.beats), told.beats
    assert len(told.beats) < 8


def test_progress_is_read_in_the_log_where_the_server_says_so(farm: Farm, job: MakeJob) -> None:
    """What a renderer prints counts within its picture of the frame, after what the server says is done before it."""
    scene = """
        import time
        time.sleep(0.5)  # two pipes: nobody knows which is read first
        print("   120MB  |  40% done - 42 rays/pixel", flush=True)
        time.sleep(2.5)
        png(path)
    """
    told = farm.told(job(scene, parameters={"prints": "arnold"}))
    assert any(b.progress == pytest.approx(0.7) and "40% done" in b.status for b in told.beats), told.beats
    told = farm.told(job(scene, session="other"))
    assert all(b.progress in (0.0, 0.5, 1.0) for b in told.beats), "nobody said that it is Arnold"


def test_the_work_folder_is_left_with_the_cache_alone(farm: Farm, job: MakeJob) -> None:
    """Stages, sessions and attempts are gone after the end, also those with read-only folders in them."""
    farm.told(job("import os; png(path); os.mkdir('/tmp/ro'); open('/tmp/ro/x', 'w'); os.chmod('/tmp/ro', 0o500)"))
    left = sorted(p.name for p in farm.work.root.iterdir())
    assert left == ["cache", "lock"]
