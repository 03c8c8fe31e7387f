"""A store, or a disk, that fails under real processes: each ends in a repair or a sentence, never in a wrong byte."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faults.small_disks import Disks
from faults.studio import Artist, Studio, eventually
from faults.twins import TWIN, cases


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _truncate(path: Path) -> None:
    os.truncate(path, 1000)


DAMAGES: dict[str, tuple[Callable[[Path], None]]] = {
    "a bit flipped": (_flip,),
    "truncated": (_truncate,),
    "missing": (Path.unlink,),
}


@pytest.mark.parametrize("damage", cases(DAMAGES, "a bit flipped"))
def test_an_input_that_the_store_lost(studio: Studio, damage: Callable[[Path], None]) -> None:
    """The attempt names the artist's file and the next step; the next submission sends it again, and both jobs end well."""
    studio.ann(*studio.words("1-1", "--wait"))
    eventually(lambda: not studio.direct("/instances")["instances"])  # and with it the instance's own copy
    damage(studio.stored(studio.texture.read_bytes()))
    studio.ann("retry", "1", "--frames", "1")
    studio.ann("job", "1", "--wait", code=1)
    task = studio.ann("log", "1", "--frame", "1", "--json").json
    assert (task["state"], task["cause"]) == ("failed", "missing-file")
    assert (
        f"{studio.texture}: cannot be laid out on the instance (the store has lost it). Submit the scene again" in task["message"]
    )
    again = studio.ann(*studio.words("1-2", "--wait", "--json")).json
    assert (again["job_state"], again["bytes_sent"]) == ("success", studio.texture.stat().st_size)
    studio.ann("retry", "1")
    studio.ann("job", "1", "--wait")
    assert studio.at_home() == studio.expected(1, 2)
    assert "Traceback" not in studio.logs()


@pytest.mark.parametrize("damage", [pytest.param(_truncate, marks=TWIN), Path.unlink], ids=["truncated", "missing"])
def test_the_question_before_an_upload_finds_it(studio: Studio, damage: Callable[[Path], None]) -> None:
    """What is cut or gone in the store is sent again by the next submission, before anything of it is needed."""
    studio.ann(*studio.words("1-1", "--wait"))
    damage(studio.stored(studio.texture.read_bytes()))
    again = studio.ann(*studio.words("1-2", "--wait", "--json")).json
    assert (again["job_state"], again["bytes_sent"]) == ("success", studio.texture.stat().st_size)
    assert studio.at_home() == studio.expected(1, 2)


@pytest.mark.parametrize("damage", cases(DAMAGES, "truncated"))
def test_a_rendered_frame_that_the_store_lost(studio: Studio, damage: Callable[[Path], None]) -> None:
    """The download names the file, its frame and what renders it again; when it is, it comes home by itself."""
    studio.ann(*studio.words("1-2", "--wait", "--no-download"))
    damage(studio.stored(studio.frame(2)))
    ran = studio.ann("download", "1", code=6)
    step = "Render it again, and it comes home: conductor retry 1 --frames 2"
    assert f"{studio.renders}/bake_2.bin: is lost: the store no longer has the bytes of frame 2. {step}" in ran.err
    assert studio.at_home() == studio.expected(1)
    studio.ann("retry", "1", "--frames", "2")
    eventually(lambda: studio.at_home() == studio.expected(1, 2))
    studio.ann("download", "1")
    assert "Traceback" not in studio.logs()


def test_two_agents_send_the_same_file(studio: Studio) -> None:
    """Two artists who send one file at the same time both get their frames, and the store has it once, whole."""
    bob = studio.log_in(type(studio.ann)(studio.folder / "bob"))
    words = studio.words("1-2", "--wait", size=20_000_000)  # a quarter of a minute on a slow line
    texture = f"PUT .*/objects/sha256:{studio.stored(studio.texture.read_bytes()).name}"
    studio.people.add("slow", "PUT .*/objects/")
    both = [(artist, artist.start(*words)) for artist in (studio.ann, bob)]
    eventually(lambda: studio.people.count(texture) == 2)
    studio.people.faults.clear()
    assert [artist.end(process).code for artist, process in both] == [0, 0]
    assert studio.stored(studio.texture.read_bytes()).read_bytes() == studio.texture.read_bytes()
    assert studio.at_home() == studio.expected(1, 2)
    assert list((studio.data / "store" / "tmp").iterdir()) == []


def _edit(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"!")


def _replace(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"!")


MEDDLING: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "edited before": ("silent", _edit, "changed while Conductor was reading it. Wait until it is written, then submit again."),
    "deleted before": ("silent", Path.unlink, "was there when the scene was scanned and is gone now. Restore it, or scan again."),
    "edited during": ("slow", _edit, "changed while Conductor was reading it."),
    "rewritten during": ("slow", _replace, "changed while Conductor was reading it."),
}


