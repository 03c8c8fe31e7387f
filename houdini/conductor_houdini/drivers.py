"""How a node renders one frame: by `hou.RopNode.render`, or by its button where it is no node of a render network.

https://www.sidefx.com/docs/houdini/hom/hou/RopNode.html#render; the button: https://www.sidefx.com/docs/houdini/nodes/sop/rop_geometry.html
(Save to Disk), .../nodes/lop/usdrender_rop.html (Render to Disk).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import hou
from conductor_core.discovery.houdini_drivers import DRIVERS, Driver
from conductor_core.sequences import frame_path, has_frame_token, output_folder
from conductor_core.submission import Step
from conductor_plugins.frame_server.errors import FrameNotRendered
from conductor_plugins.frame_server.path_mapping import client_path
from conductor_plugins.frame_server.whole_range import NEXT_STEP, whole_range

from conductor_houdini.output_texts import houdini_pattern

Log = Callable[[str], None]

#: parameters that a render without a window needs so: to wait for the picture, and to print how far it is.
#: https://www.sidefx.com/docs/houdini/nodes/out/ifd.html (Block Until Render Complete, Alfred Style Progress), .../nodes/out/usdrender.html;
#: RS_nonBlockingRendering: https://help.maxon.net/r3d/houdini/en-us/ (Redshift ROP, Non-Blocking Rendering)
_SETTINGS: Mapping[str, int] = {
    "soho_foreground": 1,
    "vm_alfprogress": 1,
    "alfprogress": 1,
    "RS_nonBlockingRendering": 0,
    "RS_renderToMPlay": 0,
}
#: type → whose lines its renderer prints (docs/api.md, "Printed progress")
_PRINTS: Mapping[str, str] = {"arnold": "arnold", "Redshift_ROP": "redshift", "vray_renderer": "vray", "ris": "renderman"}
#: on: the simulation begins anew with each call of `render` (.../nodes/out/geometry.html, Initialize Simulation OPs)
_BEGINS_ANEW = "initsim"
_VALID_RANGE, _BUTTON = "trange", "execute"
#: two frames whose paths tell whether a node writes where it should
_PROBES = (1, 1234)


@dataclass(slots=True)
class Prepared:
    """A node that is ready to render."""

    node: hou.OpNode
    step: Step
    #: patterns with `####`, where they lie here
    outputs: tuple[str, ...]
    #: folders that it may write to
    folders: tuple[str, ...]
    #: whose lines it prints
    prints: str
    #: it renders others, under names that only it knows (a wedge)
    names_its_files: bool = False
    rendered: bool = False

    @property
    def one_file(self) -> bool:
        """Tell whether all frames go into one file, such as an Alembic: it is written once, with all of them."""
        return bool(self.outputs) and not any(has_frame_token(output) for output in self.outputs)

    def render(self, frame: int) -> None:
        """Render a frame, or all of them where they go into one file.

        Raises:
            FrameNotRendered: its frames cannot be rendered at once.
            hou.Error: Houdini gave up.
        """
        first, last, by = _range(self.step, frame) if self.one_file else (frame, frame, 1)
        hou.setFrame(first)
        if isinstance(self.node, hou.RopNode):
            # what comes before it is a step of its own, or was not wanted; a wedge has nothing without it
            self.node.render(
                (first, last, by),
                ignore_inputs=not self.names_its_files,
                ignore_bypass_flags=True,
                ignore_lock_flags=True,
                verbose=True,
                output_progress=True,
            )
        else:
            self._press((first, last, by))
        self.rendered = True
        set_value(self.node, _BEGINS_ANEW, 0)

    def _press(self, frames: tuple[int, int, int]) -> None:
        set_value(self.node, _VALID_RANGE, 1)
        for name, number in zip(("f1", "f2", "f3"), frames, strict=True):
            set_value(self.node, name, number)
        button = self.node.parm(_BUTTON)
        if button is None:
            raise FrameNotRendered(frames[0], "scene-load", f"{self.node.path()} has no button to write it with")
        button.pressButton()

    def complaints(self) -> tuple[str, ...]:
        """Return what the node itself says went wrong: a button raises nothing."""
        return tuple(" ".join(text.split()) for text in self.node.errors())


def prepare(node: hou.OpNode, step: Step, log: Log) -> Prepared:
    """Set a node up to write the step's outputs, without a window, and to wait for them."""
    kind = node.type().nameComponents()[2]
    for name, value in _SETTINGS.items():
        set_value(node, name, value)
    outputs = tuple(output.path for output in step.outputs)
    driver = DRIVERS.get(kind)
    if driver is not None and len(outputs) == 1:
        _write_to(node, driver, outputs[0], log)
    folders = tuple(dict.fromkeys(output_folder(client_path(path)).slashed for path in outputs))
    return Prepared(node, step, outputs, folders, _PRINTS.get(kind, "alfred"), names_its_files=kind == "wedge")


def _write_to(node: hou.OpNode, driver: Driver, output: str, log: Log) -> None:
    """Have the node write where the step says, if that is another place than the scene's own."""
    names = driver.attributes
    if driver.export is not None and (not driver.export.switch or _is_on(node, driver.export.switch)):
        names = (driver.export.file,)
    parms = [parm for parm in map(node.parm, names) if parm is not None]
    parm = next((one for one in parms if one.evalAsString().strip()), parms[0] if parms else None)
    if parm is None or all(parm.evalAsStringAtFrame(f) == frame_path(output, f) for f in _PROBES):
        return
    wanted = houdini_pattern(output)
    if set_value(node, parm.name(), wanted):
        log(f"{node.path()} writes to {wanted}")
    else:
        log(f"{node.path()}.{parm.name()} is locked, and stays {parm.evalAsString()}")


def _is_on(node: hou.OpNode, name: str) -> bool:
    parm = node.parm(name)
    return parm is not None and bool(parm.evalAsInt())


def set_value(node: hou.OpNode, name: str, value: int | str) -> bool:
    """Set a parameter to a plain value, whatever drove it before; return False where it is not there, or locked."""
    parm = node.parm(name)
    if parm is None:
        return False
    try:
        parm.deleteAllKeyframes()
        parm.set(value)
    except hou.Error:
        return False
    return True


def _range(step: Step, frame: int) -> tuple[int, int, int]:
    """Return first, last and increment of a step's frames.

    Raises:
        FrameNotRendered: they are not evenly spaced.
    """
    found = whole_range(step.frames)
    if found is None:
        reason = f"all frames go into one file, and {step.frames} are not evenly spaced"
        raise FrameNotRendered(frame, "scene-load", reason, NEXT_STEP)
    return found
