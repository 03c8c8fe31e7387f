"""What the agent brings home, against a service in memory: small files together, elsewhere if wished, whole projects."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent.journal_rows import OutputRow
from conductor_core.agent.loads import LOAD_BYTES, LOAD_FILES, SMALL, lacks_loads, load_files, plan_loads
from conductor_core.agent_client import AgentClient
from conductor_core.documents import to_json
from conductor_core.errors import AgentError
from conductor_core.paths import ClientPath, Flavour, local_flavour, stage_path
from conductor_core.submission import Output, Step
from core.artists_desk import Desk, submitted

Eventually = Callable[..., Any]


@pytest.fixture
def desk(tmp_path: Path, fake_service: Any) -> Iterator[Desk]:
    desk = Desk(tmp_path, fake_service)
    yield desk
    desk.stop()


def _files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def _many(desk: Desk, count: int, *, job: str = "job-1") -> dict[str, bytes]:
    """Publish so many files while nobody asks, and return them."""
    files = {f"pass_{n % 3}/shot_{n:04}.exr": b"pixels %d" % n * 20 for n in range(count)}
    for name, data in files.items():
        desk.fake.publish(job, str(desk.home / name), data)
    return files


def test_small_files_come_together(desk: Desk, eventually: Eventually) -> None:
    """Hundreds of small files come in a few answers, and not in one for each; every one is right."""
    client = desk.start()
    submitted(client, client.submit(desk.submission(), desk.files(), download=False), eventually)
    files = _many(desk, 300)
    desk.fake.set_state("job-1", "success")
    client.follow("job-1")
    eventually(lambda: client.downloads()[0]["complete"])
    assert _files(desk.home) == files
    alone = [path for method, path in desk.fake.requests if method == "GET" and "/objects/" in path]
    assert len(desk.fake.bundles) + len(alone) < 20
    assert client.downloads()[0]["done"] == 300


def test_an_older_service_is_asked_for_each(desk: Desk, eventually: Eventually) -> None:
    """A service that does not bundle is asked once whether it does, and then for one file after the other."""
    asked: list[str] = []
    none = (405, {"Content-Type": "application/json"}, b'{"error": {"code": "invalid", "message": "no such route", "next": ""}}')
    desk.fake.fault = lambda _, path: asked.append(path) or none if path.endswith("/bundle") else None  # type: ignore[func-returns-value]
    client = desk.start()
    submitted(client, client.submit(desk.submission(), desk.files(), download=False), eventually)
    files = _many(desk, 20)
    desk.fake.set_state("job-1", "success")
    client.follow("job-1")
    eventually(lambda: client.downloads()[0]["complete"])
    assert _files(desk.home) == files
    assert len(asked) == 1


def test_a_bundle_that_breaks_is_gone_on_from(desk: Desk, eventually: Eventually) -> None:
    """What came before the break is not asked for again."""
    desk.fake.cuts = [5000, 5000]
    client = desk.start()
    submitted(client, client.submit(desk.submission(), desk.files(), download=False), eventually)
    files = _many(desk, 100)
    desk.fake.set_state("job-1", "success")
    client.follow("job-1")
    eventually(lambda: client.downloads()[0]["complete"])
    assert _files(desk.home) == files
    asked = [len(sizes) for sizes in desk.fake.bundles]
    assert asked[0] == 100
    assert asked[1] < 100


def _row(number: int, size: int, *, job: str = "j", project: str = "") -> OutputRow:
    return OutputRow("s", job, f"/f{number}", number, "sha256:0", size, 0, 0, "pending", "", 0, "", project=project)


def test_loads_are_small_and_in_order() -> None:
    """Small ones of one job together up to a bound, large ones alone, all at the place of their first."""
    rows = [_row(1, 10), _row(2, SMALL + 1), _row(3, 10), _row(4, 10, job="k"), _row(5, 10, project="p"), _row(6, 10)]
    assert [[r.seq for r in load] for load in plan_loads(rows)] == [[1, 3, 6], [2], [4], [5]]
    assert [len(load) for load in plan_loads([_row(n, 1) for n in range(LOAD_FILES + 1)])] == [LOAD_FILES, 1]
    assert max(sum(r.size for r in load) for load in plan_loads([_row(n, SMALL) for n in range(100)])) <= LOAD_BYTES
    assert [len(load) for load in plan_loads(rows, together=False)] == [1] * 6


@pytest.mark.parametrize(
    ("due", "most"), [(0, 128), (100, 128), (600, 150), (2000, 500), (5000, 512)], ids=["none", "few", "some", "many", "more"]
)
def test_each_thread_has_its_share(due: int, most: int) -> None:
    """Some hundred files are not left to one thread; thousands come in loads of the same size."""
    assert load_files(due, threads=4) == most
    rows = [_row(n, 1) for n in range(due)]
    assert max((len(load) for load in plan_loads(rows, most=most)), default=0) == min(due, most)


@pytest.mark.parametrize(
    ("total", "own", "share", "lacks"),
    [
        (0, 0, 8, True),
        (3, 3, 8, True),
        (4, 4, 8, True),
        (5, 5, 8, False),
        (7, 1, 4, True),
        (7, 3, 4, False),
        (3, 3, 4, True),
        (3, 4, 4, False),
        (8, 0, 4, False),
        (2, 1, 1, False),
        (5, 0, 1, True),
    ],
)
def test_loads_are_asked_for_several_at_once(total: int, own: int, share: int, lacks: bool) -> None:
    """No thread is without one while there are files; beyond that half of a service's share is done before more is read."""
    assert lacks_loads(total, own, threads=4, share=share) is lacks


