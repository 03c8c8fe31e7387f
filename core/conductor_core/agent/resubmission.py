"""Submitting again what was submitted before: `stat` of each file, one question, and a commit of what changed."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from conductor_core.api.client import Known, ServiceClient
from conductor_core.digest import Digest
from conductor_core.errors import Conflict, NotFound, Refused
from conductor_core.exclusions import Exclusions
from conductor_core.manifest import Entry, Manifest
from conductor_core.paths import ClientPath, local_flavour
from conductor_core.submission import Submission
from conductor_core.transfer.former import Former, places_of, plan_from_former
from conductor_core.transfer.hash_cache import HashCache, Moment
from conductor_core.transfer.hashing import hash_files
from conductor_core.transfer.listing import ListedFiles, Listing, Page, look
from conductor_core.transfer.progress import Progress
from conductor_core.transfer.tree import Tree, file_entries, snapshot_entry

#: files told in one question; more of them are told in full, in several
MOST_CHANGED = 25_000

_LOG = logging.getLogger("conductor.agent")


@dataclass(frozen=True, slots=True)
class Listed:
    """The files of a submission, as `stat` had them before anything was read."""

    listing: Listing
    pages: tuple[Page, ...]
    snapshots: Mapping[str, str]
    #: before `stat` was asked
    looked: Moment

    def remember(self, cache: HashCache, manifest: str, entries: Iterable[Entry]) -> None:
        """Keep where the pages are in a manifest that is committed now; `entries` are those that were hashed for it."""
        looked = self.looked.earliest(cache.now()).wall_ns
        places = places_of(self.listing, self.pages, entries, between=self.snapshots, looked=looked)
        cache.pages.remember(manifest, places)

    def tree(self) -> Tree:
        """Return the files as `hash_tree` takes them."""
        return Tree(files=ListedFiles(self.listing), snapshots=dict(self.snapshots))


@dataclass(frozen=True, slots=True)
class Again:
    """A submission told by what stays of a former one."""

    former: Former
    #: what was hashed now: changed files, and snapshots
    entries: tuple[Entry, ...]

    def objects(self) -> dict[Digest, int]:
        """Return the size of each object of these."""
        return {Digest(e.digest): e.size for e in self.entries}

    def ask(self, client: ServiceClient, project: str) -> Known | None:
        """Ask what the service has of all this; None where it does not know the former manifest."""
        try:
            known = client.known(project, [self.former.manifest], self.objects())
        except NotFound:
            return None
        return known if self.former.manifest in known.manifests else None

    def fresh(self) -> Manifest:
        """Return the entries that were hashed now as a manifest: all that may have to be sent."""
        return Manifest(local_flavour(), tuple(sorted(self.entries, key=lambda e: e.path)))

    def count(self, known: Known) -> int:
        """Return how many objects all this is: exactly where nothing changed, files for objects else."""
        stays = self.former.stays()
        return stays + len(self.objects()) if self.entries else known.manifests[self.former.manifest]

    def commit(self, client: ServiceClient, job: str) -> Digest | None:
        """Commit all this as the manifest of a job, and return its digest; None where the service lacks some of it.

        Raises:
            Conflict: the job cannot have this manifest.
        """
        try:
            return client.put_manifest_from(job, self.former.manifest, self.former.parts(self.entries))[1]
        except (NotFound, Refused) as exc:  # what is truly wrong is refused there by name
            _LOG.info("job %s is told its files in full: %s", job, exc)
        except Conflict as exc:
            if exc.code != "objects-missing":
                raise
            _LOG.info("job %s is told its files in full: the store lost %d of them", job, len(exc.missing))
        return None


def listed(submission: Submission, request: Mapping[str, Any], cache: HashCache, *, salt: str) -> Listed | None:
    """Look at the files of a request; None where they are not the plain case (`transfer.listing`).

    `salt` is whose memory of manifests applies: one project of one service.
    """
    excluded = Exclusions(submission.excluded, submission.flavour)
    snapshots = _snapshots(request.get("snapshots") or {}, submission)
    looked = cache.now()
    listing = look(request["files"], left_out=excluded.covers if excluded else None, without=snapshots)
    if listing is None:
        return None
    pages = tuple(listing.pages(f"{salt}\0{submission.flavour.value}".encode(), between=snapshots))
    return Listed(listing, pages, snapshots, looked)


def again(found: Listed, cache: HashCache, progress: Progress, *, threads: int) -> Again | None:
    """Return the submission as what stays of a former one, having hashed what changed; None where none stays, or too much changed.

    Raises:
        TransferError: naming the file that changed, vanished or can't be read.
    """
    former = plan_from_former(cache.pages, found.listing, found.pages)
    if former is None or len(found.listing.paths) - former.stays() > MOST_CHANGED:
        return None
    changed = former.changed()
    hashed = hash_files(changed, cache, progress, threads=threads)
    entries = [*file_entries(hashed), *(snapshot_entry(p, f, progress) for p, f in found.snapshots.items())]
    stays = former.stays()
    sizes = sum(found.listing.sizes()) - sum(f.st_size for f in changed.values())
    progress.add(files=stays, files_hashed=stays, files_cached=stays, bytes_total=sizes, bytes_hashed=sizes)
    return Again(former, tuple(entries))


def _snapshots(snapshots: Mapping[str, str], submission: Submission) -> dict[str, str]:
    return {ClientPath.parse(path, submission.flavour).text: file for path, file in snapshots.items()}