@pytest.mark.parametrize(("fault", "meddle", "words"), cases(MEDDLING, "deleted before", "edited during"))
def test_a_file_that_does_not_hold_still(studio: Studio, fault: Any, meddle: Callable[[Path], None], words: str) -> None:
    """The submission fails with 6 and the file's name, its job is killed, and nothing lies under the old content's name."""
    size = 40_000_000 if fault == "slow" else 300_000  # the former is more than the sockets on the way hold
    submit = studio.words("1-1", "--wait", size=size)
    before = studio.texture.read_bytes()
    where = "POST .*/objects/missing" if fault == "silent" else f"PUT .*/objects/sha256:{studio.stored(before).name}"
    studio.people.add(fault, where)
    going = studio.ann.start(*submit)
    eventually(lambda: studio.people.count(where))
    if fault == "slow":
        eventually(lambda: next(s for s in studio.people.seen if re.match(where, s.line)).sent > 200_000)
    meddle(studio.texture)
    studio.people.heal() if fault == "silent" else studio.people.faults.clear()
    ran = studio.ann.end(going)
    assert (ran.code, f"{studio.texture}: {words}" in ran.err) == (6, True), ran
    assert not studio.stored(before).exists()
    eventually(lambda: studio.direct_job(1)["state"] == "killed")
    studio.texture.write_bytes(before)
    studio.ann(*submit)
    assert studio.at_home() == studio.expected(1)


def test_a_file_deleted_while_it_is_sent(studio: Studio) -> None:
    """What is open is sent to its end: the frames are those of the file that was submitted."""
    submit = studio.words("1-1", "--wait", size=4_000_000)
    expected = studio.expected(1)
    where = f"PUT .*/objects/sha256:{studio.stored(studio.texture.read_bytes()).name}"
    studio.people.add("slow", where)
    going = studio.ann.start(*submit)
    eventually(lambda: any(s.sent > 200_000 for s in studio.people.seen if re.match(where, s.line)))
    studio.texture.unlink()
    studio.people.faults.clear()
    assert studio.ann.end(going).code == 0
    assert studio.at_home() == expected


def _waiting(artist: Artist) -> Any:
    return (artist.known_submission() or {}).get("error")


def _refused_unread(studio: Studio, size: int) -> str:
    """Offer an object of this size without a byte of it, and return the whole of what the service answers."""
    head = (
        f"PUT /api/v1/projects/default/objects/sha256:{'0' * 64} HTTP/1.1",
        "Host: farm",
        f"Authorization: Bearer {studio.token}",
        f"Content-Length: {size}",
    )
    with socket.create_connection(("127.0.0.1", studio.people.upstream), timeout=60) as line:
        line.sendall("\r\n".join(head).encode() + b"\r\n\r\n")
        return b"".join(iter(lambda: line.recv(1 << 16), b"")).decode()


def test_the_store_s_disk_fills(make_studio: Callable[..., Studio], tmp_path: Path, disks: Disks) -> None:
    """An upload waits, unsent, and says how much room is lacking; an output waits on the instance; both go on when there is room."""
    store = disks.mount(tmp_path / "service" / "store", "2900k")
    studio = make_studio()
    disks.fill(store)
    going = studio.ann.start(*studio.words("1-2", "--wait", "-p", "default"))
    error = eventually(lambda: _waiting(studio.ann))
    full = f"{store}: the store has no room left"
    assert error["kind"] == "ServiceUnreachable"
    needed = studio.texture.stat().st_size + (studio.show / "bake.sh").stat().st_size
    assert error["message"] == f"{full}: {needed:,} bytes are needed, 0 are free."
    assert error["next"] == "Its operator must make room there; what was under way then goes on by itself."
    assert studio.people.count("PUT .*/objects/") == 0
    refusal = _refused_unread(studio, 1_000_000)
    assert refusal.startswith("HTTP/1.1 503 ")
    assert f"{full}: 1,000,000 bytes are needed" in refusal
    assert "connection: close" in refusal.lower()
    refused = studio.logs().count(full)
    disks.free(store)  # enough for the input and an output, not for two
    eventually(lambda: studio.logs().count(full) > refused and studio.runners.count("PUT .*/objects/") > 1)
    disks.change(store, "size=9m")
    ran = studio.ann.end(going)
    assert ran.code == 0, ran
    assert studio.at_home() == studio.expected(1, 2)
    for frame in (1, 2):
        assert [a["state"] for a in studio.attempts(frame)] == ["success"]
    assert list((store / "tmp").iterdir()) == []


