"""Checks: which files would be sent, told before anything is sent."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent import checking
from conductor_core.agent.checking import ANSWER, Checking
from conductor_core.agent.checks import AT_ONCE, FORGOTTEN, Checks
from conductor_core.agent_answers import Check
from conductor_core.agent_client import AgentClient
from conductor_core.digest import Digest, digest_of
from conductor_core.errors import AgentError, Refused, ServiceUnreachable, TransferError
from conductor_core.submission import Exclusion
from conductor_core.transfer.hash_cache import HashCache
from conductor_core.transfer.hashing import hash_file
from core.artists_desk import Desk, submitted
from core.simulated_time import an_hour_later

Eventually = Callable[..., Any]


@pytest.fixture
def desk(tmp_path: Path, fake_service: Any) -> Iterator[Desk]:
    desk = Desk(tmp_path, fake_service)
    yield desk
    desk.stop()


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[HashCache]:
    cache = HashCache(tmp_path / "hashes.sqlite", clock_ns=an_hour_later)
    yield cache
    cache.close()


@dataclass
class Store:
    """A project's store as far as a check asks it."""

    there: set[str] = field(default_factory=set)
    made_here: set[str] = field(default_factory=set)
    questions: list[int] = field(default_factory=list)
    #: raised one after the other before it answers
    trouble: list[Exception] = field(default_factory=list)
    #: called with each question
    asked: Callable[[], object] = lambda: None

    def missing(self, objects: Mapping[Digest, int]) -> frozenset[Digest]:
        self.questions.append(len(objects))
        self.asked()
        if self.trouble:
            raise self.trouble.pop(0)
        return frozenset(objects) - self.there

    def rendered(self, digests: Iterable[Digest]) -> frozenset[Digest]:
        return frozenset(d for d in digests if d in self.made_here)


def _checking(files: Iterable[Path | str], store: Store, cache: HashCache) -> Checking:
    return Checking("c", map(str, files), store=lambda: store, cache=cache, threads=2)


def _checked(files: Iterable[Path | str], store: Store, cache: HashCache) -> Check:
    check = _checking(files, store, cache)
    check.run()
    return check.answer(0)


def _statuses(check: Check, base: Path) -> dict[str, str]:
    return {os.path.relpath(f.path, base): f.status for f in check.files}


def _finished(client: AgentClient, identity: str, eventually: Eventually) -> Check:
    check = eventually(lambda: found if (found := client.check(identity)).done else None)
    assert isinstance(check, Check)
    return check


def _write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return path


def test_what_would_be_sent(tmp_path: Path, cache: HashCache) -> None:
    """New files, what was sent before, what a job of the project made, and what is not on disk; twins are counted once."""
    show = tmp_path / "show"
    files = [_write(show / n, d) for n, d in (("a", b"new!"), ("twin", b"new!"), ("b", b"sent"), ("c", b"made"), ("empty", b""))]
    store = Store({digest_of(b"sent"), digest_of(b"made")}, {digest_of(b"made"), digest_of(b"new!")})
    check = _checked([*files, show / "gone"], store, cache)
    assert _statuses(check, show) == {
        "a": "new", "twin": "new", "b": "stored", "c": "rendered", "empty": "new", "gone": "missing",
    }  # fmt: skip
    assert (check.done, check.files_total, check.files_checked) == (True, 6, 6)
    assert (check.bytes_total, check.bytes_to_send, check.problem) == (16, 4, "")
    assert {f.path: f.size for f in check.files}[str(show / "b")] == 4


def test_folders_stand_for_what_is_in_them(tmp_path: Path, cache: HashCache) -> None:
    """A folder is walked, each file once, also where links go in a circle."""
    show = tmp_path / "show"
    files = [_write(show / "a" / "b" / "c.png", b"c"), _write(show / "d.png", b"d")]
    if os.name == "posix":
        (show / "a" / "round").symlink_to(show)
    check = _checked([show, files[0], show / "a"], Store(), cache)
    assert _statuses(check, show) == {os.path.join("a", "b", "c.png"): "new", "d.png": "new"}
    assert check.files_total == 2


@pytest.mark.skipif(os.name != "posix", reason="pipes are posix")
def test_what_cannot_be_read_is_unknown(tmp_path: Path, cache: HashCache) -> None:
    """A pipe is no file: it is named with what to do, and the others have their answer."""
    os.mkfifo(tmp_path / "pipe")
    check = _checked([tmp_path / "pipe", _write(tmp_path / "a", b"a")], Store(), cache)
    assert _statuses(check, tmp_path) == {"pipe": "unknown", "a": "new"}
    assert str(tmp_path / "pipe") in check.problem
    assert check.done


