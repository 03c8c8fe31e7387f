"""Start Maya without a window and open a scene in it, its project and folders in place.

dirmap: https://help.autodesk.com/cloudhelp/2024/ENU/Maya-Tech-Docs/CommandsPython/dirmap.html
"""

from __future__ import annotations

import contextlib
import mmap
import os
import re
from collections.abc import Callable, Sequence

import maya.standalone
from conductor_core.discovery.maya_project import find_project, rules_from_text
from conductor_core.paths import Flavour, PathRule
from conductor_plugins.frame_server import Load
from conductor_plugins.frame_server.errors import SceneNotRenderable
from conductor_plugins.frame_server.path_mapping import mapped

from conductor_maya import session
from conductor_maya.attributes import text
from maya import cmds, mel

Log = Callable[[str], None]
_SLASHES = re.compile(r"[/\\]+")


def start_maya() -> str:
    """Make this Python a Maya and return its version: `2025.3`.

    It takes a licence: without one this raises, or ends the process, and the runner reads why in the log.
    """
    maya.standalone.initialize(name="python")
    return session.version()


def map_directories(rules: Sequence[PathRule], scene: str) -> None:
    """Have Maya read the files of the artist's folders from where they lie here, references and textures of the scene too.

    What Maya itself finds it maps while a scene is opened; the rest is rewritten afterwards (`rewriting`). Folders end in a
    slash, so that `/show` is not taken for the beginning of `/showreel`.
    """
    for source in text_list(cmds.dirmap(query=True, getAllMappings=True))[::2]:
        cmds.dirmap(unmapDirectory=source)
    cmds.dirmap(enable=bool(rules))
    for rule in rules:
        for source in spellings(rule, scene):
            cmds.dirmap(mapDirectory=(source, _folder(rule.target.slashed)))


def spellings(rule: PathRule, scene: str) -> tuple[str, ...]:
    """Return how a scene writes a folder: dirmap minds upper and lower case, which Windows does not."""
    folder = _folder(rule.source.slashed)
    if rule.source.flavour is not Flavour.WINDOWS:
        return (folder,)
    pattern = re.compile(re.escape(folder.encode()).replace(b"/", rb"[/\\]{1,2}"), re.IGNORECASE)
    with contextlib.suppress(OSError, ValueError), open(scene, "rb") as file:  # ValueError: it is empty
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            found = {_slashed(match[0].decode(errors="replace")) for match in pattern.finditer(text)}
        return (folder, *sorted(found - {folder}))
    return (folder,)


def _slashed(written: str) -> str:
    """Return a folder of Windows with single slashes, but for the two that begin a share."""
    share = "/" if written[:2] in ("//", "\\\\") else ""
    return share + _SLASHES.sub("/", written)


def text_list(told: object) -> list[str]:
    """Return an answer of Maya's as a list: None is an empty one."""
    if isinstance(told, (list, tuple)):
        return [str(one) for one in told]
    return [str(told)] if isinstance(told, str) and told else []


def _folder(path: str) -> str:
    return path.rstrip("/") + "/"


def set_project(load: Load, log: Log) -> None:
    """Set the project of the scene: what the step says, MAYA_PROJECT, or the folder with the workspace.mel above the scene."""
    said = mapped(str(load.step.parameters.get("project") or os.environ.get("MAYA_PROJECT", "")), load.rules)
    project = find_project(load.scene, said)
    if not project.root or not os.path.isdir(project.root):
        return
    root = project.root.replace("\\", "/")
    cmds.workspace(root, openWorkspace=True)
    log(f"the project is {root}")
    for rule, folder in rules_from_text(str(load.step.parameters.get("project_rules") or "")).items():
        cmds.workspace(fileRule=(rule, mapped(folder, load.rules)))


def open_scene(path: str, log: Log) -> None:
    """Open a scene.

    Maya raises for whatever it has to say about a scene, such as a plug-in that the scene names and does not use, and has it
    open nevertheless: then its words are in the log, and rendering goes on.

    Raises:
        SceneNotRenderable: it is not there, or Maya does not have it open afterwards.
    """
    if not os.path.isfile(path):
        raise SceneNotRenderable(path, "there is no such file", "Check the path.")
    try:
        cmds.file(path, open=True, force=True, prompt=False)
    except RuntimeError as exc:
        reason = " ".join(str(exc).split())
        if _same_file(text(cmds.file(query=True, sceneName=True)), path):
            log(f"Maya opened {path} and said: {reason}")
            return
        raise SceneNotRenderable(path, f"Maya cannot open it ({reason})", "Open it in Maya and save it again.") from exc
    log(f"{path} is open")


def _same_file(one: str, other: str) -> bool:
    return bool(one) and os.path.normcase(os.path.normpath(one)) == os.path.normcase(os.path.normpath(other))


#: attributes of the render settings for MEL → what artists see them as
_MEL = {"preMel": "pre render MEL", "preRenderLayerMel": "pre render layer MEL"}


def run_pre_render(path: str, attribute: str = "preMel") -> None:
    """Run the MEL that the artist wants before the render, or before a layer; the frames' own MEL runs with each.

    https://help.autodesk.com/cloudhelp/2024/ENU/Maya-Rendering/files/GUID-6D7D7EA2-D2A2-4C4E-A8E0-E0D86F93A3FB.htm

    Raises:
        SceneNotRenderable: it raises an error.
    """
    script = text(cmds.getAttr(f"defaultRenderGlobals.{attribute}"))
    if not script.strip():
        return
    try:
        mel.eval(script)
    except RuntimeError as exc:
        reason = f"its {_MEL[attribute]} failed ({' '.join(str(exc).split())})"
        raise SceneNotRenderable(path, reason, "Correct it in the render settings and submit again.") from exc
