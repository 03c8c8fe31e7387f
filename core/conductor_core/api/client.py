"""Every call that people's tools make, typed (docs/api.md, "For people and their tools")."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

import requests
import urllib3

from conductor_core.agent_answers import Estimate
from conductor_core.api.answers import (
    Catalogue,
    Claimed,
    Cost,
    Instance,
    Job,
    Me,
    OutputFile,
    PartialUpload,
    PublishedPage,
    SignedRequest,
    Task,
    read_answer,
)
from conductor_core.api.deadlines import Trickle
from conductor_core.api.direct import DirectLine, DirectUnsuitable
from conductor_core.api.events import Event, follow_events
from conductor_core.api.transport import Address, QueryValue, RetryPolicy, Timing, Transport, not_ours
from conductor_core.api.versions import ProjectVersions
from conductor_core.digest import Digest, hex_of
from conductor_core.documents import canonical_bytes
from conductor_core.errors import NotFound, Refused, ServiceUnreachable
from conductor_core.manifest import Manifest
from conductor_core.submission import Submission

T = TypeVar("T")

_LOG = logging.getLogger(__name__)

_JSON = {"Content-Type": "application/json"}
_BINARY = {"Content-Type": "application/octet-stream"}
#: seconds; a question changes nothing and is soon answered, and somebody may be waiting before a still screen
QUESTION_TIMEOUT = 20.0
#: bytes read at once from a download
READ_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Known:
    """What a project's store has of what was asked for."""

    #: a manifest that a job of the project has → how many objects it names
    manifests: Mapping[str, int]
    missing: frozenset[Digest]


