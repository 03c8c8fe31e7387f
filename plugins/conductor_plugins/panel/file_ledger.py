"""Which lines of the tree want which file, where each file's bytes stand, and what that comes to. No Qt.

A file that two lines want is sent once, so the totals count paths and not lines. All is counted as it changes, never over again:
a sequence may have a hundred thousand files.
"""

from __future__ import annotations

from dataclasses import dataclass

from conductor_core.agent_answers import FileStatus

from conductor_plugins.panel.file_rows import FileRow


@dataclass
class Totals:
    """What the files that go along come to."""

    files: int = 0
    #: of those whose status is not known yet
    unknown: int = 0
    missing: int = 0
    bytes: int = 0
    bytes_to_send: int = 0


class FileLedger:
    """Files by path, with status and size as far as they are known."""

    def __init__(self) -> None:
        self.totals = Totals()
        self._rows: dict[str, FileRow | tuple[FileRow, ...]] = {}
        self._known: dict[str, tuple[FileStatus, int]] = {}
        self._left_out: set[str] = set()

    def rows(self, path: str) -> tuple[FileRow, ...]:
        """Return the lines that want a file."""
        rows = self._rows.get(path, ())
        return (rows,) if isinstance(rows, FileRow) else rows

    def status(self, path: str) -> FileStatus:
        """Return where a file's bytes stand."""
        return self._known.get(path, ("unknown", 0))[0]

    def size(self, path: str) -> int | None:
        """Return a file's size, None while it is not known."""
        known = self._known.get(path)
        return known[1] if known else None

    def is_left_out(self, path: str) -> bool:
        """Tell whether a file is left at home."""
        return path in self._left_out

    def want(self, row: FileRow, path: str) -> None:
        """Note that a line wants a file."""
        rows = self._rows.get(path)
        if rows is None:
            self._rows[path] = row
            self._count(path, 1)
        else:
            self._rows[path] = (*self.rows(path), row)
        if known := self._known.get(path):
            self._tell(row, *known, 1)

    def drop(self, row: FileRow, path: str) -> None:
        """Note that a line wants a file no more."""
        if known := self._known.get(path):
            self._tell(row, *known, -1)
        rest = tuple(other for other in self.rows(path) if other is not row)
        if rest:
            self._rows[path] = rest
        else:
            self._count(path, -1)
            del self._rows[path]
            self._left_out.discard(path)

    def learn(self, path: str, status: FileStatus, size: int) -> tuple[FileRow, ...]:
        """Note where a file's bytes stand; return the lines that want it, none where that was known."""
        known = self._known.get(path)
        if known == (status, size):
            return ()
        rows = self.rows(path)
        if rows:
            self._count(path, -1)
        self._known[path] = (status, size)
        for row in rows:
            if known:
                self._tell(row, *known, -1)
            self._tell(row, status, size, 1)
        if rows:
            self._count(path, 1)
        return rows

    def leave_out(self, path: str, out: bool) -> bool:
        """Leave a file at home or take it along; tell whether that is new."""
        if path not in self._rows or out == (path in self._left_out):
            return False
        self._count(path, -1)
        (self._left_out.add if out else self._left_out.discard)(path)
        self._count(path, 1)
        return True

    @staticmethod
    def _tell(row: FileRow, status: FileStatus, size: int, by: int) -> None:
        if status == "unknown":
            return
        row.counts[status] = row.counts.get(status, 0) + by
        row.size += size * by

    def _count(self, path: str, by: int) -> None:
        if path in self._left_out:
            return
        status, size = self._known.get(path, ("unknown", 0))
        totals = self.totals
        if status == "missing":
            totals.missing += by
            return
        totals.files += by
        totals.bytes += size * by
        if status == "unknown":
            totals.unknown += by
        elif status == "new":
            totals.bytes_to_send += size * by
