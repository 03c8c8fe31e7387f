"""What renders in the open script: its nodes that write, by the same rules as in a script's file."""

from __future__ import annotations

from conductor_core.discovery.nuke_steps import steps_of
from conductor_core.host import SceneStep

from conductor_nuke.discover import LiveContext
from conductor_nuke.live_graph import LiveGraph
from conductor_nuke.live_node import LiveNode
from conductor_nuke.script import current_frame, own_range


def steps() -> tuple[SceneStep, ...]:
    """Return a step for each node that writes, those in groups and gizmos included, each behind those that it waits for."""
    graph = LiveGraph().gathered()
    writers = [node for node in graph.nodes if isinstance(node, LiveNode) and "Write" in node.type]
    if not writers:
        return ()
    # without what is asked of each node: where a step writes does not depend on it
    context = LiveContext(graph, sorted({*own_range(), current_frame()}))
    for node in writers:
        for _ in context.texts.ask(node, context.job, context.several_views()):
            pass
    reading = context.reading()
    for node in writers:
        for _ in reading.findings(node):
            pass
    return steps_of(reading.writers, reading.ask_of())