def _rendered(desk: Desk, *outputs: Output, number: int = 1, project: str = "show") -> None:
    """Make a job of somebody else's, with these outputs."""
    steps = tuple(Step(f"s{n}", "1-9", outputs=(output,)) for n, output in enumerate(outputs))
    job = f"job-{number}"
    submission = to_json(desk.submission(job, steps=steps, project=project))
    desk.fake.jobs[job] = {"id": job, "number": number, "state": "success", "submission": submission}


def _complete(client: AgentClient, key: str) -> dict[str, Any]:
    return next((d for d in client.downloads(key) if d["complete"]), {})


def test_a_job_comes_to_a_folder_of_ones_own(desk: Desk, eventually: Eventually, tmp_path: Path) -> None:
    """Named with --to, files keep their way below what the job's outputs have in common; nothing goes where the artist chose."""
    _rendered(desk, Output(str(desk.home / "beauty" / "b_####.exr")), Output(str(desk.home / "fog" / "f_####.exr")))
    desk.fake.publish("job-1", str(desk.home / "beauty" / "b_0001.exr"), b"beauty")
    desk.fake.publish("job-1", str(desk.home / "fog" / "f_0001.exr"), b"fog")
    desk.fake.publish("job-1", str(desk.home / "evil.exr"), b"outside of its outputs")
    client = desk.start()
    client.follow(1, to=str(tmp_path / "mine"))
    found = eventually(lambda: _complete(client, "job-1"))
    assert _files(tmp_path / "mine") == {"beauty/b_0001.exr": b"beauty", "fog/f_0001.exr": b"fog"}
    assert (found["failed"], found["to"]) == (1, str(tmp_path / "mine"))
    assert not desk.home.exists()


def test_a_job_of_another_system_comes_to_a_folder_of_ones_own(desk: Desk, eventually: Eventually, tmp_path: Path) -> None:
    """What was submitted on Windows can be looked at here."""
    other = Flavour.WINDOWS if local_flavour() is Flavour.POSIX else Flavour.POSIX
    root = "S:\\show" if other is Flavour.WINDOWS else "/show"
    slash = "\\" if other is Flavour.WINDOWS else "/"
    step = Step("main", "1", outputs=(Output(slash.join((root, "out", "f_####.exr"))),))
    submission = to_json(desk.submission("w", steps=(step,), flavour=other))
    desk.fake.jobs["job-1"] = {"id": "job-1", "number": 1, "state": "success", "submission": submission}
    desk.fake.publish("job-1", slash.join((root, "out", "f_0001.exr")), b"pixels")
    client = desk.start()
    client.follow(1)
    found = eventually(lambda: _complete(client, "job-1"))
    assert "--to FOLDER" in found["errors"][0]
    client.follow(1, to=str(tmp_path / "mine"))
    eventually(lambda: _files(tmp_path / "mine") == {"f_0001.exr": b"pixels"})


