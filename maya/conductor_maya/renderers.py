"""One frame by each renderer: what must be set for it, and the command that renders in a batch.

Commands of plug-ins go through MEL, since no published stub of Maya has them. Sources, beside each row: the renderer's own
manual, and the open-source adaptor that a public farm renders with
(https://github.com/aws-deadline/deadline-cloud-for-maya, `render_handlers`).
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from conductor_maya.attributes import Log, number, set_number, set_word, there_is
from maya import cmds, mel

_GLOBALS = "defaultRenderGlobals"


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture of a frame."""

    layer: str
    #: transform of the camera; "": the renderer renders all that are renderable at once
    camera: str


@dataclass(frozen=True, slots=True)
class Engine:
    """A renderer."""

    #: whose printed progress the runner reads (docs/api.md)
    prints: str
    render: Callable[[Shot, int], None]
    prepare: Callable[[Log], None]
    #: plug-in that must be loaded; "": it is Maya's own
    plug_in: str = ""
    #: it takes one camera at a time
    each_camera: bool = True


def engine(renderer: str) -> Engine:
    """Return how a renderer renders; one that is not known here as Maya itself starts it in a batch."""
    known = _ENGINES.get(renderer)
    return known or Engine("", lambda shot, frame: _by_maya(renderer, shot, frame), _nothing, each_camera=False)


def _nothing(_log: Log) -> None:
    pass


def set_frame(frame: int) -> None:
    """Have the render settings name this one frame, and stand at it."""
    for attribute in ("startFrame", "endFrame"):
        set_number(_GLOBALS, attribute, frame, _say_nothing)
    cmds.currentTime(frame)


def _say_nothing(_text: str) -> None:
    pass


def _software(shot: Shot, _frame: int) -> None:
    """https://help.autodesk.com/cloudhelp/2024/ENU/Maya-Tech-Docs/CommandsPython/render.html (batch, layer)."""
    cmds.render(shot.camera, batch=True, layer=shot.layer)


def _hardware(shot: Shot, frame: int) -> None:
    """https://help.autodesk.com/cloudhelp/2024/ENU/Maya-Tech-Docs/CommandsPython/ogsRender.html (frame, noRenderView)."""
    width, height = _size()
    cmds.ogsRender(camera=shot.camera, layer=shot.layer, width=width, height=height, frame=float(frame), noRenderView=True)


def _by_maya(renderer: str, shot: Shot, _frame: int) -> None:
    """Render as Maya's own batch does, which asks the renderer for its batch procedure (mayaBatchRenderProcedure.mel)."""
    mel.eval(f'mayaBatchRenderProcedure(0, "", {_quoted(shot.layer)}, {_quoted(renderer)}, "")')


def _prepare_arnold(log: Log) -> None:
    """Render pictures, no .ass files; tell progress; and fail without a licence instead of writing watermarks.

    https://help.autodesk.com/view/ARNOL/ENU/?guid=arnold_for_maya_render_settings_am_Diagnostics_html (verbosity: 2 is info)
    """
    if not there_is("defaultArnoldRenderOptions"):
        importlib.import_module("mtoa.core").createOptions()
    options = "defaultArnoldRenderOptions"
    set_number(options, "renderType", 0, log)
    set_number(options, "abortOnLicenseFail", 1, log)
    set_number(options, "log_to_console", 1, log)
    if number(options, "log_verbosity", 2) < 2:
        set_number(options, "log_verbosity", 2, log)


def _arnold(shot: Shot, frame: int) -> None:
    """https://help.autodesk.com/view/ARNOL/ENU/?guid=arnold_for_maya_rendering_am_Command_Line_Rendering_html."""
    width, height = _size()
    mel.eval(f'arnoldRender -batch -seq "{frame}" -camera {_quoted(shot.camera)} -width {width} -height {height}')


def _prepare_vray(log: Log) -> None:
    """Render pictures, no .vrscene files, on this machine alone, with progress in the log.

    https://docs.chaos.com/display/VMAYA/V-Ray+Settings+Node
    """
    if not there_is("vraySettings"):
        mel.eval("vrayCreateVRaySettingsNode")
    wanted = {"vrscene_render_on": 1, "vrscene_on": 0, "sys_distributed_rendering_on": 0, "dontSaveImage": 0, "animType": 2}
    for attribute, value in wanted.items():
        set_number("vraySettings", attribute, value, log)
    if number("vraySettings", "sys_message_level", 3) < 3:
        set_number("vraySettings", "sys_message_level", 3, log)


def _vray(shot: Shot, frame: int) -> None:
    """`animType` 2 is "specific frames": https://docs.chaos.com/display/VMAYA/Common+Tab."""
    set_word("vraySettings", "animFrames", str(frame), _say_nothing)
    mel.eval(f"vrend -camera {_quoted(shot.camera)}")


def _prepare_redshift(log: Log) -> None:
    """Fail without a licence instead of writing watermarks."""
    if not there_is("redshiftOptions"):
        mel.eval("redshiftGetRedshiftOptionsNode(true)")
    set_number("redshiftOptions", "abortOnLicenseFail", 1, log)


def _redshift(_shot: Shot, _frame: int) -> None:
    """Render the frames that the render settings name, for all renderable cameras (Redshift's `rsRender`)."""
    mel.eval("rsRender -render -batch -animation" if number(_GLOBALS, "animation") else "rsRender -render -batch")


def show_only(camera: str) -> None:
    """Make one camera the only one that is rendered, for renderers that take all that are at once."""
    for shape in cmds.ls(cameras=True) or []:
        transform = next(iter(cmds.listRelatives(shape, parent=True, path=True) or []), shape)
        set_number(shape, "renderable", int(transform == camera), _say_nothing)


def _prepare_renderman(_log: Log) -> None:
    """Make RenderMan's own settings, by which it names its pictures, where nobody has opened them yet."""
    if not there_is("rmanGlobals"):
        importlib.import_module("rfm2.api.nodes").rman_globals()


def _renderman(shot: Shot, frame: int) -> None:
    """Render by RenderMan's own Python module, as its batch does: https://rmanwiki.pixar.com/display/RFM/Batch+Rendering."""
    rfm: Any = importlib.import_module("rfm2")
    rfm.render.RNDR.set_render_type(rfm.render.RT_BATCH)
    rfm.render_with_renderman()
    rfm.render.RNDR.start()
    try:
        rfm.render.frame(f" -s {frame} -e {frame} -layer {shot.layer} -numThreads 0 -txmake ")
    finally:
        rfm.render.RNDR.stop()


def _size() -> tuple[int, int]:
    return int(number("defaultResolution", "width", 960)), int(number("defaultResolution", "height", 540))


def _quoted(value: str) -> str:
    r"""Return a text as MEL writes it: quotes and backslashes escaped, as in JSON."""
    return json.dumps(value, ensure_ascii=False)


_ENGINES: Mapping[str, Engine] = {
    "mayaSoftware": Engine("mayaSoftware", _software, _nothing),
    "mayaHardware2": Engine("", _hardware, _nothing),
    "arnold": Engine("arnold", _arnold, _prepare_arnold, "mtoa"),
    "vray": Engine("vray", _vray, _prepare_vray, "vrayformaya"),
    "redshift": Engine("redshift", _redshift, _prepare_redshift, "redshift4maya", each_camera=False),
    "renderman": Engine("renderman", _renderman, _prepare_renderman, "RenderMan_for_Maya.py", each_camera=False),
}
