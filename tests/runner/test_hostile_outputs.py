"""What a hostile task says that it wrote, and what it really wrote: names, floods, swaps and words, tried for real."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conductor_core.paths import ClientPath, Flavour
from conductor_service.runner.collect import Collector, OutputFolder
from conductor_service.runner.errors import TaskFailed

if TYPE_CHECKING:
    from runner.conftest import Farm, Job

    MakeJob = Callable[..., Job]

NAMES = {
    "above": "path + '/../../../x.png'",
    "above, by a relative name": "'../../x.png'",
    "absolute": "'/etc/passwd'",
    "the root": "'/'",
    "its folder": "os.path.dirname(path)",
    "nothing": "''",
    "NUL": "path + '\\0.png'",
    "half a character": "path + '\\udcff'",
    "a lone surrogate": "path + '\\ud800'",
    "too long": "path + 'x' * 5000",
    "a long component": "os.path.dirname(path) + '/' + 'x' * 300 + '.png'",
    "a hundred thousand dots": "path + '/..' * 100000",
    "not there": "path + '.png'",
    "a socket": "sock()",
    "a pipe": "fifo()",
    "a link to the machine": "link('/etc/passwd')",
    "a link to itself": "link('again.png')",
    "by a linked folder": "link('/usr/share', 'sub') + '/x.png'",
    "proc": "'/proc/self/environ'",
    "beside, same beginning": "os.path.dirname(path) + 'er/x.png'",
}
MAKERS = """
import os, socket
def at(name): return os.path.dirname(path) + "/" + name
def sock():
    s = socket.socket(socket.AF_UNIX); s.bind(at("s.png")); return at("s.png")
def fifo():
    os.mkfifo(at("f.png")); return at("f.png")
def link(says, name="again.png"):
    os.symlink(says, at(name)); return at(name)
"""


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_names_that_are_no_outputs(farm: Farm, job: MakeJob, name: str) -> None:
    """Whatever a task says it wrote: bad output of that attempt, nothing published by that name, and the session goes on."""
    bad = farm.add(job(f"{MAKERS}\npng(path)\nif frame == 1: answer['outputs'] = [path, {name}]"))
    good = farm.add(job(f"{MAKERS}\npng(path)\nif frame == 1: answer['outputs'] = [path, {name}]", frames=(2,)))
    farm.run()
    verdict = farm.service.verdict(bad)
    assert (verdict.state, verdict.cause) == ("failed", "bad-output"), verdict
    assert len(verdict.message) < 4000
    assert set(farm.service.told[bad].outputs) <= {"/job/render/shot_0001.png"}
    assert farm.service.verdict(good).state == "success", farm.service.verdict(good)


def test_a_name_with_a_line_break_is_a_name(farm: Farm, job: MakeJob) -> None:
    """It is published under that very name: a path is data here, never a line of anything."""
    told = farm.told(job("png(path)\nopen(path[:-4] + '\\n[conductor] forged.txt', 'w').write('x')"))
    assert told.verdict is not None
    assert told.verdict.state == "success", told.verdict
    assert "/job/render/shot_0001\n[conductor] forged.txt" in told.outputs


FLOODS = {
    "a hundred thousand files": (
        "d = os.path.dirname(path)\nfor n in range(100000): open(f'{d}/{n}.txt', 'w').write('x')",
        "more than 20,000 files",
    ),
    "a file of a terabyte that is a hole": ("s = open(path[:-4] + '.vdb', 'wb'); s.truncate(1 << 40)", "takes hardly any room"),
    "a picture of a terabyte that is a hole": ("s = open(path, 'r+b'); s.truncate(1 << 40)", "takes hardly any room"),
}


@pytest.mark.parametrize(("scene", "says"), FLOODS.values(), ids=FLOODS.keys())
def test_floods_of_outputs(farm: Farm, job: MakeJob, scene: str, says: str) -> None:
    """Neither the service's disk nor the instance's time is spent on them."""
    bad, good = farm.add(job(f"import os\npng(path)\n{scene}")), farm.add(job(session="other"))
    farm.run()
    verdict = farm.service.verdict(bad)
    assert (verdict.state, verdict.cause) == ("failed", "bad-output"), verdict
    assert says in verdict.message
    assert len(farm.service.told[bad].outputs) <= 1
    assert farm.service.verdict(good).state == "success"


def test_what_is_swapped_while_it_is_collected(tmp_path: Path) -> None:
    """File, link, folder, link to a folder, second name, in turn and without pause: never is a byte of the machine's taken."""
    out, taken, secret = tmp_path / "out", tmp_path / "taken", tmp_path / "secret"
    for folder in (out, taken, secret):
        folder.mkdir()
    (secret / "shot.png").write_text("secret")
    stop = threading.Event()
    swapper = threading.Thread(target=_swap, args=(out, secret, stop))
    collector = Collector((OutputFolder(ClientPath.parse("/job/out", Flavour.POSIX), "/job/out", out),), lambda: 1 << 30)
    swapper.start()
    found = set()
    try:
        for number in range(3000):
            seen = "/job/out/sub/shot.png" if number % 2 else "/job/out/shot.png"
            try:
                file = collector.take(seen, taken).file
            except TaskFailed as exc:
                found.add(exc.cause)
            else:
                found.add(file.read_text())
                file.unlink()
    finally:
        stop.set()
        swapper.join()
    assert found == {"own", "bad-output"}
    assert (secret / "shot.png").read_text() == "secret"


