"""What the open scene reads and writes, told a few milliseconds at a time.

Every node goes through the readers that scene files go through; what only Maya can say is added: attributes that it takes for
names of files, and what plug-ins tell its File Path Editor.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from dataclasses import replace

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.maya_ask import MayaAsk
from conductor_core.discovery.maya_findings import NOT_LOADED, kind_of_reference, notes
from conductor_core.discovery.maya_places import without_copy_number
from conductor_core.discovery.maya_unknown import flagged_texts, unknown_texts
from conductor_core.discovery.node import findings_of
from conductor_core.report import Ignored

from conductor_maya import session
from conductor_maya.live_node import LiveNode
from conductor_maya.live_scene import LiveScene, ask_of

#: nodes without a finding that one piece goes over
_AT_ONCE = 20
#: how names of nodes begin (https://help.autodesk.com/cloudhelp/2024/ENU/Maya-Tech-Docs/CommandsPython/rename.html)
_FIRST = string.ascii_letters + "_"


def pieces(frames: Sequence[int]) -> Iterator[Sequence[Finding]]:
    """Yield the findings for some frames (none: the scene's own range).

    Files that they point to are read by whoever judges them, with a survey of its own: findings hold nothing of this process.
    """
    for piece in _pieces(frames):
        yield tuple(replace(found, under=None) if isinstance(found, Usage) else found for found in piece)


def _pieces(frames: Sequence[int]) -> Iterator[Sequence[Finding]]:
    scene = LiveScene()
    ask = ask_of(scene, tuple(frames) or None)
    yield tuple(notes(scene))
    seen: set[str] = set()
    for piece in _references(scene, ask):
        seen.update(finding.referrer for finding in piece)
        yield piece
    for first in _FIRST:
        quiet = 0
        # all names in one answer would hold the main thread too long in a large scene
        for name, type_ in session.with_types(f"{first}*"):
            if not session.exists(name):
                continue
            node = scene.node(name, type_)
            found = tuple(_of_node(node, ask))
            seen.update(finding.referrer for finding in found)
            quiet += 1
            if found or quiet % _AT_ONCE == 0:
                yield found
        yield ()
    for listed in session.registered_paths():
        yield tuple(_only_maya_knows(listed, seen, ask))


def _of_node(node: LiveNode, ask: MayaAsk) -> Iterator[Finding]:
    ask.seen = set()
    for finding in (
        *findings_of("maya", node, ask),
        *flagged_texts(node, node.file_keys, ask),
        *unknown_texts(node, ask),
    ):
        # a text that comes from another node is no word of this one: the configuration of colours, in each texture
        if not (isinstance(finding, Ignored) and node.is_fed(finding.referrer.partition(".")[2])):
            yield finding


def _references(scene: LiveScene, ask: MayaAsk) -> Iterator[Sequence[Finding]]:
    for reference in scene.references:
        place = without_copy_number(reference.path)
        absent = NOT_LOADED if reference.deferred else ""
        yield tuple(ask.usage(reference.path, reference.name, kind_of_reference(reference.path), place=place, absent_is=absent))


def _only_maya_knows(listed: Sequence[tuple[str, str]], seen: set[str], ask: MayaAsk) -> Iterator[Finding]:
    """Yield the paths that plug-ins tell Maya of, without those that stand in attributes that were looked at."""
    for path, plug in listed:
        node, _, attribute = plug.partition(".")
        node = node.rpartition("|")[2]
        short = _short(node, attribute)
        # of an attribute within another files have the last name alone, unless there are several of it
        if {node, f"{node}.{attribute}", f"{node}.{short}", f"{node}.{short.rpartition('.')[2]}"} & seen:
            continue
        stored = session.value(plug) if attribute else None
        text = stored if isinstance(stored, str) and stored else path
        yield from ask.usage(text, f"{node}.{short}" if short else node, "other")


def _short(node: str, attribute: str) -> str:
    """Return an attribute as files name it: `explicitUvTiles[2].explicitUvTileName` is `euvt[2].eutn`."""
    parts = (part.partition("[") for part in attribute.split(".") if part)
    return ".".join(session.short_name(node, name) + bracket + index for name, bracket, index in parts)
