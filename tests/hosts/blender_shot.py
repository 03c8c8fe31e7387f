"""Make a small shot with a texture: `blender -b --python blender_shot.py -- SCENE`, or by a Python with bpy."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import bpy

SCENE = Path(sys.argv[-1])


def main() -> None:
    """Build and save it."""
    bpy.ops.wm.read_factory_settings(use_empty=False)
    texture = SCENE.parent / "textures" / "wood.png"
    texture.parent.mkdir(parents=True, exist_ok=True)
    made = bpy.data.images.new("made", 8, 8)
    made.generated_color = (0.8, 0.3, 0.1, 1)
    made.filepath_raw, made.file_format = str(texture), "PNG"
    made.save()
    bpy.data.images.remove(made)
    bpy.ops.wm.save_as_mainfile(filepath=str(SCENE))
    image = bpy.data.images.load(str(texture))
    image.filepath = "//textures/wood.png"
    material = bpy.data.objects["Cube"].data.materials[0]
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True
    node = material.node_tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    surface = next(n for n in material.node_tree.nodes if n.bl_idname == "ShaderNodeBsdfPrincipled")
    material.node_tree.links.new(node.outputs[0], surface.inputs[0])
    scene = bpy.context.scene
    scene.render.engine, scene.cycles.samples, scene.cycles.device = "CYCLES", 1, "CPU"
    scene.cycles.use_denoising = False
    scene.render.resolution_x = scene.render.resolution_y = 48
    scene.render.resolution_percentage = 100
    scene.render.image_settings.file_format = "PNG"
    scene.render.filepath = "//render/shot_####"
    scene.frame_start, scene.frame_end = 1, 24
    bpy.ops.wm.save_mainfile()


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)
