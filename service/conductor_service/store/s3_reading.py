"""What lies in a bucket, as whoever may only read sees it: `objects/ab/<64 hex digits>`, one key per object."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import urllib3
from conductor_core.digest import Digest, hex_of, parse_digest

from conductor_service.store.checking import check_part
from conductor_service.store.errors import ObjectMissing, StoreUnreachable
from conductor_service.store.interfaces import CHUNK_BYTES
from conductor_service.store.s3_line import S3Line

#: a header of every object: when it was written, to the microsecond
WRITTEN = "x-amz-meta-written"
#: connections that a read may lose
_READS = 4


@dataclass(frozen=True, slots=True)
class Found:
    """A key in a server's list."""

    key: str
    #: as the server says it
    written: str
    size: int


class S3Reading:
    """Read a store in a bucket; nothing of it writes."""

    def __init__(self, line: S3Line, folder: str = "") -> None:
        self.line = line
        self.folder = folder

    def size(self, digest: Digest) -> int | None:
        """Return the bytes that the object has, or None."""
        answer = self.line.done("HEAD", self.key(digest), allowed=(404,))
        return None if answer.status == 404 else int(answer.headers["Content-Length"])

    def read(self, digest: Digest, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Return the object's bytes from `offset` on."""
        check_part(offset, length)
        chunks = self.chunks(self.key(digest), digest, offset, length)
        next(chunks)
        return chunks

    def written(self, digest: Digest) -> datetime | None:
        """Return when the object was last written, or None."""
        answer = self.line.done("HEAD", self.key(digest), allowed=(404,))
        if answer.status == 404:
            return None
        told = answer.headers.get(WRITTEN, "")
        return datetime.fromisoformat(told) if told else parsedate_to_datetime(answer.headers["Last-Modified"]).astimezone(UTC)

    def digests(self) -> Iterator[Digest]:
        """Return each object's digest. Only an operator's commands ask this: a bucket is slow to list."""
        return (digest for digest, _ in self.objects())

    def objects(self) -> Iterator[tuple[Digest, int]]:
        """Return each object's digest, and its size; keys of other names are none of ours."""
        for found in self.contents("objects/"):
            with contextlib.suppress(ValueError):
                digest = parse_digest(f"sha256:{found.key.rpartition('/')[2]}")
                if found.key == self.key(digest):
                    yield digest, found.size

    def listed(self, under: str) -> Iterator[tuple[str, str]]:
        """Return the keys below a folder of the store's own, and when each was written, as the server says it."""
        return ((found.key, found.written) for found in self.contents(under))

    def contents(self, under: str) -> Iterator[Found]:
        """Return what is below a folder of the store's own, a page of the server's list after the other."""
        query = {"list-type": "2", "prefix": f"{self.folder}{under}"}
        while True:
            page = self.line.xml("GET", "", query=query)
            for found in page.iter("Contents"):
                size = int(found.findtext("Size", "0"))
                yield Found(found.findtext("Key", ""), found.findtext("LastModified", ""), size)
            following = page.findtext("NextContinuationToken", "")
            if not following:
                return
            query["continuation-token"] = following

    def key(self, digest: Digest) -> str:
        """Return an object's key."""
        name = hex_of(parse_digest(digest))
        return f"{self.folder}objects/{name[:2]}/{name}"

    def chunks(self, key: str, digest: Digest, offset: int, length: int | None) -> Iterator[bytes]:
        """Yield nothing once a key is open, then its bytes; a line that breaks is taken up where it broke."""
        end = None if length is None else offset + length
        answer = self._open(key, digest, offset, end)
        opened = True
        for left in reversed(range(_READS)):
            try:
                if opened:
                    yield b""
                    opened = False
                if answer is None:
                    return
                while piece := answer.read(CHUNK_BYTES):
                    offset += len(piece)
                    yield piece
                return
            except (urllib3.exceptions.HTTPError, OSError) as exc:
                if not left:
                    raise StoreUnreachable(self.line.place, f"the line breaks: {type(exc).__name__}") from exc
            finally:
                if answer is not None:
                    answer.close()
                    answer.release_conn()
            answer = self._open(key, digest, offset, end)

    def _open(self, key: str, digest: Digest, offset: int, end: int | None) -> urllib3.BaseHTTPResponse | None:
        """Return the answer with a key's bytes; None where there are none in this range."""
        if end is not None and end <= offset:
            if self.line.done("HEAD", key, allowed=(404,)).status == 404:
                raise ObjectMissing(digest)
            return None
        asked = {"Range": f"bytes={offset}-{'' if end is None else end - 1}"} if offset or end is not None else {}
        answer = self.line.call("GET", key, headers=asked, allowed=(404, 416))
        if answer.status < 300:
            return answer
        answer.drain_conn()
        answer.release_conn()
        if answer.status == 404:
            raise ObjectMissing(digest)
        return None
