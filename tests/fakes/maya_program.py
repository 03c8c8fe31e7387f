"""A program that behaves as `mayapy script.py …` with the fake in it: `install(folder)` writes it.

Source: https://help.autodesk.com/cloudhelp/2024/ENU/Maya-Scripting/files/GUID-83799297-C629-48A8-BCE4-061D3F275215.htm: the commands are
there once `maya.standalone.initialize()` has run, and not before; MAYA_PROJECT is the project at the start, userSetup.py runs then.

`FAKE_MAYA_LICENCE=absent`: there is no licence, as Maya tells it on standard error. `FAKE_MAYA_PLUGINS=mtoa,…`: only these are installed.
"""

from __future__ import annotations

import os
import runpy
import stat
import sys
import types
from pathlib import Path
from typing import Any

_NO_LICENCE = "Error: Failed to get license. License was not obtained: LICENSE_NOT_AVAILABLE (FLEXlm error -4,132)"


def install(folder: Path, version: str = "2025") -> Path:
    """Write the program into a folder, as the one of a version, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    tests = Path(__file__).resolve().parents[1]
    lines = [f"#!{sys.executable}", "import sys", f"sys.path.insert(0, {str(tests)!r})"]
    lines += ["from fakes.maya_program import main", f"sys.exit(main({version!r}, sys.argv[1:]))"]
    program = folder / "mayapy"
    program.write_text("\n".join(lines) + "\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    if os.name != "nt":
        return program
    starter = program.with_suffix(".cmd")
    starter.write_text(f'@"{sys.executable}" "{program}" %*\n', encoding="utf-8")
    return starter


def main(version: str, words: list[str]) -> int:
    """Run a script as mayapy does; return its exit code."""
    if not words or words[0].startswith("-"):
        print("The fake only runs scripts: mayapy script.py", file=sys.stderr)
        return 2
    from fakes.maya_fake import MayaFake

    fake = MayaFake(Path(os.environ.get("MAYA_PROJECT") or Path.cwd()))
    fake.session.version = version
    fake.session.new()
    fake.session.open_project(fake.session.project)
    sleep(fake)
    sys.modules.update(fake.modules)
    sys.argv = list(words)
    sys.path[:1] = [str(Path(words[0]).resolve().parent)]
    try:
        runpy.run_path(words[0], run_name="__main__")
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    return 0


def sleep(fake: Any) -> None:
    """Take the commands away until `maya.standalone.initialize` was called."""
    cmds: types.ModuleType = fake.cmds
    commands = {name: call for name, call in vars(cmds).items() if not name.startswith("_")}
    for name in commands:
        del cmds.__dict__[name]

    def initialize(name: str = "python") -> None:
        if os.environ.get("FAKE_MAYA_LICENCE") == "absent":
            print(_NO_LICENCE, file=sys.stderr, flush=True)
            os._exit(1)
        cmds.__dict__.update(commands)
        sys.modules.update(fake.renderer_modules())
        for folder in sys.path:
            setup = os.path.join(folder, "userSetup.py")
            if os.path.isfile(setup):
                runpy.run_path(setup)
                break

    fake.modules["maya.standalone"].__dict__["initialize"] = initialize
