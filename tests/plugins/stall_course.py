"""A panel on a scene with five thousand dependencies, from its opening to the jobs after Submit, in a Python of its own.

Prints JSON: for each part of the course the longest that Qt's thread was held between two turns of the event loop, and the moments
at which it was. Held is counted in processor time of that thread: what other programs of the machine do does not count, and
whoever would *wait* on that thread is caught by the agent, which refuses to be asked there.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from conductor_core.agent_answers import Check, OwnReading, SceneJob
from conductor_core.report import Dependency, ScanReport
from conductor_core.submission import Software
from conductor_plugins.host import HostScene
from conductor_plugins.memory_host import MemoryHost, MemoryNode
from plugins.answering_agent import AnsweringAgent
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

#: files that one answer of a check tells, as the agent does
AT_ONCE = 500
#: processor seconds that a piece of twenty nodes costs in a host
PIECE = float(os.environ.get("PIECE", "0.004"))
#: nodes of the scene; of its dependencies each is one
COUNT = int(os.environ.get("COUNT", "5000"))
#: the section that is looked at during scan and check: the one with the most to do
SHOWN = os.environ.get("SHOWN", "Files")
PATIENCE = 120.0


def scene_with(folder: Path, count: int) -> MemoryHost:
    """Make a scene of textures in fifty folders, of which some are missing, and of sequences with a hundred frames each."""
    nodes: list[MemoryNode] = []
    sequences = count // 100
    for number in range(count - sequences):
        place = folder / f"textures_{number % 50}"
        place.mkdir(exist_ok=True)
        file = place / f"wood_{number}.png"
        if number % 50:
            file.write_bytes(b"x")
        nodes.append(MemoryNode(f"file{number}", str(file)))
    for number in range(sequences):
        place = folder / f"plate_{number}"
        place.mkdir()
        for frame in range(1, 101):
            (place / f"plate.{frame:04d}.exr").write_bytes(b"x")
        nodes.append(MemoryNode(f"plate{number}", str(place / "plate.####.exr"), "image"))
    scene = folder / "shot.scene"
    scene.write_text("scene")
    current = HostScene(str(scene), modified=True, software=Software("memory", "1.0"), frames="1-100")
    return MemoryHost(current, nodes=tuple(nodes), piece_seconds=PIECE)


@dataclass
class RealisticAgent(AnsweringAgent):
    """Takes its time, tells a check bit by bit, and refuses to be asked on Qt's thread."""

    host: MemoryHost = field(default_factory=MemoryHost)
    _told: dict[str, Check] = field(default_factory=dict)

    def own_reading(self, scene: str, frames: Sequence[int], **more: Any) -> OwnReading:
        time.sleep(0.2)
        found = tuple(
            Dependency(n.file, n.file, (n.file,), n.kind, f"{n.name}.file") for n in self.host.nodes if os.path.isfile(n.file)
        )
        return OwnReading(ScanReport(scene, "memory", found))

    def check(self, identity: str, *, after: int = 0) -> Check:
        # made once: what the agent makes of the files is made in another process, and is nothing to this one's garbage collector
        if identity not in self._told:
            self._told[identity] = super().check(identity)
        else:
            self._try()
        whole = self._told[identity]
        known = min(len(whole.files), after + AT_ONCE)
        return replace(whole, files=whole.files[after:known], files_checked=known, next=known, done=known == len(whole.files))

    def _try(self) -> None:
        assert threading.current_thread() is not threading.main_thread(), "the agent was asked on Qt's thread"
        time.sleep(0.01)
        super()._try()


class Course:
    """The event loop with a heart: it beats once per turn, and notes how long the thread was held since."""

    def __init__(self) -> None:
        self.longest: dict[str, float] = {}
        self.worst: dict[str, list[float]] = {}
        self.part = ""
        self._last = 0.0
        self._heart = QTimer()
        self._heart.timeout.connect(self._beat)
        self._heart.start(0)

    def _beat(self) -> None:
        now = time.thread_time()
        if self.part:
            held = now - self._last
            self.longest[self.part] = max(held, self.longest.get(self.part, 0.0))
            if held > 0.02:
                self.worst.setdefault(self.part, []).append(round(held * 1000, 1))
        self._last = time.thread_time()

    def until(self, part: str, done: Callable[[], object]) -> None:
        """Let the loop turn until something is so, and for a while after it."""
        self.part, self._last = part, time.thread_time()
        end = time.monotonic() + PATIENCE
        enough = None
        while enough is None or time.monotonic() < enough:
            QApplication.processEvents()
            if enough is None and done():
                enough = time.monotonic() + 0.7
            if time.monotonic() > end:
                raise TimeoutError(part)
        self._beat()
        self.part = ""


def run(folder: Path, count: int) -> dict[str, Any]:
    """Run the course and return what it took."""
    host = scene_with(folder, count)
    agent = RealisticAgent(host=host, folder=folder)
    application = QApplication([])
    clock, processor = time.monotonic(), time.thread_time()
    from conductor_plugins.panel.opening import open_panel

    window = open_panel(host, agent=agent)
    window.repaint()
    application.processEvents()
    opening = {"wall": time.monotonic() - clock, "processor": time.thread_time() - processor}
    desk, course = window.desk, Course()
    if SHOWN:
        window.show_section(SHOWN)
    course.until("scan", lambda: desk.scan.state == "done")
    course.until("choice", lambda: desk.offer is not None)
    desk.edit(project="dragons", instance_type="small", allow_missing=True)
    course.until("check", lambda: desk.check is not None and desk.check.done and desk.estimate is not None)
    window.show_section("Files")
    course.until("files", lambda: True)
    desk.accepted.update(p.key() for p in desk.problems)
    assert not [p for p in desk.problems if p.severity == "error"], [p.what for p in desk.problems][:3]
    window.show_section("Job")
    course.until("rest", lambda: True)
    course.until("submit", _submitting(window, agent))
    agent.jobs = [*agent.jobs, *(_old_job(n, desk.scene.path) for n in range(15))]
    course.until("jobs", lambda: len(desk.jobs) == 16)
    kinds = {kind.__name__: len(tuple(entries)) for kind, entries in _report(desk.report)}
    window.close()
    return {
        "opening": opening,
        "longest": course.longest,
        "worst": course.worst,
        "entries": kinds,
        "submitted": len(agent.submitted),
    }


def _submitting(window: Any, agent: AnsweringAgent) -> Callable[[], object]:
    """Click Submit once the loop turns; done when the agent has the job."""

    def click() -> None:
        window.desk.accepted.update(p.key() for p in window.desk.problems)
        window.foot.submit.click()

    def done() -> bool:
        if not agent.submitted and not window.desk.busy:
            QTimer.singleShot(0, click)
        return bool(agent.submitted)

    QTimer.singleShot(0, click)
    return done


def _old_job(number: int, scene: str) -> SceneJob:
    return SceneJob(f"old{number}", "shot", scene, "submitted", 1, 1, number=number, state="success", frames={"success": 100})


def _report(report: Any) -> Any:
    return [(type(entries[0]), entries) for entries in (report.dependencies, report.missing) if entries]


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1]), COUNT)))
