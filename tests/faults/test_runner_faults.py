"""A runner that the service does not answer, or whose outputs it cannot take: nothing is doubled, nothing is blamed on the scene."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faults.faulty_line import Fault, page
from faults.small_disks import Disks
from faults.studio import Studio, eventually
from faults.twins import cases

RUNNER_FAULTS: dict[str, tuple[str, bytes]] = {
    "500": ("answer", page("500 Internal Server Error")),
    "429 with Retry-After": ("answer", page("429 Too Many Requests", b"", "Retry-After: 1")),
    "reset": ("reset", b""),
    "no HTTP": ("garbage", b"nonsense\r\n"),
    "another web server": ("answer", page("404 Not Found")),
    "its front page": ("answer", page("200 OK")),
    "a redirect": ("answer", page("302 Found", b"", "Location: http://127.0.0.1:9/")),
}
ROUTES = ("GET .*/manifest", "GET .*/objects/", "PUT .*/objects/", "POST .*/outputs", "POST .*/finish", "POST .*/next")


@pytest.mark.parametrize(("kind", "answer"), cases(RUNNER_FAULTS, "500", "its front page"))
def test_a_runner_goes_on(studio: Studio, kind: Any, answer: bytes) -> None:
    """A runner that is not answered keeps what it rendered, and publishes it once: no frame is rendered twice."""
    faults: list[Fault] = [studio.runners.add(kind, route, answer=answer, times=2) for route in ROUTES]
    studio.ann(*studio.words("1-2", "--wait"))
    assert [fault.match for fault in faults if fault.hits < 2] == []
    assert studio.at_home() == studio.expected(1, 2)
    for number in (1, 2):
        assert [a["state"] for a in studio.attempts(number)] == ["success"]
    studio.check_no_secret()


def _rendered_elsewhere(studio: Studio) -> None:
    """Check that frame 1 was lost on one instance and made on another, and that its file was accepted once."""
    first, second = studio.attempts(1)
    assert (first["state"], second["state"]) == ("lost", "success")
    assert first["instance"] != second["instance"]
    assert [o["frame"] for o in studio.direct("/jobs/1/outputs")["outputs"]] == [1]
    assert studio.at_home() == studio.expected(1)


def test_an_instance_whose_token_is_revoked(make_studio: Callable[..., Studio]) -> None:
    """A runner without a right ends itself and publishes nothing more; the frame is rendered by another instance."""
    studio = make_studio(lease_seconds=4)
    going = studio.ann.start(*studio.words("1-1", "--wait", slow=5))
    eventually(lambda: studio.runners.count("POST .*/beat"))
    studio.change_tokens("UPDATE token SET revoked = created WHERE kind = 'instance'")
    assert studio.ann.end(going).code == 0
    _rendered_elsewhere(studio)


IMPATIENT = {"lease_seconds": 4, "fleet": {"max_instances": 1, "patience_seconds": 3}}
#: what stands in the service's place, and what the runner says of it at its end
CUT_OFF: dict[str, tuple[str, bytes, str]] = {
    "silent": ("silent", b"", "does not answer (no answer in time)"),
    "another web server": ("answer", page("404 Not Found"), "is not the service (404 Not Found)"),
    "it wants a token": ("answer", page("401 Unauthorized"), "is not the service (401 Unauthorized)"),
}


@pytest.mark.parametrize(("kind", "answer", "words"), cases(CUT_OFF, "silent", "another web server"))
def test_a_runner_that_is_cut_off(make_studio: Callable[..., Studio], kind: Any, answer: bytes, words: str) -> None:
    """It waits within its patience, says for what, then ends itself; its attempt is lost, and its frame rendered elsewhere."""
    studio = make_studio(**IMPATIENT)
    going = studio.ann.start(*studio.words("1-1", "--wait", slow=3))
    eventually(lambda: studio.runners.count("POST .*/beat"))
    studio.runners.add(kind, answer=answer)
    eventually(studio.ended_instances)
    studio.runners.heal()
    assert studio.ann.end(going).code == 0
    _rendered_elsewhere(studio)
    assert words in studio.logs()
    studio.check_no_secret()


def test_a_name_that_is_no_longer_known(
    make_studio: Callable[..., Studio], tmp_path: Path, require: Callable[[object, str], None]
) -> None:
    """A runner whose service's name is gone from the network does the same, and the next one starts when it is back."""
    require(sys.platform == "linux" and os.geteuid() == 0, "only root can give processes names of their own")
    names = tmp_path / "hosts"
    names.write_text("127.0.0.1 farm.invalid\n")
    studio = make_studio(names, **IMPATIENT)
    studio.stop()
    studio.rename_for_runners("farm.invalid")
    studio.start()
    going = studio.ann.start(*studio.words("1-1", "--wait", slow=3))
    eventually(lambda: studio.runners.count("POST .*/beat"))
    names.write_text("# nobody\n")
    eventually(studio.ended_instances)
    names.write_text("127.0.0.1 farm.invalid\n")
    assert studio.ann.end(going).code == 0
    _rendered_elsewhere(studio)
    assert "does not answer (its name is not known)" in studio.logs()


