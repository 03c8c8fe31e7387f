"""Parts in a folder store: `parts/ID` is the object as it grows, each part at its place; `parts/ID.have` says which are there.

In place, so that a whole of any size becomes an object by a second name for the same file, without being copied. A part is
flushed before its line stands in the record: what the record names is on disk. A line that a crash cut short does not count.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from conductor_core.digest import Digest

from conductor_service.store.checking import checked
from conductor_service.store.errors import ObjectUnreadable, writing_error
from conductor_service.store.folder import FolderStore, make_folder, sync_folder, write_all
from conductor_service.store.interfaces import CHUNK_BYTES
from conductor_service.store.parts import Kept, PartTaken, SignedRequest, Staged, UploadLost
from conductor_service.store.pieces import SenderPieces

_NEW = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_THERE = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_ID = re.compile(r"[0-9a-f]{32}\Z")
_RECORD = ".have"
#: all numbers have as many, so that one that was cut short is no other number
_DIGITS = 6


@dataclass(slots=True)
class _Claim:
    """Who writes a part: of several, the last who began."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    valid: bool = True


@dataclass(slots=True)
class _State:
    """What one process knows of an upload."""

    have: set[int]
    claims: dict[int, _Claim] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class FolderParts:
    """Stage objects beside a folder store, on its file system."""

    def __init__(self, store: FolderStore) -> None:
        self._store = store
        self._folder = store.root / "parts"
        self._states: dict[str, _State] = {}
        self._lock = threading.Lock()

    def begin(self, upload: str) -> str:
        """Make both files."""
        with self._writing():
            make_folder(self._folder)
            for path in (self._data(upload), self._record(upload)):
                os.close(os.open(path, _NEW, 0o600))
            sync_folder(self._folder)
        return ""

    def take_up(self, staged: Staged) -> bool:
        """Tell whether both files are there."""
        return self._data(staged.id).is_file() and self._record(staged.id).is_file()

    def have(self, staged: Staged) -> frozenset[int]:
        """Return the parts that the record names."""
        state = self._state(staged)
        with state.lock:
            return frozenset(state.have)

    def write_part(self, staged: Staged, number: int, digest: Digest, chunks: Iterable[bytes]) -> None:
        """Write a part at its place, flush it, and note it."""
        offset, length = staged.offset(number), staged.length(number)
        pieces = SenderPieces(checked(digest, chunks, length))
        state = self._state(staged)
        claim = self._claim(state, number)
        if claim is None:
            for _ in pieces:  # who sends it hears whether it was right, and changes nothing
                pass
            return
        with self._writing(pieces), self._opened(staged) as handle:
            if self._store.is_object(staged.digest, os.fstat(handle)):
                raise UploadLost(staged.digest)  # it is published: these bytes change no more
            for piece in pieces:
                with claim.lock:
                    if not claim.valid:
                        raise PartTaken(staged.digest, number)
                    os.lseek(handle, offset, os.SEEK_SET)
                    write_all(handle, piece)
                offset += len(piece)
            _flush(handle)
            self._note(staged, state, number, claim)

    def signed(self, staged: Staged, number: int, digest: Digest) -> SignedRequest | None:  # noqa: ARG002
        """Return None: parts come through us."""
        return None

    def readable(self, staged: Staged) -> int:
        """Return the bytes before the first part that is not there."""
        return staged.leading_bytes(self.have(staged))

    def seal(self, staged: Staged) -> None:
        """See that all is there."""
        if self.readable(staged) < staged.size:
            raise UploadLost(staged.digest)

    def read(self, staged: Staged, offset: int) -> Iterator[bytes]:
        """Return the bytes from `offset` to the first part that is not there."""
        chunks = self._chunks(staged, offset, self.readable(staged))
        next(chunks)
        return chunks

    def publish(self, staged: Staged) -> bool:
        """Give the file a second name among the objects."""
        file = self._data(staged.id)
        if not file.exists() or os.lstat(file).st_size != staged.size:
            raise UploadLost(staged.digest)
        return self._store.adopt(staged.digest, file)

    def discard(self, staged: Staged) -> None:
        """Remove the bytes, then the record: while the bytes have this name, what is published counts as complete.

        A part that comes late would be written into what may be an object by now.
        """
        with self._lock:
            state = self._states.pop(staged.id, None)
        for claim in list(state.claims.values()) if state else ():
            with claim.lock:
                claim.valid = False
        with self._writing():
            for path in (self._data(staged.id), self._record(staged.id)):
                path.unlink(missing_ok=True)
        with self._lock:
            self._states.pop(staged.id, None)  # somebody may have asked for it in between

    def kept(self) -> Iterator[Kept]:
        """Return what lies in the folder, by the time of the last part; also records whose bytes are gone."""
        for path in sorted(self._folder.iterdir()) if self._folder.is_dir() else []:
            name = path.name.removesuffix(_RECORD)
            if name != path.name and self._data(name).exists():
                continue
            with contextlib.suppress(FileNotFoundError):
                if _ID.match(name):
                    yield Kept(name, "", datetime.fromtimestamp(os.lstat(path).st_mtime, UTC))

    def _data(self, upload: str) -> Path:
        return self._folder / upload

    def _record(self, upload: str) -> Path:
        return self._folder / f"{upload}{_RECORD}"

    def _state(self, staged: Staged) -> _State:
        with self._lock:
            state = self._states.get(staged.id)
            if state is None:
                state = _State(self._noted(staged))
                if self._data(staged.id).exists():
                    self._states[staged.id] = state
            return state

    def _noted(self, staged: Staged) -> set[int]:
        """Return the parts that the record names, where the bytes are there too."""
        try:
            lines = self._record(staged.id).read_bytes().split(b"\n")[:-1]  # behind the last end of a line nothing counts
            length = os.lstat(self._data(staged.id)).st_size
        except FileNotFoundError:
            return set()
        numbers = {int(line) for line in lines if len(line) == _DIGITS and line.isdigit()}
        return {n for n in numbers if 1 <= n <= staged.parts and staged.offset(n) + staged.length(n) <= length}

    def _claim(self, state: _State, number: int) -> _Claim | None:
        """Take a part over from whoever writes it; None where it is there."""
        with state.lock:
            if number in state.have:
                return None
            former = state.claims.get(number)
            if former is not None:
                with former.lock:
                    former.valid = False
            state.claims[number] = claim = _Claim()
            return claim

    def _note(self, staged: Staged, state: _State, number: int, claim: _Claim) -> None:
        """Write into the record that a part is there, unless somebody else has begun to write it."""
        with state.lock:
            if state.claims.get(number) is not claim or not claim.valid:
                raise PartTaken(staged.digest, number)
            handle = self._open(staged, self._record(staged.id), _THERE | os.O_APPEND)
            try:
                write_all(handle, b"\n%0*d\n" % (_DIGITS, number))  # on a line of its own, also behind one that was cut short
                _flush(handle)
            finally:
                os.close(handle)
            state.have.add(number)
            del state.claims[number]

    @contextlib.contextmanager
    def _opened(self, staged: Staged) -> Iterator[int]:
        handle = self._open(staged, self._data(staged.id), _THERE)
        try:
            yield handle
        finally:
            os.close(handle)

    def _open(self, staged: Staged, path: Path, flags: int) -> int:
        try:
            return os.open(path, flags)
        except FileNotFoundError:
            raise UploadLost(staged.digest) from None

    @contextlib.contextmanager
    def _writing(self, pieces: SenderPieces | None = None) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            if pieces is not None and exc is pieces.failure:
                raise  # the sender broke off; that is not the store's failure
            raise writing_error(str(self._store.root), exc) from exc

    def _chunks(self, staged: Staged, offset: int, end: int) -> Iterator[bytes]:
        """Yield nothing once the file is open, then its bytes."""
        with self._opened(staged) as handle:
            yield b""
            try:
                os.lseek(handle, offset, os.SEEK_SET)
                while offset < end and (piece := os.read(handle, min(CHUNK_BYTES, end - offset))):
                    offset += len(piece)
                    yield piece
            except OSError as exc:
                raise ObjectUnreadable(staged.digest, exc.strerror or type(exc).__name__) from exc


def _flush(handle: int) -> None:
    (os.fdatasync if hasattr(os, "fdatasync") else os.fsync)(handle)
