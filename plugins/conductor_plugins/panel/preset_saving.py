"""The dialog that saves a preset: its name, who is to have it, and which fields it holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QWidget,
)

from conductor_plugins.desk import Desk
from conductor_plugins.panel.rows import Note
from conductor_plugins.panel.words import WORDS

if TYPE_CHECKING:
    from conductor_core.agent_answers import Preset

_FIELD = int(Qt.ItemDataRole.UserRole)


class PresetSaving(QDialog):
    """Ask what to save; nothing is written here."""

    #: name, scope, and the values by field
    wanted = Signal(str, str, object)

    def __init__(self, desk: Desk, presets: Sequence[Preset], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._presets = presets
        self.setWindowTitle("Save a preset")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.name, self.scope, self.fields = QLineEdit(), QComboBox(), QListWidget()
        self.name.setObjectName("preset-name")
        self.scope.setObjectName("preset-scope")
        self.fields.setObjectName("preset-fields")
        self.scope.addItem("You", "personal")
        project = desk.situation().project()
        if project:
            self.scope.addItem(f"All of the project {project}", "project")
        self.note = Note("preset")
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel)
        self._buttons.accepted.connect(self._save)
        self._buttons.rejected.connect(self.reject)
        self._lay_out()
        self._list_fields()
        self.name.textChanged.connect(self._look)
        self.scope.currentIndexChanged.connect(self._look)
        self.fields.itemChanged.connect(self._look)
        self._look()

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        em = self.fontMetrics().height()
        grid.setVerticalSpacing(em // 2)
        for row, (text, field) in enumerate((("&Name", self.name), ("&For", self.scope), ("&Holds", self.fields))):
            label = QLabel(text)
            label.setBuddy(field)
            top = Qt.AlignmentFlag.AlignTop if field is self.fields else Qt.AlignmentFlag.AlignVCenter
            grid.addWidget(label, row, 0, Qt.AlignmentFlag.AlignRight | top)
            grid.addWidget(field, row, 1)
        grid.addWidget(self.note, 3, 0, 1, 2)
        grid.addWidget(self._buttons, 4, 0, 1, 2)
        self.resize(em * 26, em * 22)

    def _list_fields(self) -> None:
        """List what is chosen; what is of this scene alone is not ticked at first."""
        from conductor_plugins.form.preset import differing  # not before a preset is saved

        for name in differing(self._desk.form, self._desk.defaults):
            item = QListWidgetItem(WORDS[name].name if name in WORDS else name)
            item.setData(_FIELD, name)
            own = name in ("title", "frames", "steps")
            item.setCheckState(Qt.CheckState.Unchecked if own else Qt.CheckState.Checked)
            self.fields.addItem(item)

    def _ticked(self) -> list[str]:
        items = [self.fields.item(row) for row in range(self.fields.count())]
        return [str(item.data(_FIELD)) for item in items if item.checkState() == Qt.CheckState.Checked]

    def _look(self) -> None:
        name, scope = self.name.text().strip(), self.scope.currentData()
        if not self.fields.count():
            self.note.say("Nothing is chosen that is not the default already.")
        elif any(preset.name == name and preset.scope == scope for preset in self._presets):
            self.note.say(f"There is a preset {name}; this one takes its place.", "warning")
        elif name == "default":
            self.note.say("A preset called default applies by itself, in every scene.")
        else:
            self.note.say("")
        self._buttons.button(QDialogButtonBox.StandardButton.Save).setEnabled(bool(name and self._ticked()))

    def _save(self) -> None:
        from conductor_plugins.form.preset import preset_values  # as above

        values = preset_values(self._desk.form, self._ticked())
        self.wanted.emit(self.name.text().strip(), str(self.scope.currentData()), values)
        self.accept()
