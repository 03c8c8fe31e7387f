"""Which objects of a project a file about to be sent may have much in common with.

A file is told with keys: of its path, of its path without the version, and names of chunks in it (its sketch). For each key the
project's newest object that was told with it is remembered, and the one before. Nothing here is more than a guess: only objects
that the project can see are named, and what comes of a guess must hash to its name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from conductor_core.digest import parse_digest
from sqlalchemy import delete, exists, insert, select
from sqlalchemy.orm import Session

from conductor_service import objects
from conductor_service.database import Unit
from conductor_service.models import ProjectObject, SentVersion, StoredObject

#: of one question
MOST_FILES = 100
MOST_KEYS = 4
MOST_NAMES = 64
#: named for one file
MOST_BASES = 3
#: names that two sketches must share, or the files are not taken for versions of each other
SHARED = 3
#: a base is at least half as large, or no difference to it can be worth while, and at most so many times
LARGEST_BASE = 4
#: of a file, by which a doubtful base may be larger or smaller: an eighth
NEAR = 8
#: how long a file that was announced may take to come
UNSENT_KEPT = timedelta(days=1)
_KEY = re.compile(r"[0-9a-f]{32}")
_NAME = re.compile(r"[0-9a-f]{16}")
_SLICE = 5000


@dataclass(frozen=True, slots=True)
class File:
    """A file that is about to be sent."""

    digest: str
    size: int
    keys: tuple[str, ...] = ()
    sketch: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is none."""
        parse_digest(self.digest)
        if self.size < 0:
            raise ValueError("size is negative")
        if len(self.keys) > MOST_KEYS or not all(map(_KEY.fullmatch, self.keys)):
            raise ValueError(f"keys are at most {MOST_KEYS}, of 32 hex digits each")
        if len(self.sketch) > MOST_NAMES or not all(map(_NAME.fullmatch, self.sketch)):
            raise ValueError(f"sketch has at most {MOST_NAMES} names, of 16 hex digits each")


@dataclass(frozen=True, slots=True)
class Bases:
    """What a file may be the next version of."""

    #: the likeliest first
    likely: tuple[str, ...]
    #: had its path and about its size, and nothing that the sketches show: replaced, or the same in another order
    doubtful: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Row:
    digest: str
    former: str | None

    def all(self) -> tuple[str, ...]:
        return (self.digest,) if self.former is None else (self.digest, self.former)


def find_and_remember(unit: Unit, project_id: str, files: Sequence[File]) -> list[Bases]:
    """Return for each file the objects it may have much in common with, and remember the files."""
    keys = sorted({key for file in files for key in (*file.keys, *file.sketch)})
    rows = _rows(unit.session, project_id, keys)
    named = {digest for row in rows.values() for digest in row.all()}
    sizes = _sizes(unit.session, project_id, named)
    found = [_bases(file, rows, sizes) for file in files]
    _remember(unit, project_id, files, rows, sizes)
    return found


def _bases(file: File, rows: Mapping[str, _Row], sizes: Mapping[str, int]) -> Bases:
    """Choose: by path, if it shares anything with what the sketch says; then by sketch.

    Where something is known of what the files have in them, and it is nothing in common, a former file of the same path was
    replaced (a cache that was simulated anew), or written in another order: exporters that use all cores do that. Which of
    the two, nobody can tell from sketches; who has the file sees it when he looks for some of it in all of the other.
    """
    shared = Counter(d for name in set(file.sketch) if name in rows for d in rows[name].all())
    by_path = [d for key in file.keys if key in rows for d in rows[key].all()]
    alike = [d for d, count in shared.most_common() if count >= SHARED]
    likely = (*(d for d in by_path if not file.sketch or shared[d]), *alike)
    near = (d for d in by_path if d not in likely and d in sizes and abs(sizes[d] - file.size) <= file.size // NEAR)
    return Bases(_fitting(file, likely, sizes)[:MOST_BASES], _fitting(file, near, sizes)[:1])


def _fitting(file: File, digests: Iterable[str], sizes: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(
        d
        for d in dict.fromkeys(digests)
        if d != file.digest and d in sizes and file.size // 2 <= sizes[d] <= LARGEST_BASE * file.size
    )


def _rows(session: Session, project_id: str, keys: Sequence[str]) -> dict[str, _Row]:
    rows: dict[str, _Row] = {}
    for start in range(0, len(keys), _SLICE):
        query = select(SentVersion.key, SentVersion.digest, SentVersion.former).where(
            SentVersion.project_id == project_id, SentVersion.key.in_(keys[start : start + _SLICE])
        )
        rows.update((key, _Row(digest, former)) for key, digest, former in session.execute(query))
    return rows


def _sizes(session: Session, project_id: str, digests: Collection[str]) -> dict[str, int]:
    """Return the sizes of those that the project can see, and the store has as far as is known."""
    seen = sorted(objects.visible(session, project_id, sorted(digests)))
    sizes: dict[str, int] = {}
    for start in range(0, len(seen), _SLICE):
        query = select(StoredObject.digest, StoredObject.size).where(
            StoredObject.digest.in_(seen[start : start + _SLICE]), StoredObject.lost.is_(None), StoredObject.removed.is_(None)
        )
        sizes.update((digest, size) for digest, size in session.execute(query))
    return sizes


def _remember(unit: Unit, project_id: str, files: Iterable[File], rows: Mapping[str, _Row], there: Collection[str]) -> None:
    """Keep each file under its keys; the one before stays beside it, so that an upload that broke off costs no base."""
    new: dict[str, _Row] = {}
    for file in files:
        for key in (*file.keys, *file.sketch):
            old = rows.get(key)
            if old is None:
                new[key] = _Row(file.digest, None)
            elif old.digest != file.digest:
                new[key] = _Row(file.digest, old.digest if old.digest in there or old.former is None else old.former)
    keys = sorted(new)
    for start in range(0, len(keys), _SLICE):
        some = keys[start : start + _SLICE]
        gone = delete(SentVersion).where(SentVersion.project_id == project_id, SentVersion.key.in_(some))
        unit.session.execute(gone, execution_options={"synchronize_session": False})
        always = {"project_id": project_id, "created": unit.now}
        values = [{**always, "key": k, "digest": new[k].digest, "former": new[k].former} for k in some]
        unit.session.execute(insert(SentVersion), values)


def forget(unit: Unit, before: datetime) -> None:
    """Delete what was remembered before a time and names no object that its project has."""
    seen = exists().where(ProjectObject.project_id == SentVersion.project_id, ProjectObject.object_id == StoredObject.id)
    seen = seen.correlate(SentVersion, StoredObject)  # by itself it would be of the object alone, and of any version
    there = exists().where(StoredObject.digest.in_((SentVersion.digest, SentVersion.former)), seen)
    gone = delete(SentVersion).where(SentVersion.created < before, ~there)
    unit.session.execute(gone, execution_options={"synchronize_session": False})
