"""A program that behaves as `Nuke -t script.py …` with the fake in it: `install(folder)` writes it.

Source: https://learn.foundry.com/nuke/developers/latest/pythondevguide/command_line.html: the script's arguments are in `sys.argv`,
all of them in `nuke.rawArgs`; a last argument that is a number or frame range is taken away. `init.py` of each folder of NUKE_PATH runs
first (…/startup.html), `menu.py` only in a window.

`FAKE_NUKE_LICENCE=absent`: there is no licence (exit code 100, https://support.foundry.com: licence errors at the command line).
"""

from __future__ import annotations

import os
import re
import runpy
import stat
import sys
from pathlib import Path

#: options without a value, and those with one, that Nuke takes before a script
_ALONE = {"-t", "-i", "--nukex", "-f", "-p", "-q", "-b", "-x", "--safe", "--nc", "--indie", "--studio"}
_WITH_VALUE = {"-V", "-m", "-c", "-F", "-X", "--remap", "--view", "-s"}
_RANGE = re.compile(r"-?\d+([-,x]-?\d+)*")
_NO_LICENCE = 100


def install(folder: Path, version: str = "15.1v3") -> Path:
    """Write the program into a folder, as the one of a version, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    tests = Path(__file__).resolve().parents[1]
    lines = [f"#!{sys.executable}", "import sys", f"sys.path.insert(0, {str(tests)!r})"]
    lines += ["from fakes.nuke_program import main", f"sys.exit(main({version!r}, sys.argv))"]
    program = folder / f"Nuke{version.partition('v')[0]}"
    program.write_text("\n".join(lines) + "\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    if os.name != "nt":
        return program
    starter = program.with_suffix(".cmd")
    starter.write_text(f'@"{sys.executable}" "{program}" %*\n', encoding="utf-8")
    return starter


def main(version: str, argv: list[str]) -> int:
    """Run a Nuke in a terminal; return its exit code."""
    if os.environ.get("FAKE_NUKE_LICENCE") == "absent":
        print("FOUNDRY LICENSE ERROR REPORT\n---------------------------\nA license for nuke_r was not found", file=sys.stderr)
        return _NO_LICENCE
    from fakes.nuke_fake import install as start_nuke

    print(f"Nuke {version}, 64 bit.\nCopyright (c) The Foundry Visionmongers Ltd.  All Rights Reserved.")
    options, words = _options(argv[1:])
    if "-t" not in options or not words:
        print("The fake only runs scripts: Nuke -t script.py", file=sys.stderr)
        return 2
    folders = [folder for folder in os.environ.get("NUKE_PATH", "").split(os.pathsep) if folder]
    start_nuke(gui=False, version=version, plugin_path=list(folders))
    import nuke

    nuke.rawArgs[:] = argv
    sys.path[:0] = folders
    for folder in reversed(folders):
        if os.path.isfile(os.path.join(folder, "init.py")):
            runpy.run_path(os.path.join(folder, "init.py"))
    return _run(words)


def _run(words: list[str]) -> int:
    sys.argv = words[:-1] if len(words) > 1 and _RANGE.fullmatch(words[-1]) else list(words)
    try:
        runpy.run_path(words[0], run_name="__main__")
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    return 0


def _options(words: list[str]) -> tuple[set[str], list[str]]:
    """Return Nuke's own options, and the script with its arguments."""
    found: set[str] = set()
    place = 0
    while place < len(words) and words[place].startswith("-"):
        if words[place] == "--":
            place += 1
            break
        if words[place] not in _ALONE | _WITH_VALUE:
            raise SystemExit(f"{words[place]}: no such option")
        found.add(words[place])
        place += 2 if words[place] in _WITH_VALUE else 1
    return found, words[place:]