def test_files_are_called_by_a_pattern(desk: Desk, eventually: Eventually, tmp_path: Path) -> None:
    """A folder for each step, frames with other digits; kept over a restart, and for what is rendered again."""
    _rendered(desk, Output(str(desk.home / "f_####.exr")))
    desk.fake.publish("job-1", str(desk.home / "f_0001.exr"), b"one", step="beauty/main")
    desk.fake.publish("job-1", str(desk.home / "f_0002.exr"), b"two", step="fog")
    desk.fake.publish("job-1", str(desk.home / "f.mov"), b"film", film=True, step="fog")
    client = desk.start()
    client.follow(1, to=str(tmp_path / "mine"), name="{step}/{job}.{frame:06}{ext}")
    names = {"beauty_main/1.000001.exr": b"one", "fog/1.000002.exr": b"two", "fog/f.mov": b"film"}
    eventually(lambda: _complete(client, "job-1"))
    assert _files(tmp_path / "mine") == names
    desk.stop()
    desk.fake.publish("job-1", str(desk.home / "f_0002.exr"), b"TWO", step="fog", mtime_ns=1_700_000_009_000_000_000)
    desk.fake.outputs["job-1"][-1]["frame"] = 2
    client = desk.start()
    client.follow(1)
    eventually(lambda: _files(tmp_path / "mine") == {**names, "fog/1.000002.exr": b"TWO"})


def test_two_files_never_become_one(desk: Desk, eventually: Eventually, tmp_path: Path) -> None:
    """A pattern that would call files of two steps the same brings one home and names the other, with what to do."""
    _rendered(desk, Output(str(desk.home / "a" / "f_####.exr")), Output(str(desk.home / "b" / "f_####.exr")))
    for folder in ("a", "b"):
        desk.fake.publish("job-1", str(desk.home / folder / "f_0001.exr"), folder.encode())
    client = desk.start()
    client.follow(1, to=str(tmp_path / "mine"), name="{name}")
    found = eventually(lambda: _complete(client, "job-1"))
    assert _files(tmp_path / "mine") == {"f_0001.exr": b"a"}
    assert (found["failed"], "{step}" in found["errors"][0]) == (1, True)
    client.follow(1, to=str(tmp_path / "mine"), name="{step}/{folder}/{name}")
    eventually(lambda: len(_files(tmp_path / "mine")) == 3)


@pytest.mark.parametrize("name", ["../{name}", "/tmp/{name}", "{step}", "{frame:x}", "{nme}", "{name", "{name!r}", "{path[0]}"])
def test_a_pattern_that_makes_no_sense_is_refused(desk: Desk, tmp_path: Path, name: str) -> None:
    """It is told at once and nothing is followed."""
    client = desk.start()
    with pytest.raises(AgentError, match="pattern of names"):
        client.follow("job-1", to=str(tmp_path / "mine"), name=name)
    assert client.downloads() == []


def test_another_place_is_another_download(desk: Desk, eventually: Eventually, tmp_path: Path) -> None:
    """Asked for at another place, all comes there, and what is home stays; asked without a place, it is the former one."""
    _rendered(desk, Output(str(desk.home / "f_####.exr")))
    desk.fake.publish("job-1", str(desk.home / "f_0001.exr"), b"one")
    client = desk.start()
    client.follow(1)
    eventually((desk.home / "f_0001.exr").exists)
    client.follow(1, to=str(tmp_path / "mine"))
    eventually(lambda: _files(tmp_path / "mine") == {"f_0001.exr": b"one"})
    client.follow(1)
    assert client.downloads()[0]["to"] == str(tmp_path / "mine")
    assert (desk.home / "f_0001.exr").exists()


def test_a_project_is_brought_home_whole(desk: Desk, eventually: Eventually, tmp_path: Path) -> None:
    """The newest of each file of all its jobs, each at its whole path below the folder; other projects stay away."""
    for number, project in ((1, "show"), (2, "show"), (3, "other")):
        _rendered(desk, Output(str(desk.home / "f_####.exr")), number=number, project=project)
    desk.fake.publish("job-1", str(desk.home / "f_0001.exr"), b"old", mtime_ns=1_600_000_000_000_000_000)
    desk.fake.publish("job-2", str(desk.home / "f_0001.exr"), b"new")
    desk.fake.publish("job-2", str(desk.home / "sub" / "f_0002.exr"), b"two")
    desk.fake.publish("job-3", str(desk.home / "f_0003.exr"), b"other")
    client = desk.start()
    key = client.follow_project("show", to=str(tmp_path / "all"))
    found = eventually(lambda: _complete(client, key))
    below = tmp_path.joinpath("all", *stage_path(ClientPath.parse(str(desk.home), local_flavour())).split("/"))
    assert _files(below) == {"f_0001.exr": b"new", "sub/f_0002.exr": b"two"}
    assert _files(tmp_path / "all").keys() == {str(p.relative_to(tmp_path / "all")) for p in below.rglob("*.exr")}
    assert (found["done"], found["total"]) == (2, 2)
    desk.fake.publish("job-2", str(desk.home / "f_0004.exr"), b"later")
    client.follow_project("show", to=str(tmp_path / "more"))
    eventually(lambda: len(_files(tmp_path / "more")) == 3)
    assert len(_files(below)) == 2  # once is once
    assert client.follow_project("show", to=str(tmp_path / "all")) == key  # asked for once more
    eventually(lambda: len(_files(below)) == 3)


