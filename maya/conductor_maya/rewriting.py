"""Path mapping inside an open scene: what `dirmap` leaves as it is, since only plug-ins read it, is written anew here.

Every text that a reader knows to be a path is asked for, in the artist's words, and where a rule speaks of it, the attribute
gets the path of this machine. References were mapped when the scene was opened.
"""

from __future__ import annotations

from collections.abc import Sequence

from conductor_core.discovery.maya_findings import path_texts
from conductor_core.paths import PathRule
from conductor_plugins.frame_server.path_mapping import mapped
from maya import cmds

from conductor_maya.attributes import Log, set_word
from conductor_maya.live_scene import LiveScene


def rewrite_scene(rules: Sequence[PathRule], log: Log) -> None:
    """Map every path of the open scene that the rules speak of."""
