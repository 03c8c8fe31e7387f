"""Submit: a last look at the scene, a snapshot of it, and the hand-over to the agent; from then on the host may be closed.

Only what asks the host runs on its main thread; planning, the agent and the disk are waited for in threads. Until the agent has
the job, the same choice is handed over under the same id: two clicks, or a try after an error, are one job.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conductor_core.errors import ConductorError
from conductor_core.submission import Submission, new_submission_id
from qtpy.QtCore import QObject, Signal

from conductor_plugins.desk import Desk
from conductor_plugins.form.situation import Situation
from conductor_plugins.host import HostRefused, Snapshot
from conductor_plugins.remembering import Remembering
from conductor_plugins.validators.validator import ERROR, Problem, problems_of

if TYPE_CHECKING:
    from conductor_core.agent_client import SceneReading

    from conductor_plugins.agent import Agent

#: seconds for which a scan of a scene with unsaved changes counts: nobody tells when such a scene changes again
_FRESH = 20.0


@dataclass(frozen=True)
class _Refusal:
    """Errors, or warnings that nobody has accepted."""

    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class _Order:
    """What is handed over."""

    problems: tuple[Problem, ...]
    submission: Submission
    files: tuple[str, ...]
    download: bool
    #: where the snapshot is to be written
    snapshot: str
    #: how the agent reads it
    reading: SceneReading


class Submitting(QObject):
    """Submit what is on the desk, once."""

    #: the agent has the job of this submission id
    submitted = Signal(str)
    #: there are errors, or warnings that nobody has accepted: `desk.problems`
    refused = Signal()

    def __init__(self, desk: Desk, remembering: Remembering, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(desk)
        self._desk = desk
        self._remembering = remembering
        self._clock = clock
        #: of the submission that is or will be handed over, and what was handed over under it when that failed
        self._identity = new_submission_id()
        self._tried: Submission | None = None
        self._waits = False
        #: when the last whole scan ended
        self._scanned = float("-inf")
        desk.scan_changed.connect(self._scan_changed)

    def start(self) -> None:
        """Submit; nothing happens where that is under way."""
        desk = self._desk
        if desk.busy:
            return
        desk.be_busy("Looking at the scene once more …")
        try:
            self._look_again()
        except Exception as exc:  # noqa: BLE001 - the border to a host: whatever it raises, Submit must come back
            self._host_failed(exc)

    def _look_again(self) -> None:
        """Go on once the scan is of the scene as it is now."""
        desk = self._desk
        if self._needs_scan():
            desk.read_scene()
            if not self._remembering.same:
                self._end("Another scene is open now, so nothing was submitted. Look at what is chosen for it, then submit.")
                return
            self._waits = True
            if desk.scan.state != "running":
                desk.scan_wanted.emit()
        elif desk.scan.state == "running":
            self._waits = True
        else:
            self._go_on()

    def _needs_scan(self) -> bool:
        desk = self._desk
        now = desk.host.scene()
        if now.path != desk.scene.path or desk.scan.state in ("idle", "cancelled"):
            return True
        same = replace(now, current_frame=0, settings="") == replace(desk.scene, current_frame=0, settings="")
        if same and not now.modified:
            return False
        return self._clock() - self._scanned > _FRESH or not same

    def _scan_changed(self) -> None:
        desk = self._desk
        if desk.scan.state == "done":
            self._scanned = self._clock()
        if self._waits and desk.scan.state in ("done", "cancelled"):
            self._waits = False
            if desk.scan.state == "done":
                self._go_on()
            else:
                self._end("The scan was stopped, so nothing was submitted. Scan the scene, then submit.")

    def _go_on(self) -> None:
        """Look for problems once more, and plan."""
        desk = self._desk
        situation, identity, tried, agent = desk.situation(), self._identity, self._tried, desk.agent
        accepted = frozenset(desk.accepted)
        desk.errands.run("submit", lambda: _order(situation, accepted, identity, tried, agent), self._take_snapshot, self._failed)

    def _take_snapshot(self, order: _Order | _Refusal | str) -> None:
        """Have the host write the scene as it is now: the one thing that only its main thread can do."""
        desk = self._desk
        if isinstance(order, str):
            self._handed_over(order)
            return
        desk.found_problems(order.problems)
        if isinstance(order, _Refusal):
            desk.be_busy("")
            self.refused.emit()
            return
        desk.be_busy("Handing over to the agent …")
        try:
            self._remembering.keep()
            snapshot = desk.host.snapshot(order.snapshot)
            if snapshot.scene != order.submission.scene:
                self._end("Another scene was opened meanwhile, so nothing was submitted. Look at it, then submit.")
                desk.read_scene()
                return
        except Exception as exc:  # noqa: BLE001 - as above
            self._host_failed(exc)
            return
        self._identity, self._tried = order.submission.id, order.submission
        agent = desk.agent
        desk.errands.run("submit", lambda: _hand_over(order, snapshot, agent), self._handed_over, self._failed)

    def _handed_over(self, identity: str) -> None:
        self._identity, self._tried = new_submission_id(), None
        self._desk.be_busy("")
        self.submitted.emit(identity)

    def _failed(self, error: ConductorError) -> None:
        self._end(str(error))

    def _host_failed(self, exc: Exception) -> None:
        self._waits = False
        if isinstance(exc, HostRefused):
            self._end(str(exc))
            return
        traceback.print_exc()
        name = self._desk.scene.software.name
        self._end(f"Nothing was submitted: {name} failed ({type(exc).__name__}: {exc}). Save the scene, then submit again.")

    def _end(self, sentence: str) -> None:
        self._desk.be_busy("")
        self._desk.said.emit(sentence, True)


def _order(
    situation: Situation, accepted: frozenset[tuple[str, str]], identity: str, tried: Submission | None, agent: Agent
) -> _Order | _Refusal | str:
    """Return what to hand over; or the id of what was handed over before, where the agent has it in spite of an error."""
    from conductor_core.agent_client import SceneReading  # in the thread, and not before the panel is there

    from conductor_plugins.form import sticky  # noqa: F401 - loaded here, since Qt's thread needs it next
    from conductor_plugins.form.build import planned  # as above

    problems = tuple(problems_of(situation))
    if any(p.severity == ERROR or p.key() not in accepted for p in problems):
        return _Refusal(problems)
    submission = (plan := planned(situation, identity=identity)).submission
    if tried is not None:
        if any(job.id == identity for job in agent.scene_jobs(tried.scene)):
            return identity
        if tried != submission:
            submission = replace(submission, id=new_submission_id())
    reading = SceneReading(plan.project_root, situation.environment, named=plan.extra_files)
    file = agent.snapshot_file(submission.id, submission.scene)
    return _Order(problems, submission, plan.files, plan.download, file, reading)


def _hand_over(order: _Order, snapshot: Snapshot, agent: Agent) -> str:
    snapshots = {order.submission.scene: snapshot.file}
    return agent.submit(order.submission, order.files, download=order.download, snapshots=snapshots, reading=order.reading)
