"""Which files a node reads over frames, through what shifts time (nuke.Node.fileDependencies, nuke.filename)."""

from __future__ import annotations

from typing import Any

from fakes.nuke_classes import WRITERS
from fakes.nuke_groups import Gizmo, Group
from fakes.nuke_nodes import Node
from fakes.nuke_session import At, session
from fakes.nuke_texts import File_Knob

#: classes that show another frame than they are asked for, and that the fake does not follow
UNFOLLOWED = {
    "TimeWarp",
    "Retime",
    "OFXuk.co.thefoundry.time.oflow_v100",
    "Kronos",
    "TimeBlur",
    "TimeEcho",
    "AppendClip",
    "FrameBlend",
}


def at_source(node: Node, frame: float) -> float:
    """Return the frame that a node asks of its input."""
    at = At(frame)
    if node._kind == "TimeOffset":
        return frame - node._at("time_offset", at)
    if node._kind == "FrameHold":
        name = "first_frame" if node._knobs["first_frame"]._text != "0" else "firstFrame"
        first, step = node._at(name, at), node._at("increment", at)
        return first if step == 0 else first + (frame - first) // step * step
    if node._kind in UNFOLLOWED:
        from fakes.nuke_session import RECORD

        raise RECORD.no_behaviour(f"fileDependencies through {node._kind}")
    return frame


def file_dependencies(node: Node, start: int, end: int) -> list[list[Any]]:
    """Return the files of a node and of all above it: neither of precomps nor of gizmos."""
    found: dict[Node, list[str]] = {}
    for frame in range(start, end + 1):
        _above(node, frame, found, set())
    return [[one, files] for one, files in found.items()]


def _above(node: Node, frame: float, found: dict[Node, list[str]], seen: set[tuple[int, float]]) -> None:
    if (id(node), frame) in seen:
        return
    seen.add((id(node), frame))
    if isinstance(node, Group) and not isinstance(node, Gizmo) and node._kind == "Group" and node.output() is not None:
        _above(node.output(), frame, found, seen)  # type: ignore[arg-type]
    for knob in node._knobs.values():
        if isinstance(knob, File_Knob) and knob._text and knob._name != "proxy":
            for view in session().root._views():
                file = knob._shown(At(frame, view))
                if file not in found.setdefault(node, []):
                    found[node].append(file)
    for source in node._inputs:
        if source is not None:
            _above(source, at_source(node, frame), found, seen)


def filename(node: Node, replace: bool, frame: float | None = None, view: str = "") -> str | None:
    """Return the file that a node works with, as the filters of file names leave it."""
    proxy = node._knobs.get("proxy")
    knob = node._knobs.get("file")
    if session().root.proxy() and isinstance(proxy, File_Knob) and proxy._text:
        knob = proxy
    if not isinstance(knob, File_Knob):
        if isinstance(node, Group):
            inner = [filename(child, replace) for child in node._children if child._kind in {"Read", *WRITERS}]
            return " ".join(text for text in inner if text) or None
        return None
    at = At(session().frame if frame is None else frame, view or session().view)
    text = knob._shown(at) if replace else knob._evaluated(at)
    return filtered(text) or None


def filtered(text: str) -> str:
    """Return a file's name after all filters (nuke.addFilenameFilter): each may give another, or None for the same."""
    for function, args, named, _ in session().callbacks.get("filenameFilter", []):
        text = function(text, *args, **named) or text
    return text
