"""Scenes as an artist makes them, in the Houdini that this runs in: what the trial (`smoke.py`) checks the adapter's promises with."""

from __future__ import annotations

import os
from pathlib import Path

import hou
from conductor_plugins.host import Host

from conductor_houdini.host import HoudiniHost
from conductor_houdini.trial_calls import make, network, parm_of

_CHANGE = "conductor_change"


class TrialWorld:
    """A `conductor_plugins.compliance.world.HostWorld`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._host = HoudiniHost()

    @property
    def folder(self) -> Path:
        """The folder that was given."""
        return self._folder

    @property
    def extension(self) -> str:
        """Of scene files, by the licence of this Houdini."""
        kinds = {hou.licenseCategoryType.Apprentice: ".hipnc", hou.licenseCategoryType.Indie: ".hiplc"}
        return kinds.get(hou.licenseCategory(), ".hip")

    @property
    def host(self) -> Host:
        """The adapter."""
        return self._host

    def new_scene(self, file: str) -> None:
        """Open a new scene with one step and the frames 1-10."""
        hou.hipFile.clear(suppress_save_prompt=True)
        try:
            hou.playbar.setFrameRange(1, 10)
            hou.playbar.setPlaybackRange(1, 10)
        except hou.NotAvailable:  # without a window; seconds: https://www.sidefx.com/docs/houdini/commands/tset.html, frange.html
            hou.hscript(f"tset 0 {10 / hou.fps()}")
            hou.hscript("frange 1 10")
        parm_of(make("/out", "geometry", "writing"), "sopoutput").set("$HIP/out/cache.$F4.bgeo.sc")
        if file:
            hou.hipFile.save(file)

    def open_scene(self, file: str) -> None:
        """Open a file."""
        hou.hipFile.load(file, suppress_save_prompt=True, ignore_load_warnings=True)

    def change(self) -> None:
        """Add a node."""
        make("/obj", "null", f"{_CHANGE}1")

    def changes(self) -> int:
        """Return how many of those there are."""
        return sum(node.name().startswith(_CHANGE) for node in network("/obj").children())

    def undo(self) -> bool:
        """Houdini's Python has no call for it."""
        return False

    def undo_steps(self) -> int | None:
        """Houdini's Python does not tell."""
        return None

    def add_texture(self, file: str, *, relative: bool = False) -> str:
        """Add a geometry that reads a picture."""
        text = "$HIP/" + os.path.relpath(file, os.path.dirname(hou.hipFile.path())).replace(os.sep, "/") if relative else file
        return self._reading(text)

    def add_sequence(self, pattern: str, first: int, last: int) -> str:  # noqa: ARG002 - the files are there or not
        """Add a geometry that reads a picture for each frame."""
        return self._reading(pattern.replace("####", "$F4"))

    def remove(self, node: str) -> None:
        """Remove a node."""
        found = hou.node(node)
        if found is not None:
            found.destroy()

    def set_variable(self, name: str, value: str) -> None:
        """Set a variable of the process."""
        os.environ[name] = value

    def _reading(self, text: str) -> str:
        if hou.node("/obj/reading") is None:
            make("/obj", "geo", "reading")
        node = make("/obj/reading", "file", "picture1")
        parm_of(node, "file").set(text)
        return node.path()
