"""Run by an interpreter with bpy: `bpy_scene.py SCENE.blend OUTPUT`; build a small Cycles scene whose cube turns."""

from __future__ import annotations

import os
import sys

import bpy


def main(path: str, output: str) -> None:
    """Build and save."""
    bpy.ops.wm.read_factory_settings()
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.device = 1, False, "CPU"
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 160, 90, 100
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.filepath = output
    cube = bpy.data.objects["Cube"]
    for frame, angle in ((1, 0.0), (20, 3.0)):
        cube.rotation_euler.z = angle
        cube.keyframe_insert("rotation_euler", frame=frame)
    bpy.ops.wm.save_as_mainfile(filepath=path)


main(*sys.argv[-2:])
sys.stdout.flush()
# bpy can hang in its own clean-up.
os._exit(0)
