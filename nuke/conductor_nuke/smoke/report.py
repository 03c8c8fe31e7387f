"""Try everything, and print what came of it in lines that can be sent back."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from conductor_plugins.compliance.check import complied
from conductor_plugins.compliance.report_line import Line

import nuke
from conductor_nuke.script import version
from conductor_nuke.smoke.calls import calls
from conductor_nuke.smoke.rendering import render_calls
from conductor_nuke.smoke.world import NukeWorld


def run() -> int:
    """Print the report; return 0 where nothing failed, 1 otherwise; 2: the open script has unsaved changes."""
    if nuke.GUI and nuke.root().modified():
        print("The open script has unsaved changes. Save it, open a new script, and run this again.")
        return 2
    print(f"Conductor's smoke test in Nuke {version()}, Python {sys.version.split()[0]}, {platform.platform()}")
    print("window" if nuke.GUI else "no window")
    failed = 0
    with tempfile.TemporaryDirectory(prefix="conductor-smoke-") as folder:
        for line in (*_single(Path(folder) / "calls"), *_whole(Path(folder) / "compliance"), *_window()):
            print(line, flush=True)
            failed += line.verdict == "FAILED"
        nuke.scriptClear()
    print(f"{failed} failed. Please send all of this back, as an issue of the project.")
    return 1 if failed else 0


def _single(folder: Path) -> Iterator[Line]:
    folder.mkdir()
    for what, call, kinds in (*calls(folder), *render_calls(folder / "render")):
        began = time.perf_counter()
        try:
            answer = call()
        except Exception as exc:  # noqa: BLE001 - whatever Nuke raises is what the report is for
            yield Line("FAILED", what, f"{type(exc).__name__}: {exc}")
            continue
        said = f"{str(answer)[:120]!r} in {(time.perf_counter() - began) * 1000:.1f} ms"
        yield Line("ok" if isinstance(answer, kinds) else "FAILED", what, f"{type(answer).__name__} {said}")


def _whole(folder: Path) -> Iterator[Line]:
    before = dict(os.environ)
    try:
        for outcome in complied(NukeWorld, folder):
            verdict = "FAILED" if outcome.problem else "untried" if outcome.untried else "ok"
            yield Line(verdict, outcome.name, outcome.problem or outcome.untried or "")
    except Exception:  # noqa: BLE001 - the rest of the report must come all the same
        yield Line("FAILED", "the compliance suite", traceback.format_exc())
    finally:
        # a check sets a variable
        for name in set(os.environ) - set(before):
            del os.environ[name]


def _window() -> Iterator[Line]:
    """Show the panel; whoever runs this looks at it."""
    if not nuke.GUI:
        yield Line("untried", "the panel", "there is no window; run this once in Nuke's Script Editor as well")
        return
    from conductor_nuke import docking

    try:
        docking.show()
    except Exception as exc:  # noqa: BLE001 - see above
        yield Line("FAILED", "the panel", f"{type(exc).__name__}: {exc}")
    else:
        yield Line(
            "ok", "the panel", "it should lie beside Properties now: is it there, in Nuke's colours, and can it be closed?"
        )