def _swap(out: Path, secret: Path, stop: threading.Event) -> None:
    """Do what a hostile task does in its own output folder."""
    aside, sub, real = out / "aside", out / "sub", out / "real"
    makers: tuple[Callable[[], object], ...] = (
        partial(aside.write_text, "own"),
        partial(aside.symlink_to, secret / "shot.png"),
        aside.mkdir,
        partial(os.mkfifo, aside),
    )
    while not stop.is_set():
        for make in makers:
            for target in (out / "shot.png", sub / "shot.png"):
                for step in (make, partial(os.rename, aside, target), aside.unlink, aside.rmdir, target.rmdir):
                    with contextlib.suppress(OSError):
                        step()
        for step in (
            partial(os.rename, sub, real),
            partial(sub.symlink_to, secret),
            sub.unlink,
            real.mkdir,
            partial(os.rename, real, sub),
        ):
            with contextlib.suppress(OSError):
                step()


WORDS = {
    "sizes that are no numbers": "answer.update(width=float('nan'), height=float('inf'))",
    "brackets without end": "raw('{\"event\": ' + '[' * 400000)",
    "progress that is no number": "say(event='progress', frame=frame, fraction=float('nan'), status='x'); import time; time.sleep(1.6)",
    "a status that is no text": "say(event='progress', frame=frame, fraction=0.5, status='\\ud800\\0' * 50); import time; time.sleep(1.6)",
    "a number of a million digits": "raw('{\"event\": \"done\", \"frame\": ' + '9' * 900000 + '}')",
    "ten thousand messages": "[say(event='progress', frame=frame, fraction=n / 10000, status='y' * 1000) for n in range(10000)]",
    "a line of ten megabytes": "raw('{' + 'x' * (10 << 20))",
    "layers that are no list": "answer.update(layers={'a': [1]})",
    "another frame is done": "say(event='done', frame=99, seconds=1, outputs=['/etc/passwd'])",
    "a hello": "say(event='hello', protocol=9)",
}


@pytest.mark.parametrize("scene", WORDS.values(), ids=WORDS.keys())
def test_words_that_break_nothing(farm: Farm, job: MakeJob, scene: str) -> None:
    """Whatever a frame server says, the frame that it did is taken, and only sound numbers and texts go on to the service."""
    raw = "def raw(text): say.__globals__['out'].write(text + chr(10))\n"
    told = farm.told(job(raw + "png(path)\n" + scene))
    assert told.verdict is not None
    assert told.verdict.state == "success", told.verdict
    assert list(told.outputs) == ["/job/render/shot_0001.png"]
    assert told.beats or "sleep" not in scene
    for beat in told.beats:
        assert 0.0 <= beat.progress <= 1.0
        assert len(beat.status.encode()) <= 800
        assert "\0" not in beat.status
