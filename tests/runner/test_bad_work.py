"""One job in which much goes wrong: each failure has its cause, is tried again as that asks, and the rest of the job goes on."""

from __future__ import annotations

import runpy
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from conductor_core.submission import Limits, Output, Retries
from conductor_service.runner.limits import ResourceLimits

if TYPE_CHECKING:
    from runner.conftest import Farm, Job

    MakeJob = Callable[..., Job]

Service = runpy.run_path(str(Path(__file__).with_name("test_with_service.py")))["Service"]
MIB = 1 << 20
#: what one instance has; a runner itself takes about a quarter of it
MEMORY = 768 * MIB

SCENE = """
import os, subprocess, sys, time
if frame == 5:
    os.abort()
if frame == 6:
    time.sleep(600)
if frame == 7:
    hogs = [subprocess.Popen([sys.executable, "-c", "x = bytearray(300 << 20); import time; time.sleep(600)"]) for _ in range(4)]
    for _ in range(600):  # a machine that is busy takes its time to fill them, and silence is another failure
        print("filling", flush=True)
        time.sleep(1)
png(path, colour=(0, 0, 0) if frame == 8 else (9, frame, 9))
if frame == 9:
    for _ in range(200): os.write(2, (b"y" * 99 + b"\\n") * 10486)
    os.write(2, b"the last word\\n")
"""


@pytest.fixture
def service(farm: Farm, tmp_path: Path) -> Iterator[Any]:
    """Give a service with two instances of little memory."""
    small = {"name": "small", "price_per_hour": "1", "memory_gb": MEMORY / (1 << 30)}
    found = Service(tmp_path, farm.hosts, instance_types=[small], idle_seconds=60)
    try:
        found.wait_until_ready()
        yield found
    finally:
        found.close()


class Watcher:
    """Measure the most that any runner, and the service itself, had in memory."""

    def __init__(self, service: psutil.Process) -> None:
        self._service = service
        self.highest = {"runner": 0, "service": 0}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            self._note("service", self._service)
            for runner in self._service.children():
                self._note("runner", runner)

    def _note(self, what: str, process: psutil.Process) -> None:
        try:
            self.highest[what] = max(self.highest[what], process.memory_info().rss)
        except psutil.NoSuchProcess:
            return


def test_a_job_in_which_much_goes_wrong(service: Any) -> None:
    """Crash on 5, hang on 6, out of memory on 7, black on 8, 200 MB of log on 9: twelve frames, nine of them at home."""
    more = {"retries": Retries(failure=1), "limits": Limits(silence_seconds=3)}
    with Watcher(psutil.Process(service.process.pid)) as watcher:
        number = service.submit(SCENE, "1-12", more)
        job = service.wait(number, 240)
    assert job["state"] == "failed"
    tasks = {t["frames"][0]: t for t in service.ask("GET", f"/jobs/{number}/tasks")["tasks"]}
    attempts = {frame: service.ask("GET", f"/tasks/{t['id']}")["attempts"] for frame, t in tasks.items()}
    ends = {frame: [(a["state"], a["cause"]) for a in found] for frame, found in attempts.items()}
    fine = [("success", None)]
    assert {frame: end for frame, end in ends.items() if end != fine} == {
        5: [("failed", "crashed")] * 2,
        6: [("failed", "no-progress")] * 2,
        7: [("failed", "out-of-memory")] * 2,
        8: [("failed", "bad-output"), *fine],
    }
    assert sorted(frame for frame, t in tasks.items() if t["state"] == "failed") == [5, 6, 7]
    outputs = service.ask("GET", f"/jobs/{number}/outputs")["outputs"]
    assert [o["path"][-8:-4] for o in sorted(outputs, key=lambda o: str(o["path"]))] == [
        f"{n:04d}" for n in (1, 2, 3, 4, 8, 9, 10, 11, 12)
    ]
    assert [frame for frame in (5, 6, 7, 8) if len({a["instance"] for a in attempts[frame]}) < 2] == []
    check_words(attempts)
    check_bounds(service, attempts, watcher)


def check_words(attempts: dict[int, list[dict[str, Any]]]) -> None:
    """The reasons can be read from the attempts."""
    assert "SIGABRT" in attempts[5][0]["message"]
    assert "No progress, log or output for 3 s" in attempts[6][0]["message"]
    memory = attempts[7][0]
    assert "limit of 768 MiB (peak 768 MiB)" in memory["message"] or "more than its 768 MiB" in memory["message"]
    assert memory["peak_memory"] >= MEMORY
    assert "is empty: every value of every layer is 0" in attempts[8][0]["message"]
    assert "accepted, since this was its last try" in attempts[8][1]["message"]


def check_bounds(service: Any, attempts: dict[int, list[dict[str, Any]]], watcher: Watcher) -> None:
    """200 MB of log are neither in anybody's memory nor on the service's disk."""
    size = attempts[9][0]["log_size"]
    assert 32 * MIB < size < 34 * MIB
    end = service.ask("GET", f"/attempts/{attempts[9][0]['id']}/log?offset={size - 100_000}&limit=200000")
    assert b"bytes of log are left out" in end
    assert b"the last word" in end
    assert sum(f.stat().st_size for f in service.data.rglob("*") if f.is_file()) < 48 * MIB
    assert 0 < watcher.highest["runner"] < 300 * MIB, watcher.highest
    assert 0 < watcher.highest["service"] < 400 * MIB, watcher.highest


