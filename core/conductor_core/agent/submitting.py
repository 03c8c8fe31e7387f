"""One submission from files to a job that renders: hash → create the job → upload → commit the manifest.

Each stage may be repeated: the manifest is kept in the journal, the job is found again by the submission's id, what the
store has is not sent again. So after a crash a submission simply starts anew and arrives at the same job.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from conductor_core.agent.early_scouts import early_part, held_back
from conductor_core.agent.journal import ASKED_FOR, Journal
from conductor_core.agent.journal_rows import SubmissionRow
from conductor_core.agent.kept_manifest import packed, unpacked
from conductor_core.agent.resubmission import Again, Listed, again, listed
from conductor_core.agent.scouting import Look, Scouting
from conductor_core.api.answers import Job
from conductor_core.api.client import ProjectObjects, ServiceClient
from conductor_core.api.settings import AgentSettings
from conductor_core.digest import Digest
from conductor_core.documents import from_json
from conductor_core.errors import (
    ConductorError,
    Conflict,
    TransferError,
)
from conductor_core.exclusions import Exclusions
from conductor_core.manifest import Manifest
from conductor_core.submission import Submission
from conductor_core.transfer.concurrency import Lanes
from conductor_core.transfer.differences import Differences
from conductor_core.transfer.hash_cache import HashCache
from conductor_core.transfer.hashing import HashedFile
from conductor_core.transfer.order import SendingOrder, first_of
from conductor_core.transfer.overlap import Overlap
from conductor_core.transfer.progress import Progress
from conductor_core.transfer.tree import hash_tree, read_tree, snapshot_places
from conductor_core.transfer.upload import WAYS, UploadPlan, Way, ask_missing, execute_upload, plan_upload, send_missing

#: times that the service may find objects missing at the commit before we believe that something else is wrong
COMMIT_ROUNDS = 4

_LOG = logging.getLogger("conductor.agent")


@dataclasses.dataclass(frozen=True, slots=True)
class _Load:
    """What a submission sends."""

    manifest: Manifest
    #: path of an entry → the snapshot that holds its content
    places: Mapping[str, str]
    submission: Submission
    #: at the scene, for what no scout frame needs
    look: Look
    #: what the service has said to have already
    there: frozenset[Digest] = frozenset()

    def order(self) -> SendingOrder:
        """Return in what order it is sent, as far as that is known now."""
        return SendingOrder(self.submission, self.look.later)


class Submitting:
    """Go through the stages of submissions; safe to share between threads."""

    def __init__(
        self,
        journal: Journal,
        connect: Callable[[str], ServiceClient],
        cache: HashCache,
        *,
        settings: AgentSettings,
        scouting: Scouting,
        wake_downloads: Callable[[], None],
        hashed: Callable[[SubmissionRow, Submission, Iterable[str]], None],
        lanes: Lanes | None,
    ) -> None:
        self._journal = journal
        self._connect = connect
        self._cache = cache
        self._settings = settings
        self._scouting = scouting
        self._wake_downloads = wake_downloads
        self._hashed = hashed
        self._lanes = lanes

    def run(self, row: SubmissionRow, progress: Progress) -> None:
        """Bring a submission to its job.

        Raises:
            TransferError: naming the file that is wrong.
            ServiceError: the service says no, or is away.
            TransferCancelled: `progress` was cancelled.
        """
        request = self._journal.request(row.id)
        submission = from_json(Submission, request["submission"])
        kept = self._journal.manifest(row.id)
        salt = f"{row.service}\0{submission.project}"
        found = None if kept is not None else listed(submission, request, self._cache, salt=salt)
        quick = again(found, self._cache, progress, threads=self._settings.hash_threads) if found is not None else None
        load = self._load(row, submission, request, progress, found=found) if quick is None else None
        client = self._connect(row.service)
        if not row.job:
            self._journal.set_job(row.id, ASKED_FOR, 0)
        job = client.create_job(submission)
        self._journal.set_job(row.id, job.id, job.number)
        if not job.uploading and job.state != "uploading" and not job.ended():
            _LOG.info("submission %s is committed already", row.id)
        elif (
            found is None
            or quick is None
            or not self._commit_again(row, client, job, (found, quick), progress, submission=submission, request=request)
        ):
            load = load or self._load(row, submission, request, progress, found=found)
            self._send_and_commit(row, client, job, load, progress, download=bool(request.get("download", True)))
            if found is not None:
                found.remember(self._cache, load.manifest.digest(), load.manifest.entries)
        if quick is not None and found is not None:
            self._hashed(row, submission, (*found.listing.paths, *found.snapshots))
        progress.check(submission.title)
        done = dataclasses.replace(row, job=job.id, number=job.number)
        self._journal.set_submitted(done, counts_of(progress), download=bool(request.get("download", True)))
        _LOG.info("submission %s is job %s", row.id, job.number)
        self._wake_downloads()

    def _load(
        self,
        row: SubmissionRow,
        submission: Submission,
        request: Mapping[str, Any],
        progress: Progress,
        *,
        found: Listed | None = None,
    ) -> _Load:
        """Return what is to be sent: as the journal has it, or hashed now."""
        snapshots: Mapping[str, str] = request.get("snapshots") or {}
        look = self._scouting.of(row.id, request)
        kept = self._journal.manifest(row.id)
        if kept is not None:
            manifest = unpacked(kept)
            return _Load(manifest, snapshot_places(manifest, snapshots), submission, look)
        left_out = Exclusions(submission.excluded, submission.flavour).covers
        tree = read_tree(request["files"], left_out=left_out, snapshots=snapshots) if found is None else found.tree()
        progress.put(files_hashed=0, files_cached=0, bytes_hashed=0)
        threads = self._settings.hash_threads
        with self._overlap(row, submission, self._sink(row, submission), progress) as overlap:

            def take(files: Mapping[str, HashedFile]) -> None:
                # what the scout frames need goes before what happens to be hashed first
                overlap.take(look.first(files))

            manifest = hash_tree(tree, self._cache, progress, flavour=submission.flavour, threads=threads, hashed=take)
        progress.put(objects=len(manifest.objects()))
        self._journal.set_manifest(row.id, packed(manifest), counts_of(progress))
        self._hashed(row, submission, (*tree.files, *tree.snapshots))  # takes memory as well: one after the other
        return _Load(manifest, tree.snapshots, submission, look, overlap.sent())

    def _overlap(self, row: SubmissionRow, submission: Submission, sink: ProjectObjects | None, progress: Progress) -> Overlap:
        """Return what sends files while others are hashed, by the same ways as later."""
        threads, lanes = self._settings.upload_threads, self._lanes
        if sink is None:
            return Overlap(None, progress, threads=threads)
        differences, ways = self._ways(self._connect(row.service), submission.project)
        return Overlap(sink, progress, threads=threads, lanes=lanes, ways=ways, expect=differences.expect)

    def _sink(self, row: SubmissionRow, submission: Submission) -> ProjectObjects | None:
        """Return where to send files while others are hashed; None while the service cannot be asked."""
        try:
            return ProjectObjects(self._connect(row.service), submission.project)
        except ConductorError:
            return None  # said when the job is made

    def _commit_again(
        self,
        row: SubmissionRow,
        client: ServiceClient,
        job: Job,
        quick: tuple[Listed, Again],
        progress: Progress,
        *,
        submission: Submission,
        request: Mapping[str, Any],
    ) -> bool:
        """Send what changed since a former submission and commit the rest by its name; False where all must be told."""
        found, changed = quick
        known = changed.ask(client, job.project)
        if known is None:
            self._cache.pages.forget(changed.former.manifest)
            return False
        progress.put(objects=changed.count(known))
        look = self._scouting.of(row.id, request)
        load = _Load(changed.fresh(), found.snapshots, submission, look)
        missing = self._send_while_looking(row.id, client, job, load, known.missing, progress)
        if held_back(load.manifest, missing, look.later):
            return False  # the scout frames go before it, with files that did not change
        self._send(row.id, client, job, load, missing, progress)
        manifest = changed.commit(client, job.id)
        if manifest is None:
            self._cache.pages.forget(changed.former.manifest)
            return False
        found.remember(self._cache, manifest, changed.entries)
        return True

    def _send_and_commit(
        self, row: SubmissionRow, client: ServiceClient, job: Job, load: _Load, progress: Progress, *, download: bool
    ) -> None:
        manifest, identity = load.manifest, row.id
        if load.look.known() and not load.look.later:
            self._send_as_told(identity, client, job, load, progress)
            missing: frozenset[Digest] = frozenset()
        else:
            missing = ask_missing(manifest, ProjectObjects(client, job.project), besides=load.there)
            missing = self._send_while_looking(identity, client, job, load, missing, progress)
        early = early_part(manifest, missing, load.look.later_of(manifest))
        if early is not None:
            self._send(identity, client, job, load, missing, progress, only=early.missing)
            if early.let_go(client, job.id) and download:
                self._journal.add_download(row.service, job.id, number=job.number)
                self._wake_downloads()
            missing -= early.missing
        for _ in range(COMMIT_ROUNDS):
            self._send(identity, client, job, load, missing, progress)
            try:
                client.put_manifest(job.id, manifest)
                return
            except Conflict as exc:
                if exc.code != "objects-missing" or not exc.missing:
                    raise
                missing = frozenset(d for d in manifest.objects() if d in exc.missing)
        raise TransferError(
            "The store", "keeps losing the files of this submission", "Ask your administrator to look at the store."
        )

    def _send_as_told(self, identity: str, client: ServiceClient, job: Job, load: _Load, progress: Progress) -> None:
        """Send what the store lacks while it still tells what that is: of nothing here it must be known first, for the scout frames."""
        unsure = frozenset(digest for digest in load.manifest.objects() if digest not in load.there)
        plan = self._plan(identity, load, unsure, progress, sure=False)
        differences, ways = self._ways(client, job.project)
        send_missing(
            plan,
            ProjectObjects(client, job.project),
            progress,
            threads=self._settings.upload_threads,
            ways=ways,
            lanes=self._lanes,
            expect=lambda entries: differences.expect(entries, plan.places),
        )

    def _send_while_looking(
        self, identity: str, client: ServiceClient, job: Job, load: _Load, missing: frozenset[Digest], progress: Progress
    ) -> frozenset[Digest]:
        """Send a little at a time until it is known what no scout frame needs: the line never waits for that. Return what is left."""
        if not missing or load.look.known():
            return missing
        plan = self._plan(identity, load, missing, progress)
        rest, parts = plan.to_send, 0
        while rest and not load.look.known():
            part = plan.only(frozenset(first_of(rest, parts)))
            self._execute(client, job, part, progress)
            rest, parts = rest[len(part.to_send) :], min(parts + 1, 16)
        return frozenset(Digest(entry.digest) for entry in rest)

    def _send(
        self,
        identity: str,
        client: ServiceClient,
        job: Job,
        load: _Load,
        missing: frozenset[Digest],
        progress: Progress,
        *,
        only: frozenset[Digest] | None = None,
    ) -> None:
        """Send what the store lacks, all or `only` some of it; what is left then is the commit."""
        plan = self._plan(identity, load, missing, progress)
        self._execute(client, job, plan if only is None else plan.only(only), progress)
        self._journal.set_state(identity, "committing", counts_of(progress))

    def _plan(
        self, identity: str, load: _Load, missing: frozenset[Digest], progress: Progress, *, sure: bool = True
    ) -> UploadPlan:
        """Return what is to be sent in its order, and tell how much that is; not `sure`: of each it has still to be asked."""
        plan = plan_upload(load.manifest, missing, places=load.places).sorted_by(load.order().sort)
        counts, left = progress.counts(), len(plan.to_send)
        progress.put(
            objects_unsure=0 if sure else left,
            # what an attempt before this one sent may be asked about once more
            objects_present=max(0, counts.objects - left - counts.objects_sent),
            objects_to_send=counts.objects_sent + (left if sure else 0),
            bytes_to_send=counts.bytes_sent + (plan.bytes_to_send() if sure else 0),
        )
        self._journal.set_state(identity, "uploading", counts_of(progress))
        return plan

    def _execute(self, client: ServiceClient, job: Job, plan: UploadPlan, progress: Progress) -> None:
        differences, ways = self._ways(client, job.project)
        differences.expect(plan.to_send, plan.places)
        threads = self._settings.upload_threads
        objects = ProjectObjects(client, job.project)
        execute_upload(plan, objects, progress, threads=threads, ways=ways, lanes=self._lanes)

    def _ways(self, client: ServiceClient, project: str) -> tuple[Differences, tuple[Way, ...]]:
        differences = Differences(client.versions(project))
        return differences, (differences, *WAYS)


def counts_of(progress: Progress) -> Mapping[str, int]:
    """Return the counts as the journal keeps them."""
    return dataclasses.asdict(progress.counts())
