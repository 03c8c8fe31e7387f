"""A store that belongs to somebody else, under a service that is not root's: real user ids, real modes."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from faults.studio import eventually
from road.household import Household
from road.people import Person

#: nobody else's in these tests
USER = 20_031


@pytest.fixture
def household(require: Callable[[object, str], None]) -> Iterator[Household]:
    """Give somebody who is not root, with a running service and a job that was rendered."""
    require(sys.platform == "linux" and os.geteuid() == 0, "only root can play other users")
    folder = Path(tempfile.mkdtemp(prefix="rights-", dir="/tmp"))
    folder.chmod(0o755)
    home = folder / "carla"
    home.mkdir()
    found = Household(Person(home, USER))
    for path in (home, found.settings):
        os.chown(path, USER, USER)
    try:
        found.serve()
        found.render()
        yield found
    finally:
        found.close()
        shutil.rmtree(folder)


def _error(person: Person) -> Any:
    return person.json("agent", "--status")["submissions"][0].get("error")


def test_a_store_without_rights(household: Household) -> None:
    """Uploads wait and name the store and the next step; with its rights back they go on; a start names the folder too."""
    person, store = household.person, household.data / "store"
    os.chown(store / "tmp", 0, 0)
    (store / "tmp").chmod(0o755)
    show = person.home / "show"
    (show / "more.txt").write_text("more")
    words = ("--file", show / "bake.sh", "--file", show / "more.txt", "-t", "local", "--output", show / "out" / "bake_#.txt")
    person.json("submit", "--command", f"sh {show}/bake.sh {{frame}}", "-f", "3", *words, "--background")
    error = eventually(lambda: _error(person))
    assert error["message"] == f"{store}: the store cannot be written (Permission denied)."
    assert error["next"].startswith("Its operator must make it writable for the service's user")
    os.chown(store / "tmp", USER, USER)
    eventually(lambda: (show / "out" / "bake_3.txt").exists())
    household.stop_serving()
    os.chown(store, 0, 0)
    said = person.conductor("serve", "--data", household.data, "--settings", household.settings, "--port", "0", code=2)
    assert f"{store}: the store cannot be written (Permission denied). Its operator must make it writable" in said, said
    assert "Traceback" not in said
    os.chown(store, USER, USER)
    household.serve()
