"""A desk with a scene on disk, a host in memory and an agent that answers from values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from conductor_core.submission import Software
from conductor_plugins.desk import Desk
from conductor_plugins.host import HostScene
from conductor_plugins.memory_host import MemoryHost
from plugins.answering_agent import AnsweringAgent


def desk_of(scene: Path, *, agent: AnsweringAgent | None = None, variables: Mapping[str, str] | None = None) -> Desk:
    """Return a desk for a scene that could be submitted as it is; its offer is known."""
    host = MemoryHost(
        HostScene(str(scene), modified=False, software=Software("memory", "1.0"), frames="1-10"), variables=dict(variables or {})
    )
    desk = Desk(host, agent or AnsweringAgent())
    desk.offer = desk.agent.offer()
    desk.edit(project="dragons", instance_type="small")
    return desk
