"""The presets called `default`, which apply by themselves: asked for when the panel opens and when the project becomes another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from conductor_plugins.desk import Desk
from conductor_plugins.form.model import Form

if TYPE_CHECKING:
    from conductor_core.agent_answers import Preset


class Defaults(QObject):
    """Keep `desk.defaults` as studio, project and artist have them; what was chosen in this scene or by hand stays."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._desk = desk
        #: whose presets were asked for last
        self._project: str | None = None
        self._presets: list[Preset] = []
        desk.offer_changed.connect(self.look)
        desk.form_changed.connect(self.look)
        desk.scene_changed.connect(self._apply)

    def look(self) -> None:
        """Ask which presets there are, where the project is another than the last time; without an agent there are none."""
        project = self._desk.situation().project()
        if project == self._project:
            return
        self._project = project
        self._desk.errands.run("defaults", lambda: self._desk.agent.presets(project=project), self._came, self._did_not_come)

    def _came(self, presets: list[Preset]) -> None:
        self._presets = [preset for preset in presets if preset.name == "default"]
        self._apply()

    def _did_not_come(self, _: object) -> None:
        self._project = None  # the next offer tells that the agent is there

    def _apply(self) -> None:
        if not self._presets and self._desk.defaults == Form():
            return
        from conductor_plugins.form.preset import defaults  # not before there is one

        layered = defaults(self._presets, self._desk.steps)
        if layered.problems:
            self._desk.said.emit(" ".join(layered.problems), True)
        if layered.form != self._desk.defaults:
            before, self._desk.defaults = self._desk.defaults, layered.form
            settings = self._desk.scene.settings
            self._desk.edit(lambda form: moved(form, _came_with(settings, before), _came_with(settings, layered.form)))


def moved(form: Form, before: Form, after: Form) -> Form:
    """Return the form in which whatever nobody has touched since `before` is as in `after`."""
    changes: dict[str, Any] = {
        name: getattr(after, name)
        for name in Form.__dataclass_fields__
        if getattr(form, name) == getattr(before, name) != getattr(after, name)
    }
    return replace(form, **changes)


def _came_with(settings: str, defaults: Form) -> Form:
    """Return the form that a scene with these settings opens with."""
    if not settings:
        return defaults
    from conductor_plugins.form.sticky import from_text  # as above

    return from_text(settings, defaults=defaults)
