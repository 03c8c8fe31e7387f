"""What Maya answers about the open scene: the eight questions of `conductor_plugins.host.Host`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from conductor_core.discovery.finding import Finding
from conductor_core.host import SceneStep
from conductor_core.submission import Software
from conductor_plugins.host import HostScene, Snapshot

from conductor_maya import dependencies, revealing, saving, session, settings, software, steps
from conductor_maya.live_scene import LiveScene


class MayaHost:
    """The Maya that this runs in. Maya's main thread only."""

    def scene(self) -> HostScene:
        """Return what is open."""
        scene = LiveScene()
        root, _ = session.project()
        return HostScene(
            path=session.scene_path(),
            modified=session.is_modified(),
            software=Software("maya", session.version()),
            frames=steps.own_frames(scene),
            current_frame=session.current_frame(),
            # what is submitted is a copy that this Maya writes
            saved_by=session.version(),
            plug_ins=software.plug_ins(),
            settings=settings.recall(scene.file_info),
            project_root=root,
            colour_config=_colour_config(),
            gpu_steps=steps.gpu_steps(scene, self.steps()),
        )

    def steps(self) -> Sequence[SceneStep]:
        """Return each render layer, with its cameras and outputs."""
        return steps.steps()

    def dependencies(self, frames: Sequence[int]) -> Iterator[Sequence[Finding]]:
        """Yield what the scene reads and writes, a few milliseconds at a time."""
        return dependencies.pieces(frames)

    def environment(self) -> Mapping[str, str]:
        """Return the variables of Maya's process."""
        return dict(os.environ)

    def save(self) -> None:
        """Save the scene under its own name."""
        saving.save()

    def snapshot(self, file: str) -> Snapshot:
        """Write the scene as it is now to `file`."""
        return Snapshot(file, saving.snapshot(file))

    def remember(self, text: str) -> None:
        """Keep a text in the scene."""
        settings.remember(text)

    def reveal(self, referrer: str) -> bool:
        """Select the node that a referrer names, or the layer of a step, and show it where it can be shown."""
        return revealing.reveal(referrer)


def _colour_config() -> str:
    """Return the file of the colour configuration that counts; "" where it is the one that comes with Maya.

    OCIO in the environment counts before the scene's own
    (https://help.autodesk.com/cloudhelp/2022/ENU/Maya-Rendering/files/GUID-A5A2B5C8-7992-41E3-8482-9DD86EC89717.htm).
    """
    if variable := os.environ.get("OCIO", ""):
        return variable
    if not session.value("defaultColorMgtGlobals.configFileEnabled"):
        return ""
    path = str(session.value("defaultColorMgtGlobals.configFilePath") or "")
    return "" if path.startswith("<MAYA_RESOURCES>") else path
