# SPDX-License-Identifier: GPL-3.0-or-later
"""Conductor in Blender: this folder is the extension (4.2 and later) and the add-on (3.4 to 4.1), as it is.

Importing it costs nothing: `bpy` and everything else is imported when Blender registers the add-on, or by the module
that needs it. `ask.py` and `render.py` are run from outside, by a Blender or by a Python that has `bpy`.
"""

from __future__ import annotations

bl_info = {
    "name": "Conductor",
    "author": "The Conductor contributors",
    "version": (0, 1, 0),
    "blender": (3, 4, 0),
    "location": "Render > Conductor",
    "description": "Check what a scene needs and send it to a Conductor render service",
    "category": "Render",
}


def register() -> None:
    """Add Conductor to Blender's Render menu."""
    from . import bootstrap

    bootstrap.add_core()
    from . import menu

    menu.register()


def unregister() -> None:
    """Take it out again."""
    from . import menu

    menu.unregister()