BAD_EIGHTH: dict[str, tuple[str, tuple[Output, ...], str]] = {
    "black": ("png(path, colour=(0, 0, 0))", (Output("/job/render/shot_####.png"),), "is empty"),
    "truncated": ("png(path, 64, 64); os.truncate(path, 70)", (Output("/job/render/shot_####.png"),), "does not decode"),
    "of another size": ("png(path, 8, 8)", (Output("/job/render/shot_####.png", width=8, height=4),), "is 8×8 where 8×4"),
    "of another size than its neighbours": ("png(path, 8, 8)", (Output("/job/render/shot_####.png"),), "frame before it 8×4"),
    "empty file": ("open(path, 'w')", (Output("/job/render/shot_####.png"),), "is empty."),
    "without its second layer": (
        "exr(path, 'V.Combined')",
        (Output("/job/render/shot_####.exr", layers=("Combined", "Mist")),),
        "lacks the layers Mist",
    ),
    "not a number": (
        "exr(path, 'V.Combined', 'V.Mist', value=float('nan'))",
        (Output("/job/render/shot_####.exr"),),
        "every value is NaN",
    ),
    "black in all layers": ("exr(path, 'V.Combined', 'V.Mist', value=0.0)", (Output("/job/render/shot_####.exr"),), "is empty"),
}
#: writes EXR without compression, by hand: the fake frame server has no library for it
EXR = """
import os, struct
def exr(path, *layers, value=0.5, width=8, height=4):
    names = sorted(f"{layer}.{c}" for layer in layers for c in "BGR")
    def attribute(name, kind, data): return name + b"\\0" + kind + b"\\0" + struct.pack("<i", len(data)) + data
    channels = b"".join(n.encode() + b"\\0" + struct.pack("<iiii", 2, 0, 1, 1) for n in names) + b"\\0"
    box = struct.pack("<iiii", 0, 0, width - 1, height - 1)
    head = b"\\x76\\x2f\\x31\\x01" + struct.pack("<i", 2) + attribute(b"channels", b"chlist", channels)
    head += attribute(b"compression", b"compression", b"\\0") + attribute(b"dataWindow", b"box2i", box)
    head += attribute(b"displayWindow", b"box2i", box) + attribute(b"lineOrder", b"lineOrder", b"\\0")
    head += attribute(b"pixelAspectRatio", b"float", struct.pack("<f", 1)) + attribute(b"screenWindowCenter", b"v2f", struct.pack("<ff", 0, 0))
    head += attribute(b"screenWindowWidth", b"float", struct.pack("<f", 1)) + b"\\0"
    row = struct.pack(f"<{width * len(names)}f", *[value] * (width * len(names)))
    start = len(head) + 8 * height
    table = b"".join(struct.pack("<Q", start + y * (8 + len(row))) for y in range(height))
    with open(path, "wb") as stream:
        stream.write(head + table + b"".join(struct.pack("<ii", y, len(row)) + row for y in range(height)))
"""


@pytest.mark.parametrize(("bad", "outputs", "says"), BAD_EIGHTH.values(), ids=BAD_EIGHTH.keys())
def test_a_bad_eighth_frame_does_not_stop_the_others(
    farm: Farm, job: MakeJob, bad: str, outputs: tuple[Output, ...], says: str
) -> None:
    """Frames 7 and 9 are published, 8 is named with what is wrong with it, and is for another attempt."""
    good = "png(path)" if outputs[0].path.endswith(".png") else "exr(path, 'V.Combined', 'V.Mist')"
    told = farm.told(job(f"{EXR}\nif frame == 8:\n    {bad}\nelse:\n    {good}", frames=(7, 8, 9), outputs=outputs))
    assert told.verdict is not None
    assert (told.verdict.state, told.verdict.cause, told.verdict.frames_done) == ("failed", "bad-output", (7, 9)), told.verdict
    assert "shot_0008" in told.verdict.message
    assert says in told.verdict.message
    assert len(told.outputs) == 2


def test_a_killed_child_is_told_even_when_the_command_succeeds(
    farm: Farm, job: MakeJob, require: Callable[[object, str], None]
) -> None:
    """A shell script that goes on after a program of it was out of memory: its attempt fails for that."""
    require("no cgroup" not in farm.way, "this process may make no control groups")
    farm.resources = ResourceLimits(memory=200 * MIB, free_disk=1 << 20)
    hog = "import mmap; m = mmap.mmap(-1, 400 << 20); [m.write(b'x' * (1 << 20)) for _ in range(400)]"
    script = f'python3 -c "{hog}"; echo made > /job/out/made.txt'
    told = farm.told(job(command=("/bin/sh", "-c", script), outputs=(Output("/job/out/made.txt", kind="other"),)))
    assert told.verdict is not None
    assert (told.verdict.state, told.verdict.cause) == ("failed", "out-of-memory"), told
