"""The manifest: which content lies at which client path, so that an instance can lay the files out as the artist has them."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from conductor_core.digest import Digest, is_digest, parse_digest
from conductor_core.documents import from_bytes, from_json
from conductor_core.errors import InvalidDocument, PathError
from conductor_core.manifest_speed import entries_text, lies_plainly, read_entries
from conductor_core.paths import ClientPath, Flavour

_FLAVOURS = frozenset(flavour.value for flavour in Flavour)
#: entries that are written at once: of two hundred thousand the text has 67 MB, and is wanted piece by piece
_PIECE = 1000


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
        whole = io.BytesIO()
        whole.writelines(self.pieces())
        return whole.getvalue()

    def pieces(self) -> Iterator[bytes]:
        """Yield the canonical bytes from first to last."""
        yield b'{"entries":['
        for first in range(0, len(self.entries), _PIECE):
            yield f"{',' if first else ''}{entries_text(self.entries[first : first + _PIECE])}".encode()
        yield f'],"flavour":"{self.flavour.value}"}}'.encode()

    def digest(self) -> Digest:
        """Return the digest of the canonical bytes."""
        sha = hashlib.sha256()
        for piece in self.pieces():
            sha.update(piece)
        return Digest(f"sha256:{sha.hexdigest()}")

    def objects(self) -> dict[Digest, int]:
        """Return the size in bytes of each object that the manifest names."""
        return {Digest(e.digest): e.size for e in self.entries if e.kind == "file"}


def make_manifest(flavour: Flavour, entries: Iterable[Entry]) -> Manifest:
    """Return the manifest of `entries`, sorted by path; an entry that comes again is the same entry.

    Raises:
        InvalidDocument: a path stands in it twice with different content, or `check_manifest` refuses it.
    """
    ordered = sorted(entries, key=lambda entry: entry.path)
    for one, next_one in pairwise(ordered):
        if one.path == next_one.path and one != next_one:
            raise InvalidDocument("Manifest", one.path, "stands in it twice, with different content")
    if any(one.path == next_one.path for one, next_one in pairwise(ordered)):
        ordered = list({entry.path: entry for entry in ordered}.values())
    manifest = Manifest(flavour, tuple(ordered))
    check_manifest(manifest)
    return manifest


def parse_manifest(data: bytes) -> Manifest:
    """Read a manifest that came from elsewhere, and check it: what it says becomes paths on an instance.

    Raises:
        InvalidDocument: naming the field.
    """
    manifest = read_manifest(data)
    check_manifest(manifest)
    return manifest


def read_manifest(data: bytes) -> Manifest:
    """Read a manifest of our own, which was checked when it was made.

    Raises:
        InvalidDocument: it is not in the form of one.
    """
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError):
        return from_bytes(Manifest, data)  # which says why
    if isinstance(parsed, dict) and parsed.keys() == {"entries", "flavour"}:
        flavour, entries = parsed["flavour"], read_entries(parsed["entries"], Entry)
        if isinstance(flavour, str) and flavour in _FLAVOURS and entries is not None:
            return Manifest(Flavour(flavour), entries)
    return from_json(Manifest, parsed)


def check_manifest(manifest: Manifest) -> None:
    """Refuse a manifest that cannot be laid out, or only in more than one way.

    Every path must be absolute and in its one spelling, sorted, no two of them the same place, and nothing may lie inside
    a file or a symlink (written through a link, it would land outside of the stage).

    Raises:
        InvalidDocument: naming the field.
    """
    if manifest.flavour is Flavour.POSIX and lies_plainly(manifest.entries):
        _check_contents(manifest.entries)
    else:
        _check_closely(manifest)


def _check_contents(entries: Iterable[Entry]) -> None:
    sizes: dict[str, int] = {}
    for number, entry in enumerate(entries):
        _check_entry(entry, number, sizes)


def _check_closely(manifest: Manifest) -> None:
    places: dict[tuple[str, ...], Entry] = {}
    sizes: dict[str, int] = {}
    last = ""
    for number, entry in enumerate(manifest.entries):
        field = f"entries[{number}]"
        key = _client_path(entry, manifest.flavour, field).key
        if entry.path <= last:
            raise InvalidDocument("Manifest", f"{field}.path", f"{entry.path!r} is not sorted after {last!r}")
        if key in places:
            reason = f"{entry.path!r} is the same place as {places[key].path!r}"
            raise InvalidDocument("Manifest", f"{field}.path", reason)
        _check_entry(entry, number, sizes)
        places[key] = entry
        last = entry.path
    _check_nesting(places)


def _client_path(entry: Entry, flavour: Flavour, field: str) -> ClientPath:
    try:
        path = ClientPath.parse(entry.path, flavour)
    except PathError as exc:
        raise InvalidDocument("Manifest", f"{field}.path", f"is wrong: {exc.what}") from None
    if path.text != entry.path:
        raise InvalidDocument("Manifest", f"{field}.path", f"{entry.path!r} must be written {path.text!r}")
    if not path.components and entry.kind != "directory":
        raise InvalidDocument("Manifest", f"{field}.path", f"{entry.path!r} is a root, which is no {entry.kind}")
    return path


def _check_entry(entry: Entry, number: int, sizes: dict[str, int]) -> None:
    """Refuse an entry whose fields do not fit its kind, or whose size is not that which `sizes` has of its content."""
    plain = not entry.target and 0 <= entry.mode <= 0o7777 and entry.size >= 0
    if not (plain and entry.kind == "file" and is_digest(entry.digest)):
        _check_fields(entry, f"entries[{number}]")
    if sizes.setdefault(entry.digest, entry.size) != entry.size:
        reason = f"is not that of another entry with digest {entry.digest}"
        raise InvalidDocument("Manifest", f"entries[{number}].size", reason)


def _check_fields(entry: Entry, field: str) -> None:
    if entry.kind == "file":
        try:
            parse_digest(entry.digest)
        except ValueError as exc:
            raise InvalidDocument("Manifest", f"{field}.digest", f"is wrong: {exc}") from None
    checks = (
        ("digest", entry.kind == "file" or not entry.digest, f"must be empty for a {entry.kind}"),
        ("size", entry.size >= 0 if entry.kind == "file" else entry.size == 0, "must be 0, or for a file more"),
        ("target", bool(entry.target) == (entry.kind == "symlink"), "must be there for a symlink, and for nothing else"),
        ("target", "\0" not in entry.target, "has a NUL character in it"),
        ("mode", 0 <= entry.mode <= 0o7777, "must be permission bits, 0 to 0o7777"),
    )
    for name, right, reason in checks:
        if not right:
            raise InvalidDocument("Manifest", f"{field}.{name}", reason)


def _check_nesting(places: dict[tuple[str, ...], Entry]) -> None:
    """Refuse an entry that lies inside a file or a symlink."""
    known_folders: set[tuple[str, ...]] = set()
    for key, entry in places.items():
        folder = key[:-1]
        climbed = []
        while len(folder) > 1 and folder not in known_folders:
            above = places.get(folder)
            if above is not None and above.kind != "directory":
                raise InvalidDocument("Manifest", entry.path, f"lies inside {above.path!r}, which is a {above.kind}")
            climbed.append(folder)
            folder = folder[:-1]
        known_folders.update(climbed)
