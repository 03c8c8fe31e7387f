"""The trial in the real Houdini (`smoke.py`): what is tried is in `trial_calls` and `trial_window`; this runs it and writes the report."""

from __future__ import annotations

import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import hou

from conductor_houdini import trial_calls, trial_farm, trial_window
from conductor_houdini.trial_calls import Try

#: checks that ask whether a saved scene counts as modified
_WITH_WINDOW = ("scene_is_told", "change_makes_it_modified")


def run() -> int:
    """Try everything; print the report and keep it as a file; 2: a scene with unsaved changes is open."""
    if hou.isUIAvailable() and hou.hipFile.hasUnsavedChanges():
        print("The open scene has unsaved changes. Save it, open a new scene, and run this again.")
        return 2
    folder = Path(tempfile.mkdtemp(prefix="conductor-smoke-"))
    lines = [
        f"Conductor's trial in Houdini {hou.applicationVersionString()}",
        f"{platform.platform()}, Python {sys.version.split()[0]}",
        "with its window" if hou.isUIAvailable() else "hython, without a window",
    ]
    failed = 0
    for title, tries in groups(folder):
        outcomes = [_outcome(name, call) for name, call in tries]
        failed += sum(line.startswith("  FAILED") for line in outcomes)
        lines += ["", title, *outcomes]
    promises = compliance(folder)
    failed += sum(line.startswith(("  FAILED", "  BROKEN")) for line in promises)
    lines += ["", "The promises of a host (docs/hosts/writing-a-host.md)", *promises, "", f"{failed} failed"]
    report = folder / "report.txt"
    report.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    print(f"\nPlease send {report} back.")
    return 1 if failed else 0


def groups(folder: Path) -> Iterator[tuple[str, list[Try]]]:
    """Yield what is tried, in groups that build on each other."""
    file = str(folder / "shot.hip")
    hou.hipFile.clear(suppress_save_prompt=True)
    yield "A new scene", trial_calls.of_the_scene()
    made = trial_calls.make_scene()
    hou.hipFile.save(file)
    yield "Nodes and parameters", trial_calls.of_nodes(made)
    yield "Saving", trial_calls.of_saving(folder, file)
    yield "What the scene keeps", trial_calls.of_settings()
    yield "Rendering on the farm", trial_farm.of_the_farm(folder)
    yield "What the adapter answers", trial_calls.of_the_adapter()
    if hou.isUIAvailable():
        yield "The window", trial_window.of_the_window()


def _outcome(name: str, call: Callable[[], object]) -> str:
    start = time.perf_counter()
    try:
        answer = repr(call())
    except Exception as exc:  # noqa: BLE001 - the border: whatever a call does is told, and the next one tried
        return f"  FAILED  {name}: {type(exc).__name__}: {' '.join(str(exc).split())[:300]}"
    return f"  ok      {name} = {answer[:160]}  ({(time.perf_counter() - start) * 1000:.1f} ms)"


def compliance(folder: Path) -> list[str]:
    """Run the compliance suite in worlds that are made here."""
    from conductor_plugins.compliance.check import complied

    from conductor_houdini.trial_world import TrialWorld

    place = folder / "compliance"
    place.mkdir()
    try:
        outcomes = complied(TrialWorld, place)
    except Exception:  # noqa: BLE001 - the border
        return ["  FAILED", *traceback.format_exc().splitlines()]
    words = {True: "BROKEN", False: "kept"}
    if not hou.isUIAvailable():
        why = "without a window Houdini counts every scene as modified"
        outcomes = [replace(one, problem="", untried=why) if one.name in _WITH_WINDOW else one for one in outcomes]
    return [
        f"  {'untried' if one.untried else words[bool(one.problem)]:8}{one.name}: {one.problem or one.untried or one.promise}"
        for one in outcomes
    ]
