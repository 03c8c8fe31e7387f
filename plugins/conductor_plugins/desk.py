"""What all sections of the panel share: the scene, the form, what is known about both, and signals for each change.

Sections read `desk.situation()` and write through `desk.edit(...)`; they do not know each other. Everything here runs on Qt's
thread; what takes time goes through `desk.errands`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from conductor_core.errors import ConductorError
from qtpy.QtCore import QObject, QTimer, Signal

from conductor_plugins.errands import Errands
from conductor_plugins.form.model import Form
from conductor_plugins.form.situation import Situation
from conductor_plugins.host import Host, HostScene
from conductor_plugins.validators.validator import Problem, problems_of

if TYPE_CHECKING:
    from conductor_core.agent_answers import Check, Estimate, Offer, SceneJob
    from conductor_core.discovery.judge import Entry
    from conductor_core.host import SceneStep
    from conductor_core.report import ScanReport

    from conductor_plugins.agent import Agent

#: milliseconds without a change after which problems are looked for: not with every letter typed
SETTLED = 150


@dataclass(frozen=True)
class Scan:
    """How far the scan is."""

    state: Literal["idle", "running", "done", "cancelled"] = "idle"
    #: findings that the host has told
    found: int = 0
    #: entries of the report that they came to so far
    judged: int = 0
    #: the agent still reads the scene's file
    reading: bool = False


class Desk(QObject):
    """The state of one panel."""

    #: scene and steps were read anew
    scene_changed = Signal()
    #: the form has another value
    form_changed = Signal()
    #: more of the scan is known: a list of report entries
    entries_found = Signal(object)
    #: the scan began (no `report`), has the host's answer, has that of both readers, or was stopped
    scan_changed = Signal()
    #: the scan has come further (`scan`)
    scan_progressed = Signal()
    #: somebody wants the scene scanned again, or the scan stopped
    scan_wanted = Signal()
    scan_unwanted = Signal()
    #: the agent has answered (`offer`), or could not (`offer_problem`)
    offer_changed = Signal()
    #: somebody wants the agent asked again for its offer
    offer_wanted = Signal()
    #: there is a new answer (`check`)
    check_changed = Signal()
    #: the files that this answer adds to those known: a tuple of `CheckedFile`
    files_checked = Signal(object)
    estimate_changed = Signal()
    problems_changed = Signal()
    #: what is known of the scene's jobs (`jobs`), or why nothing newer is (`jobs_problem`)
    jobs_changed = Signal()
    #: something is done that must not be begun twice (`busy`), or no more
    busy_changed = Signal()
    #: the panel is closed
    closed = Signal()
    #: a sentence for the artist that is about no field, and whether it is bad news
    said = Signal(str, bool)

    def __init__(self, host: Host, agent: Agent, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.host = host
        self.agent = agent
        self.errands = Errands(self)
        self.scene: HostScene = host.scene()
        self.steps: tuple[SceneStep, ...] = tuple(host.steps())
        self.environment = dict(host.environment())
        self.form = Form()
        #: what one gets who chooses nothing: what the presets called `default` say
        self.defaults = Form()
        self.scan = Scan()
        self.report: ScanReport | None = None
        self.entries: list[Entry] = []
        self.offer: Offer | None = None
        #: why there is no offer, or none of now, as a sentence; "": nothing
        self.offer_problem = ""
        #: with all files that are known so far
        self.check: Check | None = None
        self.estimate: Estimate | None = None
        self.problems: tuple[Problem, ...] = ()
        #: of this scene, newest first
        self.jobs: tuple[SceneJob, ...] = ()
        self.jobs_problem = ""
        #: what is being done and must not be begun twice, in words; "": nothing
        self.busy = ""
        #: keys of warnings that the artist has accepted
        self.accepted: set[tuple[str, str]] = set()
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLED)
        self._settle.timeout.connect(self._look_in_a_thread)

    def situation(self) -> Situation:
        """Return all that is known now, as one value."""
        return Situation(
            scene=self.scene,
            steps=self.steps,
            form=self.form,
            report=self.report,
            offer=self.offer,
            check=self.check,
            estimate=self.estimate,
            environment=self.environment,
            jobs=self.jobs,
        )

    def edit(self, change: Callable[[Form], Form] | None = None, **fields: Any) -> None:
        """Change the form; nothing happens where the value is the same."""
        form = replace(change(self.form) if change else self.form, **fields)
        if form != self.form:
            self.form = form
            self.form_changed.emit()
            self.settle()

    def read_scene(self) -> None:
        """Ask the host anew what is open."""
        self.scene, self.steps = self.host.scene(), tuple(self.host.steps())
        self.environment = dict(self.host.environment())
        self.scene_changed.emit()
        self.settle()

    def settle(self) -> None:
        """Look for problems soon."""
        self._settle.start()

    def look_for_problems(self) -> None:
        """Run the validators now, and wait for them: for what is no large scene."""
        self.found_problems(tuple(problems_of(self.situation())))

    def _look_in_a_thread(self) -> None:
        situation = self.situation()

        def failed(error: ConductorError) -> None:
            self.said.emit(str(error), True)

        self.errands.run("problems", lambda: tuple(problems_of(situation)), self.found_problems, failed)

    def found_problems(self, problems: tuple[Problem, ...]) -> None:
        """Take what the validators have found."""
        if problems != self.problems:
            self.problems = problems
            self.problems_changed.emit()

    def be_busy(self, doing: str) -> None:
        """Tell what is being done that must not be begun twice; "": nothing any more."""
        if doing != self.busy:
            self.busy = doing
            self.busy_changed.emit()

    def close(self) -> None:
        """Stop everything that is under way for this panel; what the agent does goes on."""
        self._settle.stop()
        self.errands.close()
        self.closed.emit()
