"""Objects are known by number: a few are found without a look at all the others, and the migration keeps each of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from conductor_core.digest import Digest, digest_of
from conductor_core.transfer.packs import Row
from conductor_service import database, garbage, losses, manifests, objects, pack_index, versions
from conductor_service.marking import Marks
from conductor_service.models import Project, ProjectObject, StoredObject
from conductor_service.pack_filing import NewPack
from sqlalchemy.orm import Session

CONTENTS = [f"content {n}".encode() for n in range(50)]
DIGESTS = [digest_of(c) for c in CONTENTS]
#: what a question for a few objects must not do, as SQLite explains it
_SLOW = (
    "SCAN object",
    "SCAN project_object",
    "SCAN packed_object",
    "SCAN manifest_object",
    "SEARCH project_object USING PRIMARY KEY (project_id=?)",
)


@pytest.fixture
def filled(studio: Any) -> Any:
    """A store that has a pack and an object by itself."""
    rows = sorted((Row(d, 10, 100 + 10 * n) for n, d in enumerate(DIGESTS[1:])), key=lambda row: row.digest)
    with studio.farm.database.write() as unit:
        project = unit.session.scalars(sa.select(Project.id)).one()
        NewPack(digest_of(b"a pack"), 1000, project, rows).note(unit)
        objects.grant(unit, project, DIGESTS[0], 10)
    studio.project = project
    return studio


def _unread(work: Callable[[Session, str], object]) -> Callable[[Any], None]:
    def done(studio: Any) -> None:
        with studio.farm.database.read() as session:
            work(session, studio.project)

    return done


def _written(work: Callable[[Any, str], object]) -> Callable[[Any], None]:
    def done(studio: Any) -> None:
        with studio.farm.database.write() as unit:
            work(unit, studio.project)

    return done


def _forgotten(studio: Any) -> None:
    studio.clock.pass_time(60 * 24 * 3600)
    marks = Marks(studio.farm.database.engine, studio.farm.database.clock())
    with marks, studio.farm.database.write() as unit:
        assert len(garbage._forget(unit, marks, [(d, 10) for d in DIGESTS[:5]])) == 5


FEW = DIGESTS[:5]
QUESTIONS: dict[str, Callable[[Any], object]] = {
    "visible": _unread(lambda session, project: objects.visible(session, project, FEW)),
    "sizes": _unread(lambda session, project: objects.sizes(session, project, FEW)),
    "held": _unread(lambda s, project: objects.held(s, project, FEW, s.get(Project, project).created)),  # type: ignore[union-attr]
    "spots": _unread(lambda session, _: pack_index.spots(session, FEW)),
    "registered": _unread(lambda session, _: objects.registered(session, [Digest(d) for d in FEW])),
    "keep": _written(lambda unit, project: objects.keep(unit, project, FEW)),
    "grant": _written(lambda unit, project: objects.grant(unit, project, FEW[0], 10)),
    "lose": _written(lambda unit, _: losses.lose(unit, FEW)),
    "lose_packs": _written(lambda unit, _: losses.lose_packs(unit, [digest_of(b"a pack")])),
    "in_manifest": _unread(lambda session, _: objects.in_manifest(session, digest_of(b"a manifest"), FEW[0])),
    "known": _unread(lambda session, project: manifests.known(session, project, [digest_of(b"a manifest")])),
    "spot": lambda studio: pack_index.DatabaseIndex(studio.farm.database).spot(FEW[1]),
    "ask": lambda studio: objects.ask(studio.farm.database, studio.farm.shelf, studio.project, FEW),
    "forget": _forgotten,
    "forget versions": _written(lambda unit, _: versions.forget(unit, unit.now)),
    "pack": _written(
        lambda unit, project: NewPack(digest_of(b"b"), 99, project, [Row(d, 10, 9) for d in sorted(FEW)]).note(unit)
    ),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_few_are_found_without_a_look_at_the_others(filled: Any, question: str) -> None:
    """SQLite looks each digest up, and then what belongs to it: no statement goes through a table, or through a project."""
    engine = filled.farm.database.engine
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        seen.append((statement, parameters[0] if many else parameters))

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        QUESTIONS[question](filled)
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    asked = [s for s in seen if "object" in s[0] and s[0].split()[0] in ("SELECT", "INSERT", "UPDATE", "DELETE")]
    assert asked, "nothing was asked of the tables"
    with engine.connect() as connection:
        for statement, parameters in asked:
            # the marks' own table is gone by now; who refers to an object is explained, but not looked for when it is new
            if "marked" in statement or statement.startswith("INSERT INTO object "):
                continue
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            slow = [line for line in plan for words in _SLOW if line == words or line.startswith(f"{words} ")]
            assert not [line for line in slow if "ix_object_lost" not in line], (statement, plan)


def test_right_and_lease_are_told_at_once(filled: Any) -> None:
    """A lease that is long, one that ends too soon, and none: a right all the same; without a right nothing is told."""
    now = filled.farm.database.clock()
    none, soon, long = DIGESTS[1:4]
    leases = {none: None, soon: now + objects.LEASE / 2 - timedelta(seconds=1), long: now + objects.LEASE / 2}
    with filled.farm.database.write() as unit:
        objects.register(unit, digest_of(b"of nobody"), 1)
        for digest, leased in leases.items():
            mine = sa.select(StoredObject.id).where(StoredObject.digest == digest).scalar_subquery()
            unit.session.execute(sa.update(ProjectObject).where(ProjectObject.object_id == mine).values(leased=leased))
    asked = [digest_of(b"never seen"), long, digest_of(b"of nobody"), none, soon]
    with filled.farm.database.read() as session:
        assert objects.held(session, filled.project, asked, now) == {none: False, soon: False, long: True}
        assert objects.held(session, "another project", asked, now) == {}


def test_the_migration_keeps_all_rows(filled: Any) -> None:
    """To the tables that know objects by digest and back: each right, lease, place and mark is there, and references hold."""
    engine = filled.farm.database.engine
    with filled.farm.database.write() as unit:
        losses.miss(unit, DIGESTS[3:5])
    job = filled.job()
    before = _by_digest(engine, number=True)
    assert [len(rows) for rows in before.values()] == [52, 49, 1, 51]
    with engine.connect() as connection:
        config = database._migrations()
        config.attributes["connection"] = connection
        command.downgrade(config, "0010")
        assert _by_digest(engine, number=False) == before
        command.upgrade(config, "head")
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        tables = " ".join(connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").scalars())
        assert "kept_" not in tables
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    assert _by_digest(engine, number=True) == before
    assert filled.states(job) == ["ready"] * 3
    with filled.farm.database.read() as session:
        assert objects.visible(session, filled.project, DIGESTS) == set(DIGESTS)


def test_references_are_in_force_after_every_start(filled: Any) -> None:
    """Also where there was nothing to migrate, and on each connection of the pool."""
    farm = filled.farm
    for _ in range(2):
        farm.database.upgrade()
        connections = [farm.database.engine.connect() for _ in range(3)]
        assert [c.exec_driver_sql("PRAGMA foreign_keys").scalar() for c in connections] == [1, 1, 1]
        for connection in connections:
            connection.close()


def test_a_migration_says_what_referred_to_nothing(filled: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A row whose object is not there has no number to be known by; that it is left out is told."""
    with filled.farm.database.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("PRAGMA foreign_keys=OFF")
        driver.execute("DELETE FROM object WHERE digest = ?", (DIGESTS[7],))
        config = database._migrations()
        config.attributes["connection"] = connection
        command.downgrade(config, "0010")
    filled.farm.database.upgrade()
    assert "The database is brought from 0010 to" in caplog.text
    assert "1 rows of table packed_object referred to nothing" in caplog.text
    assert "1 rows of table project_object referred to nothing" in caplog.text


