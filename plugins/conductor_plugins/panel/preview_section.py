"""Section *Preview*: exactly what Submit would send. It is made when somebody looks at it, in a thread."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from conductor_core.errors import ConductorError
from conductor_core.submission import new_submission_id
from qtpy.QtCore import QTimer
from qtpy.QtGui import QFontDatabase, QShowEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QTableView,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from conductor_plugins.desk import Desk
from conductor_plugins.form.situation import Situation
from conductor_plugins.panel.figures import count
from conductor_plugins.panel.rows import Note, section_margin
from conductor_plugins.panel.section import Section
from conductor_plugins.panel.tables import Cell, CellModel, CellTable
from conductor_plugins.panel.tasks_model import TasksModel

if TYPE_CHECKING:
    from conductor_plugins.panel.previewing import Preview

#: milliseconds after a change before the preview is made anew
_SOON = 200


class PreviewSection(Section):
    """Summary, tasks, commands and JSON, each in a tab."""

    title = "Preview"

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        self.preview: Preview | None = None
        self._identity = new_submission_id()
        self.note = Note("preview")
        self.summary_table = CellTable(CellModel(("", "", ""), self.tones), "preview-summary")
        self.summary_table.set_widths(16, 26)
        self.summary_table.horizontalHeader().hide()
        self.tasks = TasksModel(self)
        self.commands, self.json = _text("preview-commands"), _text("preview-json")
        self.copy_command = self._button("Copy as CLI &command", "copy-command", self._copy_command)
        self.copy_json = self._button("Copy &JSON", "copy-json", self._copy_json)
        self._lay_out()
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON)
        self._soon.timeout.connect(self._make)
        for signal in (desk.form_changed, desk.scene_changed, desk.scan_changed, desk.check_changed, desk.offer_changed):
            signal.connect(self._if_seen)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Make the preview now that somebody looks."""
        super().showEvent(event)
        self._make()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(*section_margin(self))
        tabs = self.tabs = QTabWidget()
        tabs.setObjectName("preview-tabs")
        tabs.setDocumentMode(True)
        tabs.tabBar().setDrawBase(False)
        tabs.addTab(self.summary_table, "&Summary")
        tabs.addTab(self._tasks_table(), "&Tasks")
        tabs.addTab(self.commands, "C&ommands")
        tabs.addTab(self.json, "&JSON")
        column.addWidget(tabs, 1)
        row = QHBoxLayout()
        row.addWidget(self.note, 1)
        row.addWidget(self.copy_json)
        row.addWidget(self.copy_command)
        column.addLayout(row)

    def _tasks_table(self) -> QTableView:
        table = QTableView()
        table.setObjectName("preview-tasks")
        table.setModel(self.tasks)
        table.setShowGrid(False)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(round(table.fontMetrics().height() * 1.6))
        table.horizontalHeader().setStretchLastSection(True)
        table.horizontalHeader().setHighlightSections(False)
        each = table.fontMetrics().averageCharWidth()
        for col, characters in enumerate((10, 30, 30)):
            table.setColumnWidth(col, characters * each)
        return table

    def _button(self, text: str, name: str, call: object) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName(name)
        button.clicked.connect(call)
        button.setEnabled(False)
        return button

    def _if_seen(self) -> None:
        if self.isVisible():
            self._soon.start()

    def _make(self) -> None:
        make = partial(_preview, self.desk.situation(), self._identity)
        self.desk.errands.run("preview", make, self._show, self._cannot)

    def _show(self, preview: Preview) -> None:
        self.preview = preview
        rows = [(Cell(group, "subtle"), Cell(name, tip=name), Cell(value, tip=value)) for group, name, value in preview.summary]
        self.summary_table.cells.show_cells(rows)
        self.tasks.show_tasks(preview.tasks)
        _keep_place(self.commands, preview.commands)
        _keep_place(self.json, preview.json)
        unsaved = " The command renders the scene as it was saved last." if self.desk.scene.modified else ""
        self.note.say(f"{count(len(preview.tasks), 'task')}.{unsaved}")
        self._allow(True)

    def _cannot(self, error: ConductorError) -> None:
        self.preview = None
        self.summary_table.cells.show_cells([])
        self.tasks.show_tasks(())
        for text in (self.commands, self.json):
            text.clear()
        self.note.say(str(error), "error")
        self._allow(False)

    def _allow(self, whether: bool) -> None:
        self.copy_command.setEnabled(whether)
        self.copy_json.setEnabled(whether)

    def _copy_command(self) -> None:
        from conductor_plugins.form.command_line import cli_command
        from conductor_plugins.form.secrets import is_secret

        if self.preview is None:
            return
        QApplication.clipboard().setText(cli_command(self.preview.planned))
        secrets = [v.name for v in self.preview.planned.submission.environment if is_secret(v.name, v.value)]
        warning = f" It has the value of {', '.join(secrets)} in it, which looks like a secret." if secrets else ""
        self.desk.said.emit(f"The command is in the clipboard.{warning}", bool(secrets))

    def _copy_json(self) -> None:
        if self.preview is not None:
            QApplication.clipboard().setText(self.preview.json)
            self.desk.said.emit("The JSON is in the clipboard; secrets are masked in it.", False)


def _preview(situation: Situation, identity: str) -> Preview:
    from conductor_plugins.panel.previewing import preview_of  # in the thread, and not before somebody looks

    return preview_of(situation, identity)


def _text(name: str) -> QPlainTextEdit:
    text = QPlainTextEdit()
    text.setObjectName(name)
    text.setReadOnly(True)
    text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
    text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    return text


def _keep_place(widget: QPlainTextEdit, text: str) -> None:
    if widget.toPlainText() != text:
        place = widget.verticalScrollBar().value()
        widget.setPlainText(text)
        widget.verticalScrollBar().setValue(place)
