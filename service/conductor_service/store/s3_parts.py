"""Parts in a bucket: S3's own multipart upload at `staged/ID`, which others may fill by requests that we sign.

Whatever comes there is read through and compared with its name before it is copied to where objects are; that it lies staged
proves nothing. Once it is sealed nobody can change it: the signatures were for its parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from conductor_core.digest import Digest, hex_of

from conductor_service.store.checking import checked
from conductor_service.store.errors import ObjectMissing
from conductor_service.store.parts import Kept, SignedRequest, Staged, UploadLost
from conductor_service.store.pieces import SenderPieces, one_behind
from conductor_service.store.s3 import REPLAYED_BYTES, S3Store
from conductor_service.store.s3_copy import begin_multipart, copy, end_multipart, give_up_multipart
from conductor_service.store.s3_line import S3Refused

_GONE = "NoSuchUpload"


@dataclass(frozen=True, slots=True)
class _Part:
    size: int
    etag: str


class S3Parts:
    """Stage objects in the bucket of a store."""

    def __init__(self, store: S3Store) -> None:
        self._store = store
        self._line = store.line

    def begin(self, upload: str) -> str:
        """Begin a multipart upload, and return the server's name for it."""
        return begin_multipart(self._line, self._key(upload), self._store.kept_headers())

    def take_up(self, staged: Staged) -> bool:
        """Tell whether the server still knows the upload, or has the whole."""
        return self._listed(staged) is not None or self._sealed(staged)

    def have(self, staged: Staged) -> frozenset[int]:
        """Return the parts that the server lists in the right length."""
        parts = self._listed(staged)
        if parts is None:
            return frozenset(range(1, staged.parts + 1)) if self._sealed(staged) else frozenset()
        return frozenset(n for n, part in parts.items() if n <= staged.parts and part.size == staged.length(n))

    def write_part(self, staged: Staged, number: int, digest: Digest, chunks: Iterable[bytes]) -> None:
        """Send a part on, its hash bound."""
        length = staged.length(number)
        pieces = SenderPieces(checked(digest, chunks, length))
        query = {"partNumber": str(number), "uploadId": staged.token}
        headers = {"Content-Length": str(length)}
        try:
            body = b"".join(pieces) if length <= REPLAYED_BYTES else one_behind(iter(pieces))
            self._line.done("PUT", self._key(staged.id), query=query, headers=headers, body=body, sha256=hex_of(digest))
        except Exception as exc:
            if pieces.failure is not None:
                raise pieces.failure from None
            if isinstance(exc, S3Refused) and exc.code == _GONE:
                raise UploadLost(staged.digest) from exc
            raise

    def signed(self, staged: Staged, number: int, digest: Digest) -> SignedRequest:
        """Return the request by which whoever has these bytes may send a part."""
        query = {"partNumber": str(number), "uploadId": staged.token}
        headers = {"Content-Length": str(staged.length(number))}
        return self._line.sign("PUT", self._key(staged.id), query=query, headers=headers, sha256=hex_of(digest))

    def readable(self, staged: Staged) -> int:
        """Return the whole size once it is sealed: a server gives nothing of an upload before."""
        return staged.size if self._sealed(staged) else 0

    def seal(self, staged: Staged) -> None:
        """Make one of the parts; done already is no error."""
        parts = self._listed(staged)
        if parts is not None:
            if set(parts) != set(range(1, staged.parts + 1)):
                raise UploadLost(staged.digest)
            try:
                end_multipart(self._line, self._key(staged.id), staged.token, {n: p.etag for n, p in parts.items()})
            except S3Refused as exc:
                if exc.code != _GONE:
                    raise
        if not self._sealed(staged):
            raise UploadLost(staged.digest)

    def read(self, staged: Staged, offset: int) -> Iterator[bytes]:
        """Return the bytes of what is sealed, from `offset` on."""
        chunks = self._store.chunks(self._key(staged.id), staged.digest, offset, None)
        try:
            next(chunks)
        except ObjectMissing:
            raise UploadLost(staged.digest) from None
        return chunks

    def publish(self, staged: Staged) -> bool:
        """Have the server copy it to where objects are."""
        new = self._store.size(staged.digest) is None
        target = self._store.key(staged.digest)
        copy(self._line, self._key(staged.id), target, staged.size, self._store.kept_headers())
        return new

    def discard(self, staged: Staged) -> None:
        """Forget the upload, and the whole."""
        if staged.token:
            give_up_multipart(self._line, self._key(staged.id), staged.token)
        self._line.done("DELETE", self._key(staged.id), allowed=(404,))

    def kept(self) -> Iterator[Kept]:
        """Return what is staged: uploads that are not ended, and wholes that are not published."""
        folder = f"{self._store.folder}staged/"
        query = {"uploads": "", "prefix": folder}
        while True:
            page = self._line.xml("GET", "", query=query)
            for found in page.iter("Upload"):
                upload = found.findtext("Key", "").removeprefix(folder)
                yield Kept(upload, found.findtext("UploadId", ""), _time(found.findtext("Initiated", "")))
            if page.findtext("IsTruncated", "") != "true":
                break
            query["key-marker"] = page.findtext("NextKeyMarker", "")
            query["upload-id-marker"] = page.findtext("NextUploadIdMarker", "")
        for key, written in self._store.listed("staged/"):
            yield Kept(key.removeprefix(folder), "", _time(written))

    def _key(self, upload: str) -> str:
        return f"{self._store.folder}staged/{upload}"

    def _listed(self, staged: Staged) -> Mapping[int, _Part] | None:
        """Return the parts that are there, or None where the server knows no such upload."""
        found: dict[int, _Part] = {}
        query = {"uploadId": staged.token}
        while True:
            try:
                page = self._line.xml("GET", self._key(staged.id), query=query)
            except S3Refused as exc:
                if exc.status == 404:
                    return None
                raise
            for part in page.iter("Part"):
                number = int(part.findtext("PartNumber", "0"))
                found[number] = _Part(int(part.findtext("Size", "0")), part.findtext("ETag", ""))
            if page.findtext("IsTruncated", "") != "true":
                return found
            query["part-number-marker"] = page.findtext("NextPartNumberMarker", "")

    def _sealed(self, staged: Staged) -> bool:
        answer = self._line.done("HEAD", self._key(staged.id), allowed=(404,))
        return answer.status != 404 and int(answer.headers["Content-Length"]) == staged.size


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