def test_a_file_that_changes_meanwhile_is_unknown(tmp_path: Path, cache: HashCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is written while it is read has no answer, and says why."""
    file, other = _write(tmp_path / "a", b"a"), _write(tmp_path / "b", b"bb")

    def tamper(path: str, progress: Any) -> Any:
        found = hash_file(path, progress)
        if path == str(file):
            raise TransferError(path, "changed while Conductor was reading it")
        return found

    monkeypatch.setattr(checking, "hash_file", tamper)
    check = _checked([file, other], Store(), cache)
    assert _statuses(check, tmp_path) == {"a": "unknown", "b": "new"}
    assert "changed" in check.problem


def test_answers_come_as_they_are_known(tmp_path: Path, cache: HashCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked with the number of the answer before, only what is new comes; small files come before great ones."""
    monkeypatch.setattr(checking, "ANSWER", 2)
    files = [_write(tmp_path / f"{n}", b"x" * n) for n in (5, 1, 3)]
    check = _checking(files, Store(), cache)
    check.run()
    first = check.answer(0)
    assert ([os.path.basename(f.path) for f in first.files], first.next, first.done) == (["1", "3"], 2, False)
    last = check.answer(first.next)
    assert ([os.path.basename(f.path) for f in last.files], last.next, last.done) == (["5"], 3, True)
    assert (check.answer(3).files, check.answer(99).next) == ((), 3)


def test_what_the_cache_knows_is_told_before_anything_is_read(
    tmp_path: Path, cache: HashCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second check reads no file, and asks one question."""
    files = [_write(tmp_path / f"{n}", b"%d" % n) for n in range(20)]
    _checked(files, Store(), cache)
    monkeypatch.setattr(checking, "hash_file", lambda *_: pytest.fail("a file was read"))
    store = Store()
    assert _checked(files, store, cache).files_checked == 20
    assert store.questions == [20]


def test_a_service_that_is_away_is_asked_again(tmp_path: Path, cache: HashCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the service is away the check says so; when it is back it goes on by itself."""
    monkeypatch.setattr(checking, "ASK_AGAIN", 0.0)
    problems: list[str] = []
    store = Store(trouble=[ServiceUnreachable("It is away.", "Wait."), ServiceUnreachable("It is away.", "Wait.")])
    check = _checking([_write(tmp_path / "a", b"a")], store, cache)
    store.asked = lambda: problems.append(check.answer(0).problem)
    check.run()
    assert problems == ["", "It is away. Wait.", "It is away. Wait."]
    assert (check.answer(0).problem, check.answer(0).bytes_to_send) == ("", 1)


def test_a_refusal_ends_it(tmp_path: Path, cache: HashCache) -> None:
    """What the service refuses for good is told, and not asked again."""
    store = Store(trouble=[Refused("There is no project 'x'.")])
    check = _checked([_write(tmp_path / "a", b"a")], store, cache)
    assert (check.done, check.problem, check.files) == (True, "There is no project 'x'.", ())


def test_an_answer_that_makes_no_sense_ends_it(tmp_path: Path, cache: HashCache) -> None:
    """A panel does not wait for a check that a defect has ended: it is done, and says where to look."""
    store = Store(trouble=[TypeError("'int' object is not iterable")])
    check = _checked([_write(tmp_path / "a", b"a")], store, cache)
    assert (check.done, "agent.log" in check.problem) == (True, True)


def test_too_many_files(tmp_path: Path, cache: HashCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too much to hold is said instead."""
    monkeypatch.setattr(checking, "MOST_FILES", 2)
    check = _checked([_write(tmp_path / f"{n}", b"x") for n in range(4)], Store(), cache)
    assert "more than 2 files" in check.problem


def test_five_thousand_files_are_few_questions(tmp_path: Path, cache: HashCache) -> None:
    """A scene with 5,000 dependencies costs a handful of questions, and answers that a panel can take at once."""
    files = [_write(tmp_path / f"{n % 50}" / f"{n}.png", b"%d" % n) for n in range(5_000)]
    store = Store()
    check = _checking(files, store, cache)
    check.run()
    sizes, after = [], 0
    while not (answer := check.answer(after)).done:
        sizes.append(len(answer.files))
        after = answer.next
    assert sizes == [ANSWER, ANSWER]
    assert len(answer.files) == 1_000
    assert sum(store.questions) == 5_000
    assert len(store.questions) <= 25


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def checks(cache: HashCache, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Checks, Clock, list[Checking]]]:
    """Give checks whose work never ends by itself."""
    begun: list[Checking] = []

    def wait(check: Checking) -> None:
        begun.append(check)
        check._stopped.wait(60)

    monkeypatch.setattr(Checking, "run", wait)
    clock = Clock()
    checks = Checks(lambda _: pytest.fail("asked"), cache, threads=1, clock=clock)
    yield checks, clock, begun
    checks.stop()


def test_a_newer_check_of_a_panel_takes_the_place_of_the_older(checks: tuple[Checks, Clock, list[Checking]]) -> None:
    """The older ends and is not known any more; another panel's goes on."""
    all_of_them, _, _ = checks
    other = all_of_them.start([], project="p", panel="two")
    old = all_of_them.start([], project="p", panel="one")
    new = all_of_them.start([], project="p", panel="one")
    assert all_of_them.answer(new, 0).id == new
    assert all_of_them.answer(other, 0).id == other
    with pytest.raises(AgentError, match="dropped"):
        all_of_them.answer(old, 0)


def test_what_nobody_asks_about_is_dropped(checks: tuple[Checks, Clock, list[Checking]], eventually: Eventually) -> None:
    """Asked about, a check stays; after a while without a question it ends, and its work does."""
    all_of_them, clock, begun = checks
    asked, forgotten = (all_of_them.start([], project="p", panel=p) for p in ("one", "two"))
    eventually(lambda: len(begun) == 2)
    clock.now = FORGOTTEN - 1
    all_of_them.answer(asked, 0)
    clock.now = FORGOTTEN + 1
    all_of_them.step()
    assert all_of_them.answer(asked, 0).id == asked
    with pytest.raises(AgentError):
        all_of_them.answer(forgotten, 0)
    assert {check.id: check.stopped() for check in begun} == {asked: False, forgotten: True}


def test_checks_do_not_pile_up(checks: tuple[Checks, Clock, list[Checking]]) -> None:
    """However many panels ask, a few checks are held; the one that was asked about longest ago gives way."""
    all_of_them, clock, _ = checks
    identities = []
    for number in range(AT_ONCE + 2):
        clock.now = float(number)
        identities.append(all_of_them.start([], project="p", panel=str(number)))
    held = [i for i in identities if i in all_of_them._kept]
    assert held == identities[2:]


def test_over_the_channel(desk: Desk, eventually: Eventually) -> None:
    """From the panel to the service and back: after a submission nothing would be sent any more."""
    client = desk.start()
    before = _finished(client, client.start_check(desk.files(), project="show"), eventually)
    assert {f.status for f in before.files} == {"new"}
    assert before.bytes_to_send == len(b"scene") + 4000
    submitted(client, client.submit(desk.submission(), desk.files()), eventually)
    after = _finished(client, client.start_check(desk.files(), project="show"), eventually)
    # a service that cannot tell what its jobs made says nothing of it
    assert ({f.status for f in after.files}, after.bytes_to_send) == ({"stored"}, 0)
    assert sum(method == "PUT" and "/objects/" in path for method, path in desk.fake.requests) == 3


def test_what_is_excluded_is_left_out_of_folders(desk: Desk, eventually: Eventually) -> None:
    """A folder that was added by hand is compared as it will be sent."""
    folder = desk.project / "added"
    (folder / "old").mkdir(parents=True)
    for name in ("keep.txt", "drop.txt", "old/x.txt"):
        (folder / name).write_text(name)
    excluded = [Exclusion(str(folder / "drop.txt"), "big"), Exclusion(str(folder / "old"), "stale")]
    client = desk.start()
    check = _finished(client, client.start_check([str(folder)], project="show", excluded=excluded), eventually)
    assert [os.path.basename(file.path) for file in check.files] == ["keep.txt"]


def test_what_the_projects_jobs_made(desk: Desk, eventually: Eventually) -> None:
    """What the service knows as its own jobs' work is told apart."""
    client = desk.start()
    submitted(client, client.submit(desk.submission(), desk.files()), eventually)
    known = json.dumps({"rendered": [digest_of(b"scene")]}).encode()
    desk.fake.fault = lambda _, path: (200, {"Content-Type": "application/json"}, known) if path.endswith("/known") else None
    check = _finished(client, client.start_check(desk.files(), project="show"), eventually)
    assert [os.path.basename(f.path) for f in check.files if f.status == "rendered"] == ["shot.blend"]


@pytest.mark.parametrize(
    ("files", "project", "word"),
    [(["relative.png"], "show", "files"), ([], "", "project")],
    ids=["a relative path", "no project"],
)
def test_a_check_that_makes_no_sense(desk: Desk, files: list[str], project: str, word: str) -> None:
    """It is refused at once, naming the field."""
    with pytest.raises(AgentError, match=word):
        desk.start().start_check(files, project=project)


def test_an_agent_ends_although_a_check_hangs(desk: Desk, eventually: Eventually) -> None:
    """A service that never answers keeps no agent alive."""
    answer = threading.Event()
    desk.fake.fault = lambda _, path: "drop" if path.endswith("/missing") and answer.wait(60) else None
    desk.grace = 0.3
    client = desk.start()
    client.start_check(desk.files(), project="show")
    eventually(lambda: any(path.endswith("/missing") for _, path in desk.fake.requests))
    desk.stop()
    answer.set()
