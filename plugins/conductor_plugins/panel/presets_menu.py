"""The menu of presets: load one, save what is chosen as one, remove one, reset to defaults."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from conductor_core.errors import ConductorError
from qtpy.QtWidgets import QMenu, QWidget

from conductor_plugins.desk import Desk

if TYPE_CHECKING:
    from conductor_core.agent_answers import Preset

if TYPE_CHECKING:
    from conductor_core.agent_answers import Preset

#: in the order of the menu: who sees it, and what it is called there
_SCOPES = (("studio", "Studio"), ("project", "Project"), ("personal", "Yours"))


class PresetsMenu(QMenu):
    """The presets that the agent knows, asked for anew whenever the menu is opened."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.desk = desk
        self.setObjectName("presets-menu")
        self.setToolTipsVisible(True)
        self.presets: list[Preset] = []
        self.removal = QMenu("Re&move", self)
        self._problem = ""
        self.aboutToShow.connect(self.ask)
        self._fill()

    def ask(self) -> None:
        """Ask which there are; the menu is filled again when the answer comes."""
        project = self.desk.situation().project()
        self.desk.errands.run("presets", lambda: self.desk.agent.presets(project=project), self._came, self._did_not_come)

    def reset(self) -> None:
        """Choose nothing: what the presets called `default` say is left."""
        self.desk.edit(lambda _: self.desk.defaults)

    def load(self, preset: Preset) -> None:
        """Take over what a preset says, on top of what is chosen."""
        from conductor_plugins.form.preset import with_preset  # not before a preset is loaded

        try:
            form = with_preset(self.desk.form, preset, self.desk.steps)
        except ConductorError as exc:
            self.desk.said.emit(str(exc), True)
            return
        self.desk.edit(lambda _: form)

    def save(self) -> None:
        """Ask for a name, and keep what is chosen under it."""
        from conductor_plugins.panel.preset_saving import PresetSaving  # as above

        saving = PresetSaving(self.desk, [*self.presets], self.parentWidget())
        saving.wanted.connect(self._save)
        saving.open()

    def _save(self, name: str, scope: str, values: object) -> None:
        assert isinstance(values, dict)
        project = self.desk.situation().project()
        self.desk.errands.run(
            "save preset",
            lambda: self.desk.agent.save_preset(name, values, scope=scope, project=project),
            lambda _: self.desk.said.emit(f"Preset {name} is saved.", False),
            lambda error: self.desk.said.emit(str(error), True),
        )

    def remove(self, preset: Preset) -> None:
        """Remove a preset for good."""
        project = self.desk.situation().project()
        self.desk.errands.run(
            "remove preset",
            lambda: self.desk.agent.remove_preset(preset.name, scope=preset.scope, project=project),
            lambda _: self.desk.said.emit(f"Preset {preset.name} is removed.", False),
            lambda error: self.desk.said.emit(str(error), True),
        )

    def _came(self, presets: list[Preset]) -> None:
        self.presets, self._problem = presets, ""
        self._fill()

    def _did_not_come(self, error: ConductorError) -> None:
        self.presets, self._problem = [], str(error)
        self._fill()

    def _fill(self) -> None:
        self.clear()
        for scope, title in _SCOPES:
            mine = [preset for preset in self.presets if preset.scope == scope]
            if mine:
                self.addAction(title).setEnabled(False)
            for preset in mine:
                action = self.addAction(preset.name)
                action.setToolTip(f"{', '.join(preset.values)}\n{preset.file}".strip())
                action.triggered.connect(partial(self._chosen, self.load, preset))
        if not self.presets:
            self.addAction(self._problem or "No presets yet").setEnabled(False)
        self.addSeparator()
        self.addAction("&Save as …").triggered.connect(lambda *_: self.save())
        self._add_removal()
        self.addSeparator()
        self.addAction("&Reset to defaults").triggered.connect(lambda *_: self.reset())

    def _add_removal(self) -> None:
        mine = [preset for preset in self.presets if preset.scope != "studio"]
        self.removal.clear()
        self.removal.setEnabled(bool(mine))
        self.addMenu(self.removal)
        for preset in mine:
            self.removal.addAction(preset.name).triggered.connect(partial(self._chosen, self.remove, preset))

    @staticmethod
    def _chosen(action: object, preset: Preset, *_: object) -> None:
        assert callable(action)
        action(preset)
