# SPDX-License-Identifier: GPL-3.0-or-later
"""The entry in Blender's Render menu: check what the scene needs before it goes out."""

from __future__ import annotations

from typing import Any, ClassVar

import bpy
from conductor_core.report import ScanReport

from .discover import scan

#: lines a popup can show before it outgrows the screen
_MOST_LINES = 20


class CONDUCTOR_OT_check_files(bpy.types.Operator):  # type: ignore[misc]  # bpy has no types of its own
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


def summary(report: ScanReport) -> list[str]:
    """Return the report in lines for an artist, the totals first."""
    trouble = [f"Missing: {m.path} ({m.referrer})" for m in report.missing]
    trouble += [f"Cannot be told: {u.as_written} ({u.referrer})" for u in report.unresolved]
    more = [f"and {len(trouble) - _MOST_LINES} more"] if len(trouble) > _MOST_LINES else []
    found = len(report.files())
    return [f"{found} files found, {len(report.missing)} missing", *trouble[:_MOST_LINES], *more]


def register() -> None:
    """Add the operator and its menu entry."""
    bpy.utils.register_class(CONDUCTOR_OT_check_files)
    bpy.types.TOPBAR_MT_render.append(_entry)


def unregister() -> None:
    """Take both out again."""
    bpy.types.TOPBAR_MT_render.remove(_entry)
    bpy.utils.unregister_class(CONDUCTOR_OT_check_files)


def _entry(menu: Any, _context: Any) -> None:
    menu.layout.separator()
    menu.layout.operator(CONDUCTOR_OT_check_files.bl_idname, icon="CHECKMARK")
