"""A process that is talked with: one that does not read, and what watches over it whether or not anybody listens."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from conductor_core.submission import Limits, Output
from conductor_service.runner import vigil as vigils
from conductor_service.runner.conversation import Conversation, Ended, Inbox, Ordered, Said
from conductor_service.runner.errors import TaskFailed
from conductor_service.runner.groups import NoGroups
from conductor_service.runner.isolation import Launch
from conductor_service.runner.limits import ResourceLimits, Room
from conductor_service.runner.processes import ProcessTree
from conductor_service.runner.service import Orders
from conductor_service.runner.vigil import Charge, TaskEnded, Vigil, Watch

if TYPE_CHECKING:
    from runner.conftest import Farm, Job

    MakeJob = Callable[..., Job]

#: more than a pipe holds
LONG = {"do": "load", "path_map": "x" * (1 << 20)}
#: says something every now and then, and reads nothing
DEAF = 'import time\nwhile True: print(\'{"event": "progress"}\', flush=True); time.sleep(0.05)'
READS = (
    "import json, sys\nprint(json.dumps({'event': 'got', 'size': len(json.loads(sys.stdin.readline())['path_map'])}), flush=True)"
)


@dataclass
class Watched:
    """A real process with a vigil over it."""

    inbox: Inbox = field(default_factory=Inbox)
    room: Room = field(default_factory=lambda: Room(1 << 40, 1 << 40))
    vigil: Vigil | None = None

    def start(self, script: str) -> Vigil:
        tree = ProcessTree(Launch((sys.executable, "-u", "-c", script), {}))
        watch = Watch(self.inbox, ResourceLimits(), lambda: self.room, time.monotonic)
        self.vigil = Vigil(tree, Conversation(tree, self.inbox, lambda _: None), watch)
        self.vigil.begin(Charge("attempt-1", Limits(), None))
        return self.vigil


@pytest.fixture
def watched() -> Iterator[Watched]:
    """Give what a test starts one process with."""
    found = Watched()
    yield found
    if found.vigil is not None:
        found.vigil.end()


def test_what_a_pipe_does_not_hold_is_sent_as_it_is_read(watched: Watched) -> None:
    """A message of a megabyte arrives whole; the answer is heard, then the end."""
    vigil = watched.start(READS)
    vigil.say(LONG)
    assert vigil.hear() == Said({"event": "got", "size": 1 << 20})
    assert isinstance(vigil.hear(), Ended)


def test_what_is_said_meanwhile_is_heard_afterwards(watched: Watched) -> None:
    """Words that come while a message is being sent keep their order."""
    script = 'import sys, time\nfor n in range(5): print(\'{"event": "word", "n": %d}\' % n)\ntime.sleep(1)\nsys.stdin.readline()'
    vigil = watched.start(script)
    vigil.say(LONG)
    heard = [vigil.hear() for _ in range(6)]
    assert [event.message["n"] for event in heard if isinstance(event, Said)] == [0, 1, 2, 3, 4]
    assert isinstance(heard[-1], Ended)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("said", [DEAF, "import time; time.sleep(600)"], ids=["it talks", "it is silent"])
def test_a_server_that_does_not_read_is_ended(watched: Watched, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    """A pipe that stays full is no progress, whatever the server says meanwhile."""
    monkeypatch.setattr(vigils, "_UNREAD_SECONDS", 1.0)
    vigil = watched.start(said)
    with pytest.raises(TaskFailed, match="has not read what it was told") as caught:
        vigil.say(LONG)
    assert caught.value.cause == "no-progress"
    assert not vigil.tree.running()


@pytest.mark.timeout(60)
def test_an_order_is_heard_by_one_who_cannot_finish_his_sentence(watched: Watched) -> None:
    """A person's kill ends a server that does not read; an order for another attempt does not."""
    vigil = watched.start(DEAF)
    watched.inbox.put(Ordered("kill", "too late", "attempt-0"))
    threading.Timer(0.5, watched.inbox.put, (Ordered("kill", "Anna wants it", "attempt-1"),)).start()
    with pytest.raises(TaskEnded, match="Anna wants it"):
        vigil.say(LONG)
    assert not vigil.tree.running()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("talking", [True, False], ids=["while it is talked to", "while nobody listens"])
def test_the_disk_is_watched(watched: Watched, talking: bool) -> None:
    """Ten times a second, by a thread of its own: the tree is dead before anybody asks."""
    vigil = watched.start(DEAF)
    assert vigil.holds()
    watched.room = Room(0, 1 << 40)
    if not talking:
        deadline = time.monotonic() + 30
        while vigil.tree.running():
            assert time.monotonic() < deadline
            time.sleep(0.02)
    with pytest.raises(TaskFailed, match="disk is nearly full") as caught:  # noqa: PT012 - to one who is gone all is said in vain
        vigil.say(LONG)
        vigil.hear()
    assert caught.value.cause == "disk-full"
    assert not vigil.holds()


