"""Tell whether a property moves, whichever way the version keeps its curves."""

from __future__ import annotations

from collections.abc import Iterator

from conductor_core.formats.blend.record import Datablock, Record


def is_animated(record: Record, path: str) -> bool:
    """Tell whether a curve or driver drives a property whose path starts with `path`.

    The curves of an action that is linked are not in this file: then it may be.
    """
    data = record.follow("adt")
    if data is None:
        return False
    if any(curve.text("rna_path").startswith(path) for curve in data.listed("drivers")):
        return True
    encoded = path.encode("utf-8", "surrogateescape")
    return any(_moves(action, encoded) for action in _actions(data))


def _moves(action: Datablock, path: bytes) -> bool:
    """Tell whether an action has such a curve; of its blocks only the paths of curves are held, in lists or layers."""
    return action.code == b"ID" or any(kept.data.startswith(path) for kept in action.blocks.values())


def _actions(data: Record) -> Iterator[Datablock]:
    action = data.datablock("action")
    if action is not None:
        yield action
    for track in data.listed("nla_tracks"):
        yield from _of_strips(track)


def _of_strips(track: Record) -> Iterator[Datablock]:
    waiting, seen = [track], {track.own}
    while waiting:
        for strip in waiting.pop().listed("strips"):
            action = strip.datablock("act")
            if action is not None:
                yield action
            if strip.own not in seen:
                seen.add(strip.own)
                waiting.append(strip)
