"""Set the open script up for one step: its node that writes, its views, and files where the job expects them.

https://learn.foundry.com/nuke/content/reference_guide/image_nodes/write.html
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass

from conductor_core.frames import FrameSet
from conductor_core.paths import ClientPath, local_flavour
from conductor_core.sequences import frame_path, has_frame_token, output_folder
from conductor_core.submission import Output, Parameter
from conductor_plugins.frame_server import Load
from conductor_plugins.frame_server.errors import SceneNotRenderable
from conductor_plugins.frame_server.path_mapping import mapped
from conductor_plugins.frame_server.whole_range import NEXT_STEP, whole_range

import nuke
from conductor_nuke.path_filter import map_root
from conductor_nuke.script import views
from conductor_nuke.steps import steps

Log = Callable[[str], None]
_HASHES = re.compile(r"#+")
#: signs of TCL, which stand for themselves as the answer of a command: a backslash before them is not taken away everywhere
_TCL = re.compile(r"[\[\]$]")
_NOT_RENDERED = "Submit it again."


@dataclass(frozen=True, slots=True)
class Prepared:
    """A script that is ready for frames of one step."""

    node: nuke.Node
    #: views that are rendered together, round by round
    rounds: tuple[tuple[str, ...], ...]
    outputs: tuple[Output, ...]
    #: each round writes to the output of its number, whatever the script says; else where the script says
    placed: bool
    #: first, last and increment of the frames that go into one file, a movie or a cache: it is written once, whole
    whole: tuple[int, int, int] | None = None

    @property
    def folders(self) -> tuple[str, ...]:
        """Return the folders that files may be written to."""
        places = (output_folder(ClientPath.parse(o.path, local_flavour())).text for o in self.outputs)
        return tuple(dict.fromkeys(places))

    def files(self, frame: int) -> tuple[str, ...]:
        """Return the files that a frame must have."""
        return tuple(dict.fromkeys(frame_path(o.path, frame) for o in self.outputs))

    def render(self, number: int, frame: int) -> None:
        """Render one round of views, of a frame or of all that go into one file.

        https://learn.foundry.com/nuke/developers/latest/pythondevguide/_autosummary/nuke.execute.html
        """
        if self.placed:
            _write_to(self.node["file"], self.outputs[min(number, len(self.outputs) - 1)].path)
        first, last, by = self.whole or (frame, frame, 1)
        nuke.execute(self.node, first, last, by, list(self.rounds[number]))


def open_script(path: str, log: Log) -> None:
    """Open a script in place of whatever was open.

    Nuke stands in the script's folder from then on: without a project directory, names are relative to where Nuke was started.

    Raises:
        SceneNotRenderable: it is not there, or Nuke cannot read all of it: without a gizmo the picture would be another one.
    """
    if not os.path.isfile(path):
        raise SceneNotRenderable(path, "there is no such file", "Check the path.")
    os.chdir(os.path.dirname(os.path.abspath(path)))
    nuke.scriptClear()
    try:
        nuke.scriptOpen(path.replace("\\", "/"))
    except RuntimeError as exc:
        reason = " ".join(str(exc).split())
        raise SceneNotRenderable(path, f"Nuke cannot open it ({reason})", "Open it in Nuke and save it again.") from exc
    log(f"{path} is open")


def prepare(load: Load, log: Log) -> Prepared:
    """Return the script made ready for a step.

    Parameters: `write` (full name of the node), `views` (names, with spaces between them; without: the node's own), `proxy`
    (true: at proxy resolution, as `nuke -p`; else in full, as `nuke -f`, however the script was saved).

    Raises:
        SceneNotRenderable: something that the step names is not in the script, or it writes what cannot be rendered frame by frame.
    """
    step = load.step
    map_root(load.rules, log)
    node = _writer(str(step.parameters.get("write") or step.name), load.scene)
    whole = _whole(load)
    proxy = bool(step.parameters.get("proxy"))
    nuke.root()["proxy"].setValue(proxy)
    log(f"rendering {node.fullName()} at {'proxy' if proxy else 'full'} resolution")
    _make_it_render(node, log)
    chosen = _views(node, step.parameters.get("views"), load.scene)
    own = next((s.outputs for s in steps() if s.name == node.fullName()), ())
    here = tuple(mapped(output.path, load.rules) for output in own)
    outputs = step.outputs or tuple(Output(path, o.kind) for path, o in zip(here, own, strict=True))
    if not outputs:
        raise SceneNotRenderable(
            load.scene, f"nobody can tell where {node.fullName()} writes", "Name its output when you submit it."
        )
    placed = bool(step.outputs) and here != tuple(o.path for o in step.outputs)
    if placed:
        said = ", ".join(here) or "nothing that is known"
        log(f"output: {', '.join(o.path for o in step.outputs)} (the script says {said})")
    return Prepared(node, _rounds(chosen, outputs), outputs, placed, whole)


def _write_to(knob: nuke.Knob, path: str) -> None:
    """Have a node write to a path in every view: a view that was split off would keep its own.

    https://learn.foundry.com/nuke/developers/latest/pythondevguide/stereo.html ("Multi View Knob Values")
    """
    if isinstance(knob, nuke.String_Knob):
        for view in views():
            knob.unsplitView(view)
    knob.setValue(nuke_pattern(path))


def nuke_pattern(path: str) -> str:
    """Return a path as a `file` knob takes it: slashes, `%04d` for a run of `#`, and nothing that Nuke would read as TCL."""
    folder, name = os.path.split(path.replace("\\", "/"))
    numbered = _HASHES.sub(lambda m: f"%0{len(m[0])}d", name)
    return _TCL.sub(lambda m: f'[concat "\\{ord(m[0]):03o}"]', f"{folder}/{numbered}" if folder else numbered)


def _writer(name: str, scene: str) -> nuke.Node:
    node = nuke.toNode(name)
    if node is None:
        raise SceneNotRenderable(scene, f'it has no node "{name}"', _NOT_RENDERED)
    if node.knob("file") is None:
        raise SceneNotRenderable(scene, f'"{name}" is a {node.Class()}, which writes no file', _NOT_RENDERED)
    return node


def _whole(load: Load) -> tuple[int, int, int] | None:
    """Return the range of frames that go into one file; None where each frame has its own.

    Raises:
        SceneNotRenderable: the frames are not one task, not one range, or each would write over the picture before it.
    """
    several = len(FrameSet.parse(load.step.frames))
    one = next((output for output in load.step.outputs if not has_frame_token(os.path.basename(output.path))), None)
    if one is None or several < 2:
        return None
    if one.kind not in ("movie", "cache"):
        reason = f"{one.path} is one file for all frames, and each would write over the one before"
        raise SceneNotRenderable(load.scene, reason, "Write a sequence with a number in its name (####), and submit again.")
    if load.step.chunk_size < several:
        reason = f"{one.path} is a {one.kind} of all frames, and tasks of {load.step.chunk_size} would write over each other's"
        raise SceneNotRenderable(load.scene, reason, f"Submit it with a chunk size of {several}, or write a sequence (####).")
    found = whole_range(load.step.frames)
    if found is None:
        raise SceneNotRenderable(load.scene, f"{one.path} has all frames, and {load.step.frames} are no one range", NEXT_STEP)
    return found


def _make_it_render(node: nuke.Node, log: Log) -> None:
    """Switch off what would keep the node from writing the frames that were asked for, and say so."""
    reasons = {
        "disable": "it is disabled in the script",
        "reading": "it reads the file that it has written",
        "use_limit": "it limits its range",
    }
    for name, reason in reasons.items():
        knob = node.knob(name)
        if knob is not None and knob.value():
            if knob.hasExpression():
                knob.clearAnimated()
            knob.setValue(False)
            log(f"{node.fullName()}: {reason}, which does not count here: the job has asked for its frames")
    small = node.knob("proxy")
    if small is not None:  # without a name for proxies they go where the step says
        small.setValue("")
    _number_by_frame(node, log)
    folders = node.knob("create_directories")
    if folders is not None:
        folders.setValue(True)


def _number_by_frame(node: nuke.Node, log: Log) -> None:
    """Have each file numbered by its own frame: that is where the job expects it, whatever was rendered before or elsewhere."""
    mode, shift = node.knob("frame_mode"), node.knob("frame")
    if mode is None or shift is None or not str(shift.value() or "").strip():
        return
    log(f"{node.fullName()}: its files are numbered by their own frames, not by {mode.value()} {shift.value()}")
    shift.setValue("")
    mode.setValue("expression")


def _views(node: nuke.Node, asked: Parameter, scene: str) -> tuple[str, ...]:
    """Return the views to render; of those that the node itself has kept, any that the script lost since does not count."""
    known = views()
    knob = node.knob("views")
    own = str(knob.value() if knob is not None else "").split()
    names = str(asked or "").split() or own
    missing = [name for name in names if name not in known]
    if missing and names != own:
        raise SceneNotRenderable(scene, f"it has no view {', '.join(missing)}, only {', '.join(known)}", _NOT_RENDERED)
    return tuple(name for name in names if name in known) or known


def _rounds(chosen: tuple[str, ...], outputs: tuple[Output, ...]) -> tuple[tuple[str, ...], ...]:
    """Return the views that are rendered together: all, if they share a file; one by one, if each has its own."""
    if len(chosen) > 1 and len(outputs) == len(chosen):
        return tuple((view,) for view in chosen)
    return (chosen,)
