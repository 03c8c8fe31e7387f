"""From paths to manifest entries: files, empty directories and symlinks; pipes, sockets and devices are refused.

Links. A symlink named in the job, or met in a folder of it, stays a symlink in the manifest, *and* what it points to
comes along at its own path, so that the link works on the instance. Where the text of a link leads somewhere else than
the file system does (it climbs by `..` through a linked folder), the link's place is taken by the content itself.
Windows has no such links as a rule: there the content always takes the link's place. Folders on the way to a file may
be links; the instance gets real folders there, under the path as the artist writes it.

Snapshots. A path may have its content in another file (the scene, as it was at one instant); what lies at the path itself is
not read then, and need not be there.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from conductor_core.errors import FileVanished, TransferError
from conductor_core.manifest import Entry, Manifest, make_manifest
from conductor_core.paths import ClientPath, Flavour, local_flavour
from conductor_core.transfer.hash_cache import Found, HashCache
from conductor_core.transfer.hashing import HashedFile, hash_file, hash_files, lost_snapshot, mode_of, unreadable
from conductor_core.transfer.long_paths import on_disk
from conductor_core.transfer.odd_names import is_part, require_room
from conductor_core.transfer.progress import Progress

#: links on the way to one file, as Linux has it (path_resolution(7))
MOST_LINKS = 40
#: IO_REPARSE_TAG_MOUNT_POINT (learn.microsoft.com/windows/win32/fileio/reparse-point-tags)
_JUNCTION = 0xA0000003
#: ERROR_CANT_RESOLVE_FILENAME
_CIRCLE_ON_WINDOWS = 1921


@dataclass(slots=True)
class Tree:
    """What lies at a set of paths; files are not read yet."""

    files: Mapping[str, Found] = field(default_factory=dict)
    empty_directories: dict[str, os.stat_result] = field(default_factory=dict)
    #: path → what the link says
    symlinks: dict[str, str] = field(default_factory=dict)
    #: path → the file that holds its content
    snapshots: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _GrowingTree(Tree):
    """One that is still being collected."""

    files: dict[str, Found] = field(default_factory=dict)


def _nothing(_path: str) -> bool:
    return False


def read_tree(
    paths: Iterable[str], *, left_out: Callable[[str], bool] = _nothing, snapshots: Mapping[str, str] | None = None
) -> Tree:
    """Return what lies at `paths`; a folder stands for everything in it but what is `left_out`.

    `snapshots` says for paths which files hold their content: these are there, whatever lies at the paths themselves.

    A file that is named by way of a link which is in the tree itself is taken at the place that the link leads to: on the
    instance nothing may lie "in" a link, and the link leads there anyway.

    Raises:
        FileVanished: nothing lies at one of them.
        TransferError: one is a pipe, socket or device, a link to nothing or in a circle, too long for an instance, or cannot be
            read.
        PathError: a name that this system cannot have.
    """
    wanted = [os.path.abspath(p) for p in paths]
    kept = {ClientPath.parse(os.path.abspath(p), local_flavour()).text: file for p, file in (snapshots or {}).items()}
    while True:
        tree = _collect(wanted, local_flavour(), left_out, kept)
        found = [*tree.files, *tree.empty_directories, *tree.symlinks]
        straight = [_straight(path, tree.symlinks) for path in found] if tree.symlinks else found
        tree.snapshots = {_straight(path, tree.symlinks): file for path, file in kept.items()}
        if straight == found and tree.snapshots.keys() == kept.keys():
            return tree
        wanted, kept = straight, tree.snapshots


def snapshot_places(manifest: Manifest, snapshots: Mapping[str, str]) -> dict[str, str]:
    """Return for entries of `manifest` which files hold their content, as `read_tree` was told with `snapshots`."""
    if not snapshots:
        return {}
    links = {entry.path: entry.target for entry in manifest.entries if entry.kind == "symlink"}
    paths = {p: ClientPath.parse(os.path.abspath(p), manifest.flavour).text for p in snapshots}
    return {_straight(paths[p], links): file for p, file in snapshots.items()}


def hash_tree(
    tree: Tree,
    cache: HashCache,
    progress: Progress,
    *,
    flavour: Flavour,
    threads: int = 2,
    hashed: Callable[[Mapping[str, HashedFile]], None] = lambda _: None,
) -> Manifest:
    """Return the manifest of `tree`, hashing what the cache does not know; `hashed` is told of what is read.

    Raises:
        TransferError: naming the file that changed, vanished or can't be read.
    """
    found = hash_files(tree.files, cache, progress, threads=threads, hashed=hashed)
    entries = []
    while found:  # each goes as its entry comes: of two hundred thousand files either takes 50 MB
        entries.append(_file_entry(*found.popitem()))
    entries += [
        Entry(path, "directory", mode=mode_of(found), mtime_ns=found.st_mtime_ns)
        for path, found in tree.empty_directories.items()
    ]
    entries += [Entry(path, "symlink", target=target) for path, target in tree.symlinks.items()]
    entries += [snapshot_entry(path, file, progress) for path, file in tree.snapshots.items()]
    return make_manifest(flavour, entries)


def file_entries(hashed: Mapping[str, HashedFile]) -> list[Entry]:
    """Return the entries of files that were hashed."""
    return [_file_entry(path, h) for path, h in hashed.items()]


def _file_entry(path: str, hashed: HashedFile) -> Entry:
    return Entry(path, "file", hashed.digest, size=hashed.state.size, mode=hashed.mode, mtime_ns=hashed.state.mtime_ns)


def snapshot_entry(path: str, file: str, progress: Progress) -> Entry:
    """Return the entry of a path whose content is in `file`; the cache learns nothing, since the path itself has other bytes."""
    try:
        progress.add(files=1, bytes_total=os.stat(file).st_size)
        hashed = hash_file(file, progress)
    except (FileNotFoundError, FileVanished):
        raise lost_snapshot(path, file) from None
    progress.add(files_hashed=1)
    try:
        mode = mode_of(os.stat(on_disk(path)))
    except OSError:
        mode = 0o644 if os.name == "posix" else 0
    return Entry(path, "file", hashed.digest, size=hashed.state.size, mode=mode, mtime_ns=hashed.state.mtime_ns)


def _collect(
    paths: Iterable[str], flavour: Flavour, left_out: Callable[[str], bool] = _nothing, without: Iterable[str] = ()
) -> _GrowingTree:
    r"""Return what lies at `paths`, each place once, spelled as a manifest spells it.

    A scene may name `c:\t\wood.png` and `C:\T\Wood.png`: on Windows that is one file, of which the first spelling is kept.
    What lies at a path of `without` is not looked at.
    """
    tree = _GrowingTree()
    seen = {ClientPath.parse(path, flavour).key for path in without}
    for named in paths:
        # a path, and whether it was only met in a folder: what goes between the listing and our look was never meant
        waiting = [(named, False)]
        while waiting:
            spelled, met = waiting.pop()
            path = ClientPath.parse(spelled, flavour)
            text = path.text
            if path.key in seen or left_out(text):
                continue
            require_room(path, text)
            try:
                further = _add(text, tree)
            except FileVanished:
                if met:
                    continue
                raise
            seen.add(path.key)
            waiting.extend((next_one, text not in tree.symlinks) for next_one in further)
    return tree


def _straight(path: str, links: Mapping[str, str]) -> str:
    """Return `path` without the links of the tree on the way to it (`_add_link` took none whose text leads elsewhere)."""
    for _ in range(MOST_LINKS):
        folder = os.path.dirname(path)
        while folder not in links and folder != os.path.dirname(folder):
            folder = os.path.dirname(folder)
        if folder not in links:
            return path
        target = os.path.join(os.path.dirname(folder), links[folder])
        path = os.path.normpath(os.path.join(target, os.path.relpath(path, folder)))
    raise TransferError(path, "is reached by links that go in a circle", "Name it by its own path.")


def _add(path: str, tree: _GrowingTree) -> list[str]:
    """Put `path` into the tree and return the paths that it leads to."""
    try:
        found = os.lstat(on_disk(path))
        if stat.S_ISLNK(found.st_mode):
            return _add_link(path, tree)
        if stat.S_ISDIR(found.st_mode):
            if is_junction(found):
                _refuse_circle(path)
            names = sorted((name for name in os.listdir(on_disk(path)) if not is_part(name)), reverse=True)
            if not names:
                tree.empty_directories[path] = found
            return [os.path.join(path, name) for name in names]
    except FileNotFoundError:
        raise FileVanished(path) from None
    except OSError as exc:
        raise unreadable(path, exc) from exc
    if not stat.S_ISREG(found.st_mode):
        raise TransferError(path, f"is {_word(found.st_mode)}, not a file", "Take it out of the scene, or out of that folder.")
    tree.files[path] = found
    return []


def _add_link(path: str, tree: _GrowingTree) -> list[str]:
    target = os.readlink(on_disk(path))
    # by its text, as the instance will follow it; relative to the folder of the link
    textual = os.path.normpath(os.path.join(os.path.dirname(path), target))
    real = os.path.realpath(on_disk(path))
    if _goes_in_a_circle(path):
        raise TransferError(path, f"is a link to {target!r}, which leads back to itself", "Remove the link.")
    if not os.path.exists(real):
        raise TransferError(path, f"is a link to {target!r}, where there is nothing", "Restore the target, or remove the link.")
    if os.name == "posix" and os.path.exists(textual) and os.path.samefile(textual, real):
        tree.symlinks[path] = target
        return [textual]
    if os.path.isdir(real):
        raise TransferError(
            path, f"is a link to the folder {target!r} whose text leads elsewhere", "Name the folder by its own path."
        )
    found = os.stat(real)
    if not stat.S_ISREG(found.st_mode):
        raise TransferError(path, f"is a link to {_word(found.st_mode)}, not to a file", "Take it out of the scene.")
    tree.files[path] = found
    return []


def _goes_in_a_circle(path: str) -> bool:
    try:
        os.stat(on_disk(path))
    except OSError as exc:
        return exc.errno == errno.ELOOP or getattr(exc, "winerror", None) == _CIRCLE_ON_WINDOWS
    return False


def is_junction(found: os.stat_result) -> bool:
    """Tell whether a folder of Windows is a junction, which `lstat` takes for a folder like any other."""
    return getattr(found, "st_reparse_tag", 0) == _JUNCTION


def _refuse_circle(path: str) -> None:
    """Refuse a junction that leads to a folder on its own way: what is in it would be in it again, without end."""
    target = _real(path)
    folder = os.path.dirname(path)
    while True:
        # each folder by itself: two junctions may lead to each other
        if _real(folder).is_within(target):
            reason = f"is a junction to {target}, in which it lies itself"
            raise TransferError(path, reason, "Remove it, or name the files by themselves.")
        if folder == os.path.dirname(folder):
            return
        folder = os.path.dirname(folder)


def _real(path: str) -> ClientPath:
    return ClientPath.parse(os.path.realpath(on_disk(path)), local_flavour())


def _word(mode: int) -> str:
    for test, word in (
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISBLK, "a block device"),
        (stat.S_ISCHR, "a device"),
    ):
        if test(mode):
            return word
    return "something special"
