"""All that is done ahead of the click, as the settings of now say: off, hash, or hash and upload."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from conductor_core.agent.idleness import Idleness
from conductor_core.agent.journal_rows import SubmissionRow
from conductor_core.agent.sending_ahead import SendingAhead
from conductor_core.agent.transfers import Transfers
from conductor_core.agent.watcher import QUIET, Watcher
from conductor_core.api.client import ServiceClient
from conductor_core.submission import Submission
from conductor_core.transfer.hash_cache import HashCache

SCENES_FILE = "recent-scenes"


class AheadOfTheClick:
    """Watch recent scenes, hash what changes, and send it where that is wished for; safe to share between threads."""

    def __init__(
        self,
        state: Path,
        cache: HashCache,
        connect: Callable[[str], ServiceClient],
        transfers: Transfers,
        *,
        busy: Callable[[], str] | None = None,
    ) -> None:
        """`busy` says why the machine is not idle."""
        self._transfers = transfers
        self._busy = busy or Idleness().reason
        self._watcher = Watcher(
            cache, state / SCENES_FILE, busy=self._busy, hashed=lambda files: self._sending.hashed(files), quiet=QUIET
        )
        self._sending = SendingAhead(
            connect, self._watcher.scenes, busy=self._may_not_send, pace=transfers.pace, lanes=transfers.lanes
        )

    def submitted(self, row: SubmissionRow, submission: Submission, files: Iterable[str]) -> None:
        """Watch the files of a scene that is submitted."""
        if self._transfers.limits.settings().ahead != "off":
            self._watcher.remember(submission.scene or row.id, files, service=row.service, project=submission.project)

    def opened(self, panel: str, service: str, project: str, files: Iterable[str]) -> None:
        """Watch the files that a panel asks about: its scene is open."""
        if self._transfers.limits.settings().ahead != "off":
            self._watcher.remember(f"panel {panel}", files, service=service, project=project)

    def step(self) -> None:
        """Start what is to be done now; called again and again by the agent."""
        settings = self._transfers.limits.settings()
        self._watcher.forget_before(time.time() - settings.watch_hours * 3600)
        if settings.ahead != "off":
            self._watcher.step()
        if settings.ahead == "upload":
            self._sending.step()
        else:
            self._sending.forget()

    def watches(self) -> bool:
        """Tell whether there are scenes to watch: what changes overnight is to be hashed by the morning."""
        return self._transfers.limits.settings().ahead != "off" and bool(self._watcher.scenes())

    def answer(self) -> Mapping[str, Any]:
        """Return what is being done."""
        wish = self._transfers.limits.settings().ahead
        return {"wish": wish, **dataclasses.asdict(self._watcher.ahead()), "sent": self._sending.sent()}

    def stop(self) -> None:
        """Stop watching and sending."""
        self._watcher.stop()
        self._sending.stop()

    def _may_not_send(self) -> str:
        wished = self._transfers.limits.settings().ahead == "upload" and not self._transfers.paused()
        return self._busy() if wished else "it is not wished for"
