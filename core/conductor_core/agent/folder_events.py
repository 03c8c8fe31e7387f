"""Hear of files that are saved in many folders.

On Linux by one inotify instance for all folders (inotify(7)): a user has 128 instances by default, and watchdog needs one, or
a thread at least, for each folder. We ask the kernel for the ends of writing only, so our own reading and a program that
writes for an hour tell us nothing. Elsewhere by watchdog.
"""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import select
import struct
import sys
import threading
from collections.abc import Callable
from typing import Any, Protocol

#: inotify(7): a written file was closed; times or rights changed; moved here; made (a hard link); the folder itself went
_CLOSE_WRITE, _ATTRIB, _MOVED_TO, _CREATE, _DELETE_SELF, _MOVE_SELF = 0x8, 0x4, 0x80, 0x100, 0x400, 0x800
_OVERFLOW, _IGNORED, _ONLY_FOLDERS = 0x4000, 0x8000, 0x01000000
_MASK = _CLOSE_WRITE | _ATTRIB | _MOVED_TO | _CREATE | _DELETE_SELF | _MOVE_SELF | _ONLY_FOLDERS
_HEAD = struct.Struct("iIII")
#: bytes read at once
_BUFFER = 256 << 10

_LOG = logging.getLogger("conductor.agent")


class FolderEvents(Protocol):
    """Tell `changed(path)` of what was written in watched folders, and `lost(folder)` where one is not watched any more.

    `lost("")`: events were dropped, so anything may have changed. Both are called in a thread of its own.
    """

    def watch(self, folder: str) -> None:
        """Watch a folder, not what is below it.

        Raises:
            OSError: it is not there, or there are no watches left (ENOSPC, EMFILE).
        """

    def unwatch(self, folder: str) -> None:
        """Watch a folder no longer."""

    def stop(self) -> None:
        """Watch nothing any more."""


def folder_events(changed: Callable[[str], None], lost: Callable[[str], None]) -> FolderEvents:
    """Return what this system has.

    Raises:
        OSError: it has none, or none left.
    """
    return InotifyEvents(changed, lost) if sys.platform.startswith("linux") else ObserverEvents(changed)


class InotifyEvents:
    """One inotify instance."""

    def __init__(self, changed: Callable[[str], None], lost: Callable[[str], None]) -> None:
        self._changed = changed
        self._lost = lost
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._lock = threading.Lock()
        self._stopped = False
        #: two names of one folder have one watch
        self._folders: dict[int, set[str]] = {}
        self._watches: dict[str, int] = {}
        self._handle = _checked(self._libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK), "inotify")
        self._wake_reader, self._wake_writer = os.pipe()
        self._thread = threading.Thread(target=self._run, name="folder events", daemon=True)
        self._thread.start()

    def watch(self, folder: str) -> None:
        """Watch a folder."""
        with self._lock:
            if self._stopped:  # the number of our instance may be another file's by now
                raise OSError(errno.EBADF, os.strerror(errno.EBADF), folder)
            watch = _checked(self._libc.inotify_add_watch(self._handle, os.fsencode(folder), _MASK), folder)
            self._watches[folder] = watch
            self._folders.setdefault(watch, set()).add(folder)

    def unwatch(self, folder: str) -> None:
        """Watch a folder no longer."""
        with self._lock:
            watch = self._watches.pop(folder, None)
            names = self._folders.get(watch, set()) if watch is not None else set()
            names.discard(folder)
            if watch is not None and not names and not self._stopped:
                self._folders.pop(watch, None)
                self._libc.inotify_rm_watch(self._handle, watch)

    def stop(self) -> None:
        """End the thread and give the instance back."""
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
        os.write(self._wake_writer, b"!")
        self._thread.join(5.0)
        if not self._thread.is_alive():
            for handle in (self._handle, self._wake_reader, self._wake_writer):
                os.close(handle)

    def _run(self) -> None:
        poll = select.poll()
        for handle in (self._handle, self._wake_reader):
            poll.register(handle, select.POLLIN)
        while True:
            if any(handle == self._wake_reader for handle, _ in poll.poll()):
                return
            try:
                data = os.read(self._handle, _BUFFER)
            except BlockingIOError:
                continue
            place = 0
            while place < len(data):
                watch, mask, _, length = _HEAD.unpack_from(data, place)
                name = data[place + _HEAD.size : place + _HEAD.size + length].rstrip(b"\0")
                place += _HEAD.size + length
                self._tell(watch, mask, os.fsdecode(name))

    def _tell(self, watch: int, mask: int, name: str) -> None:
        if mask & _OVERFLOW:
            self._lost("")
            return
        with self._lock:
            folders = list(self._folders.get(watch, ()))
        if mask & (_DELETE_SELF | _MOVE_SELF | _IGNORED):
            for folder in folders:  # by its name there is another folder now, or none
                self.unwatch(folder)
                self._lost(folder)
        elif name:
            for folder in folders:
                self._changed(os.path.join(folder, name))


class ObserverEvents:
    """Watchdog's observer of this system."""

    def __init__(self, changed: Callable[[str], None]) -> None:
        # for this alone: it takes a while to import
        from watchdog.events import FileSystemEvent, FileSystemEventHandler
        from watchdog.observers import Observer

        class Handler(FileSystemEventHandler):
            def on_any_event(self, event: FileSystemEvent) -> None:
                if event.event_type in ("created", "modified", "moved", "closed"):
                    for path in (event.src_path, event.dest_path):
                        if path:
                            changed(os.fsdecode(path))

        self._handler = Handler()
        self._lock = threading.Lock()
        self._watches: dict[str, Any] = {}
        self._observer = Observer()
        self._observer.daemon = True
        self._observer.start()

    def watch(self, folder: str) -> None:
        """Watch a folder."""
        with self._lock:
            self._watches[folder] = self._observer.schedule(self._handler, folder, recursive=False)

    def unwatch(self, folder: str) -> None:
        """Watch a folder no longer."""
        with self._lock:
            watch = self._watches.pop(folder, None)
        if watch is not None:
            self._observer.unschedule(watch)

    def stop(self) -> None:
        """End its threads."""
        self._observer.stop()
        self._observer.join(5.0)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return result
