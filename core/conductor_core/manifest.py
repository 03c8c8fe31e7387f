"""The manifest: which content lies at which client path, so that an instance can lay the files out as the artist has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from conductor_core.digest import Digest, digest_of
from conductor_core.documents import canonical_bytes
from conductor_core.paths import Flavour


@dataclass(frozen=True, slots=True)
class Entry:
    """One file, directory or symlink of a manifest."""

    #: absolute client path, in the manifest's flavour
    path: str
    kind: Literal["file", "directory", "symlink"] = "file"
    #: content of a file; empty otherwise
    digest: str = ""
    #: bytes
    size: int = 0
    #: permission bits (0o644 …); 0 where the client has none (Windows)
    mode: int = 0
    #: nanoseconds since the epoch
    mtime_ns: int = 0
    #: what a symlink says, as written
    target: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files of a job, sorted by path."""

    flavour: Flavour
    entries: tuple[Entry, ...]

    def to_bytes(self) -> bytes:
        """Return the canonical bytes: equal manifests have equal digests."""
        return canonical_bytes(self)

    def digest(self) -> Digest:
        """Return the digest of the canonical bytes."""
        return digest_of(self.to_bytes())

    def objects(self) -> dict[Digest, int]:
        """Return the size in bytes of each object that the manifest names."""
        return {Digest(e.digest): e.size for e in self.entries if e.kind == "file"}


def make_manifest(flavour: Flavour, entries: list[Entry]) -> Manifest:
    """Return the manifest of `entries`, sorted by path.

    Raises:
        ValueError: a path stands in it twice with different content.
    """
    by_path: dict[str, Entry] = {}
    for entry in entries:
        twin = by_path.setdefault(entry.path, entry)
        if twin != entry:
            raise ValueError(f"{entry.path!r} stands in the manifest twice, with different content")
    return Manifest(flavour, tuple(by_path[p] for p in sorted(by_path)))