def test_one_who_is_gone_is_talked_to_in_vain(watched: Watched) -> None:
    """The message is lost, and its end is heard."""
    vigil = watched.start("pass")
    vigil.tree.wait(30)
    vigil.say(LONG)
    assert isinstance(vigil.hear(), Ended)


#: what a thread of a scene does after its frame was rendered, and its limits
MISCHIEF = {
    "it eats memory": (
        "kept = mmap.mmap(-1, 1 << 30)\n    while True: kept.write(bytes(1 << 20)); time.sleep(0.005)",
        ResourceLimits(memory=200 << 20),
    ),
    "it starts processes": (
        "while True: subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])",
        ResourceLimits(processes=12),
    ),
    "it fills the disk": (
        "s = open(os.path.dirname(path) + '/big.bin', 'wb')\n    while True: s.write(bytes(1 << 20)); s.flush()",
        ResourceLimits(free_disk=16 << 20),
    ),
}


def renderers() -> list[psutil.Process]:
    """Return the frame servers of this process that run."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE and any(word.endswith("render.py") for word in process.cmdline()):
                found.append(process)
    return found


def wait_until_none_renders() -> None:
    """Wait until no frame server is left."""
    deadline = time.monotonic() + 60
    while renderers():
        assert time.monotonic() < deadline, "the frame server is still there"
        time.sleep(0.05)


@contextlib.contextmanager
def at_work(farm: Farm) -> Iterator[None]:
    """Run a farm's worker in a thread, until all that is queued is done."""
    farm.work.open()
    thread = threading.Thread(target=farm.worker().run)
    thread.start()
    try:
        yield
    finally:
        farm.service.retire()
        thread.join(60)
        farm.work.close()


@pytest.mark.parametrize("groups", ["by the kernel", "by measuring"])
@pytest.mark.parametrize(("does", "limits"), MISCHIEF.values(), ids=MISCHIEF.keys())
def test_a_scene_that_waits_for_its_next_task_is_watched(
    farm: Farm, job: MakeJob, small_disk: Path, does: str, limits: ResourceLimits, groups: str
) -> None:
    """What a thread of it does after its frame ends the software, with nobody waiting for it; the next task loses no try."""
    assert small_disk.is_dir()
    farm.resources = ResourceLimits(limits.memory, limits.processes, min(limits.free_disk, 16 << 20), 10)
    farm.settings = replace(farm.settings, idle_session_seconds=600.0)
    if groups == "by measuring":
        farm.groups = NoGroups
    scene = f"""import mmap, os, subprocess, sys, threading, time
png(path)
def mischief():
    time.sleep(1)
    {does}
if frame == 1: threading.Thread(target=mischief, daemon=True).start()
"""
    with at_work(farm):
        first = farm.add(job(scene))
        assert farm.service.verdict(first).state == "success"
        wait_until_none_renders()
        second = farm.add(job(scene, frames=(2,)))
        assert farm.service.verdict(second).state == "success", farm.service.verdict(second)
    assert b"scene loaded" in farm.service.told[second].log


def test_a_scene_without_a_task_is_closed(farm: Farm, job: MakeJob) -> None:
    """After a while its processes and its files are gone, whatever its threads were at; a later task loads it again."""
    farm.settings = replace(farm.settings, idle_session_seconds=1.0)
    scene = "import threading\npng(path)\ndef burn():\n    while True: pass\nthreading.Thread(target=burn, daemon=True).start()"
    with at_work(farm):
        first = farm.add(job(scene))
        assert farm.service.verdict(first).state == "success"
        wait_until_none_renders()
        deadline = time.monotonic() + 60
        while farm.service.sessions[-1] != ():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert [p.name for p in farm.work.sessions.iterdir() if p.name != "inspector"] == []
        second = farm.add(job(scene, frames=(2,)))
        assert farm.service.verdict(second).state == "success"


SAYS_ALL_AT_ONCE = """
import time
for n in range(1, 5001):
    say(event="done", frame=n, outputs=[])
    time.sleep(0.001)
time.sleep(600)
"""


@pytest.mark.timeout(180)
def test_a_scene_that_says_done_in_advance_can_be_killed(farm: Farm, job: MakeJob) -> None:
    """It reads none of the orders that its words bring forth: when they fill its pipe, a person's kill is heard all the same."""
    outputs = (Output("/job/cache/points.dat", kind="other"),)
    frames = tuple(range(1, 5001))
    with at_work(farm):
        attempt = farm.add(job(SAYS_ALL_AT_ONCE, frames=frames, outputs=outputs))
        beats, deadline = farm.service.told[attempt].beats, time.monotonic() + 120
        while len(beats) < 2 or beats[-1].frame is None or beats[-1].frame < 1500 or beats[-1] != beats[-2]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        farm.service.orders[attempt] = Orders("kill", "Anna wants it")
        verdict = farm.service.verdict(attempt)
    assert (verdict.state, verdict.cause) == ("killed", "user")
    assert not renderers()
