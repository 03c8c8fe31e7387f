"""Objects that are larger than one request, and copies that the server makes by itself."""

from __future__ import annotations

import contextlib
import hashlib
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from conductor_core.errors import TransferError

from conductor_service.store.parts import part_bytes
from conductor_service.store.s3_line import S3Line, S3Refused

#: S3 copies no more in one request
COPY_BYTES = 5 << 30
#: of a larger copy: each takes the server some seconds
_RANGE_BYTES = 512 << 20
_COPIES_AT_ONCE = 8
#: Ceph's gateway says so of a whole that it keeps encrypted, and copies its ranges all the same
_NOT_IMPLEMENTED = 501


def begin_multipart(line: S3Line, key: str, headers: Mapping[str, str]) -> str:
    """Begin an object in parts, and return the server's name for it."""
    return str(line.xml("POST", key, query={"uploads": ""}, headers=headers).findtext("UploadId", ""))


def end_multipart(line: S3Line, key: str, upload: str, etags: Mapping[int, str]) -> None:
    """Make an object of its parts.

    Raises:
        S3Refused: with code `NoSuchUpload`, also where that is done already.
    """
    root = ET.Element("CompleteMultipartUpload")
    for number, etag in sorted(etags.items()):
        part = ET.SubElement(root, "Part")
        ET.SubElement(part, "PartNumber").text = str(number)
        ET.SubElement(part, "ETag").text = etag
    body = ET.tostring(root)
    line.xml("POST", key, query={"uploadId": upload}, body=body, sha256=hashlib.sha256(body).hexdigest())


def give_up_multipart(line: S3Line, key: str, upload: str) -> None:
    """Forget an object in parts; none there is no error."""
    line.done("DELETE", key, query={"uploadId": upload}, allowed=(404,))


def put_in_parts(line: S3Line, key: str, pieces: Iterable[bytes], size: int, headers: Mapping[str, str]) -> None:
    """Write an object that is larger than one request; it is there when all of `pieces` came well, or not at all."""
    with _multipart(line, key, headers) as (upload, etags):
        for number, part in enumerate(_gathered(pieces, part_bytes(size)), 1):
            query = {"partNumber": str(number), "uploadId": upload}
            answer = line.done("PUT", key, query=query, body=part, sha256=hashlib.sha256(part).hexdigest())
            etags[number] = answer.headers["ETag"]


def copy(line: S3Line, source: str, target: str, size: int, headers: Mapping[str, str]) -> None:
    """Have the server copy an object; the copy is visible whole or not at all."""
    whence = {"x-amz-copy-source": f"/{line.bucket}/{source}"}
    if size <= COPY_BYTES:
        try:
            line.xml("PUT", target, headers={**headers, **whence, "x-amz-metadata-directive": "REPLACE"})
            return
        except S3Refused as exc:
            if exc.status != _NOT_IMPLEMENTED:
                raise
    if not size:
        line.done("PUT", target, headers=headers, body=b"")
        return
    with _multipart(line, target, headers) as (upload, etags), ThreadPoolExecutor(_COPIES_AT_ONCE) as pool:

        def copied(number: int) -> tuple[int, str]:
            first = (number - 1) * _RANGE_BYTES
            last = min(first + _RANGE_BYTES, size) - 1
            asked = {**whence, "x-amz-copy-source-range": f"bytes={first}-{last}"}
            query = {"partNumber": str(number), "uploadId": upload}
            return number, str(line.xml("PUT", target, query=query, headers=asked).findtext("ETag", ""))

        etags.update(pool.map(copied, range(1, -(-size // _RANGE_BYTES) + 1)))


@contextlib.contextmanager
def _multipart(line: S3Line, key: str, headers: Mapping[str, str]) -> Iterator[tuple[str, dict[int, str]]]:
    """Give an object in parts and the list to note them in; it is made at the end, or given up."""
    upload = begin_multipart(line, key, headers)
    etags: dict[int, str] = {}
    try:
        yield upload, etags
        end_multipart(line, key, upload, etags)
    except BaseException:
        with contextlib.suppress(TransferError):
            give_up_multipart(line, key, upload)
        raise


def _gathered(pieces: Iterable[bytes], length: int) -> Iterator[bytes]:
    """Yield what `pieces` are in stretches of `length` bytes; the last is shorter."""
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) >= length:
            yield bytes(held[:length])
            del held[:length]
    if held:
        yield bytes(held)
