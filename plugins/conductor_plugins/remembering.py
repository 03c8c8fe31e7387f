"""Settings that stay with a scene: read when it is opened, left in it on Submit and when the panel is closed."""

from __future__ import annotations

from dataclasses import replace

from qtpy.QtCore import QObject

from conductor_plugins.desk import Desk
from conductor_plugins.form.model import Form
from conductor_plugins.host import HostRefused


class Remembering(QObject):
    """Give the desk's form to the scene, and the scene's to the desk."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._desk = desk
        #: the scene that the form belongs to, and the form that it came with
        self._path: str | None = None
        self._came = Form()
        desk.scene_changed.connect(self.recall)
        desk.closed.connect(self.keep)

    def recall(self) -> None:
        """Take over what was chosen in this scene before; a scene that only was saved under another name keeps what is chosen."""
        desk, scene = self._desk, self._desk.scene
        if scene.path == self._path:
            return
        first, renamed = self._path is None, self._path == ""
        self._path = scene.path
        if renamed and not scene.settings:
            return
        if first and not scene.settings:
            self._came = desk.form
            return
        from conductor_plugins.form.sticky import from_text  # not before there is something to be read

        self._came = from_text(scene.settings, defaults=desk.defaults)
        desk.edit(lambda _: self._came)

    def keep(self) -> None:
        """Leave what is chosen in the scene; nothing is written where nothing was chosen since, or where it cannot be kept."""
        desk = self._desk
        if desk.form == self._came:
            return
        from conductor_plugins.form.sticky import to_text  # as above

        text = to_text(desk.form, defaults=desk.defaults)
        try:
            if text != desk.scene.settings and desk.host.scene().path == desk.scene.path:
                desk.host.remember(text)
                desk.scene = replace(desk.scene, settings=text)
        except HostRefused as exc:
            desk.said.emit(str(exc), False)
            return
        self._came = desk.form
