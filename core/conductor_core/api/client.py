"""Every call that people's tools make, typed (docs/api.md, "For people and their tools")."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from conductor_core.agent_answers import Estimate
from conductor_core.api.answers import (
    Catalogue,
    Claimed,
    Cost,
    Instance,
    Job,
    Me,
    OutputFile,
    PublishedPage,
    Task,
    read_answer,
)
from conductor_core.api.calls import JSON, segment
from conductor_core.api.direct import DirectLine
from conductor_core.api.events import Event, follow_events
from conductor_core.api.object_calls import Known, ObjectCalls
from conductor_core.api.project_objects import ProjectObjects
from conductor_core.api.transport import Address, QueryValue, RetryPolicy, Timing, Transport
from conductor_core.digest import Digest
from conductor_core.documents import canonical_bytes
from conductor_core.errors import NotFound, Refused
from conductor_core.manifest import Manifest
from conductor_core.submission import Submission

__all__ = ["Known", "ProjectObjects", "ServiceClient"]


class ServiceClient(ObjectCalls):
    """Speak to one service as one person; safe to share between threads."""

    def __init__(
        self, address: Address | str, token: str, *, retries: RetryPolicy = RetryPolicy(), timing: Timing = Timing()
    ) -> None:
        address = Address(address) if isinstance(address, str) else address
        transport = Transport(address, token, retries=retries, timing=timing)
        super().__init__(address.service.rstrip("/"), transport, DirectLine(address, timing))

    def __repr__(self) -> str:
        return f"ServiceClient({self.service})"

    def __enter__(self) -> ServiceClient:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the kept connections."""
        self._transport.close()
        self._direct.close()

    def me(self) -> Me:
        """Return who the token says I am."""
        return read_answer(Me, self._get("/api/v1/me"))

    def catalogue(self) -> Catalogue:
        """Return the instance types and software that can be asked for."""
        return read_answer(Catalogue, self._get("/api/v1/catalogue"))

    def estimate(self, submission: Submission) -> Estimate:
        """Return what a submission would cost, from what was rendered before.

        Raises:
            NotFound: the service is too old to tell, or there is no such project.
            Refused: naming the field of the submission.
        """
        path = f"/api/v1/projects/{segment(submission.project)}/estimate"
        return read_answer(Estimate, self._send("POST", path, canonical_bytes(submission)))

    def create_job(self, submission: Submission) -> Job:
        """Make the job in state `uploading`, or return the one that this submission id already made."""
        path = f"/api/v1/projects/{quote(submission.project, safe='')}/jobs"
        return read_answer(Job, self._send("POST", path, canonical_bytes(submission)))

    def put_manifest(self, job: str | int, manifest: Manifest) -> Job:
        """Commit the manifest: the job's tasks become ready.

        Raises:
            Conflict: with code `objects-missing`, naming what the store lacks.
        """
        return self._put_manifest(f"/api/v1/jobs/{job}/manifest", manifest)

    def put_manifest_from(self, job: str | int, base: str, parts: Sequence[Mapping[str, Any]]) -> tuple[Job, Digest]:
        """Commit a manifest that is made of parts of a former one; return the job and the manifest's digest.

        A part is `{"first", "end"}`, a run of the former's entries, or `{"entries"}`, or both: the run, then the entries.

        Raises:
            Conflict: with code `objects-missing`, naming what the store lacks.
            NotFound: no job of the project has the former manifest any more.
        """
        path = f"/api/v1/jobs/{segment(job)}/manifest/from/{base}"
        data = self._send("PUT", path, json.dumps({"parts": list(parts)}).encode())
        return read_answer(Job, data["job"]), Digest(data["manifest"])

    def put_manifest_for_scouts(self, job: str | int, manifest: Manifest) -> Job:
        """Commit what a job's scout frames need: they go, while the files of all others are still to come.

        Raises:
            NotFound: the service is too old to let them go.
            Refused: the job has no scout frames.
        """
        return self._put_manifest(f"/api/v1/jobs/{job}/manifest/scouts", manifest)

    def jobs(
        self,
        *,
        project: str | None = None,
        state: str | None = None,
        scene: str | None = None,
        metadata: Sequence[str] = (),
        limit: int = 50,
        before: int | None = None,
    ) -> tuple[Job, ...]:
        """Return jobs without their steps, newest first; of a scene's path, and with all of some `KEY=VALUE`."""
        which: dict[str, QueryValue] = {"project": project, "state": state, "scene": scene, "metadata": tuple(metadata)}
        data = self._get("/api/v1/jobs", **which, limit=limit, before=before)
        return tuple(read_answer(Job, j) for j in data["jobs"])

    def job(self, job: str | int) -> Job:
        """Return one job by id or number."""
        return read_answer(Job, self._get(f"/api/v1/jobs/{segment(job)}"))

    def tasks(self, job: str | int) -> tuple[Task, ...]:
        """Return the tasks of a job."""
        return tuple(read_answer(Task, t) for t in self._get(f"/api/v1/jobs/{segment(job)}/tasks")["tasks"])

    def task(self, task: str) -> Task:
        """Return one task with its attempts."""
        return read_answer(Task, self._get(f"/api/v1/tasks/{segment(task)}"))

    def outputs(self, job: str | int, *, after: int = 0, limit: int = 1000) -> tuple[OutputFile, ...]:
        """Return published files by rising `seq`, those after `after`."""
        data = self._get(f"/api/v1/jobs/{segment(job)}/outputs", after=after, limit=limit)
        return tuple(read_answer(OutputFile, o) for o in data["outputs"])

    def published(self, *, project: str = "", after: int = 0, limit: int = 1000) -> PublishedPage:
        """Return files published after number `after` by all jobs of a project, or of the account.

        Raises:
            NotFound: there is no such project, or the service is too old to tell.
        """
        return read_answer(PublishedPage, self._get("/api/v1/outputs", project=project or None, after=after, limit=limit))

    def claim(
        self,
        share: str,
        holder: str,
        *,
        outputs: Sequence[int] = (),
        most: int = 0,
        home: Sequence[int] = (),
        released: Sequence[int] = (),
    ) -> Claimed:
        """Claim at most `most` of these outputs (by number) for the agent `holder`, and tell what it has brought, or gives up.

        Raises:
            NotFound: the service is too old to share between agents.
        """
        wish = {"share": share, "holder": holder, "outputs": list(outputs), "most": most}
        wish.update(home=list(home), released=list(released))
        try:
            return read_answer(Claimed, self._post("/api/v1/outputs/claims", wish))
        except Refused as exc:
            if exc.status != 405:
                raise
            raise NotFound(exc.what, exc.next_step, status=404, code=exc.code) from exc

    def move(
        self,
        job: str | int,
        verb: str,
        *,
        tasks: Sequence[str] | None = None,
        states: Sequence[str] | None = None,
        reason: str = "",
    ) -> tuple[int, Job]:
        """Hold, resume, release, kill or retry tasks of a job; return how many changed and the job.

        Raises:
            Conflict: nothing may move; `allowed` has the moves that may be made.
        """
        wish: dict[str, Any] = {"reason": reason}
        if tasks is not None:
            wish["tasks"] = list(tasks)
        if states is not None:
            wish["states"] = list(states)
        data = self._post(f"/api/v1/jobs/{segment(job)}/{verb}", wish)
        return int(data["changed"]), read_answer(Job, data["job"])

    def log(self, attempt: str, *, offset: int = 0, limit: int = 65536) -> tuple[bytes, int]:
        """Return bytes of an attempt's log from `offset`, and the size of the whole log now."""
        path = f"/api/v1/attempts/{segment(attempt)}/log"
        response = self._transport.call("GET", path, query={"offset": offset, "limit": limit})
        size = response.headers.get("X-Log-Size", "")
        return response.content, int(size) if size.isdigit() else offset + len(response.content)

    def preview(self, output: str) -> bytes:
        """Return the PNG preview of an output.

        Raises:
            NotFound: it is not made yet.
        """
        return self._transport.call("GET", f"/api/v1/outputs/{segment(output)}/preview").content

    def instances(self, *, ended: bool = False) -> tuple[Instance, ...]:
        """Return the instances that live, or all with `ended`."""
        data = self._get("/api/v1/instances", all="true" if ended else "false")
        return tuple(read_answer(Instance, i) for i in data["instances"])

    def cost(self, *, project: str | None = None, job: str | int | None = None) -> Cost:
        """Return the bill so far, of all or of one project or job."""
        return read_answer(Cost, self._get("/api/v1/cost", project=project, job=job))

    def events(
        self,
        *,
        job: str | int | None = None,
        project: str | None = None,
        after: str = "",
        stopped: Callable[[], bool] = lambda: False,
    ) -> Iterator[Event]:
        """Yield changes as they happen, resumed after each break; see `conductor_core.api.events`."""
        query: dict[str, str | int | None] = {"job": job, "project": project}
        return follow_events(self._transport, "/api/v1/events", query=query, after=after, stopped=stopped)

    def _put_manifest(self, path: str, manifest: Manifest) -> Job:
        size = sum(map(len, manifest.pieces()))
        answer = self._transport.call("PUT", path, body=lambda: _ManifestBody(manifest, size), headers=JSON)
        return read_answer(Job, self._parse(answer))


class _ManifestBody:
    """A manifest for an HTTP body, written as it is sent."""

    def __init__(self, manifest: Manifest, size: int) -> None:
        self._manifest = manifest
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        return self._manifest.pieces()
