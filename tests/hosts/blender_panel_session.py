"""Install the extension in an empty Blender, open the panel offscreen, fill it in, submit, wait for the frames, uninstall.

Run by bpy: `python blender_panel_session.py ZIP SCENE ANSWER`, with BLENDER_USER_RESOURCES, CONDUCTOR_HOME and CONDUCTOR_QT on folders of
their own. Nothing of the clone is on its path.
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
USER = Path(os.environ["BLENDER_USER_RESOURCES"])


def files() -> list[str]:
    """Return what there is in Blender's user folder, Blender's own caches and lists aside."""
    found = (p.relative_to(USER).as_posix() for p in USER.rglob("*") if p.is_file())
    own = ("__pycache__", "/.blender_ext/", "/.cache/")
    return sorted(f for f in found if not any(word in f for word in own) and not f.startswith("config/"))


def turn_until(there: Callable[[], object], what: str, seconds: float = 120) -> None:
    """Turn Qt's loop as Blender's timer does, until something is so."""
    turn = import_module(f"{MODULE}.qt_loop").turn
    deadline = time.monotonic() + seconds
    while not there():
        turn()
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.01)


def fill_in(window: Any) -> None:
    """Choose frames and a machine by keyboard."""
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest
    from qtpy.QtWidgets import QAbstractButton, QAbstractItemView, QLineEdit

    window.show_section("Frames")
    frames = window.section("Frames")
    frames.findChild(QAbstractButton, "frames-custom").click()
    field = frames.findChild(QLineEdit, "frames")
    field.selectAll()
    QTest.keyClicks(field, "2-3")
    window.show_section("Machines")
    kinds = window.section("Machines").findChild(QAbstractItemView, "instance_type")
    kinds.setFocus(Qt.FocusReason.OtherFocusReason)
    QTest.keyClicks(kinds, "this")


def main() -> dict[str, Any]:
    """Return what each step came to."""
    answer: dict[str, Any] = {}
    before = files()
    bpy.ops.extensions.package_install_files(filepath=ZIP, repo="user_default", enable_on_install=True)
    answer["enabled"] = MODULE in bpy.context.preferences.addons
    warnings = import_module("addon_utils")._extensions_warnings_get() if bpy.app.version >= (4, 2, 0) else {}
    answer["violations"] = warnings.get(MODULE, [])
    bpy.ops.wm.open_mainfile(filepath=SCENE, load_ui=False)
    content = Path(SCENE).read_bytes()
    answer["operator"] = sorted(bpy.ops.conductor.submit())
    window = import_module(f"{MODULE}.showing")._window
    desk = window.desk
    turn_until(lambda: desk.offer is not None and desk.scan.state == "done", "agent and scan")
    fill_in(window)
    turn_until(lambda: desk.form.instance_type and desk.check is not None and desk.check.done, "the comparison with the store")
    answer["form"] = [desk.form.frames, desk.form.instance_type]
    desk.look_for_problems()
    answer["problems"] = [[p.severity, p.what] for p in desk.problems]
    desk.accepted.update(p.key() for p in desk.problems)  # a Blender without an event loop counts as modified
    home = [Path(SCENE).parent / "render" / f"shot_{n:04d}.png" for n in (2, 3)]
    window.foot.submit.click()
    turn_until(lambda: all(f.exists() for f in home), f"frames ({[p.what for p in desk.problems]})", 120)
    answer["frames"] = sorted(p.name for p in home[0].parent.iterdir())
    answer["scene_untouched"] = content == Path(SCENE).read_bytes()
    if picture := os.environ.get("CONDUCTOR_PICTURES"):
        window.show_section("Jobs")
        turn_until(lambda: True, "")
        window.grab().save(str(Path(picture) / f"bpy-{bpy.app.version_string.split()[0]}.png"))
    window.close()
    import_module(f"{MODULE}.qt_loop").turn()
    answer["closed"] = import_module(f"{MODULE}.qt_loop").turn() is None
    repo = next(i for i, r in enumerate(bpy.context.preferences.extensions.repos) if r.module == "user_default")
    bpy.ops.extensions.package_uninstall(repo_index=repo, pkg_id="conductor")
    answer["gone"] = not hasattr(bpy.types, "CONDUCTOR_OT_submit")
    answer["left"] = [f for f in files() if f not in before]
    return answer


if __name__ == "__main__":
    try:
        Path(ANSWER).write_text(json.dumps(main()), encoding="utf-8")
    except Exception:  # noqa: BLE001  bpy may hang on the way out of a traceback
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
