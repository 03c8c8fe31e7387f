# SPDX-License-Identifier: GPL-3.0-or-later
"""`ask.py describe`: open a scene, describe it, write the answer to a file.

The answer goes to a file because Blender prints what it likes to stdout. What goes wrong is an answer too:
`{"error": {"what": …, "next_step": …, "code": …}}` and exit code 3; the code is `newer-scene` where another Blender may do.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from conductor_core.documents import to_json
from conductor_core.errors import ConductorError
from conductor_core.frames import FrameSet

from .errors import SceneIsNewer

EXIT_ERROR = 3


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit code."""
    options = _parser().parse_args(arguments)
    scene = os.path.abspath(options.scene)
    # If Blender dies of a broken file there is nobody left to write: so the answer for that case stands there first.
    _answer(options.out, _error(f"Blender crashed while it read {scene}.", "Open it in Blender and save it again."))
    try:
        answer = describe_file(scene, options.frames)
    except ConductorError as exc:
        _answer(options.out, _error(exc.what, exc.next_step, "newer-scene" if isinstance(exc, SceneIsNewer) else ""))
        print(exc, file=sys.stderr)
        return EXIT_ERROR
    _answer(options.out, answer)
    return 0


def describe_file(scene: str, frames: str = "") -> Any:
    """Return the description of a scene file as JSON data.

    Raises:
        SceneNotOpened: see `opening.open_scene`.
        FrameSpecError: the frames cannot be read.
    """
    from .host import describe
    from .opening import open_scene

    wanted = FrameSet.parse(frames).frames if frames else ()
    open_scene(scene)
    return to_json(describe(wanted))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ask.py", description="Ask Blender about a scene.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    describe = commands.add_parser("describe", help="write what a scene needs, writes and can render, as JSON")
    describe.add_argument("--scene", required=True, help="the .blend file")
    describe.add_argument("--frames", default="", help="frames of the job, such as 1-100x5 (default: the scene's own range)")
    describe.add_argument("--out", required=True, help="the file to write the JSON to")
    return parser


def _error(what: str, next_step: str, code: str = "") -> Any:
    return {"error": {"what": what, "next_step": next_step, "code": code}}


def _answer(path: str, answer: Any) -> None:
    """Write the answer whole or not at all: the asker may look at any moment."""
    partial = f"{path}.part"
    with open(partial, "w", encoding="utf-8") as file:
        json.dump(answer, file, indent=1)
    os.replace(partial, path)
