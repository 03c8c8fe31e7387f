"""Install the extension from a zip, as an artist does, run its operator, take it out; leave what happened as JSON.

Run by bpy: `python blender_extension.py ZIP SCENE ANSWER`, with BLENDER_USER_RESOURCES on a folder of its own.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import bpy

ZIP, SCENE, ANSWER = sys.argv[-3:]
MODULE = "bl_ext.user_default.conductor"


def main() -> dict[str, Any]:
    """Return what each step came to."""
    answer: dict[str, Any] = {}
    installed = bpy.ops.extensions.package_install_files(filepath=ZIP, repo="user_default", enable_on_install=True)
    answer["installed"] = sorted(installed)
    answer["enabled"] = MODULE in bpy.context.preferences.addons
    answer["before_saving"] = bpy.ops.conductor.check_files.poll()
    bpy.ops.wm.open_mainfile(filepath=SCENE, load_ui=False)
    answer["result"] = sorted(bpy.ops.conductor.check_files())
    from importlib import import_module

    lines = import_module(f"{MODULE}.menu").summary(import_module(f"{MODULE}.discover").scan())
    answer["summary"] = lines
    bpy.ops.preferences.addon_disable(module=MODULE)
    answer["gone"] = not hasattr(bpy.types, "CONDUCTOR_OT_check_files")
    return answer


if __name__ == "__main__":
    try:
        Path(ANSWER).write_text(json.dumps(main()), encoding="utf-8")
    except Exception:  # noqa: BLE001  bpy may hang on the way out of a traceback
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
