"""Render nodes of the fake: what they write, in which order, and what they say (https://www.sidefx.com/docs/houdini/hom/hou/RopNode.html)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from fakes.houdini_nodes import CLASSES, OpNode, _flags, node_of
from fakes.houdini_parms import Parm, parm_of
from fakes.houdini_pictures import WRITERS, write_picture
from fakes.houdini_session import RECORD, STUBS, WORLD, OperationFailed, enum
from fakes.houdini_world import NodeState
from fakes.stub_modules import fake_class

#: where a type writes: the parameter; with a switch, a second one that is written instead when the switch is on
OUTPUTS: dict[str, tuple[str, str, str]] = {
    "ifd": ("vm_picture", "soho_outputmode", "soho_diskfile"),
    "geometry": ("sopoutput", "", ""),
    "rop_geometry": ("sopoutput", "", ""),
    "comp": ("copoutput", "", ""),
    "opengl": ("picture", "", ""),
    "alembic": ("filename", "", ""),
    "filmboxfbx": ("sopoutput", "", ""),
    "usd": ("lopoutput", "", ""),
    "usd_rop": ("lopoutput", "", ""),
    "usdrender": ("outputimage", "", ""),
    "usdrender_rop": ("outputimage", "", ""),
    "karma": ("picture", "", ""),
    "arnold": ("ar_picture", "ar_ass_export_enable", "ar_ass_file"),
    "Redshift_ROP": ("RS_outputFileNamePrefix", "RS_archive_enable", "RS_archive_file"),
}
#: types that only hold others together
GATHERING = ("merge", "null", "switch", "subnet", "ropnet", "fetch", "wedge")
CAMERAS = {"ifd": "camera", "opengl": "camera", "arnold": "camera", "Redshift_ROP": "RS_renderCamera"}


def frames_of(state: NodeState, given: Sequence[float] | None) -> list[float]:
    """Return the frames that a node renders: those given, else its own range, else the current one."""
    if given:
        first, last, step = (*given, 1.0)[:3]
    elif _text(state, "trange") in ("normal", "on"):
        first, last, step = (_number(state, f"f{number}") for number in (1, 2, 3))
    else:
        return [WORLD.frame]
    count = int((last - first) / (step or 1) + 1e-6) + 1
    return [first + number * (step or 1) for number in range(max(count, 0))]


def _text(state: NodeState, name: str, frame: float | None = None) -> str:
    parm = parm_of(state, name)
    return parm.evalAsStringAtFrame(WORLD.frame if frame is None else frame) if parm is not None else ""


def _number(state: NodeState, name: str) -> float:
    parm = parm_of(state, name)
    return parm.evalAsFloat() if parm is not None else 0.0


def before(state: NodeState) -> Iterator[NodeState]:
    """Yield what must be rendered first: inputs by wires, what a fetch or a wedge points at, the last nodes of a subnet."""
    for index in sorted(state.wires):
        yield state.wires[index][0]
    pointed = WORLD.find(_text(state, {"fetch": "source", "wedge": "driver"}.get(state.type, "")), state)
    if state.type in ("fetch", "wedge") and pointed is not None and pointed is not state:
        yield pointed
    if state.type in ("subnet", "ropnet"):
        used = {source for child in state.children for source, _ in child.wires.values()}
        yield from (child for child in state.children if child not in used)


def render(
    state: NodeState, *, given: Sequence[float] | None, alone: bool, bypassed: bool, verbose: bool, progress: bool
) -> None:
    """Render a node with what comes before it, each with its whole range before the next."""
    for one in _in_order(state, alone):
        if one.flags.get("bypass") and not bypassed:
            continue
        if one.type not in GATHERING:
            _render_one(one, frames_of(one, given), verbose=verbose, progress=progress)


def _in_order(state: NodeState, alone: bool) -> list[NodeState]:
    if alone:
        return [state]
    found: list[NodeState] = []

    def walk(one: NodeState) -> None:
        for earlier in before(one):
            if earlier not in found:
                walk(earlier)
        if one not in found:
            found.append(one)

    walk(state)
    return found


def _render_one(state: NodeState, frames: list[float], *, verbose: bool, progress: bool) -> None:
    if state.type not in OUTPUTS:
        raise RECORD.no_behaviour(f"rendering a node of the type {state.type!r}")
    if WORLD.failing:
        raise OperationFailed(WORLD.failing)
    camera = CAMERAS.get(state.type)
    if camera and WORLD.find(_text(state, camera)) is None:
        raise OperationFailed(f"Error:       Unable to find camera object {_text(state, camera)!r}")
    for callback in state.callbacks:
        callback(node_of(state), enum("ropRenderEventType", "PreRender"), frames[0] if frames else WORLD.frame)
    stood = WORLD.frame
    try:
        for number, frame in enumerate(frames):
            WORLD.frame = frame
            _read(state, frame)
            _write(state, frame)
            if verbose:
                print(f"ROP node endRender {state.path} frame {frame:g}", flush=True)
            if verbose and progress:
                print(f"ALF_PROGRESS {round(100 * (number + 1) / len(frames))}%", flush=True)
            for callback in state.callbacks:
                callback(node_of(state), enum("ropRenderEventType", "PostFrame"), (frame - 1) / WORLD.fps)
    finally:
        WORLD.frame = stood


def _read(driver: NodeState, frame: float) -> None:
    """Read what a node needs: without its geometry it cannot cook, without a texture a renderer warns and goes on."""
    for state in _cooked_by(driver):
        if (state.category, state.type) == ("Sop", "file") and _text(state, "filemode") == "read":
            path = _text(state, "file", frame)
            if _text(state, "missingframe") != "empty" and not _is_there(path):
                raise OperationFailed(f'Error:       {state.path}: Unable to read file "{path}".')
    for state in WORLD.root.below() if driver.type in CAMERAS else ():
        for name in ("basecolor_texture", "map"):
            path = _text(state, name, frame) if name in state.declared else ""
            if path and not _is_there(path):
                print(f'mantra: Unable to load texture "{path}"', file=sys.stderr, flush=True)


def _cooked_by(driver: NodeState) -> list[NodeState]:
    """Return the geometry nodes behind a node: the one it names, else those with the render flag in objects that are shown."""
    named = WORLD.find(_text(driver, "soppath"), driver) if _text(driver, "soppath") else None
    if named is not None:
        return [one for one in _in_order(named, False) if not one.flags.get("bypass")]
    if driver.type not in CAMERAS:
        return []
    objects = [one for one in WORLD.root.below() if one.category == "Object" and one.flags.get("display", True)]
    shown = [child for one in objects for child in one.children if child.category == "Sop" and child.flags.get("render")]
    return [one for top in shown for one in _in_order(top, False) if not one.flags.get("bypass")]


def _is_there(path: str) -> bool:
    return os.path.exists(WORLD.mapped(path)) or not os.path.isabs(path)


def _write(state: NodeState, frame: float) -> None:
    plain, switch, other = OUTPUTS[state.type]
    name = other if switch and _text(state, switch) in ("on", "1") else plain
    path = _text(state, name, frame)
    if not path or path == "ip":
        return
    path = WORLD.mapped(path)
    folder = os.path.dirname(path)
    makes = "off" not in (_text(state, "soho_mkpath"), _text(state, "mkpath"))
    if folder and not os.path.isdir(folder):
        if not makes:
            raise OperationFailed(f"Unable to save image: {path}")
        os.makedirs(folder)
    if os.path.splitext(path)[1].lower() in WRITERS:
        write_picture(path, frame)
        return
    with open(path, "wb") as stream:
        stream.write(f"{state.type} of {state.path}, frame {frame:g}\n".encode())


class _RopNode(OpNode):
    """A render node."""

    def inputDependencies(self) -> Any:
        """Return what must be rendered first, with its frames."""
        order = [one for one in _in_order(self._state, False) if one is not self._state]
        return tuple((node_of(one), tuple(frames_of(one, None))) for one in order if one.type not in GATHERING)

    def render(
        self,
        frame_range: Sequence[float] | None = (),
        res: Sequence[int] | None = (),
        output_file: str | None = None,
        output_format: str | None = None,
        to_flipbook: bool = False,
        quality: int = 2,
        ignore_inputs: bool = False,
        method: Any = None,
        ignore_bypass_flags: bool = False,
        ignore_lock_flags: bool = False,
        verbose: bool = False,
        output_progress: bool = False,
    ) -> None:
        """Render."""
        if res or output_file or output_format or to_flipbook or (method is not None and method.name() != "RopByRop"):
            raise RECORD.no_behaviour("hou.RopNode.render() with other than frames, inputs, bypass and words")
        if frame_range and len(frame_range) not in (2, 3):
            raise TypeError("Invalid frame range")
        render(
            self._state,
            given=frame_range,
            alone=ignore_inputs,
            bypassed=ignore_bypass_flags,
            verbose=verbose,
            progress=output_progress,
        )

    def addRenderEventCallback(self, callback: Callable[..., None], run_before_script: bool = False) -> None:
        """Call this whenever it renders."""
        if callback not in self._state.callbacks:
            self._state.callbacks.append(callback)

    def removeRenderEventCallback(self, callback: Callable[..., None]) -> None:
        """Call it no more."""
        if callback not in self._state.callbacks:
            raise OperationFailed("The callback was not added.")
        self._state.callbacks.remove(callback)

    def removeAllRenderEventCallbacks(self) -> None:
        """Call nobody any more."""
        self._state.callbacks.clear()


_RopNode.__name__ = "RopNode"
RopNode: Any = fake_class(STUBS, "hou.RopNode", RECORD)(_flags("bypass")(_RopNode))
CLASSES["Driver"] = RopNode


def press(parm: Parm) -> None:
    """Press a button: `execute` renders in the foreground."""
    if parm._name != "execute":
        raise RECORD.no_behaviour(f"pressing the button {parm._name}")
    render(parm._state, given=None, alone=False, bypassed=False, verbose=False, progress=False)
