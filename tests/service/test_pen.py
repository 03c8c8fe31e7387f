"""The pen: who writes has the same connection as who wrote before, as long as it does what it is told."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conductor_service.database import Database
from conductor_service.pen import ManyPens, OnePen
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import IntegrityError, InvalidRequestError, OperationalError
from sqlalchemy.orm import Session


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = create_engine(f"sqlite:///{(tmp_path / 'leaves.sqlite').as_posix()}")
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE leaf (name TEXT)"))
    yield made
    made.dispose()


def _write(pen: OnePen, name: str, table: str = "leaf", *, breaks: bool = False) -> Connection:
    with pen.held() as connection, Session(connection) as session:
        session.execute(text("INSERT INTO leaf VALUES (:name)"), {"name": name})
        session.execute(text(f"SELECT 1 FROM {table}"))
        if breaks:
            raise KeyError
        session.commit()
    return connection


def _names(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return set(connection.execute(text("SELECT name FROM leaf")).scalars())


def test_everybody_writes_on_the_same_connection(engine: Engine) -> None:
    """Whatever thread writes, the connection keeps its pages; the pool has none less for those who read."""
    pen = OnePen(engine)
    with ThreadPoolExecutor(8) as threads:
        used = set(threads.map(lambda number: _write(pen, str(number)), range(40)))
    assert len(used) == 1
    assert _names(engine) == {str(number) for number in range(40)}
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    pen.close()


def test_what_is_not_committed_is_undone(engine: Engine) -> None:
    """An exception of the writer leaves nothing behind, and the connection to the next."""
    pen = OnePen(engine)
    first = _write(pen, "oak")
    with pytest.raises(KeyError):
        _write(pen, "ash", breaks=True)
    assert _write(pen, "elm") is first
    assert _names(engine) == {"oak", "elm"}
    pen.close()


def test_a_connection_that_failed_is_not_used_again(engine: Engine) -> None:
    """What the database refused may have broken its connection: the next writes on a new one."""
    pen = OnePen(engine)
    first = _write(pen, "oak")
    with pytest.raises(OperationalError):
        _write(pen, "ash", "branch")
    assert first.closed
    assert _write(pen, "elm") is not first
    assert _names(engine) == {"oak", "elm"}
    pen.close()


def test_closed_while_somebody_writes(engine: Engine) -> None:
    """Who writes comes to his end, and the connection is closed with it; nothing of the log stays behind."""
    pen = OnePen(engine)
    with pen.held() as connection, Session(connection) as session:
        session.execute(text("INSERT INTO leaf VALUES ('oak')"))
        pen.close()
        session.commit()
    assert connection.closed
    _write(pen, "elm")
    assert _names(engine) == {"oak", "elm"}


def test_a_transaction_that_was_left_open_swallows_nothing(engine: Engine) -> None:
    """A session that joined one would commit nothing, and say nothing of it: the next writes on a new connection."""
    pen = OnePen(engine)
    with pen.held() as left:
        left.execute(text("INSERT INTO leaf VALUES ('oak')"))
    assert left.closed
    assert _write(pen, "elm") is not left
    assert _names(engine) == {"elm"}
    with pen.held() as connection:
        pass
    connection.execute(text("INSERT INTO leaf VALUES ('yew')"))  # after its turn
    assert _write(pen, "ash") is not connection
    assert _names(engine) == {"elm", "ash"}
    pen.close()


def test_a_session_of_the_database_ends_with_its_block(studio: Any) -> None:
    """Used after it, a session would begin again on the connection on which everybody writes."""
    database: Database = studio.farm.database
    with database.write() as unit:
        pass
    with pytest.raises(InvalidRequestError):
        unit.session.execute(text("SELECT 1"))
    with database.write() as unit:
        unit.session.execute(text("SELECT 1"))


def test_what_contradicts_the_tables_keeps_the_connection(engine: Engine) -> None:
    """A key that is there already is its statement's fault."""
    with engine.begin() as connection:
        connection.execute(text("CREATE UNIQUE INDEX once ON leaf (name)"))
    pen = OnePen(engine)
    first = _write(pen, "oak")
    with pytest.raises(IntegrityError):
        _write(pen, "oak")
    assert _write(pen, "elm") is first
    pen.close()


def test_other_databases_have_many_pens(engine: Engine) -> None:
    """Where the database lets many write at once, nobody waits here."""
    pens = ManyPens(engine)
    with pens.held() as one, pens.held() as other:
        assert one is other is engine
    pens.close()
