# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender as the frame server's renderer: open the scene, have its paths and plug-ins in place, render frames of it."""

from __future__ import annotations

import os
from collections.abc import Sequence

from conductor_core.discovery.blender_places import absolute
from conductor_plugins.frame_server import Load, Loaded, Progress, Rendered, serve
from conductor_plugins.frame_server.errors import FrameNotRendered
from conductor_plugins.frame_server.startup import run_script
from conductor_plugins.frame_server.streams import log

from .discover import home_folder
from .host import version
from .opening import open_scene
from .plug_ins import load_plug_ins, plug_in_folders
from .rendering import FrameRenderer, apply_step
from .rewrite import rewrite_scene


def main(_arguments: Sequence[str]) -> int:
    """Serve until the runner says quit or goes away."""
    return serve("blender", version(), BlenderRenderer())


class BlenderRenderer:
    """Render what is open in this Blender."""

    def __init__(self) -> None:
        """Begin with no scene."""
        self._frames: FrameRenderer | None = None

    def load(self, load: Load) -> Loaded:
        """Open the scene and set it up for the step."""
        self._frames = None
        load_plug_ins(plug_in_folders(), log)
        open_scene(load.scene, scripts=bool(load.step.parameters.get("scripts")))
        log(f"{load.scene} is open, {'the paths are rewritten' if load.rules else 'at its own path'}")
        if load.rules:
            rewrite_scene(load.rules, log)
        for script in load.startup:
            run_script(script, log)
        scene = apply_step(load.step, load.scene, log)
        log_what_lacks()
        self._frames = FrameRenderer(scene)
        return Loaded()

    def render(self, frame: int, progress: Progress) -> Rendered:
        """Render one frame; Blender tells itself how far it is."""
        if self._frames is None:
            raise FrameNotRendered(frame, "internal", "no scene is loaded")
        return self._frames.render(frame, progress)


def log_what_lacks() -> None:
    """Name in the log the images and libraries that are not there: a frame with pink in it has its reason beside it."""
    import bpy

    for datablock in (*bpy.data.libraries, *bpy.data.images):
        text = datablock.filepath
        single = getattr(datablock, "source", "FILE") == "FILE" and datablock.packed_file is None
        path = absolute(text, home_folder(datablock)) if text else None
        if single and datablock.users and path and not os.path.exists(path):
            log(f"missing: {datablock.bl_rna.identifier} {datablock.name_full}: {path}")
