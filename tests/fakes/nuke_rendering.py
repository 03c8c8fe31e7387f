"""Rendering in the fake Nuke: real small pictures exactly where the script says.

Sources: nuke.execute and the pages of callbacks (beforeRender …) under https://learn.foundry.com/nuke/developers/latest/; what a Nuke
in a terminal prints (`Frame 3 (1 of 5)`, `Writing … took … seconds`): logs in public issues.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any

from fakes.nuke_classes import WRITERS
from fakes.nuke_finding import by_name
from fakes.nuke_frames import FrameRanges
from fakes.nuke_nodes import Node
from fakes.nuke_pictures import MOVIES, SIZE, write_movie, write_picture
from fakes.nuke_session import At, session
from fakes.nuke_texts import technical, with_frame
from fakes.nuke_upstream import at_source, filename, filtered
from fakes.nuke_values import context


def execute(nameOrNode: Any, *args: Any, **named: Any) -> None:
    """Render a write node.

    Raises:
        RuntimeError: it cannot be rendered, or a picture that it needs is not there.
    """
    node = by_name(nameOrNode, session().group()) if isinstance(nameOrNode, str) else nameOrNode
    if node is None:
        raise RuntimeError(f"{nameOrNode}: no such node")
    frames, rest = _frames(args, named)
    views, go_on = _views_asked(rest, named)
    _render(node, frames, views, go_on)


def _frames(args: tuple[Any, ...], named: dict[str, Any]) -> tuple[list[int], tuple[Any, ...]]:
    given = named.get("frameRangeSet", args[0] if args and isinstance(args[0], FrameRanges) else None)
    if given is not None:
        return given.toFrameList(), args[1:]
    numbers = [*args[:3], *(named[name] for name in ("start", "end", "incr")[len(args[:3]) :] if name in named)]
    start, end, step = (*numbers, 1)[:3]
    return list(range(start, end + 1, step)), args[3:]


def _views_asked(rest: tuple[Any, ...], named: dict[str, Any]) -> tuple[list[str], bool]:
    views = named.get("views", rest[0] if rest else [])
    return list(views), bool(named.get("continueOnError", rest[1] if len(rest) > 1 else False))


def execute_multiple(nodes: Iterable[Node], ranges: Any, views: list[str], continueOnError: bool = False) -> None:
    """Render several write nodes, by their `render_order`."""
    frames = [frame for first, last, step in ranges for frame in range(first, last + 1, step)]
    for node in sorted(nodes, key=lambda one: one._at("render_order", session().here())):
        _render(node, frames, list(views), continueOnError)


def _render(node: Node, frames: list[int], views: list[str], go_on: bool) -> None:
    node._check()
    if node._kind not in WRITERS:
        raise RuntimeError(f"{node._name} is not an executable node")
    if node._at("disable", session().here()):
        raise RuntimeError(f"{node._name} is disabled")
    chosen = views or node._knobs["views"]._text.split() or session().root._views()
    unknown = set(chosen) - set(session().root._views())
    if unknown:
        raise RuntimeError(f"No view is named {sorted(unknown)[0]}")
    with context(node):
        _told(node, "beforeRender")
        for number, frame in enumerate(frames, 1):
            print(f"Frame {frame} ({number} of {len(frames)})")
            try:
                _frame(node, frame, chosen, number, len(frames))
            except RuntimeError as exc:
                if not go_on:
                    raise
                print(f"ERROR: {exc}", file=sys.stderr)
        _told(node, "afterRender")
    sys.stdout.flush()


def _told(node: Node, event: str) -> None:
    """Run a node's own script of an event, and what was added for its class."""
    own = node._knobs[event]._text if event in node._knobs else ""
    if own:
        exec(own, {"nuke": sys.modules["nuke"]})
    session().call(event, node._kind)


def _frame(node: Node, frame: int, views: list[str], number: int, count: int) -> None:
    before, view_before = session().frame, session().view
    session().frame = frame
    try:
        _told(node, "beforeFrameRender")
        written: set[str] = set()
        for view in views:
            session().view = view
            _needs_inputs(node, frame, view, set())
            file = _target(node, frame, view)
            if file not in written:
                written.add(file)
                _write(node, file, frame, number)
        _told(node, "renderProgress")
        _told(node, "afterFrameRender")
    finally:
        session().frame, session().view = before, view_before


def _target(node: Node, frame: int, view: str) -> str:
    """Return the file of a frame: `frame_mode` may number the files otherwise than the frames."""
    mode = node._knobs["frame_mode"]._text if "frame_mode" in node._knobs else "expression"
    shift = node._knobs["frame"]._text if mode in {"start at", "offset"} else ""
    named = frame
    if shift:
        first = int(node._at("first", At(frame))) if node._at("use_limit", At(frame)) else session().root.firstFrame()
        named = frame + int(shift) if mode == "offset" else int(shift) + frame - first
    text = filename(node, False, frame, view)
    if not text:
        raise RuntimeError(f"{node._name}: no file name is set")
    return os.path.join(session().directory(), filtered(with_frame(technical(text), At(named, view))))


def _write(node: Node, file: str, frame: int, number: int) -> None:
    folder = os.path.dirname(file)
    if not os.path.isdir(folder) and "create_directories" in node._knobs and node._at("create_directories", At(frame)):
        os.makedirs(folder)
    scale = 2 if session().root.proxy() else 1
    try:
        if file.endswith(MOVIES):
            write_movie(file, frame, begins=number == 1)
        else:
            write_picture(file, SIZE[0] // scale, SIZE[1] // scale, frame % 256)
    except OSError as exc:
        raise RuntimeError(f"{node._full_name()}: Can't write {file}: {exc.strerror}") from None
    print(f"Writing {file} took 0.01 seconds")


def _needs_inputs(node: Node, frame: float, view: str, seen: set[int]) -> None:
    """Refuse the frame if a picture that a node above reads is not there."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if node._kind in {"Read", "DeepRead"} and not node._at("disable", At(frame, view)):
        _readable(node, frame, view)
    for source in _sources(node, frame, view):
        _needs_inputs(source, at_source(node, frame), view, seen)


def _sources(node: Node, frame: float, view: str) -> list[Node]:
    if node._kind == "Switch":
        chosen = node._input(int(node._at("which", At(frame, view))))
        return [chosen] if chosen is not None else []
    return [one for one in node._inputs if one is not None]


def _readable(node: Node, frame: float, view: str) -> None:
    first, last = node._at("first", At(frame)), node._at("last", At(frame))
    if first <= last and "%" in technical(node._knobs["file"]._text):
        frame = _clamped(node, frame, first, last)
    file = filename(node, True, frame, view)
    if not file:
        raise RuntimeError(f"{node._full_name()}: no file name is set")
    if not os.path.isfile(os.path.join(session().directory(), file)) and node._knobs["on_error"]._text == "error":
        raise RuntimeError(f"{node._full_name()}: Read error: No such file or directory: {file}")


def _clamped(node: Node, frame: float, first: float, last: float) -> float:
    """Return the frame that is read for one outside the range (`before`, `after`: hold, loop, bounce)."""
    if first <= frame <= last:
        return frame
    way = node._knobs["before" if frame < first else "after"]._text
    if way == "loop":
        return first + (frame - first) % (last - first + 1)
    return first if frame < first else last
