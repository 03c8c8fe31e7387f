"""Run the compliance suite for hosts in a real Blender, and leave what became of each check as JSON.

By an interpreter with bpy, or by a Blender: `python blender_compliance.py EXTENSION FOLDER ANSWER`. In a Blender with a window the
checks begin once that is there, as the panel does: by a timer.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import runpy
import sys
import traceback
from pathlib import Path
from typing import Any

import bpy

EXTENSION, FOLDER, ANSWER = (Path(a) for a in sys.argv[-3:])
_COUNT = "made_up_changes"


class BlenderWorld:
    """Blender, with what an artist does by hand."""

    extension = ".blend"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = importlib.import_module("conductor_blender.host").BlenderHost()

    def new_scene(self, file: str) -> None:
        """Open an empty scene with a camera."""
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True, load_ui=False)
        scene = bpy.data.scenes[0]
        scene.frame_start, scene.frame_end = 1, 10
        camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
        scene.collection.objects.link(camera)
        scene.camera = camera
        self._push("made")
        if file:
            self._save_as(file)
            self.host.save()  # Blender's own flag stays up until its event loop comes round

    def open_scene(self, file: str) -> None:
        """Open a file."""
        bpy.ops.wm.open_mainfile(filepath=file, load_ui=False)

    def change(self) -> None:
        """Count up in a property of the scene, as a step that can be undone."""
        self._push("before")
        scene = bpy.data.scenes[0]
        scene[_COUNT] = self.changes() + 1
        scene.update_tag()
        bpy.context.view_layer.update()
        self._push("change")

    def changes(self) -> int:
        """Return the count."""
        return int(bpy.data.scenes[0].get(_COUNT, 0))

    def undo(self) -> bool:
        """Take one step back."""
        with _window():
            if not bpy.ops.ed.undo.poll():
                return False
            bpy.ops.ed.undo()
        return True

    def undo_steps(self) -> int | None:
        """Blender does not tell."""
        return None

    def add_texture(self, file: str, *, relative: bool = False) -> str:
        """Add an image in a material."""
        return self._show(file, relative, "FILE", 1)

    def add_sequence(self, pattern: str, first: int, last: int) -> str:
        """Add an image sequence in a material, one file for each frame."""
        return self._show(pattern.replace("####", f"{first:04d}"), False, "SEQUENCE", last - first + 1)

    def remove(self, node: str) -> None:
        """Remove the image and its material."""
        bpy.data.materials.remove(bpy.data.materials[node])
        bpy.data.images.remove(bpy.data.images[node])

    def set_variable(self, name: str, value: str) -> None:
        """Set a variable of this process."""
        os.environ[name] = value

    def _show(self, file: str, relative: bool, source: str, duration: int) -> str:
        image = bpy.data.images.new(os.path.basename(file), 1, 1)
        image.source, image.filepath = source, bpy.path.relpath(file) if relative else file
        material = bpy.data.materials.new(image.name)
        if bpy.app.version < (5, 0, 0):
            material.use_nodes = True
        node = material.node_tree.nodes.new("ShaderNodeTexImage")
        node.image = image
        node.image_user.frame_duration, node.image_user.frame_start = duration, 1
        material.use_fake_user = True
        return str(image.name)

    def _save_as(self, file: str) -> None:
        with _window():
            bpy.ops.wm.save_as_mainfile(filepath=file)

    def _push(self, message: str) -> None:
        with _window():
            bpy.ops.ed.undo_push(message=message)


def _window() -> Any:
    windows = bpy.context.window_manager.windows
    return bpy.context.temp_override(window=windows[0]) if len(windows) else bpy.context.temp_override()


def main() -> None:
    """Run every check and write the answer."""
    try:
        bootstrap = runpy.run_path(str(EXTENSION / "bootstrap.py"))
        bootstrap["add_package"]()
        bootstrap["add_core"]()
        sys.path.append(str(EXTENSION.parent / "plugins"))
        importlib.import_module("conductor_blender.settings").register()
        complied = importlib.import_module("conductor_plugins.compliance.check").complied
        answer = [dataclasses.asdict(outcome) for outcome in complied(BlenderWorld, FOLDER)]
        ANSWER.write_text(json.dumps(answer), encoding="utf-8")
    except Exception:  # noqa: BLE001  bpy may hang on the way out of a traceback
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    if bpy.app.background:
        main()
    else:
        bpy.app.timers.register(main, first_interval=0.5, persistent=True)
