"""The section Job: what it is called, whose it is, and which steps of the scene are rendered."""

from __future__ import annotations

import os
from dataclasses import replace

from qtpy.QtCore import QModelIndex, QSignalBlocker, QTimer
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from conductor_plugins.desk import Desk
from conductor_plugins.form.model import Form
from conductor_plugins.form.situation import Situation
from conductor_plugins.panel.fields import TextField, named
from conductor_plugins.panel.figures import count
from conductor_plugins.panel.rows import Rows, section_margin
from conductor_plugins.panel.section import Section
from conductor_plugins.panel.step_outputs import StepOutputs
from conductor_plugins.panel.steps_table import StepsTable
from conductor_plugins.panel.words import WORDS

_SOON = 60


class JobSection(Section):
    """Title, project and steps."""

    title = "Job"

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        em = self.fontMetrics().height()
        column = QVBoxLayout(self)
        column.setContentsMargins(*section_margin(self))
        column.setSpacing(em // 2)
        self.title_field = TextField(desk, "title")
        self.project = QComboBox()
        named(self.project, "project")
        self.project.setMinimumWidth(self.fontMetrics().averageCharWidth() * 24)
        self.project.activated.connect(self._take_project)
        rows = Rows(self)
        rows.add("title", self.title_field, stretch=True)
        rows.add("project", self.project)
        column.addLayout(rows)
        self.steps = StepsTable(self)
        column.addSpacing(em // 4)
        column.addLayout(self._above_steps())
        column.addWidget(self.steps, 1)
        self.outputs = StepOutputs(self)
        column.addWidget(self.outputs)
        self._follow()

    @classmethod
    def summary(cls, situation: Situation) -> str:
        """Return which steps are rendered."""
        chosen = [step.name for step, _ in situation.chosen_steps()]
        if not situation.steps:
            return "nothing to render"
        if len(chosen) == 1:
            return chosen[0]
        return f"{len(chosen)} of {count(len(situation.steps), 'step')}"

    def _above_steps(self) -> QHBoxLayout:
        row = QHBoxLayout()
        label = QLabel(WORDS["steps"].label)
        label.setBuddy(self.steps)
        label.setToolTip(WORDS["steps"].tip)
        row.addWidget(label)
        row.addStretch(1)
        for text, name, tip, enabled in (
            ("All", "steps-all", "Render all steps", True),
            ("None", "steps-none", "Render no step", False),
            ("As in the scene", "steps-of-scene", "Forget what was chosen here for steps", None),
        ):
            button = QPushButton(text)
            button.setObjectName(name)
            button.setProperty("flat", True)
            button.setToolTip(tip)
            button.clicked.connect(lambda *_, enabled=enabled: self._set_all(enabled))
            row.addWidget(button)
        return row

    def _follow(self) -> None:
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON)
        self._soon.timeout.connect(self.show_steps)
        self.desk.form_changed.connect(self._soon.start)
        self.desk.form_changed.connect(self._show_project)
        self.desk.offer_changed.connect(self._show_project)
        self.desk.scene_changed.connect(self._show_scene)
        self.steps.selectionModel().currentRowChanged.connect(self._show_outputs)
        self._show_project()
        self._show_scene()

    def _show_scene(self) -> None:
        path = self.desk.scene.path
        self.title_field.setPlaceholderText(os.path.splitext(os.path.basename(path))[0])
        self.show_steps()

    def show_steps(self) -> None:
        """Show the steps as they are now."""
        self.steps.refresh()
        if self.desk.steps and not self.steps.currentIndex().isValid():
            self.steps.setCurrentIndex(self.steps.cells.index(0, 0))
        self._show_outputs(self.steps.currentIndex())

    def _show_outputs(self, current: QModelIndex, _before: QModelIndex | None = None) -> None:
        steps = self.desk.steps
        self.outputs.show_step(steps[current.row()] if current.isValid() and current.row() < len(steps) else None)

    def _set_all(self, enabled: bool | None) -> None:
        def change(form: Form) -> Form:
            if enabled is None:
                return replace(form, steps=())
            for step in self.desk.steps:
                form = form.switched(step.name, enabled)
            return form

        self.desk.edit(change)

    def _show_project(self) -> None:
        now = self.desk.situation()
        names = list(now.offer.projects) if now.offer else []
        if now.form.project and now.form.project not in names:
            names.insert(0, now.form.project)
        silence = QSignalBlocker(self.project)
        if [self.project.itemText(row) for row in range(self.project.count())] != names:
            self.project.clear()
            self.project.addItems(names)
        self.project.setCurrentIndex(self.project.findText(now.project()) if now.project() else -1)
        if hasattr(self.project, "setPlaceholderText"):
            self.project.setPlaceholderText("Choose a project" if now.offer else "Asking the farm …")
        self.project.setEnabled(bool(names))
        silence.unblock()

    def _take_project(self, row: int) -> None:
        self.desk.edit(project=self.project.itemText(row))
