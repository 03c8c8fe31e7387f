"""A program that behaves as `hython script.py arguments…` with the fake in it: `install(folder)` writes it.

Source: https://www.sidefx.com/docs/houdini/hom/commandline.html (hython is Python with `hou`: the script's arguments are in `sys.argv`,
a scene before the script is opened first, `-c` and no script at all are not played here).

`FAKE_HOUDINI_LICENCE=absent`: there is no licence: hython says so in the words that studios report, and ends with code 3. `FAKE_HOUDINI_FAILS=text`: each render fails with that text.
"""

from __future__ import annotations

import os
import runpy
import stat
import sys
from pathlib import Path

SCENES = (".hip", ".hiplc", ".hipnc")
NO_LICENCE = 3


def install(folder: Path) -> Path:
    """Write the program into a folder, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    tests = Path(__file__).resolve().parents[1]
    lines = [f"#!{sys.executable}", "import sys", f"sys.path.insert(0, {str(tests)!r})"]
    lines += ["from fakes.houdini_program import main", "sys.exit(main(sys.argv[1:]))"]
    program = folder / "hython"
    program.write_text("\n".join(lines) + "\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    if os.name != "nt":
        return program
    starter = program.with_suffix(".cmd")
    starter.write_text(f'@"{sys.executable}" "{program}" %*\n', encoding="utf-8")
    return starter


def main(words: list[str]) -> int:
    """Run a script in a Houdini without a window; return its exit code."""
    if os.environ.get("FAKE_HOUDINI_LICENCE") == "absent":
        print("No licenses could be found to run this application.", file=sys.stderr)
        print("    Please check for a valid license server host", file=sys.stderr)
        return NO_LICENCE
    from fakes.houdini_fake import hou
    from fakes.houdini_session import WORLD

    WORLD.graphical = False
    WORLD.failing = os.environ.get("FAKE_HOUDINI_FAILS", "")
    module = hou()
    sys.modules["hou"] = module
    if words and words[0].endswith(SCENES):
        module.hipFile.load(words.pop(0))
    if not words or words[0].startswith("-"):
        print("The fake only runs scripts: hython script.py", file=sys.stderr)
        return 2
    sys.argv = list(words)
    sys.path[0] = os.path.dirname(os.path.abspath(words[0]))
    try:
        runpy.run_path(words[0], run_name="__main__")
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    return 0
