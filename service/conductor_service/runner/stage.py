"""Decide what a job's stage holds: a pure plan, from the manifest alone.

The stage is a folder in which each path of the manifest lies at its place (`conductor_core.paths.stage_path`). A symlink
stays as it is written and is never followed here: what it means is decided where the software sees it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from conductor_core.digest import parse_digest
from conductor_core.errors import PathError, shown_name
from conductor_core.manifest import Entry, Manifest
from conductor_core.paths import ClientPath, stage_path

from conductor_service.runner.cache import Variant
from conductor_service.runner.errors import StagingFailed

Parts = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StagedFolder:
    """A directory of the stage; mode 0 and time 0 where the manifest does not name it."""

    path: str
    mode: int = 0
    mtime_ns: int = 0


@dataclass(frozen=True, slots=True)
class StagedLink:
    """A symlink, its target as written."""

    path: str
    target: str
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A file, with the content, mode and time that it must have."""

    path: str
    variant: Variant
    #: the artist's own path, for people to read
    client: str = ""


@dataclass(frozen=True, slots=True)
class StagePlan:
    """All of a stage; folders come before what they hold."""

    folders: tuple[StagedFolder, ...] = ()
    links: tuple[StagedLink, ...] = ()
    files: tuple[StagedFile, ...] = ()

    def variants(self) -> tuple[Variant, ...]:
        """Return each variant once."""
        return tuple(dict.fromkeys(f.variant for f in self.files))

    def name_of(self, digest: str) -> str:
        """Return how the artist calls the content, by its first path."""
        return next((f.client or f.path for f in self.files if f.variant.digest == digest), digest)


def plan_stage(manifest: Manifest) -> StagePlan:
    """Return what the stage of a manifest holds.

    A symlink with entries beneath it (the client sent the files by the linked path) is laid out as a folder with those
    entries: writing through the link would leave the stage.

    Raises:
        StagingFailed: a path is not absolute, an entry is malformed, or one path is both a file and a folder.
    """
    entries: dict[Parts, Entry] = {}
    for entry in manifest.entries:
        entries[_parts(manifest, entry)] = entry
    parents = {parts[:n] for parts in entries for n in range(1, len(parts))}
    folders, links, files = dict.fromkeys(parents, StagedFolder("")), [], []
    for parts, entry in entries.items():
        path = "/".join(parts)
        if entry.kind == "file":
            if parts in parents:
                raise StagingFailed(entry.path, "it is a file, and other paths lie beneath it")
            files.append(StagedFile(path, _variant(entry), entry.path))
        elif entry.kind == "symlink" and parts not in parents:
            links.append(StagedLink(path, entry.target, entry.mtime_ns))
        elif entry.kind == "directory":
            folders[parts] = StagedFolder(path, entry.mode, entry.mtime_ns)
    ordered = (_named(folders[parts], parts) for parts in sorted(folders))
    return StagePlan(tuple(ordered), tuple(links), tuple(files))


def _named(folder: StagedFolder, parts: Parts) -> StagedFolder:
    return folder if folder.path else StagedFolder("/".join(parts))


def _parts(manifest: Manifest, entry: Entry) -> Parts:
    try:
        staged = stage_path(ClientPath.parse(entry.path, manifest.flavour))
    except PathError as exc:
        raise StagingFailed(entry.path, str(exc), cause="missing-file") from exc
    try:
        os.fsencode(staged)
    except UnicodeEncodeError:
        raise StagingFailed(shown_name(entry.path), "its name is neither text nor bytes", cause="missing-file") from None
    if staged == ".":
        if entry.kind != "directory":
            raise StagingFailed(entry.path, "the root of a file system cannot be a file")
        return ()
    return tuple(staged.split("/"))


def _variant(entry: Entry) -> Variant:
    try:
        return Variant(parse_digest(entry.digest), entry.size, entry.mode, entry.mtime_ns)
    except ValueError as exc:
        raise StagingFailed(entry.path, str(exc)) from exc
