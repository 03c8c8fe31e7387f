"""Calls about a project's objects: what is there, sending in every way, and fetching."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests
import urllib3

from conductor_core.api.answers import PartialUpload, SignedRequest, read_answer
from conductor_core.api.calls import JSON, Calls, segment
from conductor_core.api.deadlines import Trickle
from conductor_core.api.direct import DirectLine
from conductor_core.api.transport import Transport, not_ours
from conductor_core.api.versions import ProjectVersions
from conductor_core.digest import Digest, hex_of
from conductor_core.errors import NotFound, Refused, ServiceUnreachable

_BINARY = {"Content-Type": "application/octet-stream"}
#: bytes read at once from a download
READ_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Known:
    """What a project's store has of what was asked for."""

    #: a manifest that a job of the project has → how many objects it names
    manifests: Mapping[str, int]
    missing: frozenset[Digest]


class ObjectCalls(Calls):
    """The store, by way of the service or straight."""

    def __init__(self, service: str, transport: Transport, direct: DirectLine) -> None:
        super().__init__(service, transport)
        self._direct = direct

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
        data = self._post(f"/api/v1/projects/{segment(project)}/manifests/known", wish)
        return Known(dict(data["known"]), frozenset(Digest(d) for d in data["missing"]))

    def rendered(self, project: str, digests: Sequence[str]) -> frozenset[Digest]:
        """Return which of `digests`, that the project's store has, came out of its own jobs; none of a service that cannot tell."""
        try:
            data = self._post(f"/api/v1/projects/{segment(project)}/objects/known", {"digests": list(digests)})
        except NotFound:
            return frozenset()
        return frozenset(Digest(d) for d in data["rendered"])

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
        path = f"/api/v1/projects/{segment(project)}/packs"
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

        return self._direct.offer(signed, body)

    def end_upload(self, project: str, upload: str) -> int | None:
        """Publish an object whose parts are there; return how much of it is read, or None when it is published.

        Raises:
            Refused: with code `wrong-content`, the whole does not hash to its digest; all of it is sent again.
            Conflict: with code `parts-missing`.
            NotFound: the upload is gone.
        """
        response = self._transport.call("POST", f"{_uploads_path(project)}/{upload}/complete", headers=JSON)
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
        path = f"/api/v1/projects/{segment(project)}/objects/bundle"
        body = json.dumps({"digests": list(digests)}).encode()
        headers = {**JSON, "Accept-Encoding": "identity"}
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


def _uploads_path(project: str) -> str:
    return f"/api/v1/projects/{segment(project)}/uploads"


def _object_path(project: str, digest: str) -> str:
    return f"/api/v1/projects/{segment(project)}/objects/{digest}"


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
