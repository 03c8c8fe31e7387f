"""Copies of scenes as they were when somebody pressed Submit, kept until the service has them.

The host writes them, the agent sends them in the place of the scene's own file and removes them; so whatever happens to that
file afterwards changes nothing that was submitted. One folder per submission, for this user alone.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from conductor_core.errors import AgentError, InvalidDocument
from conductor_core.user_folders import private_folder, sync_folder

#: seconds after which a snapshot that no submission came for is nobody's: its panel was killed between the two
ORPHANED = 86400.0

_IDENTITY = re.compile(r"[0-9A-Za-z_-]{1,64}")
_LOG = logging.getLogger("conductor.agent")


class Snapshots:
    """The folder of snapshots; safe to share between threads."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock

    def place(self, submission: str, scene: str) -> str:
        """Return where the snapshot of `scene` is to be written; its folder is there, for this user alone.

        Raises:
            InvalidDocument: the submission's id or the scene's path cannot be such.
            AgentError: the folder cannot be made.
        """
        if not _IDENTITY.fullmatch(submission):
            raise InvalidDocument("request", "submission", "must be 1 to 64 letters, digits, '_' or '-'")
        name = os.path.basename(scene)
        if not os.path.isabs(scene) or name in ("", ".", "..") or "\0" in scene:
            raise InvalidDocument("request", "scene", "must be the absolute path of a file")
        try:
            private_folder(self._folder)
            return str(private_folder(self._folder / submission) / name)
        except OSError as exc:
            reason = exc.strerror or str(exc)
            raise AgentError(
                f"{self._folder} cannot be written ({reason}).", "Make room on that disk, then submit again."
            ) from exc

    def taken(self, submission: str, snapshots: object) -> dict[str, str]:
        """Return the snapshots that a request names, once each is on disk for good.

        Raises:
            InvalidDocument: one of them is not at a place that `place` gave for this submission.
        """
        if snapshots is None:
            return {}
        if not isinstance(snapshots, Mapping) or not all(isinstance(file, str) for file in snapshots.values()):
            raise InvalidDocument("request", "snapshots", "must be an object with a file for each path")
        if len(set(snapshots.values())) < len(snapshots):
            raise InvalidDocument("request", "snapshots", "must name each file once")
        for path, file in snapshots.items():
            if file != self.place(submission, path):
                raise InvalidDocument("request", "snapshots", f"must name for {path!r} the file that /v1/snapshots told")
            try:
                _sync(file)
            except OSError as exc:
                reason = f"names {file!r}, which is not on disk ({exc.strerror or exc})"
                raise InvalidDocument("request", "snapshots", reason) from exc
        return dict(snapshots)

    def remove(self, submission: str) -> None:
        """Remove what is kept for a submission, if anything is; what cannot be removed now is left for `sweep`."""
        folder = self._folder / submission
        if _IDENTITY.fullmatch(submission) and folder.exists():
            shutil.rmtree(folder, ignore_errors=True)

    def sweep(self, needed: Callable[[str], bool | None]) -> None:
        """Remove what is of no use: `needed` tells whether a submission is, None where there is no such (yet)."""
        try:
            found = [(entry.name, entry.stat().st_mtime) for entry in os.scandir(self._folder)]
        except FileNotFoundError:
            return
        for name, changed in found:
            use = needed(name)
            if use is False or (use is None and self._clock() - changed > ORPHANED):
                _LOG.info("snapshot of submission %s is removed: nobody needs it", name)
                self.remove(name)


def _sync(file: str) -> None:
    """Put a file and its name on disk."""
    handle = os.open(file, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    sync_folder(os.path.dirname(file))