def test_a_migration_in_a_transaction_is_refused(filled: Any) -> None:
    """There SQLite would not let go of references, and rows that others refer to would be in the way."""
    with filled.farm.database.engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
        config = database._migrations()
        config.attributes["connection"] = connection
        with pytest.raises(RuntimeError, match="transaction of their own"):
            command.downgrade(config, "0010")


def _by_digest(engine: sa.Engine, *, number: bool) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of the three tables, in which objects are called by their digests."""
    key, other = ("object_id", "id") if number else ("digest", "digest")
    queries = {
        "object": "SELECT digest, size, created, lost, removed FROM object",
        "packed": f'SELECT o.digest, pack_id, "offset" FROM packed_object p JOIN object o ON o.{other} = p.{key}',
        "named": f"SELECT m.digest, o.digest FROM manifest_object n JOIN object o ON o.{other} = n.{key}"
        f" JOIN manifest m ON m.{other} = n.{'manifest_id' if number else 'manifest'}",
        "project": f"SELECT project_id, o.digest, p.created, leased FROM project_object p JOIN object o ON o.{other} = p.{key}",
    }
    with engine.connect() as connection:
        return {name: sorted(map(tuple, connection.exec_driver_sql(query))) for name, query in queries.items()}


def test_an_unknown_object_is_never_left_out(filled: Any) -> None:
    """Who names objects of which one is not known is refused, and nothing of it is kept."""
    named = dict.fromkeys([*DIGESTS[:5], digest_of(b"unknown")], 0)

    def grant() -> None:
        with filled.farm.database.write() as unit:
            losses.lose(unit, DIGESTS[:1])
            objects.grant_all(unit, filled.project, list(named))

    with pytest.raises(LookupError, match="project_object: 1 of 6"):
        grant()
    with filled.farm.database.read() as session:
        assert objects.present(session, filled.project, list(named)) == set(DIGESTS[:5])
