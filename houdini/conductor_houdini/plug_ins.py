"""What renders beside Houdini's own: plug-ins of renderers that the scene uses, and the steps that want a GPU.

Where a plug-in lies says its version, since its package adds its folder to HOUDINI_PATH: https://www.sidefx.com/docs/houdini/ref/plugins.html;
Arnold: https://help.autodesk.com/view/ARNOL/ENU/?guid=arnold_for_houdini_ah_getting_started_ah_Installation_html,
Redshift: https://help.maxon.net/r3d/houdini/en-us/, V-Ray: https://docs.chaos.com/display/VRAYHOUDINI.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import hou
from conductor_core.host import SceneStep
from conductor_core.submission import Software


@dataclass(frozen=True, slots=True)
class _PlugIn:
    """A renderer's plug-in: its catalogue name, its render node, and where its version may stand."""

    name: str
    #: types of render nodes, without version
    types: frozenset[str]
    #: in a folder's path
    folder: re.Pattern[str]
    #: variables that hold a version, or a folder with it in its name
    variables: tuple[str, ...]


_VERSION = re.compile(r"\d+(?:\.\d+)+")
_PLUG_INS = (
    _PlugIn("htoa", frozenset({"arnold"}), re.compile(r"htoa-?_?(\d+(?:\.\d+)+)", re.IGNORECASE), ("HTOA_VERSION", "HTOA")),
    _PlugIn(
        "redshift",
        frozenset({"Redshift_ROP", "Redshift_Proxy_Output"}),
        re.compile(r"redshift[-_ /\\]?v?(\d+(?:\.\d+)+)", re.IGNORECASE),
        ("REDSHIFT_VERSION", "REDSHIFT_COREDATAPATH"),
    ),
    _PlugIn(
        "vray",
        frozenset({"vray_renderer"}),
        re.compile(r"v-?ray[-_ ]?(?:for_houdini_)?v?(\d+(?:\.\d+)+)", re.IGNORECASE),
        ("VRAY_VERSION", "VRAY_FOR_HOUDINI_VERSION"),
    ),
    _PlugIn("renderman", frozenset({"ris"}), re.compile(r"RenderMan\w*-(\d+(?:\.\d+)+)", re.IGNORECASE), ("RFHTREE", "RMANTREE")),
    _PlugIn("octane", frozenset({"Octane_ROP"}), re.compile(r"octane\w*[-_ ]v?(\d+(?:\.\d+)+)", re.IGNORECASE), ()),
)
#: render nodes that use nothing but a GPU
_GPU = {"Redshift_ROP": "Redshift renders on the GPU", "Octane_ROP": "Octane renders on the GPU"}


def plug_ins() -> tuple[Software, ...]:
    """Return the plug-ins whose render nodes are in the scene, with their versions where they can be told."""
    used = set(_used())
    return tuple(Software(one.name, _version(one)) for one in _PLUG_INS if one.types & used)


def gpu_steps(steps: Sequence[SceneStep]) -> tuple[tuple[str, str], ...]:
    """Return the steps that want a GPU, with why."""
    return tuple((step.name, why) for step in steps if (why := _wants_gpu(step)))


def _used() -> Iterator[str]:
    for name, type_ in hou.ropNodeTypeCategory().nodeTypes().items():
        bare = name.partition("::")[0]
        if isinstance(type_, hou.OpNodeType) and any(bare in one.types for one in _PLUG_INS) and type_.instances():
            yield bare


def _version(plug_in: _PlugIn) -> str:
    for variable in plug_in.variables:
        found = _VERSION.search(os.environ.get(variable, ""))
        if found:
            return found[0]
    for folder in hou.houdiniPath():
        named = plug_in.folder.search(folder)
        if named:
            return named[1]
    return ""


def _wants_gpu(step: SceneStep) -> str:
    node = hou.node(str(step.parameters.get("node", "")))
    if node is None:
        return ""
    bare = node.type().name().partition("::")[0]
    if bare == "arnold" and isinstance(node, hou.OpNode):
        device = node.parm("ar_render_device")
        return "Arnold is set to the GPU" if device is not None and device.evalAsString().upper() in ("GPU", "1") else ""
    return _GPU.get(bare, "")
