"""A desk with a scene of several steps, an offer, and problems on demand: what tests of the panel's widgets stand on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conductor_core.discovery.finding import Usage
from conductor_core.host import SceneStep
from conductor_core.submission import Output, Software
from conductor_plugins import desk as desk_module
from conductor_plugins.desk import Desk
from conductor_plugins.form.situation import Situation
from conductor_plugins.host import HostScene
from conductor_plugins.memory_host import MemoryHost
from conductor_plugins.validators.validator import ERROR, Problem
from plugins.answering_agent import OFFER, AnsweringAgent

STEPS = (
    SceneStep("beauty", (Output("/render/beauty_####.exr"), Output("/render/beauty_z_####.exr"))),
    SceneStep("fog", (Output("/render/fog_####.exr"),), problem="has no camera"),
    SceneStep("turntable", (Output("/render/turn_####.exr"),), enabled=False),
)


def make_desk(scene: Path | str, *, offered: bool = True, **changes: object) -> Desk:
    """Return a desk; `changes` are fields of the host's scene."""
    plug_ins = (Software("cloth", "2.1"),)
    open_scene = HostScene(str(scene), modified=False, software=Software("memory", "1.0"), frames="1-10", plug_ins=plug_ins)
    for name, value in changes.items():
        object.__setattr__(open_scene, name, value)
    host = MemoryHost(open_scene, STEPS, findings=(Usage("fog.vdb", "fog", "volume", ("/job/fog.vdb",)),))
    desk = Desk(host, AnsweringAgent())
    if offered:
        desk.offer = OFFER
    return desk


@contextmanager
def only_these(problems: list[Problem]) -> Iterator[list[Problem]]:
    """Have nothing wrong but these problems, whatever validators there are."""
    asked = vars(desk_module)
    kept = asked["problems_of"]

    def found(_: Situation) -> Iterator[Problem]:
        yield from sorted(problems, key=lambda problem: problem.severity != ERROR)

    asked["problems_of"] = found
    try:
        yield problems
    finally:
        asked["problems_of"] = kept
