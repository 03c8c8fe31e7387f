"""Where the files of a load belong: their folders, how these are put on disk, and what lies there already."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from conductor_core.digest import Digest
from conductor_core.transfer.download import KnownDigests, Wanted
from conductor_core.transfer.flushing import WholeFlush, whole_flush
from conductor_core.transfer.hash_cache import FileState

#: bytes of a folder's own, for each file that is to come into it, up to which it is listed: some thousand names for a full load
LISTED_BYTES = 512


class Folders:
    """The folders of a go: made once each, and how what is written there is put on disk."""

    def __init__(self) -> None:
        self._of_folder: dict[str, WholeFlush | None] = {}
        self._made: set[str] = set()
        self._flushes: dict[int, WholeFlush | None] = {}
        #: of each file the flush of its whole disk; None: there is none
        self.flush_of: dict[str, WholeFlush | None] = {}

    def make_for(self, path: str, folder: str) -> None:
        """Make the folder of a file where it is not there."""
        if folder not in self._made:  # it may have been there when it was listed, and not be there now
            os.makedirs(folder, exist_ok=True)
            self._made.add(folder)
        self.flush_of[path] = self._flush_of_folder(folder)

    def names_in(self, folder: str, count: int) -> set[str] | None:
        """Return all that a folder has, where this costs less than to ask for so many names; None: they are to be asked for.

        On a disk of this machine a name that is not there costs as much as thirty that are listed. Elsewhere the same name may be
        listed in another spelling.
        """
        try:
            if os.stat(folder).st_size > count * LISTED_BYTES or self._flush_of_folder(folder) is None:
                return None
            return set(os.listdir(folder))
        except FileNotFoundError:
            return set()
        except OSError:
            return None  # it may not be listed, or is none

    def _flush_of_folder(self, folder: str) -> WholeFlush | None:
        if folder not in self._of_folder:
            disk = os.stat(folder).st_dev
            if disk not in self._flushes:
                self._flushes[disk] = whole_flush(folder)
            self._of_folder[folder] = self._flushes[disk]
        return self._of_folder[folder]

    def close(self) -> None:
        """Let go of the disks."""
        for flush in self._flushes.values():
            if flush is not None:
                flush.close()


class Remembered:
    """What lies there, and what it hashes to, asked of the cache once for all of them."""

    def __init__(self, wanted: Sequence[Wanted], cache: KnownDigests, folders: Folders) -> None:
        self._states: dict[str, FileState] = {}
        #: where nothing lay
        self.free: set[str] = set()
        self.folder_of: dict[str, str] = {}
        for folder, ones in _by_folder(wanted).items():
            names = folders.names_in(folder, len(ones))
            self.folder_of.update((one.path, folder) for _, one in ones)
            if names is None:
                self._look([one.path for _, one in ones])
            else:
                self._look([one.path for name, one in ones if name in names])
                self.free.update(one.path for name, one in ones if name not in names)
        self._known = cache.digests(self._states)

    def _look(self, paths: Sequence[str]) -> None:
        for path in paths:
            try:
                self._states[path] = FileState.of(os.stat(path))
            except FileNotFoundError:
                self.free.add(path)
            except OSError:
                continue  # `decide` says what is wrong with it

    def digests(self, states: Mapping[str, FileState]) -> dict[str, Digest]:
        return {p: self._known[p] for p, state in states.items() if p in self._known and self._states[p] == state}


def _by_folder(wanted: Sequence[Wanted]) -> dict[str, list[tuple[str, Wanted]]]:
    """Return files by folder, each with its name there."""
    found: dict[str, list[tuple[str, Wanted]]] = {}
    for one in wanted:
        folder, name = os.path.split(one.path)
        found.setdefault(folder, []).append((name, one))
    return found
