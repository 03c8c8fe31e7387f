# SPDX-License-Identifier: GPL-3.0-or-later
"""Open a .blend with no script of it run, or say in one sentence why that cannot be."""

from __future__ import annotations

import gzip
import os
import re

from .errors import SceneIsNewer, SceneNotOpened

#: `BLENDER-v405` until 4.x, `BLENDER17-01v0500` since 5.0 (https://projects.blender.org/blender/blender/issues/129309)
_HEADER = re.compile(rb"BLENDER(?:[-_][vV](?P<old>\d{3})|\d\d-\d\dv(?P<new>\d{4}))")
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_NEEDED = 64


def open_scene(path: str, *, scripts: bool = False) -> None:
    """Open a scene in this Blender, without its window layout and, unless told, without its scripts.

    Raises:
        SceneNotOpened: it is not there, is no .blend, is of a newer Blender, or Blender cannot read it.
    """
    import bpy

    check_header(path, tuple(bpy.app.version[:2]))
    try:
        bpy.ops.wm.open_mainfile(filepath=path, load_ui=False, use_scripts=scripts)
    except RuntimeError as exc:
        reason = " ".join(str(exc).removeprefix("Error:").split()).rstrip(".")
        raise SceneNotOpened(path, f"Blender cannot read it ({reason})", "Open it in Blender and save it again.") from exc
    saved_by = tuple(bpy.data.version[:2])
    if saved_by > tuple(bpy.app.version[:2]):
        raise _too_new(path, saved_by, tuple(bpy.app.version[:2]))


def check_header(path: str, running: tuple[int, ...]) -> None:
    """Refuse what this Blender cannot open, before it tries: an older Blender can crash on a newer file.

    Raises:
        SceneNotOpened: see `open_scene`.
    """
    if not os.path.exists(path):
        raise SceneNotOpened(path, "there is no such file", "Check the path.")
    if not os.path.isfile(path):
        raise SceneNotOpened(path, "this is a folder, not a scene", "Name the .blend file in it.")
    try:
        head = _head(path)
    except (OSError, EOFError) as exc:
        raise SceneNotOpened(path, f"it cannot be read ({exc})", "Check the file and your rights to it.") from exc
    version = header_version(head)
    if not head:
        raise SceneNotOpened(path, "it is empty", "Save the scene again, or take an older copy of it.")
    if version is None and not head.startswith(_ZSTD):
        raise SceneNotOpened(path, "this is not a Blender scene", "Name a .blend file.")
    if version is not None and version > running:
        raise _too_new(path, version, running)


def header_version(head: bytes) -> tuple[int, int] | None:
    """Return (major, minor) of the Blender that wrote this beginning of a .blend; None where it does not say.

    Where a file compressed with zstd could not be decompressed, the header still stands in the clear most of the time, since
    it is too short to gain.
    """
    match = _HEADER.search(head) if head.startswith(_ZSTD) else _HEADER.match(head)
    if match is None:
        return None
    number = int(match["old"] or match["new"])
    return divmod(number, 100)


def _head(path: str) -> bytes:
    with open(path, "rb") as file:
        head = file.read(_NEEDED)
    if head.startswith(_ZSTD):
        return _zstd_head(path) or head
    if not head.startswith(_GZIP):
        return head
    with gzip.open(path, "rb") as file:
        return file.read(_NEEDED)


def _zstd_head(path: str) -> bytes:
    """Return the beginning of what is in a zstd file; nothing without a module for it (Blender's own Python has one)."""
    try:
        import zstandard
    except ImportError:
        return b""
    with open(path, "rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
        try:
            return bytes(stream.read(_NEEDED))
        except zstandard.ZstdError as exc:
            raise EOFError(str(exc)) from exc


def _too_new(path: str, saved_by: tuple[int, ...], running: tuple[int, ...]) -> SceneNotOpened:
    theirs, ours = (".".join(str(n) for n in v[:2]) for v in (saved_by, running))
    return SceneIsNewer(
        path, f"it was saved by Blender {theirs}, this is Blender {ours}", f"Use Blender {theirs} or later for this scene."
    )
