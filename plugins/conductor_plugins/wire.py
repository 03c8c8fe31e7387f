"""Values of a host as JSON, for a panel in a process of its own: each names its kind, and comes back as what it was.

Only the kinds listed here travel; nothing else can be made of what arrives.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

_KIND = "%"


def encode(value: Any) -> Any:
    """Return a value as what `json.dumps` takes."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {_KIND: _name(type(value)), **fields}
    if isinstance(value, Mapping):
        return {_KIND: "", "items": {str(key): encode(item) for key, item in value.items()}}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    return value


def decode(data: Any) -> Any:
    """Return the value that `encode` was given; lists come back as tuples.

    Raises:
        KeyError: of a kind that does not travel.
        TypeError: its fields are others than here.
    """
    if isinstance(data, list):
        return tuple(decode(item) for item in data)
    if not isinstance(data, dict):
        return data
    kind = data[_KIND]
    if not kind:
        return {key: decode(item) for key, item in data["items"].items()}
    return kinds()[kind](**{name: decode(item) for name, item in data.items() if name != _KIND})


@functools.cache
def kinds() -> dict[str, Any]:
    """Return what may travel, by name."""
    from conductor_core.discovery import finding
    from conductor_core.host import SceneStep
    from conductor_core.report import Ignored, ScanOutput, Unresolved
    from conductor_core.submission import Output, Software

    from conductor_plugins.host import HostScene, Snapshot

    own = (HostScene, Snapshot, SceneStep, Output, Software, finding.Usage, Ignored, ScanOutput, Unresolved)
    return {_name(kind): kind for kind in (*own, *_reaches())}


def _reaches() -> tuple[type, ...]:
    """Return the ways in which findings come to files, and what these are made of."""
    from conductor_core.discovery import (
        blender_numbers,
        blender_reach,
        houdini_libraries,
        maya_reach,
        nuke_clips,
        nuke_time,
        reach,
    )

    shared = (
        reach.OneFile,
        reach.Frames,
        reach.Folder,
        reach.NamesIn,
        reach.WithTwins,
        reach.Matching,
        reach.TheseFiles,
        reach.EachOf,
    )
    blender = (
        blender_reach.Itself,
        blender_reach.FileOrFolder,
        blender_reach.Numbers,
        blender_reach.Tiles,
        blender_reach.TheseNames,
    )
    maya = (maya_reach.WithTwins, maya_reach.NamedSo, maya_reach.Sidecars)
    nuke = (nuke_clips.ClipFrames, nuke_time.AsFound)
    return (*shared, *blender, blender_numbers.NumberedPath, *maya, *nuke, houdini_libraries.Library)


def _name(kind: type) -> str:
    """Return by what a kind is known: two may have the same name in two modules."""
    return f"{kind.__module__.rpartition('.')[2]}.{kind.__qualname__}"
