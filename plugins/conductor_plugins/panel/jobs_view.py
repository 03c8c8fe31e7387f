"""After Submit: the jobs of this scene, with what is uploaded and rendered, the last frame, and what can be done about each."""

from __future__ import annotations

from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QHideEvent, QShowEvent
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from conductor_plugins.desk import Desk
from conductor_plugins.form.situation import Situation
from conductor_plugins.jobs import Jobs, is_under_way
from conductor_plugins.panel.job_card import JobCard
from conductor_plugins.panel.section import Section


class JobsView(Section):
    """One card for each job, the newest first."""

    title = "Jobs"

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        self.jobs = Jobs.of(desk)
        self.cards: dict[str, JobCard] = {}
        em = self.fontMetrics().height()
        column = QVBoxLayout(self)
        column.setContentsMargins(em, em, em, em)
        column.setSpacing(em // 2)
        self.problem, self.nothing = QLabel(), QLabel()
        for label, tone in ((self.problem, "error"), (self.nothing, "subtle")):
            label.setProperty("tone", tone)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            column.addWidget(label)
        self._column = QVBoxLayout()
        self._column.setSpacing(em // 2)
        column.addLayout(self._column)
        column.addStretch(1)
        self._next = QTimer(self)
        self._next.setSingleShot(True)
        self._next.timeout.connect(self._fill)
        desk.jobs_changed.connect(self.show_jobs)
        self.jobs.picture_came.connect(self._show_picture)
        self.show_jobs()

    @classmethod
    def summary(cls, situation: Situation) -> str:
        """Return how many jobs of the scene are under way."""
        going = sum(map(is_under_way, situation.jobs))
        return f"{going} under way" if going else f"{len(situation.jobs)} done" if situation.jobs else ""

    def show_jobs(self) -> None:
        """Show what is known of the jobs now; cards that there are not yet come one by one."""
        desk = self.desk
        self.problem.setText(desk.jobs_problem)
        self.problem.setVisible(bool(desk.jobs_problem))
        self.nothing.setText(_nothing(desk))
        self.nothing.setVisible(not desk.jobs)
        known = {job.id for job in desk.jobs}
        for gone in [identity for identity in self.cards if identity not in known]:
            self.cards.pop(gone).deleteLater()
        for job in desk.jobs:
            if job.id in self.cards:
                self.cards[job.id].show_job(job)
                self.jobs.want_picture(job)
        self._next.start(0)

    def _fill(self) -> None:
        """Make the next card, in its place: all at once would hold the host up."""
        for place, job in enumerate(self.desk.jobs):
            if job.id not in self.cards:
                card = JobCard(job)
                card.moved.connect(self.jobs.move)
                self.cards[job.id] = card
                self._column.insertWidget(place, card)
                self.jobs.want_picture(job)
                self._next.start(0)
                return

    def _show_picture(self, identity: str, picture: bytes) -> None:
        if identity in self.cards:
            self.cards[identity].show_picture(picture)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Follow the jobs while they are seen."""
        super().showEvent(event)
        self.jobs.follow(True)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """Follow them no more."""
        super().hideEvent(event)
        self.jobs.follow(False)


def _nothing(desk: Desk) -> str:
    if not desk.scene.path:
        return "This scene has no file yet. Its jobs are listed here once it was saved and submitted."
    return "No job of this scene was submitted from this workstation yet."
