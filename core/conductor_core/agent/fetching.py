"""Bring a load of files home and note what became of each."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence

from conductor_core.agent.journal import Journal
from conductor_core.agent.journal_rows import DownloadRow, OutputRow
from conductor_core.agent.loads import Load
from conductor_core.agent.output_folders import OutputFolders
from conductor_core.agent.patience import Patience
from conductor_core.api.client import ProjectObjects, ServiceClient
from conductor_core.digest import Digest
from conductor_core.errors import (
    BroughtByAnother,
    JournalUnwritable,
    LostByStore,
    NotFound,
    PathError,
    PlaceUnwritable,
    ServiceError,
    TransferCancelled,
    TransferError,
)
from conductor_core.transfer.download import Cache, Placed, Wanted, execute_download, part_path
from conductor_core.transfer.long_paths import on_disk, spelled
from conductor_core.transfer.progress import Progress
from conductor_core.transfer.together import execute_together

_LOG = logging.getLogger("conductor.agent")


class Fetcher:
    """Fetch loads, from many threads; what goes wrong with one file is kept with that file."""

    def __init__(
        self,
        journal: Journal,
        connect: Callable[[str], ServiceClient],
        cache: Cache,
        *,
        folders: OutputFolders,
        patience: Patience,
    ) -> None:
        self._journal = journal
        self._connect = connect
        self._cache = cache
        self._folders = folders
        self._patience = patience
        #: services that are too old to bundle
        self._unbundled: set[str] = set()

    def bundles(self, service: str) -> bool:
        """Tell whether small files of a service can come together, as far as is known."""
        return service not in self._unbundled

    def fetch(self, load: Load, progress: Progress) -> list[OutputRow]:
        """Bring the files of a load home, and return those that are."""
        followed = self._journal.download(load[0].service, load[0].job)
        if followed is None:
            return []
        rows: list[OutputRow] = []
        check = self._folders.checker(load[0].service, load[0].job, followed)
        for row in load:
            with self._noting(row):
                check(row.path)
                rows.append(row)
        if len(rows) == 1:
            return self._by_itself(rows[0], followed, progress)
        return self._together(rows, followed, progress) if rows else []

    def _together(self, rows: Sequence[OutputRow], followed: DownloadRow, progress: Progress) -> list[OutputRow]:
        wanted = [_wanted(row, followed) for row in rows]
        by_path = {one.path: row for one, row in zip(wanted, rows, strict=True)}
        home: list[tuple[OutputRow, Placed]] = []
        alone: list[OutputRow] = []
        try:
            objects = ProjectObjects(self._connect(rows[0].service), rows[0].project or followed.project)
            for outcome in execute_together(wanted, objects, self._cache, progress):
                row = by_path[outcome.wanted.path]
                if outcome.placed is not None:
                    home.append((row, outcome.placed))
                elif outcome.error is None:
                    alone.append(row)
                else:
                    with self._noting(row):
                        raise outcome.error
        except NotFound:
            self._unbundled.add(rows[0].service)
            alone = list(rows)
        except TransferCancelled:
            return []
        except Exception as exc:
            for row in rows:
                with self._noting(row):
                    raise exc
            return []
        found = self._keep(home)
        for row in alone:
            found += self._by_itself(row, followed, progress)
        return found

    def _by_itself(self, row: OutputRow, followed: DownloadRow, progress: Progress) -> list[OutputRow]:
        with self._noting(row):
            wanted = _wanted(row, followed)
            client = self._connect(row.service)
            objects = ProjectObjects(client, row.project or followed.project)
            try:
                placed = execute_download(wanted, objects, self._cache, progress)
            except NotFound as exc:
                with contextlib.suppress(OSError):  # of another life of the object, or empty: it will never be whole
                    part_path(wanted.path, wanted.digest).unlink()
                raise _lost(row, followed, client) from exc
            return self._keep([(row, placed)])
        return []

    def _keep(self, home: Sequence[tuple[OutputRow, Placed]]) -> list[OutputRow]:
        """Note what is home; where the journal cannot be written, it is looked at again."""
        rows = [row for row, _ in home]
        try:
            self._journal.set_home((row, placed.how, spelled(placed.path)) for row, placed in home)
        except JournalUnwritable as exc:
            for row in rows:
                wait = self._patience.failed(row_key(row))
                _LOG.warning("%s is looked at again in %.0f s: %s", row.path, wait, exc)
            return []
        for row in rows:
            self._patience.worked(row_key(row))
        for service in {row.service for row in rows}:
            self._patience.worked((service,))
        return rows

    @contextlib.contextmanager
    def _noting(self, row: OutputRow) -> Iterator[None]:
        """Note why a file is not home, with what is to be done about it."""
        try:
            yield
        except TransferCancelled:
            return
        except BroughtByAnother as exc:
            # no failure of the file: soon it is there, or the other has given up
            _LOG.info("%s; looked at again in %.0f s", exc, self._patience.failed(row_key(row)))
        except JournalUnwritable as exc:
            _LOG.warning("%s is looked at again in %.0f s: %s", row.path, self._patience.failed(row_key(row)), exc)
        except (TransferError, PathError, NotFound) as exc:
            self._patience.failed(row_key(row))
            _LOG.warning("%s", exc)
            final, passing = isinstance(exc, (PathError, LostByStore)), isinstance(exc, PlaceUnwritable)
            with contextlib.suppress(JournalUnwritable):
                self._journal.set_fetch_error(row, str(exc), final=final, passing=passing)
        except ServiceError as exc:
            wait = self._patience.failed(row_key(row))
            # the service may be away for all of its files: not each of them need find that out for itself
            if self._patience.ready((row.service,)):
                self._patience.failed((row.service,))
            _LOG.warning("%s is fetched again in %.0f s: %s", row.path, wait, exc)
        except Exception:  # noqa: BLE001 - worker loop: what goes wrong with one must not stop the others
            self._patience.failed(row_key(row))
            _LOG.exception("download of %s", row.path)
            with contextlib.suppress(JournalUnwritable):
                self._journal.set_fetch_error(row, "a defect of the agent; its log (agent.log) says more")


def row_key(row: OutputRow) -> tuple[str, str, str]:
    """Return what the patience with a file is counted under."""
    return (row.service, row.job, row.path)


def _wanted(row: OutputRow, followed: DownloadRow) -> Wanted:
    return Wanted(on_disk(row.path), Digest(row.digest), row.size, row.mode, row.mtime_ns, row.number or followed.number)


def _lost(row: OutputRow, followed: DownloadRow, client: ServiceClient) -> LostByStore:
    """Return the error for an output whose bytes the store has no more, with its frame and step: those bring it back."""
    found = client.outputs(row.origin or row.job, after=row.seq - 1, limit=1)
    output = next((output for output in found if output.seq == row.seq), None)
    number = row.number or followed.number
    if output is None:
        return LostByStore(row.path, number, None)
    return LostByStore(row.path, number, output.frame, output.step)
