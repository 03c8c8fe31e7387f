"""What an installation changes outside of its own folder: files that are wholly ours, and marked blocks in a user's files.

Each change is decided first, shown by `--dry-run`, then made at once (written aside, then renamed) and noted, so that it can
be taken back to the byte.
"""

from __future__ import annotations

import contextlib
import os
import stat
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from installer.errors import InstallError

BEGIN = "# >>> conductor >>> made by Conductor's installer; taken out again by: install.py remove"
END = "# <<< conductor <<<"
#: the line break that was put before the block, since the file did not end in one → what the first mark says then
_JOINED = {b"\n": b"(joined)", b"\r\n": b"(joined by CR LF)"}


@dataclass(frozen=True)
class OwnFile:
    """A file that is ours alone."""

    path: Path
    text: str

    def is_made(self) -> bool:
        """Tell whether it is there as it should be."""
        return _read(self.path) == self.text.encode()

    def describe(self) -> str:
        """Say what will be done."""
        return f"{'replace' if self.path.exists() else 'write'}  {self.path}"

    def make(self) -> None:
        """Write it, with the folders above it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_aside(self.path, self.text.encode())

    def take_back(self) -> None:
        """Remove it."""
        self.path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Block:
    """A marked block at the end of a file that is the user's."""

    path: Path
    text: str

    def is_made(self) -> bool:
        """Tell whether the block stands there as it should."""
        return _body(_read(self.path) or b"") == self.text.splitlines()

    def describe(self) -> str:
        """Say what will be done."""
        state = "add a marked block to" if self.path.exists() else "write with a marked block"
        return f"{state}  {self.path}"

    def make(self) -> None:
        """Write the block into the file, in place of an older one, with the folders above it.

        Raises:
            InstallError: an older block has lost one of its marks.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        before = without_block(_read(self.path) or b"", self.path)
        write_aside(self.path, before + _block(self.text, before), like=self.path)

    def take_back(self) -> None:
        """Take the block out; a file in which nothing else stands goes too.

        Raises:
            InstallError: the block has lost one of its marks.
        """
        data = _read(self.path)
        if data is None:
            return
        rest = without_block(data, self.path)
        if rest:
            if rest != data:
                write_aside(self.path, rest, like=self.path)
        else:
            self.path.unlink()


Change = OwnFile | Block


def without_block(data: bytes, path: Path) -> bytes:
    """Return a file's content as it was before the block was put in.

    Raises:
        InstallError: only one of the two marks is there.
    """
    begin, end = BEGIN.encode(), END.encode()
    at = data.find(begin)
    if at < 0:
        if end in data:
            raise _torn(path)
        return data
    close = data.find(end, at)
    if close < 0 or data.find(begin, at + 1) >= 0:
        raise _torn(path)
    after = data[close + len(end) :]
    after = after.removeprefix(b"\r").removeprefix(b"\n")
    before, mark = data[:at], data[at + len(begin) : data.find(b"\n", at)].strip()
    # the line break before the block is ours where the file did not end in one: the mark says so, and which
    if mark in _JOINED.values() and not after:
        before = before[: -len(next(line for line, joined in _JOINED.items() if joined == mark))]
    return before + after


def missing_folders(folder: Path) -> tuple[Path, ...]:
    """Return the folders that must be made for `folder` to be there, the outermost first."""
    missing: list[Path] = []
    while not folder.exists():
        missing.insert(0, folder)
        folder = folder.parent
    return tuple(missing)


def remove_folders(folders: Iterable[Path]) -> None:
    """Remove folders that we made, the innermost first, as far as they are empty."""
    for folder in sorted(folders, key=lambda f: len(f.parts), reverse=True):
        with contextlib.suppress(OSError):
            folder.rmdir()


def write_aside(path: Path, data: bytes, *, like: Path | None = None) -> None:
    """Replace a file in one step, by way of its links, with the mode of `like` where that is there.

    Raises:
        InstallError: it cannot be written.
    """
    real = Path(os.path.realpath(path))
    aside = real.with_name(f".{real.name}.{uuid.uuid4().hex}")
    try:
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if like is not None and like.exists():
            aside.chmod(stat.S_IMODE(like.stat().st_mode))
        os.replace(aside, real)
    except OSError as exc:
        aside.unlink(missing_ok=True)
        raise InstallError(f"{path} cannot be written ({exc.strerror}): mend that and run the same command again.") from exc


def _block(text: str, before: bytes) -> bytes:
    """Return the block as it stands behind `before`: with that file's own line breaks."""
    line = "\r\n" if b"\r\n" in before else "\n"
    joined = bool(before) and not before.endswith(b"\n")
    first = f"{line}{BEGIN} {_JOINED[line.encode()].decode()}" if joined else BEGIN
    return line.join([first, *text.splitlines(), END, ""]).encode()


def _body(data: bytes) -> list[str] | None:
    """Return the lines between the marks, None where there are no marks."""
    at = data.find(BEGIN.encode())
    close = data.find(END.encode(), at)
    return data[at:close].decode("utf-8", "replace").splitlines()[1:] if 0 <= at < close else None


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise InstallError(f"{path} cannot be read ({exc.strerror}): mend that and run the same command again.") from exc


def _torn(path: Path) -> InstallError:
    return InstallError(
        f"{path} has one of Conductor's marks without the other: take the lines between"
        f" '{BEGIN[:17]}' and '{END}' out by hand, then run the same command again."
    )
