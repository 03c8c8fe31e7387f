"""What the panel asks the agent by itself: the offer when it opens, and whenever the choice changes how much there is to send and
what it would cost. Everything waits in threads; nothing is asked again before the artist pauses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from conductor_core.errors import ConductorError
from conductor_core.submission import Exclusion, Submission, new_submission_id
from qtpy.QtCore import QObject, QTimer

from conductor_plugins.desk import Desk
from conductor_plugins.form.situation import Situation

if TYPE_CHECKING:
    from conductor_core.agent_answers import Check, Estimate, Offer

#: milliseconds without a change after which the agent is asked
_SETTLED = 400
#: milliseconds between two questions about one check: at first, and at most where nothing moves
_OFTEN, _SELDOM = 150, 2_000
#: milliseconds after which an agent that could not answer is asked again
_LATER = 5_000


@dataclass(frozen=True)
class _Plan:
    """What is compared with the store, and what an estimate is asked for; None: nothing can be submitted as it stands."""

    project: str
    files: tuple[str, ...]
    excluded: tuple[Exclusion, ...]
    submission: Submission | None


class Checking(QObject):
    """Keep the desk's offer, check and estimate as they should be."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._desk = desk
        self._identity = new_submission_id()
        self._check = ""
        self._pause = _OFTEN
        #: what was asked for last: (project, files, exclusions), and the submission
        self._checked: tuple[str, tuple[str, ...], tuple[Exclusion, ...]] | None = None
        self._estimated: Submission | None = None
        self._soon = self._timer(_SETTLED, self._plan)
        self._again = self._timer(_OFTEN, self._ask_on)
        self._offer_later = self._timer(_LATER, self.load_offer)
        for signal in (desk.form_changed, desk.offer_changed, desk.scene_changed):
            signal.connect(self._soon.start)
        desk.scan_changed.connect(self._scan_changed)
        desk.offer_wanted.connect(self.load_offer)
        desk.closed.connect(self._stop)

    def load_offer(self) -> None:
        """Ask what can be asked for; where nobody answers, ask again after a while."""
        self._offer_later.stop()
        self._desk.errands.run("offer", self._desk.agent.offer, self._offered, self._not_offered)

    def _offered(self, offer: Offer) -> None:
        desk = self._desk
        desk.offer, desk.offer_problem = offer, ""
        desk.offer_changed.emit()
        desk.settle()

    def _not_offered(self, error: ConductorError) -> None:
        problem = str(error)
        if problem != self._desk.offer_problem:
            self._desk.offer_problem = problem
            self._desk.offer_changed.emit()
        self._offer_later.start()

    def _scan_changed(self) -> None:
        if self._desk.report is None:
            self._forget_check()
        else:
            self._soon.start()

    def _forget_check(self) -> None:
        self._again.stop()
        self._check, self._checked = "", None
        if self._desk.check is not None:
            self._desk.check = None
            self._desk.check_changed.emit()

    def _plan(self) -> None:
        situation, identity = self._desk.situation(), self._identity
        self._desk.errands.run("plan", lambda: _planned(situation, identity), self._planned, self._estimate_failed)

    def _planned(self, plan: _Plan) -> None:
        wanted = (plan.project, plan.files, plan.excluded)
        if self._desk.report is not None and plan.project and wanted != self._checked:
            self._begin_check(plan)
        if plan.submission is None:
            self._estimated = None
            self._estimate_came(None)
        elif plan.submission != self._estimated and self._desk.offer is not None:
            self._begin_estimate(plan.submission)

    def _begin_check(self, plan: _Plan) -> None:
        self._forget_check()
        self._checked = (plan.project, plan.files, plan.excluded)
        agent = self._desk.agent
        self._desk.errands.run(
            "check",
            lambda: agent.start_check(plan.files, project=plan.project, excluded=plan.excluded),
            self._check_began,
            self._check_failed,
        )

    def _check_began(self, identity: str) -> None:
        self._check, self._pause = identity, _OFTEN
        self._ask_on()

    def _ask_on(self) -> None:
        identity, agent, known = self._check, self._desk.agent, self._desk.check
        if not identity:
            self._checked = None
            self._plan()
            return
        after = known.next if known else 0
        self._desk.errands.run("check", lambda: agent.check(identity, after=after), self._check_came, self._check_failed)

    def _check_came(self, came: Check) -> None:
        desk, before = self._desk, self._desk.check
        moved = before is None or (came.files_checked, came.problem) != (before.files_checked, before.problem)
        desk.check = replace(came, files=(*before.files, *came.files) if before else came.files)
        self._pause = _OFTEN if moved else min(_SELDOM, self._pause * 2)
        if not came.done:
            self._again.start(self._pause)
        if came.files:
            desk.files_checked.emit(came.files)
        if moved or came.done:
            desk.check_changed.emit()
            desk.settle()

    def _check_failed(self, error: ConductorError) -> None:
        """Begin anew after a while: an agent that was restarted has forgotten the check."""
        self._check = ""
        from conductor_core.agent_answers import Check  # loaded by the agent's client long ago

        known = self._desk.check or Check("", done=False, files_total=0, files_checked=0, bytes_total=0, bytes_to_send=0)
        self._desk.check = replace(known, problem=str(error))
        self._desk.check_changed.emit()
        self._again.start(_LATER)

    def _begin_estimate(self, submission: Submission) -> None:
        self._estimated = submission
        agent = self._desk.agent
        self._desk.errands.run("estimate", lambda: agent.estimate(submission), self._estimate_came, self._estimate_failed)

    def _estimate_came(self, estimate: Estimate | None) -> None:
        if estimate != self._desk.estimate:
            self._desk.estimate = estimate
            self._desk.estimate_changed.emit()
            self._desk.settle()

    def _estimate_failed(self, _error: ConductorError) -> None:
        self._estimated = None
        self._estimate_came(None)

    def _timer(self, milliseconds: int, then: Any) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(then)
        return timer

    def _stop(self) -> None:
        for timer in (self._soon, self._again, self._offer_later):
            timer.stop()


def _planned(situation: Situation, identity: str) -> _Plan:
    """Return what to ask for; files are compared also where the form as a whole is not right yet."""
    from conductor_plugins.form.build import planned  # in the thread, and not before the panel is there

    try:
        plan = planned(situation, identity=identity)
    except ConductorError:
        files = situation.report.files() if situation.report else ()
        return _Plan(situation.project(), tuple(dict.fromkeys((*files, *situation.form.added))), (), None)
    return _Plan(plan.submission.project, plan.files, plan.submission.excluded, plan.submission)
