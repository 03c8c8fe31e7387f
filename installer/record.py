"""What was installed: each change with its place, so that it can be taken back, by whichever version of the installer."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from installer.changes import Block, Change, OwnFile, write_aside
from installer.errors import InstallError

FILE = "installed.json"
_KINDS: dict[str, type[OwnFile] | type[Block]] = {"file": OwnFile, "block": Block}


@dataclass(frozen=True)
class Entry:
    """One application that was led to Conductor."""

    host: str
    #: of the application, as people know it: `Blender 4.2`
    title: str
    change: Change
    #: folder of our code that it points to
    target: str


@dataclass(frozen=True)
class Record:
    """All that was installed for one user."""

    entries: tuple[Entry, ...] = ()
    #: folders that were made for files of ours
    folders: tuple[Path, ...] = ()
    #: the code before the newest, which a host that is open may still read
    former: str = ""
    #: folders other than the one of this record that this user has installed to
    locations: tuple[Path, ...] = ()

    def without(self, paths: set[Path]) -> Record:
        """Return the record without the entries of these files."""
        return replace(self, entries=tuple(e for e in self.entries if e.change.path not in paths))


def read(notes: Path) -> Record:
    """Return what was installed for a user; nothing where nothing was.

    Raises:
        InstallError: the record cannot be read.
    """
    file = notes / FILE
    try:
        data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        entries = tuple(_entry(e) for e in data["entries"])
        return Record(
            entries,
            tuple(Path(f) for f in data["folders"]),
            str(data.get("former", "")),
            tuple(Path(f) for f in data.get("locations", ())),
        )
    except FileNotFoundError:
        return Record()
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise InstallError(f"{file} cannot be read ({exc}): remove it, then install again.") from exc


def write(notes: Path, record: Record) -> None:
    """Keep the record; an empty one is removed."""
    file = notes / FILE
    if record == Record():
        file.unlink(missing_ok=True)
        return
    data = {
        "entries": [
            {
                "host": e.host,
                "title": e.title,
                "kind": "block" if isinstance(e.change, Block) else "file",
                "path": str(e.change.path),
                "text": e.change.text,
                "target": e.target,
            }
            for e in record.entries
        ],
        "folders": [str(f) for f in record.folders],
        "former": record.former,
        "locations": [str(f) for f in record.locations],
    }
    write_aside(file, json.dumps(data, indent=1).encode())


def _entry(data: dict[str, Any]) -> Entry:
    change = _KINDS[data["kind"]](Path(data["path"]), str(data["text"]))
    return Entry(str(data["host"]), str(data["title"]), change, str(data["target"]))
