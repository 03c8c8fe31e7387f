"""The stages of an instance: one per job, laid out once for all of its tasks that come here."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conductor_core.digest import Digest, digest_of
from conductor_core.errors import Conflict, InvalidDocument, NotFound, ServiceError
from conductor_core.manifest import Manifest, parse_manifest
from conductor_core.paths import ClientPath, stage_path

from conductor_service.runner.assignment import Assignment
from conductor_service.runner.cache import ContentCache
from conductor_service.runner.conversation import Ordered
from conductor_service.runner.errors import StagingFailed, TaskFailed, service_is_gone
from conductor_service.runner.holding import Holding
from conductor_service.runner.materialise import SEND_AGAIN, Laid, execute_stage
from conductor_service.runner.placing import Method, can_reflink
from conductor_service.runner.service import RunnerService
from conductor_service.runner.stage import StagePlan, plan_stage
from conductor_service.runner.step_inputs import with_inputs
from conductor_service.runner.vigil import TaskEnded
from conductor_service.trees import remove_tree

#: jobs whose files stay laid out; tasks of several jobs may alternate on an instance
_KEPT = 3

#: what the service answers where the job has another manifest than the task was given with (docs/api.md)
_ANOTHER_BY_NOW = "not-allowed-now"


@dataclass(frozen=True, slots=True)
class Stage:
    """A job's files, laid out."""

    folder: Path
    plan: StagePlan
    files: tuple[ClientPath, ...]
    laid: Laid


class Stages:
    """Lay out stages, keep the last few, and keep the cache within its limit."""

    def __init__(self, service: RunnerService, folder: Path, cache: ContentCache, *, share_with_cache: bool) -> None:
        self._service = service
        self._folder = folder
        self._cache = cache
        self._stages: dict[str, Stage] = {}
        self._numbers = itertools.count(1)
        self._method: Method = "hardlink" if share_with_cache else "copy"
        if can_reflink(folder):
            self._method = "reflink"

    def stage_of(self, assignment: Assignment, holding: Holding) -> Stage:
        """Return the stage of an assignment's job, laying it out if need be.

        Raises:
            TaskFailed: its files cannot be had or laid out.
            TaskEnded: somebody ordered the end of the attempt while files were fetched.
        """
        key = f"{assignment.job.id}-{assignment.manifest[-16:]}-{assignment.step.name if assignment.inputs else ''}-{assignment.inputs}"
        stage = self._stages.pop(key, None)
        if stage is None:
            stage = self._lay_out(assignment, holding, self._folder / f"{next(self._numbers)}-{assignment.job.number}")
        self._stages[key] = stage
        while len(self._stages) > _KEPT:
            remove_tree(self._stages.pop(next(iter(self._stages))).folder)
        return stage

    def forget(self, stage: Stage) -> None:
        """Remove a stage in which inputs were changed: the next task of its job gets it laid out anew."""
        self._stages = {key: kept for key, kept in self._stages.items() if kept is not stage}
        remove_tree(stage.folder)

    def _lay_out(self, assignment: Assignment, holding: Holding, folder: Path) -> Stage:
        def fetch(digest: Digest) -> Iterator[bytes]:
            if holding.ordered is not None:
                raise TaskEnded(holding.ordered)
            return self._service.fetch_object(assignment.attempt, digest)

        try:
            manifest = with_inputs(self._manifest(assignment), self._inputs(assignment))
            plan = plan_stage(manifest)
            laid = execute_stage(plan, folder, cache=self._cache, fetch=fetch, method=self._method)
        except StagingFailed as exc:
            remove_tree(folder)
            raise TaskFailed(exc.cause, str(exc)) from exc
        except ServiceError as exc:
            remove_tree(folder)
            if service_is_gone(exc):
                raise
            raise TaskFailed("internal", f"The service refused the job's files: {exc}") from exc
        except BaseException:
            remove_tree(folder)
            raise
        if laid.files:
            holding.log.say(f"{laid.files} files laid out ({', '.join(sorted(laid.methods))}), {laid.fetched} of them fetched")
        if laid.fetched:
            self._cache.shrink()
        files = tuple(ClientPath.parse(e.path, manifest.flavour) for e in manifest.entries if e.kind == "file")
        return Stage(folder, plan, files, laid)

    def _manifest(self, assignment: Assignment) -> Manifest:
        """Return the job's manifest.

        Raises:
            TaskEnded: the scouts' was given, and that of the whole job has come: the task is given back.
            StagingFailed: it is lost, or what the service sent is malformed.
        """
        empty = Manifest(assignment.flavour, ())
        if assignment.manifest == empty.digest():
            return empty
        try:
            data = self._service.manifest(assignment.attempt, assignment.manifest)
        except Conflict as exc:
            if exc.code != _ANOTHER_BY_NOW:
                raise
            raise TaskEnded(Ordered("kill", str(exc), assignment.attempt.id)) from exc
        except NotFound as exc:
            reason = "the store has lost it"
            raise StagingFailed("the job's manifest", reason, cause="missing-file", next_step=SEND_AGAIN) from exc
        if digest_of(data) != Digest(assignment.manifest):
            raise StagingFailed("the job's manifest", "what the service sent does not hash to its digest")
        try:
            return parse_manifest(data)
        except InvalidDocument as exc:
            raise StagingFailed("the job's manifest", str(exc)) from exc

    def _inputs(self, assignment: Assignment) -> Manifest:
        """Return what the steps before this one made.

        Raises:
            TaskEnded: that is being made again: the task is given back, and waits for it.
            StagingFailed: what the service sent is malformed.
        """
        if not assignment.inputs:
            return Manifest(assignment.flavour, ())
        try:
            return parse_manifest(self._service.inputs(assignment.attempt, assignment.inputs))
        except Conflict as exc:
            raise TaskEnded(Ordered("kill", str(exc), assignment.attempt.id)) from exc
        except InvalidDocument as exc:
            raise StagingFailed("what the steps before this one made", str(exc)) from exc


def ensure_folder(stage: Path, path: ClientPath) -> Path:
    """Make the folder of a client path in a stage, as a real one; return it.

    A symlink on the way gives way to a folder: the task's own folder must not lead anywhere else. Times of the folders
    above stay what the manifest says.

    Raises:
        TaskFailed: a file of the job stands in its way.
    """
    folder = stage
    for name in stage_path(path).split("/"):
        parent, folder = folder, folder / name
        before = os.lstat(parent)
        if folder.is_symlink():
            folder.unlink()
        if not os.path.lexists(folder):
            folder.mkdir()
            os.utime(parent, ns=(before.st_atime_ns, before.st_mtime_ns))
        elif not stat.S_ISDIR(os.lstat(folder).st_mode):
            raise TaskFailed("bad-output", f"{path} cannot be an output folder: a file of the job has that name.")
    return folder