def _refused(studio: Studio, words: str) -> Callable[[], bool]:
    """Return whether the service has refused an output with these words two times more than now."""
    before = studio.logs().count(words)
    return lambda: studio.logs().count(words) >= before + 2


def test_a_store_that_becomes_read_only(make_studio: Callable[..., Studio], tmp_path: Path, disks: Disks) -> None:
    """What is rendered meanwhile stays on the instance, and is published when the store can be written again."""
    store = disks.mount(tmp_path / "service" / "store", "9m")
    studio = make_studio()
    going = studio.ann.start(*studio.words("1-2", "--wait", "--retries", "0", slow=1))
    eventually(lambda: studio.runners.count("POST .*/beat"))
    disks.change(store, "ro")
    eventually(_refused(studio, f"{store}: the store cannot be written (Read-only file system)."))
    disks.change(store, "rw")
    assert studio.ann.end(going).code == 0
    assert studio.at_home() == studio.expected(1, 2)
    assert [a["state"] for n in (1, 2) for a in studio.attempts(n)] == ["success"] * 2


def test_a_store_that_is_full_for_longer_than_a_runner_s_patience(
    make_studio: Callable[..., Studio], tmp_path: Path, disks: Disks
) -> None:
    """An output waits for as long as its attempt is the instance's own, its log says so, and it costs the task no failure."""
    store = disks.mount(tmp_path / "service" / "store", "9m")
    studio = make_studio(fleet={"max_instances": 1, "patience_seconds": 4})
    going = studio.ann.start(*studio.words("1-2", "--wait", "--retries", "0", slow=1))
    eventually(lambda: studio.runners.count("POST .*/beat"))
    disks.fill(store)
    waits = rf"bake_(\d)\.bin waits: The service answers 503: {store}: the store has no room left"
    frame = eventually(lambda: re.findall(waits, studio.logs())[1:])[0]
    disks.free(store)
    assert studio.ann.end(going).code == 0
    assert studio.at_home() == studio.expected(1, 2)
    assert [a["state"] for n in (1, 2) for a in studio.attempts(n)] == ["success"] * 2
    assert (
        f"{studio.renders}/bake_{frame}.bin is rendered and waits to be stored: " in studio.ann("log", "1", "--frame", frame).out
    )


def test_a_job_that_is_killed_while_its_output_waits(make_studio: Callable[..., Studio], tmp_path: Path, disks: Disks) -> None:
    """Who does not want to wait for room kills the job; the instance is free for the next one."""
    store = disks.mount(tmp_path / "service" / "store", "9m")
    studio = make_studio()
    going = studio.ann.start(*studio.words("1-1", "--wait", slow=3))
    eventually(lambda: studio.runners.count("POST .*/beat"))
    disks.fill(store)
    eventually(_refused(studio, "the store has no room left"))
    studio.ann("kill", "1")
    assert studio.ann.end(going).code == 1
    disks.free(store)
    studio.ann(*studio.words("2-2", "--wait"))
    assert studio.at_home() == studio.expected(2)
