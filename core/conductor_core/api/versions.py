"""Calls about former versions of a project's files: which there are, what they are made of, and the difference to one."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote

import urllib3

from conductor_core.api.transport import Transport, not_ours
from conductor_core.digest import Digest, parse_digest
from conductor_core.errors import ServiceUnreachable

_READ_BLOCK = 64 << 10


@dataclass(frozen=True, slots=True)
class Version:
    """A file that is about to be sent, and what a former version of it may be found by."""

    digest: Digest
    size: int
    #: of its path, the likelier first (`transfer.sketch.path_keys`)
    keys: tuple[str, ...] = ()
    #: what it has in it (`transfer.sketch.sketch`)
    sketch: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bases:
    """Objects that a file may have much in common with."""

    #: the likeliest first
    likely: tuple[Digest, ...] = ()
    #: one that had its path and about its size, of which no sketch says whether it has anything in common with it
    doubtful: tuple[Digest, ...] = ()


class ProjectVersions:
    """One project's former versions, at the service; safe to share between threads."""

    def __init__(self, transport: Transport, project: str) -> None:
        self._transport = transport
        self._objects = f"/api/v1/projects/{quote(project, safe='')}/objects"

    def bases(self, files: Sequence[Version]) -> tuple[Bases, ...]:
        """Return for each of `files` (at most 100) the objects that it may have much in common with.

        The service remembers the files for the next version of each.

        Raises:
            NotFound, Refused: the service is too old to know.
        """
        body = json.dumps({"files": [asdict(file) for file in files]}).encode()
        headers = {"Content-Type": "application/json"}
        answer = self._json("POST", f"{self._objects}/bases", body=lambda: body, headers=headers)
        try:
            likely = [tuple(map(parse_digest, digests)) for digests in answer["bases"]]
            # a service of before does not say it
            doubtful = [tuple(map(parse_digest, digests)) for digests in answer.get("doubtful", [()] * len(likely))]
            found = tuple(map(Bases, likely, doubtful)) if len(likely) == len(doubtful) else ()
        except (KeyError, TypeError, ValueError):
            found = ()
        if len(found) != len(files):
            raise not_ours(self._transport.base, "something else than was asked for", 200)
        return found

    @contextlib.contextmanager
    def signature(self, digest: Digest) -> Iterator[Iterator[bytes]]:
        """Open the list of an object's chunks, as blocks.

        Raises:
            NotFound: this project can't see the object.
            ServiceUnreachable: also while the blocks are read, when the connection breaks.
        """
        path = f"{self._objects}/{digest}/signature"
        response = self._transport.call("GET", path, headers={"Accept-Encoding": "identity"}, stream=True)
        try:
            if "text/html" in response.headers.get("Content-Type", ""):
                raise not_ours(self._transport.base, "with a web page", response.status_code)
            yield self._blocks(response.raw)
        finally:
            response.close()

    def put(self, version: Version, base: Digest, body: Callable[[], Any]) -> bool:
        """Send an object as its difference to `base` and tell whether it was new; `body` opens the bytes afresh for each attempt.

        Raises:
            NotFound: the base is no longer there.
            Refused: with code `wrong-content`, what was assembled does not hash to the object's digest.
        """
        answer = self._transport.call(
            "PUT",
            f"{self._objects}/{version.digest}/delta",
            query={"base": base, "size": version.size},
            body=body,
            headers={"Content-Type": "application/octet-stream"},
            read_timeout=600.0,
        )
        _parsed(self._transport.base, answer.content, answer.status_code)
        return answer.status_code == 201

    def _json(self, method: str, path: str, **request: Any) -> Any:
        answer = self._transport.call(method, path, **request)
        return _parsed(self._transport.base, answer.content, answer.status_code)

    def _blocks(self, raw: urllib3.response.BaseHTTPResponse) -> Iterator[bytes]:
        try:
            while block := raw.read(_READ_BLOCK):
                yield block
        except (urllib3.exceptions.HTTPError, OSError) as exc:
            raise ServiceUnreachable(
                f"The connection to {self._transport.base} broke in the middle of a list of chunks.", "It is asked for again."
            ) from exc


def _parsed(base: str, content: bytes, status: int) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        raise not_ours(base, "something that is not JSON", status) from None
