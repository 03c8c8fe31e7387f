# SPDX-License-Identifier: GPL-3.0-or-later
"""Render frames on an instance: the frame server of docs/api.md, JSON lines on stdin and stdout.

By a Python that has `bpy`, or by any Blender: `blender -b --factory-startup --python render.py`.
"""

import runpy
from pathlib import Path

if __name__ == "__main__":
    runpy.run_path(str(Path(__file__).resolve().parent / "bootstrap.py"))["run"]("frame_server")
