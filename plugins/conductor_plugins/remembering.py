"""Settings that stay with a scene: read when it is opened, left in it on Submit and when the panel is closed."""

from __future__ import annotations

import os
import time
from dataclasses import replace

from qtpy.QtCore import QObject

from conductor_plugins.desk import Desk
from conductor_plugins.form.model import Form
from conductor_plugins.host import HostRefused, HostScene

#: seconds by which a disk's clock may say that a file is older than it is
_COARSE = 2.0


class Remembering(QObject):
    """Give the desk's form to the scene, and the scene's to the desk."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._desk = desk
        #: the scene that the form belongs to, and the form that it came with
        self._path: str | None = None
        self._came = Form()
        #: whether the scene that was read last is the one before, at most under another name
        self.same = True
        #: as it was read before, and when
        self._read: tuple[HostScene, object, float] = (desk.scene, desk.steps, time.time())
        desk.scene_changed.connect(self.recall)
        desk.closed.connect(self.keep)

    def recall(self) -> None:
        """Take over what was chosen in this scene before; a scene that only was saved under another name keeps what is chosen."""
        desk, scene = self._desk, self._desk.scene
        first = self._path is None
        self.same = first or self._is_same()
        self._read = (scene, desk.steps, time.time())
        if scene.path == self._path:
            return
        self._path = scene.path
        if self.same and not first:
            return
        if not first:
            desk.accepted.clear()  # what was accepted for one scene is asked about in another
        if first and not scene.settings:
            self._came = desk.form
            return
        from conductor_plugins.form.sticky import from_text  # not before there is something to be read

        self._came = from_text(scene.settings, defaults=desk.defaults)
        desk.edit(lambda _: self._came)

    def _is_same(self) -> bool:
        """Tell whether the scene is the one that was read before: by its file, or because that was written since then.

        No host tells `save as` from `open`. A file that was opened is older than the last look at the scene before it.
        """
        before, steps, at = self._read
        now = self._desk.scene
        if now.path == before.path:
            return True
        if now.settings != before.settings or (before.path and self._desk.steps != steps):
            return False
        return _written(now.path) > at - _COARSE

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
                self._read = (desk.scene, *self._read[1:])
        except HostRefused as exc:
            desk.said.emit(str(exc), False)
            return
        self._came = desk.form


def _written(file: str) -> float:
    """Return when a file was written; one that cannot be looked at is taken for new, unless there is none."""
    try:
        return os.stat(file).st_mtime
    except OSError:
        return float("inf") if file else 0.0
