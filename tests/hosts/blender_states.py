"""Leave what Blender says in the states of `host_states.py`, as JSON: `python blender_states.py EXTENSION FOLDER ANSWER`."""

from __future__ import annotations

import importlib
import json
import os
import runpy
import sys
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
EXTENSION, FOLDER, ANSWER = (Path(a) for a in sys.argv[-3:])


def main() -> None:
    """Write the answer."""
    try:
        bootstrap = runpy.run_path(str(EXTENSION / "bootstrap.py"))
        bootstrap["add_package"]()
        bootstrap["add_core"]()
        sys.path.append(str(EXTENSION.parent / "plugins"))
        importlib.import_module("conductor_blender.settings").register()
        world = runpy.run_path(str(HERE / "blender_compliance.py"))["BlenderWorld"](FOLDER)
        ANSWER.write_text(json.dumps(runpy.run_path(str(HERE / "host_states.py"))["states"](world)), encoding="utf-8")
    except Exception:  # noqa: BLE001  bpy may hang on the way out of a traceback
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


main()