class ServiceClient:
    """Speak to one service as one person; safe to share between threads."""

    def __init__(
        self, address: Address | str, token: str, *, retries: RetryPolicy = RetryPolicy(), timing: Timing = Timing()
    ) -> None:
        address = Address(address) if isinstance(address, str) else address
        self.service = address.service.rstrip("/")
        self._transport = Transport(address, token, retries=retries, timing=timing)
        self._direct: DirectLine | None = DirectLine(address, timing)

    def __repr__(self) -> str:
        return f"ServiceClient({self.service})"

    def __enter__(self) -> ServiceClient:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the kept connections."""
        self._transport.close()
        if self._direct is not None:
            self._direct.close()

    def me(self) -> Me:
        """Return who the token says I am."""
        return read_answer(Me, self._get("/api/v1/me"))

    def catalogue(self) -> Catalogue:
        """Return the instance types and software that can be asked for."""
        return read_answer(Catalogue, self._get("/api/v1/catalogue"))

    def missing(self, project: str, objects: Mapping[Digest, int]) -> frozenset[Digest]:
        """Return which of `objects` (at most 100,000, with their sizes) the project's store lacks.

        The others are leased for some days.

        Raises:
            ServiceUnreachable: also when the store has no room for what it lacks: nothing is sent in vain.
        """
        wish = {"digests": list(objects), "sizes": list(objects.values())}
        data = self._post(f"/api/v1/projects/{quote(project, safe='')}/objects/missing", wish)
        lacking = set(data["missing"])
        return frozenset(d for d in objects if d in lacking)  # no digest twice in memory: there may be very many

    def known(self, project: str, manifests: Sequence[str], objects: Mapping[Digest, int]) -> Known:
        """Return which manifests a job of the project has, and which of `objects` (at most 100,000) the store lacks.

        What is there is leased for some days, and so is all that the known manifests name.

        Raises:
            NotFound: the service is too old to tell, or there is no such project.
            ServiceUnreachable: also when the store has no room for what it lacks: nothing is sent in vain.
        """
        wish = {"manifests": list(manifests), "digests": list(objects), "sizes": list(objects.values())}
        data = self._post(f"/api/v1/projects/{_segment(project)}/manifests/known", wish)
        return Known(dict(data["known"]), frozenset(Digest(d) for d in data["missing"]))

    def rendered(self, project: str, digests: Sequence[str]) -> frozenset[Digest]:
        """Return which of `digests`, that the project's store has, came out of its own jobs; none of a service that cannot tell."""
        try:
            data = self._post(f"/api/v1/projects/{_segment(project)}/objects/known", {"digests": list(digests)})
        except NotFound:
            return frozenset()
        return frozenset(Digest(d) for d in data["rendered"])

    def estimate(self, submission: Submission) -> Estimate:
        """Return what a submission would cost, from what was rendered before.

        Raises:
            NotFound: the service is too old to tell, or there is no such project.
            Refused: naming the field of the submission.
        """
        path = f"/api/v1/projects/{_segment(submission.project)}/estimate"
        return read_answer(Estimate, self._send("POST", path, canonical_bytes(submission)))

    def put_object(self, project: str, digest: str, body: Callable[[], Any]) -> bool:
        """Send one object and tell whether it was new; `body` opens the bytes afresh for each attempt.

        Raises:
            Refused: with code `wrong-content`, the bytes do not hash to `digest`.
        """
        path = _object_path(project, digest)
        response = self._transport.call("PUT", path, body=body, headers=_BINARY, read_timeout=600.0)
        self._parse(response)  # a page of somebody else's is no receipt
        return response.status_code == 201

    def versions(self, project: str) -> ProjectVersions:
        """Return the calls about former versions of a project's files."""
        return ProjectVersions(self._transport, project)

    def put_pack(self, project: str, body: Callable[[], Any]) -> None:
        """Send many small objects at once (`conductor_core.transfer.packs`); `body` opens the pack afresh for each attempt.

        Raises:
            Refused: with code `wrong-content`, naming the first that does not hash to its name; nothing is kept.
            NotFound: the service is too old to take packs, or there is no such project.
        """
        path = f"/api/v1/projects/{_segment(project)}/packs"
        self._parse(self._transport.call("POST", path, body=body, headers=_BINARY, read_timeout=600.0))

    def begin_upload(self, project: str, digest: str, size: int) -> PartialUpload:
        """Begin to send an object in parts, or learn which of them are there.

        Raises:
            NotFound: the service is too old to take parts, or there is no such project.
            ServiceUnreachable: also when the store has no room for what is still to come.
        """
        return read_answer(PartialUpload, self._post(f"{_uploads_path(project)}", {"digest": digest, "size": size}))

    def put_part(self, project: str, upload: str, number: int, digest: Digest, body: Callable[[], Any]) -> None:
        """Send one part, whose own digest goes ahead of it; `body` opens the bytes afresh for each attempt.

        Raises:
            Refused: with code `wrong-content`, the bytes do not hash to `digest`.
            NotFound: the upload is gone: it was brought to its end, or given up.
        """
        headers = {**_BINARY, "X-Content-Sha256": hex_of(digest)}
        path = f"{_uploads_path(project)}/{upload}/parts/{number}"
        self._parse(self._transport.call("PUT", path, body=body, headers=headers, read_timeout=600.0))

    def put_part_directly(self, project: str, upload: str, number: int, digest: Digest, body: Callable[[], Any]) -> bool:
        """Send one part straight to the store; False where that cannot be from here: it is to go through the service.

        Raises:
            Refused: with code `wrong-content`, the bytes do not hash to `digest`.
            NotFound: the upload is gone.
        """
        wish = {"parts": [{"number": number, "sha256": hex_of(digest)}]}

        def signed() -> SignedRequest:
            return read_answer(SignedRequest, self._post(f"{_uploads_path(project)}/{upload}/sign", wish)["requests"][0])

        direct = self._direct  # once: another thread may give it up meanwhile
        if direct is None:
            return False
        try:
            direct.put(signed, body)
        except DirectUnsuitable as exc:
            _LOG.warning("parts go through the service: the store cannot be reached from here (%s)", exc)
            self._direct = None
            return False
        return True

    def end_upload(self, project: str, upload: str) -> int | None:
        """Publish an object whose parts are there; return how much of it is read, or None when it is published.

        Raises:
            Refused: with code `wrong-content`, the whole does not hash to its digest; all of it is sent again.
            Conflict: with code `parts-missing`.
            NotFound: the upload is gone.
        """
        response = self._transport.call("POST", f"{_uploads_path(project)}/{upload}/complete", headers=_JSON)
        data = self._parse(response)
        return int(data["verified"]) if response.status_code == 202 else None

    @contextlib.contextmanager
    def object_bytes(self, project: str, digest: str, *, offset: int = 0) -> Iterator[Iterator[bytes]]:
        """Open an object's bytes from `offset` on, as blocks.

        Raises:
            NotFound: this project can't see the object.
            ServiceUnreachable: also while the blocks are read, when the connection breaks; ask again from there.
        """
        headers = {"Accept-Encoding": "identity"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
        response = self._transport.call("GET", _object_path(project, digest), headers=headers, stream=True)
        try:
            if "text/html" in response.headers.get("Content-Type", ""):
                raise not_ours(self.service, "with a web page", response.status_code)
            # a server that ignores Range sends all of it (RFC 9110, 14.2): what we have is passed over
            yield _blocks(response, skip=offset if offset and response.status_code == 200 else 0, base=self.service)
        finally:
            response.close()

    @contextlib.contextmanager
    def bundle(self, project: str, digests: Sequence[str]) -> Iterator[Iterator[bytes]]:
        """Open many small objects in one answer, as blocks (`conductor_core.transfer.bundle` has the format).

        Raises:
            NotFound: the service is too old to bundle, or there is no such project.
            ServiceUnreachable: also while the blocks are read, when the connection breaks; ask for the rest.
        """
        path = f"/api/v1/projects/{_segment(project)}/objects/bundle"
        body = json.dumps({"digests": list(digests)}).encode()
        headers = {**_JSON, "Accept-Encoding": "identity"}
        try:
            response = self._transport.call("POST", path, body=lambda: body, headers=headers, stream=True)
        except Refused as exc:
            if exc.status != 405:
                raise
            raise NotFound(exc.what, exc.next_step, status=404, code=exc.code) from exc
        try:
            yield _blocks(response, skip=0, base=self.service)
        finally:
            response.close()

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
        path = f"/api/v1/jobs/{_segment(job)}/manifest/from/{base}"
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
        return read_answer(Job, self._get(f"/api/v1/jobs/{_segment(job)}"))

    def tasks(self, job: str | int) -> tuple[Task, ...]:
        """Return the tasks of a job."""
        return tuple(read_answer(Task, t) for t in self._get(f"/api/v1/jobs/{_segment(job)}/tasks")["tasks"])

    def task(self, task: str) -> Task:
        """Return one task with its attempts."""
        return read_answer(Task, self._get(f"/api/v1/tasks/{_segment(task)}"))

    def outputs(self, job: str | int, *, after: int = 0, limit: int = 1000) -> tuple[OutputFile, ...]:
        """Return published files by rising `seq`, those after `after`."""
        data = self._get(f"/api/v1/jobs/{_segment(job)}/outputs", after=after, limit=limit)
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
        data = self._post(f"/api/v1/jobs/{_segment(job)}/{verb}", wish)
        return int(data["changed"]), read_answer(Job, data["job"])

    def log(self, attempt: str, *, offset: int = 0, limit: int = 65536) -> tuple[bytes, int]:
        """Return bytes of an attempt's log from `offset`, and the size of the whole log now."""
        path = f"/api/v1/attempts/{_segment(attempt)}/log"
        response = self._transport.call("GET", path, query={"offset": offset, "limit": limit})
        size = response.headers.get("X-Log-Size", "")
        return response.content, int(size) if size.isdigit() else offset + len(response.content)

    def preview(self, output: str) -> bytes:
        """Return the PNG preview of an output.

        Raises:
            NotFound: it is not made yet.
        """
        return self._transport.call("GET", f"/api/v1/outputs/{_segment(output)}/preview").content

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

    def _get(self, path: str, **query: QueryValue) -> Any:
        return self._parse(self._transport.call("GET", path, query=query, read_timeout=QUESTION_TIMEOUT))

    def _post(self, path: str, data: Any) -> Any:
        return self._send("POST", path, json.dumps(data).encode())

    def _send(self, method: str, path: str, body: bytes) -> Any:
        return self._parse(self._transport.call(method, path, body=lambda: body, headers=_JSON))

    def _put_manifest(self, path: str, manifest: Manifest) -> Job:
        size = sum(map(len, manifest.pieces()))
        answer = self._transport.call("PUT", path, body=lambda: _ManifestBody(manifest, size), headers=_JSON)
        return read_answer(Job, self._parse(answer))

    def _parse(self, response: requests.Response) -> Any:
        try:
            return json.loads(response.content)
        except ValueError:
            raise not_ours(self.service, "something that is not JSON", response.status_code) from None


class _ManifestBody:
    """A manifest for an HTTP body, written as it is sent."""

    def __init__(self, manifest: Manifest, size: int) -> None:
        self._manifest = manifest
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        return self._manifest.pieces()


class ProjectObjects:
    """The store as one project sees it: what `conductor_core.transfer` sends to and fetches from."""

    def __init__(self, client: ServiceClient, project: str) -> None:
        self._client = client
        self._project = project

    def missing(self, objects: Mapping[Digest, int]) -> frozenset[Digest]:
        """Return which objects the project's store lacks."""
        return self._client.missing(self._project, objects)

    def rendered(self, digests: Iterable[Digest]) -> frozenset[Digest]:
        """Return which of the objects that the store has came out of the project's own jobs."""
        return self._client.rendered(self._project, list(digests))

    def put(self, digest: str, body: Callable[[], Any]) -> bool:
        """Send one object and tell whether it was new."""
        return self._client.put_object(self._project, digest, body)

    def put_pack(self, body: Callable[[], Any]) -> None:
        """Send many small objects at once."""
        self._client.put_pack(self._project, body)

    def begin_upload(self, digest: str, size: int) -> PartialUpload:
        """Begin to send an object in parts, or learn which of them are there."""
        return self._client.begin_upload(self._project, digest, size)

    def put_part(self, upload: PartialUpload, number: int, digest: Digest, body: Callable[[], Any]) -> None:
        """Send one part, straight to the store where that can be."""
        if upload.direct and self._client.put_part_directly(self._project, upload.upload, number, digest, body):
            return
        self._client.put_part(self._project, upload.upload, number, digest, body)

    def end_upload(self, upload: PartialUpload) -> int | None:
        """Publish an object whose parts are there; return how much of it is read, or None when it is published."""
        return self._client.end_upload(self._project, upload.upload)

    def read(self, digest: str, offset: int) -> contextlib.AbstractContextManager[Iterator[bytes]]:
        """Open an object's bytes from `offset` on."""
        return self._client.object_bytes(self._project, digest, offset=offset)

    def bundle(self, digests: Sequence[Digest]) -> contextlib.AbstractContextManager[Iterator[bytes]]:
        """Open many small objects in one answer."""
        return self._client.bundle(self._project, digests)


def _segment(value: str | int) -> str:
    return quote(str(value), safe="")


def _uploads_path(project: str) -> str:
    return f"/api/v1/projects/{_segment(project)}/uploads"


def _object_path(project: str, digest: str) -> str:
    return f"/api/v1/projects/{_segment(project)}/objects/{digest}"


def _blocks(response: requests.Response, *, skip: int, base: str) -> Iterator[bytes]:
    trickle = Trickle()
    try:
        # as it comes, and not a whole block at once: what came before a break is not asked for again
        while block := trickle.read(lambda: response.raw.read1(READ_BLOCK)):
            if skip:
                skip, block = max(0, skip - len(block)), block[skip:]
                if not block:
                    continue
            yield block
    except (urllib3.exceptions.HTTPError, OSError) as exc:
        raise ServiceUnreachable(f"The connection to {base} broke in the middle of a file.", "It goes on from there.") from exc