def test_what_is_watched_comes_home_for_ever(desk: Desk, eventually: Eventually) -> None:
    """Files that lie under the folders come to the artists' own paths, of jobs that nobody follows, also after a restart."""
    _rendered(desk, Output(str(desk.home / "f_####.exr")), number=1)
    _rendered(desk, Output(str(desk.home.parent / "elsewhere" / "f_####.exr")), number=2, project="other")
    desk.fake.publish("job-1", str(desk.home / "f_0001.exr"), b"one")
    desk.fake.publish("job-2", str(desk.home.parent / "elsewhere" / "f_0001.exr"), b"not under it")
    client = desk.start()
    key = client.follow_project("", under=[str(desk.home)], watch=True)
    eventually(lambda: _files(desk.home) == {"f_0001.exr": b"one"} if desk.home.exists() else None)
    desk.fake.publish("job-1", str(desk.home / "f_0002.exr"), b"two")
    eventually(lambda: len(_files(desk.home)) == 2)
    desk.stop()
    desk.fake.publish("job-1", str(desk.home / "f_0003.exr"), b"three")
    client = desk.start()
    eventually(lambda: len(_files(desk.home)) == 3)
    now = client.downloads(key)[0]
    assert (now["complete"], now["watch"], now["failed"]) == (False, True, 0)
    assert not (desk.home.parent / "elsewhere").exists()
    client.unfollow(key)
    assert client.downloads() == []
    with pytest.raises(AgentError, match="no such"):
        client.unfollow(key)


@pytest.mark.parametrize("end", ["ended", "unfollowed"])
def test_places_are_kept_in_mind_while_files_may_come(desk: Desk, eventually: Eventually, end: str) -> None:
    """Of a job that has ended, or is not followed any more, the agent keeps nothing but what is in its journal."""
    client = desk.start()
    submitted(client, client.submit(desk.submission(), desk.files(), download=False), eventually)
    desk.fake.publish("job-1", str(desk.home / "shot_0001.exr"), b"one")
    client.follow("job-1")
    eventually(lambda: desk.home.exists() and _files(desk.home) == {"shot_0001.exr": b"one"})
    assert desk.agent is not None
    met = desk.agent._downloads._catching_up._folders._twins._met
    eventually(lambda: bool(met))
    if end == "ended":
        desk.fake.set_state("job-1", "success")
    else:
        client.unfollow("job-1")
    eventually(lambda: not met)


def test_a_project_needs_a_place(desk: Desk) -> None:
    """No service may choose where an agent writes: without a folder nothing is followed."""
    client = desk.start()
    with pytest.raises(AgentError, match="where files may be written"):
        client.follow_project("show")
    assert client.downloads() == []


def test_a_job_that_was_retried_while_nobody_listened_comes_home(desk: Desk, eventually: Eventually) -> None:
    """Weeks away, with every event of that time forgotten: what was rendered again meanwhile comes at the next start."""
    _rendered(desk, Output(str(desk.home / "f_####.exr")))
    desk.fake.publish("job-1", str(desk.home / "f_0001.exr"), b"first")
    client = desk.start()
    client.follow(1)
    eventually(lambda: _complete(client, "job-1"))
    desk.stop()
    desk.fake.publish("job-1", str(desk.home / "f_0001.exr"), b"second", mtime_ns=1_700_000_009_000_000_000)
    desk.fake.events.clear()
    desk.start()
    eventually(lambda: (desk.home / "f_0001.exr").read_bytes() == b"second")


@pytest.fixture
def second(desk: Desk, tmp_path: Path) -> Iterator[Desk]:
    """Give a second machine that writes to the same folders."""
    (tmp_path / "second").mkdir()
    second = Desk(tmp_path / "second", desk.fake)
    second.home = desk.home
    yield second
    second.stop()


def _fetched(desk: Desk) -> int:
    """Count the objects that were asked for, one by one and together."""
    alone = [path for method, path in desk.fake.requests if method == "GET" and "/objects/" in path]
    return len(alone) + sum(map(len, desk.fake.bundles))


