"""Section *Scripts*: folders of plug-ins and scripts to take along, and what runs before and after."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from typing import Any

from conductor_core.task_words import PLACEHOLDERS, odd_placeholders
from qtpy.QtWidgets import QLabel, QLineEdit, QVBoxLayout, QWidget

from conductor_plugins.desk import Desk
from conductor_plugins.form.situation import Situation
from conductor_plugins.panel.command_words import NotSplit, joined_words, shown_words, split_words
from conductor_plugins.panel.figures import count
from conductor_plugins.panel.paths_table import PathsTable
from conductor_plugins.panel.rows import Note, Rows, repolish, section_margin
from conductor_plugins.panel.section import Section


class ScriptsSection(Section):
    """Two lists of paths and two command lines."""

    title = "Scripts"

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        self._there: dict[str, bool] = {}
        self._looked_at: tuple[str, ...] = ()
        self.folders = PathsTable(self.tones, "plug_in_folders", folders=True, dialog_title="Add a folder of plug-ins or scripts")
        self.startup = PathsTable(self.tones, "startup", folders=False, dialog_title="Add startup scripts")
        self.folders.setAccessibleName("Folders of plug-ins and scripts")
        self.startup.setAccessibleName("Startup scripts")
        self.folders.changed.connect(lambda paths: self._keep(plug_in_folders=paths))
        self.startup.changed.connect(lambda paths: self._keep(startup=paths))
        self.before, self.after = CommandField(self, "before_task"), CommandField(self, "after_task")
        self._lay_out()
        desk.form_changed.connect(self.follow)
        self.follow()

    @classmethod
    def summary(cls, situation: Situation) -> str:
        """Return how much goes along."""
        scripts = situation.form.scripts
        number = len(scripts.plug_in_folders) + len(scripts.startup) + bool(scripts.before_task) + bool(scripts.after_task)
        return count(number, "entry", "entries") if number else ""

    def focus_field(self, field: str) -> bool:
        """Put the keyboard into the first list: the section is one field."""
        if field == "scripts":
            self.folders.setFocus()
            return True
        return super().focus_field(field)

    def _lay_out(self) -> None:
        em = self.fontMetrics().height()
        column = QVBoxLayout(self)
        column.setContentsMargins(*section_margin(self))
        column.setSpacing(em // 3)
        tip = "Folders that go along, and where the software on the instance looks for plug-ins and scripts."
        column.addLayout(self.folders.path_heading("&Folders of plug-ins and scripts", tip))
        column.addWidget(self.folders, 1)
        tip = "Python files that the software runs, in this order, once it has loaded the scene."
        column.addLayout(self.startup.path_heading("S&tartup scripts", tip))
        column.addWidget(self.startup, 1)
        rows = Rows(self)
        for text, field in (("&Before each task", self.before), ("&After each task", self.after)):
            label = QLabel(text)
            label.setBuddy(field)
            rows.add_row(label, field, note=field.note, stretch=True)
        column.addLayout(rows)

    def follow(self) -> None:
        """Show what is so now; whether the paths are there is looked up in a thread."""
        scripts = self.desk.form.scripts
        self.folders.show_paths(scripts.plug_in_folders, self._there)
        self.startup.show_paths(scripts.startup, self._there)
        self.before.follow(scripts.before_task)
        self.after.follow(scripts.after_task)
        paths = (*scripts.plug_in_folders, *scripts.startup)
        if paths != self._looked_at:
            self._looked_at = paths
            self.desk.errands.run("paths of scripts", partial(_there, paths), self._found, lambda _: None)

    def _found(self, there: dict[str, bool]) -> None:
        self._there = there
        self.follow()

    def _keep(self, **changes: Any) -> None:
        self.desk.edit(scripts=replace(self.desk.form.scripts, **changes))


class CommandField(QLineEdit):
    """A command line of the form's scripts; below it stand the words that it comes to."""

    def __init__(self, section: ScriptsSection, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self._section, self._name = section, name
        self.note = Note(name)
        self.setPlaceholderText("nothing")
        self.setToolTip(
            "A program of the instance with its words, run in the task's sandbox. "
            f"{', '.join(PLACEHOLDERS)} stand for the task's frames. If it fails, so does the task."
        )
        self.textEdited.connect(self._edit)

    def follow(self, words: tuple[str, ...]) -> None:
        """Show the form's words, as they were typed where they are the same."""
        try:
            same = split_words(self.text()) == words
        except NotSplit:
            same = self.hasFocus()  # somebody is typing
        if not same:
            self.setText(joined_words(words))
        self._say()

    def _edit(self, text: str) -> None:
        try:
            words = split_words(text)
        except NotSplit:
            self._say()
            return
        desk = self._section.desk
        desk.edit(scripts=replace(desk.form.scripts, **{self._name: words}))
        self._say()

    def _say(self) -> None:
        wrong = False
        try:
            words = split_words(self.text())
        except NotSplit as exc:
            wrong = True
            self.note.say(f"This cannot be read: {exc}. Until then the job has what stood here before.", "error")
        else:
            odd = odd_placeholders(words)
            if odd:
                known = ", ".join(PLACEHOLDERS)
                self.note.say(f"{odd[0]} is no placeholder and stays as it is. There are {known}.", "warning")
            else:
                self.note.say(f"{count(len(words), 'word')}:  {shown_words(words)}" if words else "")
        if bool(self.property("wrong")) != wrong:
            self.setProperty("wrong", wrong)
            repolish(self)


def _there(paths: tuple[str, ...]) -> dict[str, bool]:
    return {path: os.path.exists(path) for path in paths}
