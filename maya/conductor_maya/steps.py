"""What of the open scene can be rendered, told by the reader of scene files, so that panel and `conductor submit` agree."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from conductor_core.discovery.maya_frames import scene_range
from conductor_core.discovery.maya_outputs import facts
from conductor_core.discovery.maya_scene import MayaScene
from conductor_core.host import SceneStep

from conductor_maya.live_scene import LiveScene, ask_of


def steps() -> tuple[SceneStep, ...]:
    """Return a step for each render layer, of render setup or the older kind, with its cameras and outputs."""
    return facts(ask_of(LiveScene())).steps


def own_frames(scene: LiveScene) -> str:
    """Return the scene's own range in the grammar of `conductor_core.frames`."""
    return scene_range(scene)


def gpu_steps(scene: MayaScene, told: Iterable[SceneStep]) -> tuple[tuple[str, str], ...]:
    """Return the steps that render by a GPU alone, each with the reason."""
    found = []
    for step in told:
        reason = _GPU.get(str(step.parameters.get("renderer", "")), _never)(scene)
        if reason:
            found.append((step.name, reason))
    return tuple(found)


def _never(_scene: MayaScene) -> str:
    return ""


def _arnold(scene: MayaScene) -> str:
    """https://help.autodesk.com/view/ARNOL/ENU/?guid=arnold_user_guide_ac_rendering_ac_arnold_gpu_html (Render Device; 1 is the GPU)"""
    gpu = any(options.number("renderDevice") == 1 for options in scene.of_type("aiOptions"))
    return "Arnold's Render Device is GPU" if gpu else ""


def _vray(scene: MayaScene) -> str:
    """0 is the CPU, 1 OpenCL, 2 CUDA, 3 RTX (render handlers of https://github.com/aws-deadline/deadline-cloud-for-maya)"""
    gpu = any(settings.number("productionEngine") >= 1 for settings in scene.of_type("VRaySettingsNode"))
    return "V-Ray's Production Engine is the GPU" if gpu else ""


def _redshift(_scene: MayaScene) -> str:
    """It can render by the CPU since 3.5, which no setting of a scene asks for: https://help.maxon.net/r3d/maya/en-us/"""
    return "Redshift renders by the GPU"


_GPU: dict[str, Callable[[MayaScene], str]] = {"arnold": _arnold, "vray": _vray, "redshift": _redshift}
