"""The entries in Houdini's main menu bar and on the shelf: submit the scene, check what it needs."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import hou

if TYPE_CHECKING:
    from conductor_core.report import ScanReport

_TITLE = "Conductor"
#: lines that a message can show before it outgrows the screen
_MOST_LINES = 20


def submit() -> None:
    """Show the panel; whatever keeps it from coming up is said to the artist."""
    try:
        from conductor_houdini.bootstrap import add_packages

        add_packages()
        from conductor_houdini.docking import show

        show()
    except Exception as exc:  # noqa: BLE001 - the border: Houdini would only print it, to a console that artists do not see
        traceback.print_exc()
        say(f"The panel cannot be opened: {exc}", wrong=True)


def check_files() -> None:
    """Say which files the open scene needs and which of them are missing."""
    try:
        from conductor_houdini.bootstrap import add_packages

        add_packages()
        from conductor_houdini import scene
        from conductor_houdini.dependencies import scan

        if not scene.path():
            say("The scene has no name yet. Save it under one first: File > Save As.", wrong=True)
            return
        lines, wrong = summary(scan())
        say("\n".join(lines), wrong=wrong)
    except Exception as exc:  # noqa: BLE001 - the border
        traceback.print_exc()
        say(f"The files cannot be listed: {exc}", wrong=True)


def summary(report: ScanReport) -> tuple[list[str], bool]:
    """Return the report in lines for an artist, the totals first, and whether something is amiss."""
    trouble = [f"Missing: {m.path} ({m.referrer})" for m in report.missing]
    trouble += [f"Cannot be told: {u.as_written} ({u.referrer})" for u in report.unresolved]
    more = [f"and {len(trouble) - _MOST_LINES} more"] if len(trouble) > _MOST_LINES else []
    found = len(report.files()) - 1  # the scene itself is the first
    total = f"{found} files found, {len(report.missing)} missing, {len(report.unresolved)} that cannot be told"
    return [total, *trouble[:_MOST_LINES], *more], bool(trouble)


def say(sentence: str, *, wrong: bool = False) -> None:
    """Show a sentence to the artist; without a window, in the console."""
    if not hou.isUIAvailable():
        print(f"{_TITLE}: {sentence}")
        return
    severity = hou.severityType.Warning if wrong else hou.severityType.Message
    hou.ui.displayMessage(sentence, severity=severity, title=_TITLE)
