"""Nuke as the frame server's renderer: open the script once, render frames of one node that writes.

What was never run in a real Nuke is told in docs/hosts/nuke.md.
"""

from __future__ import annotations

import os

from conductor_core.sequences import frame_path
from conductor_plugins.frame_server import Load, Loaded, Progress, Rendered, serve
from conductor_plugins.frame_server.errors import FrameNotRendered
from conductor_plugins.frame_server.pictures import Picture, picture
from conductor_plugins.frame_server.startup import run_script
from conductor_plugins.frame_server.streams import log
from conductor_plugins.frame_server.written import Before, FoldersBefore, cause_of, full_or, put_in_place

from conductor_nuke.path_filter import map_files
from conductor_nuke.render_setup import Prepared, open_script, prepare
from conductor_nuke.script import version


def main() -> int:
    """Serve until the runner says quit or goes away."""
    return serve("nuke", version(), NukeRenderer())


class NukeRenderer:
    """Render what is open in this Nuke."""

    def __init__(self) -> None:
        """Begin with no script."""
        self._prepared: Prepared | None = None
        #: what all frames go into is written
        self._is_whole = False

    def load(self, load: Load) -> Loaded:
        """Open the script and set it up for the step."""
        self._prepared, self._is_whole = None, False
        map_files(load.rules, log)
        open_script(load.scene, log)
        for script in load.startup:
            run_script(script, log)
        self._prepared = prepare(load, log)
        return Loaded("nuke", len(self._prepared.rounds))

    def render(self, frame: int, progress: Progress) -> Rendered:
        """Render one frame, each view; what has all frames in one file is written once, with the first that is asked for."""
        if self._prepared is None:
            raise FrameNotRendered(frame, "internal", "no script is loaded")
        expected = self._prepared.files(frame)
        if self._is_whole and all(map(os.path.isfile, expected)):
            return _rendered(expected, ())
        for path in expected:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        around, before = FoldersBefore(self._prepared.folders), Before(expected)
        self._run(self._prepared, frame, progress)
        for output in self._prepared.outputs:
            if not before.is_new(frame_path(output.path, frame)):
                put_in_place(output.path, frame, around.written(), log)
        new = around.written()
        for path in expected:
            if not before.is_new(path):
                instead = f"; it wrote {', '.join(new[:3])}" if new else ""
                raise FrameNotRendered(frame, full_or("bad-output", path), f"Nuke finished, but did not write {path}{instead}")
        self._is_whole = self._prepared.whole is not None
        return _rendered(expected, new)

    def _run(self, prepared: Prepared, frame: int, progress: Progress) -> None:
        try:
            for number, views in enumerate(prepared.rounds):
                progress(number / len(prepared.rounds), f"view {', '.join(views)}")
                prepared.render(number, frame)
        except RuntimeError as exc:  # what Nuke raises when a node of the tree fails
            reason = " ".join(str(exc).split()) or "Nuke gave no reason"
            raise FrameNotRendered(frame, cause_of(reason, _cause(reason)), reason) from exc


def _rendered(expected: tuple[str, ...], new: tuple[str, ...]) -> Rendered:
    main = next(iter(expected), next(iter(new), ""))
    first = picture(main) if main else Picture()
    return Rendered(tuple(dict.fromkeys((*expected, *new))), first.width, first.height, first.layers)


def _cause(reason: str) -> str:
    return "missing-file" if "no such file" in reason.lower() else "exit-code"
