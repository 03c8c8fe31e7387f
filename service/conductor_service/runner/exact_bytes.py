"""Read, of a file that a task may still hold open, the bytes that it had when it was taken: not one more, whatever it becomes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from conductor_core.digest import Digest

from conductor_service.runner.errors import RunnerError

_CHUNK_BYTES = 1 << 20


class Changed(RunnerError):
    """A file is shorter or longer than it was when it was taken."""

    def __init__(self, file: Path) -> None:
        super().__init__(f"{file} changed its size after it was taken.")


class ExactBytes:
    """Give the first `size` bytes of a file, as the body of a request: its length is told before, and must stay true."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._size = self._left = size

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        while data := self.read(_CHUNK_BYTES):
            yield data

    def read(self, most: int = -1) -> bytes:
        """Return up to `most` bytes, and none at the end.

        Raises:
            Changed: the file has fewer.
        """
        wanted = self._left if most < 0 else min(most, self._left)
        data = self._stream.read(wanted)
        if len(data) < wanted:
            raise Changed(Path(self._stream.name))
        self._left -= len(data)
        return data


def exact_digest(file: Path, size: int, go_on: Callable[[], None]) -> Digest:
    """Return the digest of a file of `size` bytes; `go_on` is called between chunks, and may raise to break it off.

    Raises:
        Changed: it has fewer bytes, or more.
    """
    found = hashlib.sha256()
    with file.open("rb") as stream:
        for data in ExactBytes(stream, size):
            found.update(data)
            go_on()
        if stream.read(1):
            raise Changed(file)
    return Digest("sha256:" + found.hexdigest())
