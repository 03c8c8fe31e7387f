"""Look at files that may have holes, and copy them with their holes, by what the file system says of where data lies.

How many blocks a file takes says nothing of that: file systems compress, and some give out blocks long after a write.
"""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

from conductor_service.runner.exact_bytes import Changed

#: a file of more than this of which less than a sixteenth is data is a hole: it would be hashed and sent for hours
HOLE_BYTES = 1 << 30
_HOLE_SHARE = 16
#: parts of a file that are looked at; one of 6 GB that is strewn with single blocks has as many before a sixteenth is seen
_MOST_PARTS = 100_000
_CHUNK_BYTES = 1 << 20


def is_hole(file: Path, size: int) -> bool:
    """Tell whether a file is as good as nothing but a hole."""
    if size <= HOLE_BYTES:
        return False
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if not _hardly_data(descriptor, size):
            return False
        os.fsync(descriptor)  # where data gets its place late, it may have been overlooked
        return _hardly_data(descriptor, size)
    finally:
        os.close(descriptor)


def copy_data(source: Path, target: Path, size: int) -> None:
    """Copy the first `size` bytes of a file into a new one, holes as holes, whatever is written to the source meanwhile.

    Raises:
        Changed: the source became shorter.
        OSError: among others ENOSPC.
    """
    reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        writing = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            for start, end in _data_parts(reading, size):
                at = start
                while at < end:
                    data = os.pread(reading, min(_CHUNK_BYTES, end - at), at)
                    if not data:
                        raise Changed(source)
                    at += os.pwrite(writing, data, at)
            os.ftruncate(writing, size)
        finally:
            os.close(writing)
    finally:
        os.close(reading)


def _hardly_data(descriptor: int, size: int) -> bool:
    data = 0
    for start, end in itertools.islice(_data_parts(descriptor, size), _MOST_PARTS):
        data += end - start
        if data * _HOLE_SHARE >= size:
            return False
    return True


def _data_parts(descriptor: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield where data begins and ends, below `size`; all of it where the file system cannot tell."""
    at = 0
    while at < size:
        try:
            start = os.lseek(descriptor, at, os.SEEK_DATA)
            end = os.lseek(descriptor, start, os.SEEK_HOLE)
        except OSError as exc:
            if exc.errno != errno.ENXIO:  # ENXIO: there is only a hole from here on
                yield at, size
            return
        if start >= size:
            return
        # A task may punch the hole between the two questions.
        at = min(max(end, start + 1), size)
        yield start, at
