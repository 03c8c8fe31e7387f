"""Try everything, and print what came of it in lines that can be sent back."""

from __future__ import annotations

import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from conductor_plugins.compliance.check import complied
from conductor_plugins.compliance.report_line import Line

from conductor_maya import session
from conductor_maya.smoke.calls import calls
from conductor_maya.smoke.rendering import render_calls
from conductor_maya.smoke.windows import window_calls
from conductor_maya.smoke.world import MayaWorld
from maya import cmds


def run() -> int:
    """Print the report; return 0 where nothing failed, 1 otherwise; 2: the open scene has unsaved changes."""
    if session.has_window() and session.is_modified():
        print("The open scene has unsaved changes. Save it, open a new scene, and run this again.")
        return 2
    print(f"Conductor's smoke test in Maya {session.version()}, Python {sys.version.split()[0]}, {platform.platform()}")
    print("window" if session.has_window() else "no window")
    failed = 0
    project, _ = session.project()
    with tempfile.TemporaryDirectory(prefix="conductor-smoke-") as folder:
        for line in (*_single(Path(folder) / "calls"), *_whole(Path(folder) / "compliance")):
            print(line, flush=True)
            failed += line.verdict == "FAILED"
        # nothing may stay open in a folder that goes
        cmds.file(newFile=True, force=True)
        if project:
            cmds.workspace(project.replace("\\", "/"), openWorkspace=True)
    print(f"{failed} failed. Please send all of this back, as an issue of the project.")
    return 1 if failed else 0


def _single(folder: Path) -> Iterator[Line]:
    folder.mkdir()
    tries = [*calls(folder), *(window_calls() if session.has_window() else ()), *render_calls(folder)]
    for what, call, kinds in tries:
        began = time.perf_counter()
        try:
            answer = call()
        except Exception as exc:  # noqa: BLE001 - whatever Maya raises is what the report is for
            yield Line("FAILED", what, f"{type(exc).__name__}: {exc}")
            continue
        said = f"{str(answer)[:120]!r} in {(time.perf_counter() - began) * 1000:.1f} ms"
        yield Line("ok" if isinstance(answer, kinds) else "FAILED", what, f"{type(answer).__name__} {said}")


def _whole(folder: Path) -> Iterator[Line]:
    try:
        for outcome in complied(MayaWorld, folder):
            verdict = "FAILED" if outcome.problem else "untried" if outcome.untried else "ok"
            yield Line(verdict, outcome.name, outcome.problem or outcome.untried or "")
    except Exception:  # noqa: BLE001 - the rest of the report must come all the same
        yield Line("FAILED", "the compliance suite", traceback.format_exc())
