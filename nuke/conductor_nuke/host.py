"""What Nuke answers about the open script: the values that the panel and `conductor submit` build a job from."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from conductor_core.submission import Software

from conductor_nuke import discover, revealing, saving, settings, steps
from conductor_nuke.script import current_frame, is_modified, own_frames, script_path, version

if TYPE_CHECKING:
    from conductor_core.discovery.finding import Finding
    from conductor_core.host import SceneStep
    from conductor_plugins.host import HostScene, Snapshot


class NukeHost:
    """The Nuke that this runs in, as `conductor_plugins.host.Host`. Nuke's main thread only."""

    def scene(self) -> HostScene:
        """Return what is open."""
        from conductor_plugins.host import HostScene

        facts = discover.settings_of_script()
        return HostScene(
            path=script_path(),
            modified=is_modified(),
            software=Software("nuke", version()),
            frames=own_frames(),
            current_frame=current_frame(),
            # what is submitted is a copy that this Nuke writes
            saved_by=version(),
            plug_ins=facts.plug_ins,
            settings=settings.recall(),
            project_root=facts.project,
            colour_config=facts.colour_config,
        )

    def steps(self) -> Sequence[SceneStep]:
        """Return each node that writes, in the order in which they render."""
        return steps.steps()

    def dependencies(self, frames: Sequence[int]) -> Iterator[Sequence[Finding]]:
        """Yield what the script reads and writes, a few milliseconds at a time."""
        return discover.pieces(frames)

    def environment(self) -> Mapping[str, str]:
        """Return the variables of Nuke's process."""
        return dict(os.environ)

    def save(self) -> None:
        """Save the script under its own name."""
        saving.save()

    def snapshot(self, file: str) -> Snapshot:
        """Write the script as it is now to `file`."""
        from conductor_plugins.host import Snapshot

        return Snapshot(file, saving.snapshot(file))

    def remember(self, settings_text: str) -> None:
        """Keep a text in the script."""
        settings.remember(settings_text)

    def reveal(self, referrer: str) -> bool:
        """Select the node that a referrer or a step's name names, and show it."""
        return revealing.reveal(referrer)
