"""Open a scene whose image has a file for each frame in Blender, fill in the panel with a scout frame, submit, and close Blender.

Run by bpy: `python blender_scouts_session.py ZIP SCENE ANSWER`, with BLENDER_USER_RESOURCES, CONDUCTOR_HOME and CONDUCTOR_QT on folders
of their own. The pictures `plate_0001.png` … lie beside the scene, which is made here; what names them is not saved.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import bpy

ZIP, SCENE, ANSWER = sys.argv[-3:]
MODULE = "bl_ext.user_default.conductor"


def turn_until(there: Callable[[], object], what: str, seconds: float = 120) -> None:
    """Turn Qt's loop as Blender's timer does, until something is so."""
    turn = import_module(f"{MODULE}.qt_loop").turn
    deadline = time.monotonic() + seconds
    while not there():
        turn()
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.01)


def build() -> None:
    """Save a shot of nothing but a plane that fills the picture, then give it the pictures, each for its frame."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    bpy.ops.mesh.primitive_plane_add(size=4)
    plane = bpy.context.object
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.data.type, camera.data.ortho_scale, camera.location = "ORTHO", 2, (0, 0, 3)
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.render.engine, scene.cycles.samples, scene.cycles.device = "CYCLES", 1, "CPU"
    scene.cycles.use_denoising = False
    scene.render.resolution_x = scene.render.resolution_y = 16
    scene.view_settings.view_transform = "Standard"
    scene.render.image_settings.file_format = "PNG"
    scene.render.filepath = "//render/shot_####"
    scene.frame_start, scene.frame_end = 1, 4
    bpy.ops.wm.save_as_mainfile(filepath=SCENE)
    image = bpy.data.images.load(str(Path(SCENE).parent / "plate_0001.png"))
    image.source, image.filepath = "SEQUENCE", "//plate_0001.png"
    material = bpy.data.materials.new("screen")
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    node, light, end = (tree.nodes.new(f"ShaderNode{name}") for name in ("TexImage", "Emission", "OutputMaterial"))
    node.image = image
    node.image_user.frame_duration, node.image_user.frame_start, node.image_user.use_auto_refresh = 4, 1, True
    tree.links.new(node.outputs[0], light.inputs[0])
    tree.links.new(light.outputs[0], end.inputs[0])
    plane.data.materials.append(material)


def main() -> dict[str, Any]:
    """Return what was submitted."""
    build()
    bpy.ops.extensions.package_install_files(filepath=ZIP, repo="user_default", enable_on_install=True)
    bpy.ops.conductor.submit()
    window = import_module(f"{MODULE}.showing")._window
    desk = window.desk
    turn_until(lambda: desk.offer is not None and desk.scan.state == "done", "agent and scan")
    desk.edit(frames="1-4", scouts="2", instance_type="this-machine")
    turn_until(lambda: desk.scan.state == "done" and desk.check is not None and desk.check.done, "the comparison with the store")
    desk.look_for_problems()
    desk.accepted.update(p.key() for p in desk.problems)  # it is not saved as it is
    files = sorted(Path(f).name for f in desk.report.files())  # afterwards it may be read anew
    window.foot.submit.click()
    turn_until(lambda: desk.jobs, f"the submission ({[(p.severity, p.what) for p in desk.problems]})")
    window.close()
    return {"identity": desk.jobs[0].id, "files": files}


if __name__ == "__main__":
    try:
        Path(ANSWER).write_text(json.dumps(main()), encoding="utf-8")
    except Exception:  # noqa: BLE001  bpy may hang on the way out of a traceback
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
