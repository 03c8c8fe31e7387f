"""The database: migrations that agree with the models, safe settings, transactions that are whole."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from conductor_service import database, many_values
from conductor_service.door import Why, move
from conductor_service.errors import NotAllowedNow
from conductor_service.migrations.versions import m0001_first_tables
from conductor_service.models import Base, Event, Project, Task, Transition
from conductor_service.states import TaskState
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError


def test_migrations_agree_with_the_models(studio: Any) -> None:
    """A database made by the migrations is exactly what the models describe."""
    with studio.farm.database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_many_values_have_a_name_in_postgresql() -> None:
    """Without one its column would be called as the table, and no question would find it."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    session: Any = SimpleNamespace(get_bind=lambda: SimpleNamespace(dialect=dialect))
    asked = sa.select(many_values.table_of(session, ["a", "b"]).c.value)
    assert " AS anon_1(value)" in str(asked.compile(dialect=dialect))
    named = sa.select(many_values.named_table("postgresql").c.value)
    assert "unnest(%(values)s::VARCHAR[]) AS anon_1(value)" in str(named.compile(dialect=dialect))
    pairs = sa.select(many_values.named_pairs("postgresql").c.value)
    assert "unnest(%(keys)s::VARCHAR[], %(numbers)s::BIGINT[]) AS anon_1(key, value)" in str(pairs.compile(dialect=dialect))


def test_migrating_twice_changes_nothing(studio: Any) -> None:
    """Every start runs the migrations; those that were run are not run again."""
    studio.submit()
    studio.farm.database.upgrade()
    assert studio.get("/jobs/1")["number"] == 1


def test_migrations_can_be_taken_back() -> None:
    """Each migration drops every table that it made."""
    later = {
        "job_mark",
        "notification",
        "licence_wait",
        "pack",
        "packed_object",
        "discarded",
        "upload",
        "download_claim",
        "sent_version",
    }
    assert set(m0001_first_tables.TABLES) | later == {t.name for t in Base.metadata.sorted_tables}


def test_migrations_lead_back_and_forth(studio: Any) -> None:
    """From the newest migration to the first and back the tables are what the models describe again."""
    with studio.farm.database.engine.connect() as connection:
        config = database._migrations()
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        command.upgrade(config, "head")
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 10000)]
)
def test_sqlite_is_set_to_lose_nothing(studio: Any, pragma: str, value: object) -> None:
    """Commits are on disk before they are answered, and references are checked."""
    with studio.farm.database.engine.connect() as connection:
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value


def test_a_transaction_is_whole(studio: Any) -> None:
    """An exception takes back everything, events included."""
    account = studio.get("/me")["account"]["id"]

    def half() -> None:
        with studio.farm.database.write() as unit:
            unit.session.add(Project(account_id=account, name="half", created=unit.now))
            unit.session.flush()
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        half()
    assert [p["name"] for p in studio.get("/me")["projects"]] == ["default"]


def test_references_are_checked(studio: Any) -> None:
    """A row that refers to nothing is refused."""
    with pytest.raises(IntegrityError), studio.farm.database.write() as unit:
        unit.session.add(Project(account_id="nobody", name="x", created=unit.now))


def test_readers_see_one_state(studio: Any) -> None:
    """A reader that began before a write sees nothing of it: no half of a change is ever shown."""
    job = studio.job()
    with studio.farm.database.read() as session:
        before = session.scalar(sa.select(sa.func.count()).select_from(Transition))
        studio.verb(job, "kill")
        assert session.scalar(sa.select(sa.func.count()).select_from(Transition)) == before
    with studio.farm.database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Transition)) > before


def test_a_forbidden_move_names_the_allowed_ones(studio: Any) -> None:
    """The door refuses what the table forbids, and says what it allows; nothing has changed."""
    job = studio.job()
    with pytest.raises(NotAllowedNow) as caught, studio.farm.database.write() as unit:
        move(unit, unit.session.scalars(sa.select(Task)).all(), TaskState.SUCCESS, Why("test"))
    assert caught.value.allowed == ("pending", "running", "holding", "failed", "killed", "skipped")
    assert studio.states(job) == ["ready"] * 3


def test_moving_nothing_is_no_move(studio: Any) -> None:
    """An empty list of tasks changes nothing and wakes nobody."""
    with studio.farm.database.write() as unit:
        move(unit, [], TaskState.READY, Why("test"))
        assert not unit.changed


def test_a_change_in_between_is_noticed(studio: Any) -> None:
    """Who moves a task by an old version is refused, and what the other did stands: compare-and-set, in bulk."""
    job = studio.job()

    def move_late() -> None:
        with studio.farm.database.write() as unit:
            tasks = unit.session.scalars(sa.select(Task).order_by(Task.index)).all()
            meanwhile = sa.update(Task).where(Task.id == tasks[1].id).values(version=Task.version + 1)
            unit.session.execute(meanwhile, execution_options={"synchronize_session": False})
            move(unit, tasks, TaskState.KILLED, Why("test"))

    with pytest.raises(NotAllowedNow, match="changed by somebody else"):
        move_late()
    assert studio.states(job) == ["ready"] * 3


def test_as_many_connections_as_threads(studio: Any) -> None:
    """Forty requests that hold a connection, and ask once more, do not wait for each other."""
    together = threading.Barrier(40)

    def ask() -> int:
        with studio.farm.database.read() as session:
            session.execute(sa.select(1))
            together.wait(60)
            with studio.farm.database.engine.connect() as second:
                return int(second.execute(sa.select(1)).scalar_one())

    with ThreadPoolExecutor(40) as threads:
        assert sum(f.result() for f in [threads.submit(ask) for _ in range(40)]) == 40


def test_the_door_is_the_only_one() -> None:
    """No other module of the service assigns a task's state or version."""
    service = Path(__file__).parents[2] / "service" / "conductor_service"
    others = [p for p in service.glob("*.py") if p.name not in ("door.py", "models.py")]
    assert [p.name for p in others if "task.state =" in p.read_text() or "task.version" in p.read_text()] == ["views.py"]
    assert "task.version +=" not in (service / "views.py").read_text()
    assert "task.state = " not in (service / "views.py").read_text()


def test_old_events_are_deleted(make_studio: Any) -> None:
    """Events go after the days that the settings say; their numbers are never given again."""
    studio = make_studio(event_days=1)
    studio.job()

    def numbers() -> list[int]:
        with studio.farm.database.read() as session:
            return list(session.scalars(sa.select(Event.seq).order_by(Event.seq)))

    last = numbers()[-1]
    studio.verb({"id": "1"}, "kill")
    studio.clock.pass_time(2 * 24 * 3600)
    studio.scheduler.tick()
    assert numbers() == []
    studio.verb({"id": "1"}, "retry")
    assert numbers()[0] > last
