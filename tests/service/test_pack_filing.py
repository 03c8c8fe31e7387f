"""Packs that wait for the pen are noted together, and none suffers from another."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from conductor_core.digest import digest_of
from conductor_core.transfer.packs import Row
from conductor_service import pack_filing, removals
from conductor_service.database import Database, Unit
from conductor_service.errors import Busy
from conductor_service.models import Pack, PackedObject, Project
from conductor_service.pack_filing import NewPack, PackFiling
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError, OperationalError

MEMBERS = 3


class Studio:
    """A filing whose transactions are counted."""

    def __init__(self, studio: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.database: Database = studio.farm.database
        self.filing = PackFiling(self.database)
        with self.database.read() as session:
            self.project = session.scalars(select(Project.id)).first() or ""
        self.transactions = 0
        write = self.database.write

        @contextlib.contextmanager
        def counted() -> Iterator[Unit]:
            self.transactions += 1
            with write() as unit:
                yield unit

        self.write = write
        monkeypatch.setattr(self.filing, "_database", _Counted(counted))

    def pack(self, name: str) -> NewPack:
        rows = sorted((Row(digest_of(f"{name} {n}".encode()), 10, n * 10) for n in range(MEMBERS)), key=lambda r: r.digest)
        return NewPack(digest_of(name.encode()), MEMBERS * 10, self.project, rows)

    def file(self, packs: Sequence[NewPack]) -> dict[str, BaseException | None]:
        """File packs in threads, all but the first of which wait until the pen is free; return how each ended."""
        ends: dict[str, BaseException | None] = {}

        def filed(pack: NewPack) -> None:
            try:
                self.filing.file(pack)
            except BaseException as exc:  # noqa: BLE001  it is what is looked at
                ends[pack.digest] = exc
            else:
                ends[pack.digest] = None

        threads = [threading.Thread(target=filed, args=(pack,)) for pack in packs]
        with self.write():
            threads[0].start()
            _until(lambda: self.transactions == 1)
            for thread in threads[1:]:
                thread.start()
            _until(lambda: len(self.filing._waiting) == len(packs) - 1)
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
        return ends

    def counts(self) -> tuple[int, int]:
        with self.database.read() as session:
            found = [session.scalar(select(func.count()).select_from(kind)) or 0 for kind in (Pack, PackedObject)]
        return found[0], found[1]


class _Counted:
    def __init__(self, write: Any) -> None:
        self.write = write


def _until(true: Any) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.fixture
def filing(studio: Any, monkeypatch: pytest.MonkeyPatch) -> Studio:
    return Studio(studio, monkeypatch)


def test_those_that_wait_are_noted_in_one_transaction(filing: Studio) -> None:
    """The first is noted by itself, the others gather meanwhile; each is there when its sender hears so."""
    packs = [filing.pack(f"pack {n}") for n in range(6)]
    assert set(filing.file(packs).values()) == {None}
    assert filing.transactions == 2
    assert filing.counts() == (6, 6 * MEMBERS)


def test_no_transaction_takes_more_than_so_many_members(filing: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others wait for the pen: after as many members as are noted in a moment it is theirs."""
    monkeypatch.setattr(pack_filing, "MEMBERS_TOGETHER", 2 * MEMBERS)
    packs = [filing.pack(f"pack {n}") for n in range(6)]
    assert set(filing.file(packs).values()) == {None}
    assert filing.transactions == 1 + 3
    assert filing.counts() == (6, 6 * MEMBERS)


def test_one_that_cannot_be_noted_costs_the_others_nothing(filing: Studio) -> None:
    """A pack that a clean-up is taking away is refused to its sender alone, and the others are noted as they were to be."""
    packs = [filing.pack(f"pack {n}") for n in range(4)]
    with filing.write() as unit:
        removals.claim_for_good(unit, packs[2].digest)
    ends = filing.file(packs)
    assert isinstance(ends.pop(packs[2].digest), Busy)
    assert set(ends.values()) == {None}
    assert filing.counts() == (3, 3 * MEMBERS)
    assert filing.transactions == 2


def test_one_of_no_project_costs_the_others_nothing(filing: Studio) -> None:
    """What contradicts the tables undoes a transaction: each is noted by itself then."""
    packs = [filing.pack(f"pack {n}") for n in range(4)]
    packs[2] = replace(packs[2], project_id="no such project")
    ends = filing.file(packs)
    assert isinstance(ends.pop(packs[2].digest), IntegrityError)
    assert set(ends.values()) == {None}
    assert filing.counts() == (3, 3 * MEMBERS)


def test_a_database_that_is_away_is_told_to_all_at_once(filing: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """What concerns no single pack is not tried once for each: their senders would hear of it after minutes."""

    def locked(_unit: Unit, _digest: str) -> None:
        raise OperationalError("SELECT", {}, sqlite3.OperationalError("database is locked"))

    monkeypatch.setattr(removals, "check_unclaimed", locked)
    ends = filing.file([filing.pack(f"pack {n}") for n in range(5)])
    assert [isinstance(end, OperationalError) for end in ends.values()] == [True] * 5
    assert filing.transactions == 2


def test_a_thread_that_is_ended_takes_no_other_pack_along(filing: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pack that another thread took, and did not come to note, is noted by its own."""
    own = filing.filing._next

    def lost() -> list[Any]:
        own()
        return []

    monkeypatch.setattr(filing.filing, "_next", lost)
    packs = [filing.pack(f"pack {n}") for n in range(3)]
    assert set(filing.file(packs).values()) == {None}
    assert filing.counts() == (3, 3 * MEMBERS)


def test_the_same_pack_twice(filing: Studio) -> None:
    """Two agents that send the same files at the same moment are both told that they are there."""
    packs = [filing.pack("first"), filing.pack("same"), filing.pack("same")]
    assert set(filing.file(packs).values()) == {None}
    assert filing.counts() == (2, 2 * MEMBERS)


def test_a_defect_reaches_everybody_who_waits(filing: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ends a transaction, nobody waits for ever, and nobody is told that his pack is noted."""

    def broken(_unit: Unit, _digest: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(removals, "check_unclaimed", broken)
    ends = filing.file([filing.pack(f"pack {n}") for n in range(3)])
    assert [type(end) for end in ends.values()] == [KeyboardInterrupt] * 3
    assert filing.counts() == (0, 0)
