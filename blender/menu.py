# SPDX-License-Identifier: GPL-3.0-or-later
"""The entries in Blender's Render menu and a menu of our own in the top bar: submit the scene, check what it needs."""

from __future__ import annotations

import contextlib
from typing import Any, ClassVar

import bpy
from conductor_core.report import ScanReport

from . import modified, settings
from .discover import scan

#: lines a popup can show before it outgrows the screen
_MOST_LINES = 20
_CHANGED = ("load_post", "save_post")


class CONDUCTOR_OT_submit(bpy.types.Operator):  # type: ignore[misc]  # bpy has no types of its own
    """Set frames and machines, and send this scene to the render farm."""

    bl_idname = "conductor.submit"
    bl_label = "Submit to Conductor"
    bl_options: ClassVar[set[str]] = {"REGISTER"}

    def execute(self, _context: Any) -> set[str]:
        """Open the panel."""
        from . import showing

        showing.show(_say)
        return {"FINISHED"}


class CONDUCTOR_OT_check_files(bpy.types.Operator):  # type: ignore[misc]
    """List the files this scene needs, and those that are missing."""

    bl_idname = "conductor.check_files"
    bl_label = "Check Files for Conductor"
    bl_options: ClassVar[set[str]] = {"REGISTER"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Offer it for scenes that have been saved: paths are relative to the file."""
        return bool(context.blend_data.filepath)

    def execute(self, context: Any) -> set[str]:
        """Scan the open scene and say what was found."""
        report = scan()
        lines = summary(report)
        self.report({"WARNING" if report.missing or report.unresolved else "INFO"}, lines[0])
        if not bpy.app.background:
            context.window_manager.popup_menu(lambda menu, _: [menu.layout.label(text=t) for t in lines], title="Conductor")
        return {"FINISHED"}


class CONDUCTOR_MT_conductor(bpy.types.Menu):  # type: ignore[misc]
    """Conductor's menu in the top bar."""

    bl_idname = "CONDUCTOR_MT_conductor"
    bl_label = "Conductor"

    def draw(self, _context: Any) -> None:
        """List what Conductor can do."""
        _entries(self.layout)


_CLASSES = (CONDUCTOR_OT_submit, CONDUCTOR_OT_check_files, CONDUCTOR_MT_conductor)


def summary(report: ScanReport) -> list[str]:
    """Return the report in lines for an artist, the totals first."""
    trouble = [f"Missing: {m.path} ({m.referrer})" for m in report.missing]
    trouble += [f"Cannot be told: {u.as_written} ({u.referrer})" for u in report.unresolved]
    more = [f"and {len(trouble) - _MOST_LINES} more"] if len(trouble) > _MOST_LINES else []
    found = len(report.files())
    return [f"{found} files found, {len(report.missing)} missing", *trouble[:_MOST_LINES], *more]


def register() -> None:
    """Add operators, menus and what keeps the panel's settings in the scene."""
    for kind in _CLASSES:
        bpy.utils.register_class(kind)
    bpy.types.TOPBAR_MT_render.append(_in_render_menu)
    bpy.types.TOPBAR_MT_editor_menus.append(_in_top_bar)
    for name in _CHANGED:
        getattr(bpy.app.handlers, name).append(_scene_changed)
    settings.register()


def unregister() -> None:
    """Take all of it out again, and close the panel."""
    from . import showing

    showing.close()
    settings.unregister()
    modified.forget()
    for name in _CHANGED:
        with contextlib.suppress(ValueError):
            getattr(bpy.app.handlers, name).remove(_scene_changed)
    bpy.types.TOPBAR_MT_editor_menus.remove(_in_top_bar)
    bpy.types.TOPBAR_MT_render.remove(_in_render_menu)
    for kind in reversed(_CLASSES):
        bpy.utils.unregister_class(kind)


@bpy.app.handlers.persistent  # type: ignore[untyped-decorator]
def _scene_changed(*_: Any) -> None:
    from . import showing

    showing.scene_changed()


def _say(sentence: str) -> None:
    """Show a sentence to the artist; without a window, in the console."""
    print(f"Conductor: {sentence}")
    windows = bpy.context.window_manager.windows
    if bpy.app.background or not len(windows):
        return
    with bpy.context.temp_override(window=bpy.context.window or windows[0]):
        bpy.context.window_manager.popup_menu(lambda menu, _: menu.layout.label(text=sentence), title="Conductor", icon="ERROR")


def _in_render_menu(menu: Any, _context: Any) -> None:
    menu.layout.separator()
    _entries(menu.layout)


def _in_top_bar(menu: Any, _context: Any) -> None:
    menu.layout.menu(CONDUCTOR_MT_conductor.bl_idname)


def _entries(layout: Any) -> None:
    layout.operator(CONDUCTOR_OT_submit.bl_idname, icon="RENDER_ANIMATION")
    layout.operator(CONDUCTOR_OT_check_files.bl_idname, icon="CHECKMARK")
