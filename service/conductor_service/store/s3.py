"""A store in a bucket: `objects/ab/<64 hex digits>`, one key per object.

The name of an object is the hash that goes out with its bytes: the server refuses others (x-amz-content-sha256), and the last
block leaves here only when we have seen for ourselves that all are right. A server that does not check what it is told is found
out at the start; what is written to it is read back before it becomes an object. A key is visible whole or not at all.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Iterable

from conductor_core.digest import Digest, digest_of, hex_of

from conductor_service.clock import Clock, utc_now
from conductor_service.store.checking import checked
from conductor_service.store.errors import StoreUnreachable
from conductor_service.store.pieces import SenderPieces, one_behind
from conductor_service.store.s3_copy import copy, put_in_parts
from conductor_service.store.s3_line import ENCRYPTION, EncryptionRefused, S3Line, S3Refused
from conductor_service.store.s3_reading import WRITTEN, S3Reading

log = logging.getLogger(__name__)

#: what is tried again where the line breaks, since it is in memory: a pack, a manifest, a preview
REPLAYED_BYTES = 8 << 20
#: S3 takes no more in one request
WHOLE_BYTES = 5 << 30


class S3Store(S3Reading):
    """Keep objects in a bucket."""

    #: objects whose sizes one question may ask for: some milliseconds each
    looks_at_once = 200

    def __init__(self, line: S3Line, folder: str = "", clock: Clock = utc_now) -> None:
        """Open the store, and find out whether the server checks what it is sent.

        Raises:
            S3Refused: no such bucket, or no right to it.
            EncryptionRefused: it does not keep things encrypted as the settings ask.
            StoreUnreachable: the server does not answer.
        """
        super().__init__(line, folder)
        self._clock = clock
        if line.sse:
            self._see_encryption()
        self.checks = self._server_checks()
        if not self.checks:
            log.warning("%s takes bytes of another hash than it is told: what is written there is read back.", line.place)

    def check_room(self, needed: int) -> None:
        """Let everything pass: a bucket tells no free room; what it has none for it refuses."""

    def write(self, digest: Digest, chunks: Iterable[bytes], size: int) -> bool:
        """Keep the bytes if they are what they are called."""
        return self._keep(digest, SenderPieces(checked(digest, chunks, size)), size)

    def write_whole(self, data: bytes | bytearray) -> Digest:
        """Keep bytes under the digest that they have."""
        digest = digest_of(data)
        self._keep(digest, SenderPieces(iter([bytes(data)])), len(data))
        return digest

    def delete(self, digest: Digest) -> None:
        """Remove the object, if it is there."""
        self.line.done("DELETE", self.key(digest), allowed=(404,))

    def set_aside(self, digest: Digest) -> None:
        """Move the object to the damaged ones, if it is there."""
        size = self.size(digest)
        if size is None:
            return
        copy(self.line, self.key(digest), f"{self.folder}damaged/{hex_of(digest)}", size, self.kept_headers())
        self.delete(digest)

    def kept_headers(self) -> dict[str, str]:
        """Return the headers of everything that is to stay: encryption, and when it was written to the microsecond."""
        return {**self.line.sse, WRITTEN: self._clock().isoformat()}

    def _keep(self, digest: Digest, pieces: SenderPieces, size: int) -> bool:
        """Send an object whose `pieces` end in an error unless they are what it is called; tell whether it is new."""
        key = self.key(digest)
        there = self.size(digest) is not None
        if not self.checks:
            self._write_and_look(digest, pieces, size)
            return not there
        if size > WHOLE_BYTES:
            put_in_parts(self.line, key, pieces, size, self.kept_headers())
            return not there
        return self._put(key, digest, pieces, size, new=not there)

    def _put(self, key: str, digest: Digest, pieces: SenderPieces, size: int, *, new: bool) -> bool:
        """Send an object in one request; of several who send the same new one, exactly one hears that it is new."""
        body = b"".join(pieces) if size <= REPLAYED_BYTES else one_behind(iter(pieces))
        headers = {**self.kept_headers(), "Content-Length": str(size)}
        condition = {"If-None-Match": "*"} if new else {}
        try:
            answer = self.line.done(
                "PUT", key, headers={**headers, **condition}, body=body, sha256=hex_of(digest), allowed=(412, 409)
            )
        except Exception:
            if pieces.failure is not None:
                raise pieces.failure from None
            raise
        for _ in pieces:  # it may have answered early: who sends the bytes still proves to have them
            pass
        if answer.status in (409, 412) and self.size(digest) != size:  # 409: neither it nor the other write was kept
            raise StoreUnreachable(self.line.place, "another write of the object was under way")
        return new and answer.status < 300

    def _write_and_look(self, digest: Digest, pieces: SenderPieces, size: int) -> None:
        """Send an object aside, read it back, and give it its name."""
        aside = f"{self.folder}unseen/{secrets.token_hex(16)}"
        try:
            if size > WHOLE_BYTES:
                put_in_parts(self.line, aside, pieces, size, self.kept_headers())
            else:
                self._put(aside, digest, pieces, size, new=False)
            for _ in checked(digest, self.chunks(aside, digest, 0, None), size):
                pass
            copy(self.line, aside, self.key(digest), size, self.kept_headers())
        finally:
            self.line.done("DELETE", aside, allowed=(404,))

    def _see_encryption(self) -> None:
        """Write something, and see that the server says that it keeps it as asked: some pass over what they cannot do."""
        key, wanted = f"{self.folder}probe/{secrets.token_hex(16)}", self.line.sse[ENCRYPTION]
        try:
            self.line.done("PUT", key, headers=self.line.sse, body=b"")
        except S3Refused as exc:
            self.line.xml("GET", "", query={"list-type": "2", "max-keys": "1"})  # or are the bucket and the keys to blame?
            raise EncryptionRefused(self.line.place, wanted, exc) from exc
        kept = self.line.done("HEAD", key).headers.get(ENCRYPTION, "")
        self.line.done("DELETE", key, allowed=(404,))
        if kept != wanted:
            raise EncryptionRefused(self.line.place, wanted)

    def _server_checks(self) -> bool:
        """Tell whether the server refuses bytes that do not hash to what it is told."""
        key = f"{self.folder}probe/{secrets.token_hex(16)}"
        try:
            self.line.done("PUT", key, body=b"wrong", headers=self.line.sse, sha256=hashlib.sha256(b"right").hexdigest())
        except S3Refused as exc:
            if exc.status == 400:
                return True
            raise
        self.line.done("DELETE", key, allowed=(404,))
        return False
