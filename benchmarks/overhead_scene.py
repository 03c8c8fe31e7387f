"""Run by a Blender interpreter: build the scene of `overhead.py`, or render it plainly, frame after frame in one process.

python overhead_scene.py build SCENE.blend --samples 12
python overhead_scene.py render SCENE.blend --frames 1-48 --out FOLDER
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import bpy


def main() -> None:
    """Build or render, as the words say."""
    parser = argparse.ArgumentParser()
    parser.add_argument("do", choices=("build", "render"))
    parser.add_argument("scene", type=Path)
    parser.add_argument("--samples", type=int, default=12)
    parser.add_argument("--frames", default="1-48")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if arguments.do == "build":
        _build(arguments.scene, arguments.samples)
    else:
        first, last = (int(n) for n in arguments.frames.split("-"))
        _render(arguments.scene, range(first, last + 1), arguments.out)


def _build(path: Path, samples: int) -> None:
    bpy.ops.wm.read_factory_settings()
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples = samples
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.use_denoising = False
    scene.cycles.device = "CPU"
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 1920, 1080, 100
    settings = scene.render.image_settings
    settings.file_format, settings.color_depth, settings.exr_codec = "OPEN_EXR", "16", "ZIP"
    scene.render.filepath = "//render/frame_####.exr"
    cube = bpy.data.objects["Cube"]
    for frame, angle in ((1, 0.0), (48, 3.0)):
        cube.rotation_euler.z = angle
        cube.keyframe_insert("rotation_euler", frame=frame)
    bpy.ops.mesh.primitive_plane_add(size=40, location=(0, 0, -1))
    scene.frame_start, scene.frame_end = 1, 48
    bpy.ops.wm.save_as_mainfile(filepath=str(path))


def _render(path: Path, frames: range, out: Path) -> None:
    bpy.ops.wm.open_mainfile(filepath=str(path), load_ui=False)
    scene = bpy.context.scene
    for frame in frames:
        scene.frame_set(frame)
        scene.render.filepath = str(out / f"frame_{frame:04d}.exr")
        bpy.ops.render.render(write_still=True)


main()
sys.stdout.flush()
# bpy can hang in its own clean-up.
os._exit(0)
