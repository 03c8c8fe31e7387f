"""A job's manifest together with what its earlier steps made: a pure function, before anything is laid out.

What was made lies where the artist's machine would have it: a path that leads through a symlink of the manifest ends where the
link says. What an earlier step wrote over a file of the artist's takes its place.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import replace

from conductor_core.errors import PathError
from conductor_core.manifest import Entry, Manifest
from conductor_core.paths import ClientPath, Flavour

#: links behind links; more is a loop
_HOPS = 20

Key = tuple[str, ...]


def with_inputs(manifest: Manifest, inputs: Manifest) -> Manifest:
    """Return a manifest with the files of `inputs` in it, sorted by path."""
    if not inputs.entries:
        return manifest
    links = {_key(e.path, manifest.flavour): e for e in manifest.entries if e.kind == "symlink"}
    entries = {_key(e.path, manifest.flavour): e for e in manifest.entries}
    for entry in inputs.entries:
        path = _through_links(ClientPath.parse(entry.path, manifest.flavour), links)
        entries[path.key] = replace(entry, path=path.text)
    return Manifest(manifest.flavour, tuple(sorted(entries.values(), key=lambda e: e.path)))


def _key(path: str, flavour: Flavour) -> Key:
    return ClientPath.parse(path, flavour).key


def _through_links(path: ClientPath, links: Mapping[Key, Entry]) -> ClientPath:
    """Return where a path leads by the links of a manifest; links that lead in a circle, or nowhere, are left as they are."""
    found = path
    for _ in range(_HOPS):
        step = _one_link(found, links)
        if step is None:
            return found
        found = step
    return path


def _one_link(path: ClientPath, links: Mapping[Key, Entry]) -> ClientPath | None:
    """Follow the first link on the way to a path; None: there is none that leads anywhere."""
    for depth in range(1, len(path.components) + 1):
        above = ClientPath(path.flavour, path.anchor, path.components[:depth])
        link = links.get(above.key)
        if link is None:
            continue
        rest = path.components[depth:]
        try:
            if path.flavour is Flavour.POSIX and not link.target.startswith("/"):
                target = ClientPath.parse(posixpath.join(above.parent.text, link.target), path.flavour)
            else:
                target = ClientPath.parse(link.target, path.flavour)
            return ClientPath(path.flavour, target.anchor, target.components + rest)
        except PathError:
            return None
    return None
