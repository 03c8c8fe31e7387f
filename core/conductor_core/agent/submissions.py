"""One submission from files to a job that renders: hash → create the job → upload → commit the manifest.

Each stage may be repeated: the manifest is kept in the journal, the job is found again by the submission's id, what the
store has is not sent again. So after a crash a submission simply starts anew and arrives at the same job.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from conductor_core.agent.early_scouts import early_part, held_back
from conductor_core.agent.journal import ASKED_FOR, UNFINISHED, Journal
from conductor_core.agent.journal_rows import SubmissionRow
from conductor_core.agent.kept_manifest import packed, unpacked
from conductor_core.agent.patience import Patience
from conductor_core.agent.resubmission import Again, Listed, again, listed
from conductor_core.agent.scouting import Look, Scouting
from conductor_core.agent.snapshots import Snapshots
from conductor_core.api.answers import Job
from conductor_core.api.client import ProjectObjects, ServiceClient
from conductor_core.api.settings import AgentSettings
from conductor_core.digest import Digest
from conductor_core.documents import from_json
from conductor_core.errors import (
    ConductorError,
    Conflict,
    FileChanged,
    JournalUnwritable,
    NotFound,
    Refused,
    ServiceUnreachable,
    TransferError,
    Unauthorized,
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
from conductor_core.transfer.progress import Free, Pace, Progress
from conductor_core.transfer.tree import hash_tree, read_tree, snapshot_places
from conductor_core.transfer.upload import WAYS, UploadPlan, Way, ask_missing, execute_upload, plan_upload

#: times that the service may find objects missing at the commit before we believe that something else is wrong
COMMIT_ROUNDS = 4
#: submissions that are worked on at once
AT_ONCE = 2
#: seconds between two looks for snapshots that are of no use any more
SWEEP_EVERY = 3600.0

_LOG = logging.getLogger("conductor.agent")

#: what passes by itself, or with a new login: the submission waits
_PASSING = (ServiceUnreachable, Unauthorized, JournalUnwritable)


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


class Submissions:
    """Work off the submissions of the journal, two at a time."""

    def __init__(
        self,
        journal: Journal,
        connect: Callable[[str], ServiceClient],
        cache: HashCache,
        *,
        settings: AgentSettings,
        patience: Patience,
        snapshots: Snapshots,
        scouting: Scouting,
        wake_downloads: Callable[[], None] = lambda: None,
        hashed: Callable[[SubmissionRow, Submission, Iterable[str]], None] = lambda *_: None,
        pace: Pace = Free(),
        lanes: Lanes | None = None,
        paused: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """`paused` tells of the id of a submission whether it shall wait."""
        self._journal = journal
        self._connect = connect
        self._cache = cache
        self._settings = settings
        self._patience = patience
        self._snapshots = snapshots
        self._scouting = scouting
        self._swept = -math.inf
        self._wake_downloads = wake_downloads
        self._hashed = hashed
        self._pace = pace
        self._lanes = lanes
        self._paused = paused
        self._lock = threading.Lock()
        self._progress: dict[str, Progress] = {}
        self._running: set[str] = set()
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="submission")

    def step(self) -> None:
        """Start what can be started; called again and again by the agent."""
        if time.monotonic() - self._swept > SWEEP_EVERY:
            self._swept = time.monotonic()
            self._snapshots.sweep(self._needs_snapshot)
        for row in self._journal.submissions_to_do():
            with self._lock:
                if row.id in self._running or not self._patience.ready(row.id) or self.rests(row):
                    continue
                self._running.add(row.id)
            self._pool.submit(self._work, row.id)

    def busy(self) -> bool:
        """Tell whether there is anything left to do that is not paused."""
        return not all(self.rests(row) for row in self._journal.submissions_to_do())

    def look(self, see: Callable[[str, Progress | None], object]) -> None:
        """Show the live counts of each submission that is worked on."""
        with self._lock:
            live = dict(self._progress)
        for identity, progress in live.items():
            see(identity, progress)

    def look_at_pauses(self) -> None:
        """Stop what is paused now: it lets go of the line, and later goes on with what is missing."""
        with self._lock:
            for identity, progress in self._progress.items():
                if self._paused(identity):
                    progress.cancel()

    def rests(self, row: SubmissionRow) -> bool:
        """Tell whether a submission is paused; the job of a cancelled one is killed all the same."""
        return row.state in UNFINISHED and self._paused(row.id)

    def progress(self, identity: str) -> Progress | None:
        """Return the live counts of a submission that is worked on."""
        with self._lock:
            return self._progress.get(identity)

    def cancel(self, identity: str) -> bool:
        """Stop a submission and have its job killed; tell whether there is such a submission."""
        row = self._journal.submission(identity)
        if row is None:
            return False
        with self._lock:
            progress = self._progress.get(identity)
        if progress is not None:
            progress.cancel()
        if row.state != "failed":
            self._journal.set_failed(identity, _told("TransferCancelled", "The submission was cancelled."), row.counts)
        self._patience.worked(identity)
        return True

    def stop(self) -> None:
        """Stop working; what is unfinished goes on after the next start."""
        with self._lock:
            for progress in self._progress.values():
                progress.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _work(self, identity: str) -> None:
        row = self._journal.submission(identity)
        try:
            if row is None:
                return
            if row.state in UNFINISHED:
                self._submit(row)
            elif row.kill:
                self._kill(row)
            self._patience.worked(identity)
        except _PASSING as exc:
            wait = self._patience.failed(identity)
            _LOG.warning("submission %s waits %.0f s: %s", identity, wait, exc)
            with contextlib.suppress(JournalUnwritable):
                self._note_wait(identity, exc)
        except Exception:  # noqa: BLE001 - worker loop: what goes wrong with one must not stop the others
            self._patience.failed(identity)
            _LOG.exception("submission %s", identity)
        finally:
            with self._lock:
                self._running.discard(identity)
            if self._needs_snapshot(identity) is False:
                self._scouting.leave(identity)
                self._snapshots.remove(identity)

    def _needs_snapshot(self, identity: str) -> bool | None:
        """Tell whether a submission still has to send its snapshot; None where there is no such submission."""
        row = self._journal.submission(identity)
        return None if row is None else row.state in UNFINISHED

    def _note_wait(self, identity: str, exc: ConductorError) -> None:
        """Keep what a submission waits for, and since when: that stays while it waits for the same."""
        now = self._journal.submission(identity)
        if now is None or now.state not in UNFINISHED:
            return
        error, before = told(exc, waiting=True), now.error or {}
        again = before.get("waiting") and before.get("kind") == error["kind"] and before.get("since")
        since = before["since"] if again else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self._journal.set_waiting(identity, {**error, "since": since})

    def _submit(self, row: SubmissionRow) -> None:
        progress = Progress(self._pace)
        progress.put(**row.counts)
        progress.put(bytes_sent=0, bytes_saved=0, objects_sent=0)
        with self._lock:
            self._progress[row.id] = progress
        if self._paused(row.id):  # since it was chosen
            progress.cancel()
        try:
            self._stages(row, progress)
        except _PASSING:
            raise
        except ConductorError as exc:
            # cancelled by stop() or a pause is not cancelled by the artist: the journal says which
            now = self._journal.submission(row.id)
            if isinstance(exc, FileChanged):
                self._cache.forget(exc.path)  # whatever the cache took it for, the next submission reads it
            if not progress.cancelled() and now is not None and now.state in UNFINISHED:
                _LOG.warning("submission %s failed: %s", row.id, exc)
                self._journal.set_failed(row.id, told(exc), _counts(progress))
            elif now is not None and self.rests(now):  # to be told while it is paused
                self._journal.set_state(row.id, now.state, _counts(progress))
        finally:
            with self._lock:
                self._progress.pop(row.id, None)

    def _stages(self, row: SubmissionRow, progress: Progress) -> None:
        request = self._journal.request(row.id)
        submission = from_json(Submission, request["submission"])
        kept = self._journal.manifest(row.id)
        found = None if kept is not None else listed(submission, request, salt=f"{row.service}\0{submission.project}")
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
        self._journal.set_submitted(done, _counts(progress), download=bool(request.get("download", True)))
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
        look = self._scouting.of(row.id, request.get("later"))
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
        self._journal.set_manifest(row.id, packed(manifest), _counts(progress))
        self._hashed(row, submission, (*tree.files, *tree.snapshots))  # takes memory as well: one after the other
        return _Load(manifest, tree.snapshots, submission, look, overlap.sent())

    def _overlap(self, row: SubmissionRow, submission: Submission, sink: ProjectObjects | None, progress: Progress) -> Overlap:
        """Return what sends files while others are hashed, by the same ways as later."""
        threads, lanes = self._settings.upload_threads, self._lanes
        if sink is None:
            return Overlap(None, progress, threads=threads)
        differences = Differences(self._connect(row.service).versions(submission.project))
        ways: tuple[Way, ...] = (differences, *WAYS)
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
        look = self._scouting.of(row.id, request.get("later"))
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

    def _send_while_looking(
        self, identity: str, client: ServiceClient, job: Job, load: _Load, missing: frozenset[Digest], progress: Progress
    ) -> frozenset[Digest]:
        """Send a little at a time until it is known what no scout frame needs: the line never waits for that. Return what is left."""
        if not missing or load.look.known():
            return missing
        plan = self._plan(identity, load, missing, progress)
        rest = plan.to_send
        while rest and not load.look.known():
            part = plan.only(frozenset(first_of(rest)))
            self._execute(client, job, part, progress)
            rest = rest[len(part.to_send) :]
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
        self._journal.set_state(identity, "committing", _counts(progress))

    def _plan(self, identity: str, load: _Load, missing: frozenset[Digest], progress: Progress) -> UploadPlan:
        """Return what is to be sent in its order, and tell how much that is."""
        plan = plan_upload(load.manifest, missing, places=load.places).sorted_by(load.order().sort)
        counts = progress.counts()
        progress.put(
            objects_present=counts.objects - len(plan.to_send) - counts.objects_sent,
            objects_to_send=counts.objects_sent + len(plan.to_send),
            bytes_to_send=counts.bytes_sent + plan.bytes_to_send(),
        )
        self._journal.set_state(identity, "uploading", _counts(progress))
        return plan

    def _execute(self, client: ServiceClient, job: Job, plan: UploadPlan, progress: Progress) -> None:
        differences = Differences(client.versions(job.project))
        differences.expect(plan.to_send, plan.places)
        ways: tuple[Way, ...] = (differences, *WAYS)
        threads = self._settings.upload_threads
        objects = ProjectObjects(client, job.project)
        execute_upload(plan, objects, progress, threads=threads, ways=ways, lanes=self._lanes)

    def _submission(self, identity: str) -> Submission:
        return from_json(Submission, self._journal.request(identity)["submission"])

    def _kill(self, row: SubmissionRow) -> None:
        if row.job:
            try:
                client = self._connect(row.service)
                # asked for, and then a crash: the same submission id gives the job's id, whether or not it was made then
                asked_for = row.job == ASKED_FOR
                job = client.create_job(self._submission(row.id)).id if asked_for else row.job
                client.move(job, "kill", reason="the submission failed or was cancelled")
            except (Conflict, NotFound, Refused) as exc:
                _LOG.info("job %s of submission %s: %s", row.number, row.id, exc)
        self._journal.set_killed(row.id)


def told(exc: ConductorError, *, waiting: bool = False) -> dict[str, Any]:
    """Return an error as the local channel tells it."""
    return _told(type(exc).__name__, exc.what, exc.next_step, waiting=waiting)


def _told(kind: str, message: str, next_step: str = "", *, waiting: bool = False) -> dict[str, Any]:
    return {"kind": kind, "message": message, "next": next_step, "waiting": waiting}


def _counts(progress: Progress) -> Mapping[str, int]:
    return dataclasses.asdict(progress.counts())
