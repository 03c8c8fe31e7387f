# SPDX-License-Identifier: GPL-3.0-or-later
"""Describe a scene from outside: `python ask.py describe --scene shot.blend --out answer.json`.

By a Python that has `bpy`, or by any Blender: `blender -b --factory-startup --python ask.py -- describe …`.
"""

import runpy
from pathlib import Path

if __name__ == "__main__":
    runpy.run_path(str(Path(__file__).resolve().parent / "bootstrap.py"))["run"]("describing")
