"""The store as one project sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from conductor_core.api.answers import PartialUpload
from conductor_core.api.object_calls import ObjectCalls
from conductor_core.digest import Digest


class ProjectObjects:
    """What `conductor_core.transfer` sends to and fetches from."""

    def __init__(self, client: ObjectCalls, project: str) -> None:
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

    def read(self, digest: str, offset: int) -> AbstractContextManager[Iterator[bytes]]:
        """Open an object's bytes from `offset` on."""
        return self._client.object_bytes(self._project, digest, offset=offset)

    def bundle(self, digests: Sequence[Digest]) -> AbstractContextManager[Iterator[bytes]]:
        """Open many small objects in one answer."""
        return self._client.bundle(self._project, digests)