def test_a_store_that_cannot_be_written(make_studio: Callable[..., Studio], tmp_path: Path, disks: Disks) -> None:
    """A read-only store gives what it has; what is to be written waits, names the store, and goes on when it may."""
    store = disks.mount(tmp_path / "service" / "store", "9m")
    studio = make_studio()
    studio.ann(*studio.words("1-1", "--wait", "--no-download"))
    disks.change(store, "ro")
    studio.ann("download", "1")
    assert studio.at_home() == studio.expected(1)
    (studio.show / "more.tex").write_bytes(b"more")
    going = studio.ann.start(*studio.words("1-2", "--wait", "--file", studio.show / "more.tex"))
    error = eventually(lambda: _waiting(studio.ann))
    assert error["message"] == f"{store}: the store cannot be written (Read-only file system)."
    assert error["next"].startswith("Its operator must make it writable for the service's user")
    disks.change(store, "rw")
    assert studio.ann.end(going).code == 0
    assert studio.at_home() == studio.expected(1, 2)


def test_the_database_s_disk_fills(make_studio: Callable[..., Studio], tmp_path: Path, disks: Disks) -> None:
    """Submissions wait and say that the database's disk is full; all goes on when there is room; a start says it too."""
    data = disks.mount(tmp_path / "service", "9m")
    disks.show(tmp_path / "instances", data / "instances")
    studio = make_studio()
    disks.fill(data)
    going = studio.ann.start(*studio.words("1-2", "--wait", "-p", "default"))
    error = eventually(lambda: _waiting(studio.ann))
    assert error["message"] == "The disk of the service's database is full."
    assert "must make room" in error["next"]
    disks.free(data)
    assert studio.ann.end(going).code == 0
    assert studio.at_home() == studio.expected(1, 2)
    studio.stop()
    disks.fill(data)
    ran = studio.ann.end(studio.ann.start("serve", "--data", data, "--port", "0"))
    assert (ran.code != 0, "Make room on its disk" in ran.err) == (True, True), ran
    disks.free(data)


def test_the_agent_s_disk_fills(make_studio: Callable[..., Studio], tmp_path: Path, disks: Disks) -> None:
    """What cannot be remembered is refused by a sentence; what was remembered goes on by itself when there is room."""
    state, cache = (disks.mount(tmp_path / "ann" / name, "2m") for name in ("state", "cache"))
    studio = make_studio()
    studio.ann("agent", "--start")
    disks.fill(state)
    disks.fill(cache)
    ran = studio.ann(*studio.words("1-2", "--wait"), code=3)
    assert f"{state}/journal.sqlite cannot be written (database or disk is full). Make room on that disk" in ran.err
    disks.free(state)
    studio.people.add("slow", "PUT .*/objects/")
    going = studio.ann.start(*studio.words("1-3", "--wait", size=2_000_000))
    eventually(lambda: studio.people.count("PUT .*/objects/"))
    disks.fill(state)
    studio.people.faults.clear()
    log = state / "agent.log"
    eventually(lambda: "cannot be written" in log.read_text() or studio.people.count("PUT .*/manifest"))
    disks.free(state)
    assert studio.ann.end(going).code == 0
    assert studio.at_home() == studio.expected(1, 2, 3)
    studio.ann("agent", "--stop")
    eventually(lambda: not (state / "agent.json").exists())
    disks.fill(state)
    assert f"The agent did not start: the disk of {state} is full." in studio.ann("agent", "--start", code=3).err
    disks.free(state)
    assert studio.ann.start_agent()


def test_the_artist_s_disk_fills(studio: Studio, disks: Disks) -> None:
    """`--wait` ends with 6 and names the frame; the agent tries on, and the rest comes home when there is room."""
    disks.mount(studio.renders, "1500k")
    ran = studio.ann(*studio.words("1-3", "--wait"), code=6)
    assert re.search(rf"{studio.renders}/bake_\d\.bin: cannot be written: the disk is full\. Make room; the download", ran.err)
    assert "the disk is full" in studio.ann("agent", "--status").out
    home = {name: data for name, data in studio.at_home().items() if not name.startswith(".")}
    assert home.items() <= studio.expected(1, 2, 3).items()
    disks.change(studio.renders, "size=4m")
    eventually(lambda: studio.at_home() == studio.expected(1, 2, 3), 120)
    studio.ann("download", "1")


def test_the_instance_s_disk_fills(make_studio: Callable[..., Studio], tmp_path: Path, disks: Disks) -> None:
    """An attempt without room ends with the cause `disk-full`; with room, a retry renders it."""
    work = disks.mount(tmp_path / "service" / "instances", "200k")
    studio = make_studio()
    studio.ann(*studio.words("1-1", "--wait", "--retries", "0"), code=1)
    task = studio.ann("log", "1", "--frame", "1", "--json").json
    assert task["cause"] == "disk-full"
    assert "No space left on device" in task["message"] or "disk" in task["message"]
    disks.change(work, "size=3g")  # a runner leaves a gigabyte free; of memory this takes what is written
    studio.ann("retry", "1")
    studio.ann("download", "1")
    assert studio.at_home() == studio.expected(1)
