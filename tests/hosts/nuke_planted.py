"""Adapters of Nuke that break one promise each, in the way that Nuke makes easy; the compliance suite has to find them.

The classes are made when they are asked for: they stand on the adapter, which is imported with a Nuke only.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from conductor_core.discovery.finding import Finding
from conductor_core.host import SceneStep
from conductor_plugins.host import HostScene, Snapshot

PLANTED = {
    "a snapshot by save-as": "snapshot_leaves_no_trace",
    "settings in a label": "undo_leaves_settings_alone",
    "another frame": "dependencies_change_nothing",
    "all frames whatever was asked": "sequence_is_for_the_frames",
    "every name is known": "finding_is_revealed",
    "a step to undo for a question": "same_question_same_answer",
    "a call that Nuke has not": "scene_is_told",
    "a node kept between two pieces": "scene_may_change_meanwhile",
}


def planted() -> dict[str, type]:
    """Return the adapters by what is wrong with them."""
    return {**_that_write(), **_that_ask()}


def _that_write() -> dict[str, type]:
    from conductor_nuke.host import NukeHost

    import nuke

    class SavesAs(NukeHost):
        def snapshot(self, file: str) -> Snapshot:
            path = nuke.scriptName()
            nuke.scriptSaveAs(file, 1)
            return Snapshot(file, path)

    class KeepsSettingsInALabel(NukeHost):
        def remember(self, settings_text: str) -> None:
            nuke.root()["label"].setValue(settings_text)

    class ChangesALabel(NukeHost):
        def steps(self) -> Sequence[SceneStep]:
            nuke.root()["label"].setValue(str(nuke.Undo.undoSize()))
            return super().steps()

    class StepsThroughFrames(NukeHost):
        def dependencies(self, frames: Sequence[int]) -> Iterator[Sequence[Finding]]:
            nuke.frame(int(nuke.frame()) + 1)
            return super().dependencies(frames)

    return {
        "a snapshot by save-as": SavesAs,
        "settings in a label": KeepsSettingsInALabel,
        "a step to undo for a question": ChangesALabel,
        "another frame": StepsThroughFrames,
    }


def _that_ask() -> dict[str, type]:
    from conductor_nuke.host import NukeHost

    import nuke

    class ForgetsTheFrames(NukeHost):
        def dependencies(self, frames: Sequence[int]) -> Iterator[Sequence[Finding]]:
            return super().dependencies(())

    class FindsAnything(NukeHost):
        def reveal(self, referrer: str) -> bool:
            return True

    class AsksWhatIsNotThere(NukeHost):
        def scene(self) -> HostScene:
            with contextlib.suppress(AttributeError):
                nuke.root().fileName()  # type: ignore[attr-defined]
            return super().scene()

    class HoldsNodes(NukeHost):
        def dependencies(self, frames: Sequence[int]) -> Iterator[Sequence[Finding]]:
            nodes = nuke.allNodes("Read")
            for piece in super().dependencies(frames):
                yield piece
                assert [node.name() for node in nodes]

    return {
        "all frames whatever was asked": ForgetsTheFrames,
        "every name is known": FindsAnything,
        "a call that Nuke has not": AsksWhatIsNotThere,
        "a node kept between two pieces": HoldsNodes,
    }
