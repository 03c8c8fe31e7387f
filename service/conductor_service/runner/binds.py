"""Decide what a task sees: a pure plan of mounts, in the order in which they must be made.

Three kinds of thing want a place: the base (system and software folders, read-only), the job's inputs (read-only, at the
artist's own paths) and its output folders (writable). Whole top-level folders of the stage are bound where nothing else
lives (`/job`); where they meet the base, the plan goes down to the files (`/usr/share/fonts/x.ttf`). A read-only folder
of the base that lacks a mount point is *split*: rebuilt from binds of its children, so that a new name fits beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Parts = tuple[str, ...]
NodeKind = Literal["file", "folder", "link"]


@dataclass(frozen=True, slots=True)
class Mount:
    """One thing put at `target`, an absolute path in the sandbox."""

    kind: Literal["read-only", "writable", "folder", "link"]
    target: str
    #: path on the machine; of a link: what it says; empty for an empty folder
    source: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """A name in a folder of this machine."""

    name: str
    kind: NodeKind
    #: what a link says
    says: str = ""


#: the names in a folder of this machine; empty when there is no such folder
Listing = Callable[[str], tuple[Node, ...]]


@dataclass(frozen=True, slots=True)
class View:
    """What a task shall see, before it is decided how."""

    #: system and software
    base: tuple[Mount, ...]
    #: paths the sandbox fills itself and that are writable there (`/tmp`): mount points can be made in them
    scratch: tuple[str, ...]
    #: each staged path as the software sees it, folders included (`name` is not used)
    inputs: Mapping[str, Node]
    #: writable folders: sandbox path → folder on this machine
    outputs: Mapping[str, str]
    #: the stage on this machine, and the sandbox path it stands for
    stage: str
    seen_root: str = "/"


def plan_binds(view: View, listing: Listing) -> tuple[Mount, ...]:
    """Return the mounts of a view, parents first."""
    base = _without_covered(view.base)
    outputs = (Mount("writable", _through_links(seen, base), source) for seen, source in view.outputs.items())
    wanted = [*_input_mounts(view, base, listing), *outputs]
    lacking = [m.target for m in wanted if _needs_split(m, base, listing)]
    split = _split(base, lacking, listing)
    by_target = {m.target: m for m in (*split, *wanted)}
    return tuple(sorted(by_target.values(), key=lambda m: _parts(m.target)))


def _without_covered(base: tuple[Mount, ...]) -> dict[str, Mount]:
    """Drop what another mount of the base shows already at the same place."""
    result: dict[str, Mount] = {}
    for mount in sorted(base, key=lambda m: _parts(m.target)):
        above = _mount_above(mount.target, result)
        if above is not None and above.kind == "read-only" and _beyond(above, mount.target) == mount.source:
            continue
        result[mount.target] = mount
    return result


def _input_mounts(view: View, base: Mapping[str, Mount], listing: Listing) -> list[Mount]:
    """Return mounts that show every input, as few as can be."""
    children: dict[str, list[str]] = {}
    for path in view.inputs:
        children.setdefault(_parent(path), []).append(path)
    keep_apart = [*base, *view.scratch]
    inner = {ancestor for target in keep_apart for ancestor in _ancestors(target)} | set(keep_apart)
    result: list[Mount] = []
    waiting = sorted(children.get(view.seen_root, ()), reverse=True)
    while waiting:
        path = waiting.pop()
        node = view.inputs[path]
        if any(_within(path, out) for out in view.outputs):
            continue
        if node.kind == "folder" and (path in inner or _is_in_base(path, base, listing)):
            waiting.extend(sorted(children.get(path, ()), reverse=True))
        elif node.kind == "link":
            result.append(Mount("link", _through_links(path, base), node.says))
        else:
            source = view.stage + path.removeprefix(view.seen_root.rstrip("/"))
            result.append(Mount("read-only", _through_links(path, base), source))
    return result


def _is_in_base(path: str, base: Mapping[str, Mount], listing: Listing) -> bool:
    """Tell whether the base shows a folder at this path, which must not be hidden."""
    path = _through_links(path, base)
    above = _mount_above(path, base)
    return above is not None and above.kind == "read-only" and _node_at(_beyond(above, path), listing) is not None


def _through_links(path: str, base: Mapping[str, Mount]) -> str:
    """Return a path without the base's own links (`/lib` → `usr/lib`): a mount cannot be made through one."""
    for ancestor in _ancestors(path):
        mount = base.get(ancestor)
        if mount is not None and mount.kind == "link":
            says = mount.source if mount.source.startswith("/") else f"{_parent(ancestor).rstrip('/')}/{mount.source}"
            return _through_links(says + path[len(ancestor) :], base)
    return path


def _needs_split(mount: Mount, base: Mapping[str, Mount], listing: Listing) -> bool:
    """Tell whether a mount has its place in a read-only folder of the base that has no such name (or is a link)."""
    above = _mount_above(mount.target, base)
    if above is None or above.kind != "read-only":
        return False
    if mount.kind == "link":
        return True
    node = _node_at(_beyond(above, mount.target), listing)
    return node is None or node.kind == "link"


def _split(base: Mapping[str, Mount], lacking: Iterable[str], listing: Listing) -> list[Mount]:
    """Return the base, rebuilt wherever a path of `lacking` needs a new name in it."""
    result = dict(base)
    for path in lacking:
        while (above := _mount_above(path, result)) is not None and above.kind == "read-only":
            nodes = listing(above.source)
            result[above.target] = Mount("folder", above.target)
            for node in nodes:
                target = f"{above.target.rstrip('/')}/{node.name}"
                if target == path:
                    continue
                if node.kind == "link":
                    result.setdefault(target, Mount("link", target, node.says))
                else:
                    result.setdefault(target, Mount("read-only", target, f"{above.source}/{node.name}"))
            if not nodes:
                break
    return list(result.values())


def _node_at(path: str, listing: Listing) -> Node | None:
    return next((n for n in listing(_parent(path)) if n.name == path.rsplit("/", 1)[1]), None)


def _mount_above(path: str, mounts: Mapping[str, Mount]) -> Mount | None:
    """Return the deepest bind that lies strictly above a path."""
    for ancestor in reversed(_ancestors(path)):
        if ancestor in mounts:
            return mounts[ancestor]
    return None


def _beyond(mount: Mount, path: str) -> str:
    """Return the path on this machine that a bind shows at `path`."""
    return mount.source.rstrip("/") + path[len(mount.target.rstrip("/")) :]


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _parent(path: str) -> str:
    return path.rsplit("/", 1)[0] or "/"


def _ancestors(path: str) -> list[str]:
    """Return the folders strictly above a path, the root first."""
    parts = _parts(path)
    return ["/".join(parts[:n]) or "/" for n in range(1, len(parts))]


def _parts(path: str) -> Parts:
    return ("",) if path == "/" else tuple(path.split("/"))