def test_two_agents_share_the_work(desk: Desk, second: Desk, eventually: Eventually) -> None:
    """Agents that name the same share bring each file once between them, and each knows what the other brought."""
    _rendered(desk, Output(str(desk.home / "####" / "f_####.exr")))
    files = _many(desk, 600)
    clients = [desk.start(), second.start()]
    keys = [c.follow_project("show", under=[str(desk.home)], watch=True, share="servers") for c in clients]
    eventually(lambda: all(c.downloads(k)[0]["done"] == 600 for c, k in zip(clients, keys, strict=True)), 60)
    assert _files(desk.home) == files
    assert _fetched(desk) == 600
    assert sum(c.downloads(k)[0]["by_others"] for c, k in zip(clients, keys, strict=True)) == 600


def test_what_is_gone_again_is_brought_again(desk: Desk, second: Desk, eventually: Eventually) -> None:
    """The service says that it is home, and it is not: its folder was removed, or somebody else's said so."""
    _rendered(desk, Output(str(desk.home / "####" / "f_####.exr")))
    files = _many(desk, 20)
    client = desk.start()
    key = client.follow_project("show", under=[str(desk.home)], watch=True, share="servers")
    eventually(lambda: client.downloads(key)[0]["done"] == 20)
    desk.stop()
    shutil.rmtree(desk.home)
    client = second.start()
    key = client.follow_project("show", under=[str(desk.home)], watch=True, share="servers")
    eventually(lambda: client.downloads(key)[0]["done"] == 20)
    assert _files(desk.home) == files


def test_what_an_agent_leaves_the_others_bring(desk: Desk, second: Desk, eventually: Eventually) -> None:
    """An agent that ended with files claimed keeps nobody from them once its claims ran out."""
    _rendered(desk, Output(str(desk.home / "####" / "f_####.exr")))
    files = _many(desk, 50)
    desk.fake.fault = lambda _, path: "drop" if "/objects/" in path else None
    client = desk.start()
    client.follow_project("show", under=[str(desk.home)], watch=True, share="servers")
    eventually(lambda: any(desk.fake.claims.values()))
    desk.stop()
    (share,) = desk.fake.claims
    desk.fake.claims[share] = dict.fromkeys(range(1, 51), "an agent that was killed")
    desk.fake.fault = lambda *_: None
    client = second.start()
    key = client.follow_project("show", under=[str(desk.home)], watch=True, share="servers")
    eventually(lambda: client.downloads(key)[0]["total"] == 50)
    desk.fake.claims[share].clear()
    eventually(lambda: client.downloads(key)[0]["done"] == 50)
    assert _files(desk.home) == files


def test_agents_that_write_elsewhere_do_not_share(desk: Desk, second: Desk, eventually: Eventually, tmp_path: Path) -> None:
    """The same name by chance costs nobody a file: what lies in another folder is no share of this one."""
    _rendered(desk, Output(str(desk.home / "f_####.exr")))
    desk.fake.publish("job-1", str(desk.home / "f_0001.exr"), b"pixels")
    for number, machine in enumerate((desk, second)):
        machine.start().follow("job-1", to=str(tmp_path / f"to-{number}"), share="servers")
    for number in range(2):
        eventually((tmp_path / f"to-{number}" / "f_0001.exr").exists)


def test_an_older_service_does_not_share(desk: Desk, eventually: Eventually) -> None:
    """Where nothing can be claimed, everything is brought."""
    none = (
        404,
        {"Content-Type": "application/json"},
        b'{"error": {"code": "not-found", "message": "no such route", "next": ""}}',
    )
    desk.fake.fault = lambda _, path: none if path.endswith("/claims") else None
    _rendered(desk, Output(str(desk.home / "f_####.exr")))
    desk.fake.publish("job-1", str(desk.home / "f_0001.exr"), b"pixels")
    client = desk.start()
    client.follow("job-1", share="servers")
    eventually((desk.home / "f_0001.exr").exists)


def test_what_is_paused_stops_and_goes_on(desk: Desk, eventually: Eventually) -> None:
    """A pause keeps files from coming; resumed, they come."""
    _rendered(desk, Output(str(desk.home / "f_####.exr")))
    client = desk.start()
    assert desk.agent is not None
    desk.agent._transfers._pauses.pause(None)
    desk.fake.publish("job-1", str(desk.home / "f_0001.exr"), b"pixels")
    client.follow("job-1")
    eventually(lambda: client.downloads()[0]["total"] == 1)
    assert _fetched(desk) == 0
    desk.agent._transfers._pauses.resume(None)
    eventually((desk.home / "f_0001.exr").exists)
