"""The jobs of the open scene: looked for when the panel opens, followed while somebody looks at them, moved when asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conductor_core.errors import ConductorError
from qtpy.QtCore import QObject, QTimer, Signal

from conductor_plugins.desk import Desk

if TYPE_CHECKING:
    from conductor_core.agent_answers import SceneJob

#: states of a job that no longer changes by itself
ENDED = frozenset({"success", "failed", "killed"})
#: milliseconds between two looks: where something is under way, where nothing is, and where the agent does not answer
_OFTEN, _SELDOM, _LATER = 1_000, 5_000, 10_000


def is_under_way(job: SceneJob) -> bool:
    """Tell whether a job is still uploaded or rendered."""
    return job.upload_state != "failed" and job.state not in ENDED


class Jobs(QObject):
    """Keep `desk.jobs`; what takes time is waited for in threads."""

    #: the newest picture of a job: its submission's id, and the picture as PNG
    picture_came = Signal(str, object)

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._desk = desk
        self._followed = False
        #: id of a submission → the output whose picture was asked for last
        self._pictures: dict[str, str] = {}
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.timeout.connect(self.look)
        desk.scene_changed.connect(self._scene_changed)
        desk.closed.connect(self._again.stop)

    @classmethod
    def of(cls, desk: Desk) -> Jobs:
        """Return the one of this desk, made if there is none."""
        found = desk.findChild(cls)
        return found if isinstance(found, cls) else cls(desk)

    def look(self) -> None:
        """Ask for the jobs of the scene now."""
        self._again.stop()
        path, agent = self._desk.scene.path, self._desk.agent
        if path:
            self._desk.errands.run("jobs", lambda: agent.scene_jobs(path), self._came, self._failed)
        else:
            self._came([])

    def follow(self, on: bool) -> None:
        """Look again and again while somebody watches, and not otherwise."""
        if on != self._followed:
            self._followed = on
            if on:
                self.look()
            else:
                self._again.stop()

    def move(self, job: SceneJob, verb: str) -> None:
        """Hold, resume, release, retry or kill a job; what it is then is shown as soon as the service says it."""
        agent, reason = self._desk.agent, "by the artist, in the panel"

        def moved(now: SceneJob) -> None:
            self._set([now if known.id == now.id else known for known in self._desk.jobs])
            self.look()

        def failed(error: ConductorError) -> None:
            self._desk.said.emit(str(error), True)
            self.look()

        self._desk.errands.run(f"move {job.id}", lambda: agent.move(job.id, verb, reason=reason), moved, failed)

    def want_picture(self, job: SceneJob) -> None:
        """Have the newest picture of a job brought, unless it was already."""
        if not job.last_output or self._pictures.get(job.id) == job.last_output:
            return
        self._pictures[job.id] = job.last_output
        agent, identity = self._desk.agent, job.id

        def came(picture: bytes) -> None:
            if picture:
                self.picture_came.emit(identity, picture)

        def failed(_error: ConductorError) -> None:
            self._pictures.pop(identity, None)

        self._desk.errands.run(f"picture {identity}", lambda: agent.preview(identity), came, failed)

    def _scene_changed(self) -> None:
        if any(job.scene != self._desk.scene.path for job in self._desk.jobs):
            self._set([])
        self.look()

    def _came(self, jobs: list[SceneJob]) -> None:
        self._desk.jobs_problem = ""
        self._set(jobs)
        self._rest(_OFTEN if any(map(is_under_way, jobs)) else _SELDOM)

    def _failed(self, error: ConductorError) -> None:
        """Show what was known, and why there is nothing newer."""
        self._desk.jobs_problem = str(error)
        self._desk.jobs_changed.emit()
        self._rest(_LATER)

    def _rest(self, milliseconds: int) -> None:
        if self._followed:
            self._again.start(milliseconds)

    def _set(self, jobs: list[SceneJob]) -> None:
        known = tuple(replace(job, frames=dict(job.frames)) for job in jobs)
        self._desk.jobs = known
        self._desk.jobs_changed.emit()
