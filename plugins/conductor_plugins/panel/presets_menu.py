"""The menu of presets: load one, save the form as one, reset to defaults."""

from __future__ import annotations

from qtpy.QtWidgets import QMenu, QWidget

from conductor_plugins.desk import Desk
from conductor_plugins.form.model import Form


class PresetsMenu(QMenu):
    """The presets that the agent knows, asked for anew whenever the menu is opened."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.desk = desk
        self.setObjectName("conductor-menu")
        self.addAction("&Reset to defaults", self.reset)

    def reset(self) -> None:
        """Choose nothing again."""
        self.desk.edit(lambda _: Form())
