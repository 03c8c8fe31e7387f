"""What renders in the open script: its nodes that write, by the same rules as in a script's file."""

from __future__ import annotations

from dataclasses import replace

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
    return _as_of_the_file(steps_of(reading.writers, reading.ask_of()), {n.full_name for n in writers if n.is_in_gizmo})


def _as_of_the_file(found: tuple[SceneStep, ...], in_gizmos: set[str]) -> tuple[SceneStep, ...]:
    """Return the steps with those in gizmos switched off, where there are others: a script's file does not have them.

    So `conductor submit` renders by itself what the panel does; where a studio writes by gizmos alone they are what is rendered.
    """
    if not any(step.enabled for step in found if step.name not in in_gizmos):
        return found
    return tuple(replace(step, enabled=False) if step.name in in_gizmos else step for step in found)
