"""Leases are kept, logs shipped and outputs published whatever the network does; with the service in memory."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conductor_core.errors import Conflict, Refused, ServiceError, ServiceUnreachable, Unauthorized
from conductor_core.paths import ClientPath, Flavour
from conductor_service.runner.assignment import Assignment, AttemptRef
from conductor_service.runner.collect import Taken
from conductor_service.runner.conversation import Inbox, Ordered
from conductor_service.runner.courier import Courier, Pace
from conductor_service.runner.errors import TaskFailed
from conductor_service.runner.expectations import Expectations
from conductor_service.runner.holding import Holding
from conductor_service.runner.inspector import BadImage, ImageFacts
from conductor_service.runner.logbook import LogBook
from conductor_service.runner.publisher import AttemptOver, FrameReady, Publisher
from conductor_service.runner.service import Beat, Orders, OutputRecord, Verdict
from conductor_service.runner.vigil import TaskEnded

if TYPE_CHECKING:
    from runner.conftest import Farm, Job, MemoryService

    MakeJob = Callable[..., Job]


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def holding(open_farm: Farm, job: MakeJob, tmp_path: Path, clock: Clock) -> Iterator[Holding]:
    """Give an attempt in hand that the service knows."""
    open_farm.add(job(frames=(1, 2, 3)))
    assignment: Assignment | None = open_farm.service.next(wait_seconds=1, sessions=(), held=())
    assert assignment is not None
    folder = tmp_path / "attempts" / "job" / assignment.attempt.id
    folder.mkdir(parents=True)
    log = LogBook(folder / "log", clock=clock)
    found = Holding(assignment, log, folder)
    found.listen(Inbox())
    yield found
    log.discard()


@pytest.fixture
def service(open_farm: Farm) -> MemoryService:
    return open_farm.service


@pytest.fixture
def courier(service: MemoryService, clock: Clock) -> Courier:
    return Courier(service, Pace(5.0, 30.0, clock))


def rounds(courier: Courier, clock: Clock, seconds: float) -> None:
    """Let the courier make its rounds for some time."""
    for _ in range(int(seconds * 2)):
        clock.now += 0.5
        courier.round()


def told(service: MemoryService, holding: Holding) -> list[Beat]:
    return service.told[holding.ref.id].beats


def test_a_beat_every_five_seconds_or_a_second_after_a_change(
    service: MemoryService, courier: Courier, holding: Holding, clock: Clock
) -> None:
    """Nothing new is said every heartbeat; news at most once a second."""
    courier.take(holding)
    rounds(courier, clock, 20)
    assert len(told(service, holding)) == 4
    for number in range(20):
        holding.beat = Beat(number / 20)
        rounds(courier, clock, 0.5)
    assert 14 <= len(told(service, holding)) <= 15
    courier.drop(holding)
    rounds(courier, clock, 20)
    assert len(told(service, holding)) <= 15


def test_the_log_is_shipped_while_it_grows_and_never_twice(
    service: MemoryService, courier: Courier, holding: Holding, clock: Clock
) -> None:
    """Appended at its offset; where the service holds less or more than was thought, shipping goes on from there."""
    courier.take(holding)
    holding.log.write(b"one ")
    rounds(courier, clock, 3)
    holding.log.write(b"two ")
    rounds(courier, clock, 3)
    assert service.told[holding.ref.id].log == b"one two "
    service.told[holding.ref.id].log = b"one "
    holding.log.write(b"three")
    rounds(courier, clock, 6)
    assert service.told[holding.ref.id].log == b"one two three"


def test_a_service_that_is_gone_for_long_ends_the_task(
    service: MemoryService, courier: Courier, holding: Holding, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Short trouble is borne; after the time that was set the task is ended for it, and at once without a right."""

    def trouble(*_: object) -> Orders:
        raise ServiceUnreachable("no line")

    monkeypatch.setattr(service, "beat", trouble)
    courier.take(holding)
    rounds(courier, clock, 10)
    assert holding.ordered is None
    service.silence = 31.0
    rounds(courier, clock, 6)
    assert holding.ordered is not None
    assert holding.ordered.why == "service-gone"

    def refused(*_: object) -> Orders:
        raise Unauthorized("revoked", status=401)

    service.silence, holding.ordered = 0.0, None
    monkeypatch.setattr(service, "beat", refused)
    rounds(courier, clock, 6)
    assert holding.ordered is not None


def test_an_error_of_its_own_does_not_end_the_beating(
    service: MemoryService, courier: Courier, holding: Holding, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong in a round, the next one beats again."""
    answers: list[Callable[[], Orders]] = [lambda: 1 / 0, lambda: Orders("go-on")]  # type: ignore[list-item, return-value]
    monkeypatch.setattr(service, "beat", lambda *_: answers.pop(0)())
    courier.take(holding)
    rounds(courier, clock, 10)
    assert answers == []


def test_an_order_that_came_while_files_were_fetched_is_heard(holding: Holding) -> None:
    """It waits for the task that it is about."""
    holding.inbox = None
    order = Ordered("kill", "no", holding.ref.id)
    holding.order(order)
    inbox = Inbox()
    holding.listen(inbox)
    assert inbox.get_nowait() == order


class Eyes:
    """An inspector that says what a test wants."""

    def __init__(self) -> None:
        self.bad: set[str] = set()
        self.seen: list[str] = []
        self.closed = False

    def inspect(self, file: Path, *, width: int = 0, height: int = 0, layers: tuple[str, ...] = ()) -> ImageFacts:
        if file.name in self.bad:
            raise BadImage("is black")
        return ImageFacts(width or 8, height or 4, ("Combined",))

    def preview(self, file: Path) -> bytes:
        self.seen.append(file.name)
        if file.name == "2.png":
            raise BadImage("cannot be shown")
        return b"png of " + file.name.encode()

    def close(self) -> None:
        self.closed = True


class Desk:
    """A publisher with everything it needs."""

    def __init__(self, service: MemoryService, courier: Courier, holding: Holding) -> None:
        self.service, self.holding, self.eyes = service, holding, Eyes()
        self.publisher = Publisher(service, courier, self.eyes, sleep=lambda _: None)
        self.expectations = Expectations(holding.assignment.step, Flavour.POSIX)
        courier.take(holding)

    def frame(self, number: int, data: bytes = b"picture") -> None:
        file = self.holding.folder / f"{number}.png"
        file.write_bytes(data)
        client = ClientPath.parse(f"/job/render/shot_{number:04d}.png", Flavour.POSIX)
        taken = Taken(client, file, len(data), 0o644, 5)
        self.publisher.hand_over(FrameReady(self.holding, number, (taken,), self.expectations, completes=(number,)))

    def end(self, verdict: Verdict = Verdict("success")) -> Verdict | None:
        """Hand over the end, and publish all."""
        self.publisher.hand_over(AttemptOver(self.holding, verdict))
        assert self.publisher.finish(10.0)
        return self.service.told[self.holding.ref.id].verdict


@pytest.fixture
def desk(service: MemoryService, courier: Courier, holding: Holding) -> Iterator[Desk]:
    found = Desk(service, courier, holding)
    found.publisher.start()
    yield found
    found.publisher.finish(5.0)


def test_frames_are_published_then_previewed_then_swept(desk: Desk) -> None:
    """All outputs first, previews last; one that cannot be made is only logged; the attempt's folder goes."""
    desk.holding.log.write(b"words")
    for number in (1, 2, 3):
        desk.frame(number)
    verdict = desk.end()
    told = desk.service.told[desk.holding.ref.id]
    assert verdict == Verdict("success", frames_done=(1, 2, 3))
    assert sorted(told.outputs) == [f"/job/render/shot_000{n}.png" for n in (1, 2, 3)]
    assert sorted(told.previews) == ["/job/render/shot_0001.png", "/job/render/shot_0003.png"]
    assert told.log == b"words"
    assert not desk.holding.folder.exists()
    assert desk.eyes.closed


def test_a_bad_frame_fails_the_attempt_and_keeps_the_others(desk: Desk) -> None:
    """The first failure is told, with the file; what is good is done."""
    desk.eyes.bad = {"2.png"}
    for number in (1, 2, 3):
        desk.frame(number)
    verdict = desk.end()
    assert verdict is not None
    assert (verdict.state, verdict.cause, verdict.frames_done) == ("failed", "bad-output", (1, 3))
    assert verdict.message == "/job/render/shot_0002.png is black."


def test_names_that_are_one_file_on_windows(holding: Holding) -> None:
    """The second would take the first one's place at home: it is refused, by both names; the same file may come again."""
    for name in ("Z.exr", "Z.exr", "a.exr"):
        holding.require_place(ClientPath.parse(f"C:\\out\\{name}", Flavour.WINDOWS))
    with pytest.raises(TaskFailed, match=r"out\\z\.exr and C:\\out\\Z\.exr are one file") as failure:
        holding.require_place(ClientPath.parse("C:\\out\\z.exr", Flavour.WINDOWS))
    assert failure.value.cause == "bad-output"
    for name in ("Z.exr", "z.exr"):
        holding.require_place(ClientPath.parse(f"/out/{name}", Flavour.POSIX))


def test_frames_that_end_with_the_task_count_once_its_last_files_are_published(desk: Desk) -> None:
    """Frames whose movie came at the end are done then, but for those of which a picture was bad."""
    desk.eyes.bad = {"2.png"}
    for number in (1, 2, 3):
        file = desk.holding.folder / f"{number}.png"
        file.write_bytes(b"picture")
        client = ClientPath.parse(f"/job/render/shot_{number:04d}.png", Flavour.POSIX)
        taken = Taken(client, file, 7, 0o644, 5)
        desk.publisher.hand_over(FrameReady(desk.holding, number, (taken,), desk.expectations))
    desk.publisher.hand_over(FrameReady(desk.holding, None, (), desk.expectations, completes=(1, 2, 3)))
    verdict = desk.end()
    assert verdict is not None
    assert verdict.frames_done == (1, 3)


def test_what_the_service_refuses_fails_the_attempt(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal is told as such, and does not end the instance."""

    def refuse(*_: object) -> None:
        raise Refused("the path lies outside", status=400)

    monkeypatch.setattr(desk.service, "publish", refuse)
    desk.frame(1)
    verdict = desk.end()
    assert verdict is not None
    assert (verdict.state, verdict.cause, verdict.frames_done) == ("failed", "internal", ())
    assert "lies outside" in verdict.message


@pytest.mark.parametrize(
    "refusal",
    [Conflict("it is being deleted", code="not-allowed-now"), Refused("no", status=422)],
    ids=["409", "422"],
)
def test_a_refusal_of_one_call_is_one_attempt_s(desk: Desk, monkeypatch: pytest.MonkeyPatch, refusal: ServiceError) -> None:
    """Whatever the service refuses of one attempt, the publisher goes on, and the attempt's end is told."""

    def refuse(*_: object) -> None:
        raise refusal

    monkeypatch.setattr(desk.service, "store_object", refuse)
    desk.frame(1)
    verdict = desk.end()
    assert verdict is not None
    assert (verdict.state, verdict.cause, verdict.frames_done) == ("failed", "internal", ())
    assert desk.publisher.broken is None


FULL = ServiceError("/store: the store has no room left.", status=503, code="busy")


@pytest.mark.parametrize("call", ["store_object", "publish", "finish"])
@pytest.mark.parametrize("trouble", [FULL, ServiceError("the line broke")], ids=["no room", "a broken line"])
def test_what_is_rendered_waits_until_it_is_taken(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, trouble: ServiceError, call: str
) -> None:
    """However often one call's patience ends, a frame is kept and published when the service takes it; the log says so."""
    works, tries = getattr(desk.service, call), []

    def fails_thrice(*words: object) -> object:
        tries.append(words)
        if len(tries) < 4:
            raise trouble
        return works(*words)

    monkeypatch.setattr(desk.service, call, fails_thrice)
    desk.frame(1)
    verdict = desk.end()
    assert verdict is not None
    assert (verdict.state, verdict.frames_done, len(tries)) == ("success", (1,), 4)
    said = desk.service.told[desk.holding.ref.id].log.count(b"is rendered and waits to be stored: " + trouble.what.encode())
    assert said == (0 if call == "finish" else 3)  # a log is closed before the end is told


@pytest.mark.parametrize("ending", [False, True], ids=["a defect of the service", "no room, and the instance ends"])
def test_what_the_service_cannot_take_is_no_failure_of_the_scene(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, ending: bool
) -> None:
    """The attempt is given back with the reason: it is rendered again, and counts as a lost one."""

    def fails(*_: object) -> None:
        raise FULL if ending else ServiceError("it answers 500", status=500)

    monkeypatch.setattr(desk.service, "store_object", fails)
    desk.publisher.deadline = time.monotonic() + 30 if ending else None
    desk.frame(1)
    verdict = desk.end()
    assert verdict is not None
    assert (verdict.state, verdict.cause, verdict.frames_done) == ("killed", "internal", ())
    assert "was rendered, but could not be stored" in verdict.message
    assert desk.publisher.broken is None


@pytest.mark.parametrize("why", ["kill", "stop"])
def test_a_task_that_waits_for_room_hears_an_order(desk: Desk, monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    """While nothing can be stored, a kill ends the wait at once, and the instance's end at its deadline."""
    gate = threading.Event()
    monkeypatch.setattr(desk.service, "store_object", lambda *_: gate.wait(30))

    def all_frames() -> None:
        for number in range(1, 30):
            desk.frame(number)

    timer = threading.Timer(0.5, desk.holding.order, [Ordered(why, "enough", desk.holding.ref.id)])  # type: ignore[arg-type]
    timer.start()
    if why == "stop":
        desk.publisher.deadline = time.monotonic() + 1.0
    with pytest.raises(TaskEnded if why == "kill" else ServiceUnreachable):
        all_frames()
    gate.set()


def test_an_end_that_the_service_refuses_is_told_again_as_a_failure(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt is never left without an end: it would be handed out again."""
    finish = desk.service.finish

    def refuse_success(attempt: AttemptRef, verdict: Verdict) -> None:
        if verdict.state == "success":
            raise Refused("frame 9 is not of this task", status=400)
        finish(attempt, verdict)

    monkeypatch.setattr(desk.service, "finish", refuse_success)
    verdict = desk.end()
    assert verdict is not None
    assert (verdict.state, verdict.cause) == ("failed", "internal")
    assert "frame 9" in verdict.message


def test_an_error_of_the_runner_s_own_fails_the_attempt(desk: Desk) -> None:
    """A file that vanished is the instance's trouble, told as internal."""
    taken = Taken(ClientPath.parse("/job/render/notes.txt", Flavour.POSIX), Path("/no/such/file"), 5, 0o644, 5)
    desk.publisher.hand_over(FrameReady(desk.holding, 1, (taken,), desk.expectations))
    verdict = desk.end()
    assert verdict is not None
    assert (verdict.state, verdict.cause) == ("failed", "internal")


def test_a_worse_verdict_of_the_worker_stands(desk: Desk) -> None:
    """A crash stays a crash, with the frames that were published before it."""
    desk.frame(1)
    verdict = desk.end(Verdict("failed", "crashed", -11, "SIGSEGV"))
    assert verdict == Verdict("failed", "crashed", -11, "SIGSEGV", frames_done=(1,))
    assert b"[conductor] failed: SIGSEGV" in desk.service.told[desk.holding.ref.id].log


def test_nothing_is_said_of_a_stale_attempt(desk: Desk) -> None:
    """When the fence has passed on, neither files nor end are told, and the publisher goes on."""
    desk.service.fences[desk.holding.ref.id] = 99
    desk.frame(1)
    desk.frame(2)
    assert desk.end() is None
    assert desk.holding.stale
    assert desk.publisher.broken is None
    assert not desk.service.objects.keys() & {"sha256:" + "0" * 64}


def test_a_service_that_is_gone_breaks_the_publisher(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker hears of it at its next hand-over, and ends the instance."""

    def gone(*_: object) -> None:
        raise ServiceUnreachable("no line")

    monkeypatch.setattr(desk.service, "store_object", gone)

    def all_frames() -> None:
        for number in range(1, 30):
            desk.frame(number)

    with pytest.raises(ServiceUnreachable):
        all_frames()


def test_the_end_of_an_attempt_matters_more_than_its_log(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that cannot be shipped is given up after a few tries, and the end is told."""

    def gone(*_: object) -> int:
        raise ServiceUnreachable("no line")

    monkeypatch.setattr(desk.service, "append_log", gone)
    desk.holding.log.write(b"words")
    assert desk.end() == Verdict("success")


def test_a_slow_store_holds_the_renderer_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most two frames wait: the third hand-over waits for the first to be stored."""
    gate = threading.Event()
    store = desk.service.store_object

    def slow(*call: object) -> None:
        gate.wait(10)
        store(*call)  # type: ignore[arg-type]

    monkeypatch.setattr(desk.service, "store_object", slow)
    for number in (1, 2, 3):
        desk.frame(number)
    late = threading.Thread(target=desk.frame, args=(4,))
    late.start()
    late.join(0.3)
    assert late.is_alive()
    gate.set()
    late.join(10)
    verdict = desk.end()
    assert verdict is not None
    assert verdict.frames_done == (1, 2, 3, 4)


def test_a_kind_that_is_no_picture_is_not_looked_at(desk: Desk) -> None:
    """A movie or a cache must only be there and not be empty."""
    file = desk.holding.folder / "x.txt"
    file.write_bytes(b"words")
    taken = Taken(ClientPath.parse("/job/render/notes.txt", Flavour.POSIX), file, 5, 0o644, 5)
    desk.publisher.hand_over(FrameReady(desk.holding, None, (taken,), desk.expectations))
    verdict = desk.end()
    assert verdict == Verdict("success")
    record = desk.service.told[desk.holding.ref.id].outputs["/job/render/notes.txt"]
    assert (record.frame, record.width) == (None, 0)


GROWTHS = {"grown without end": 1 << 42, "cut": 3}


@pytest.mark.parametrize("size", GROWTHS.values(), ids=GROWTHS.keys())
def test_a_file_is_hashed_as_long_as_it_was_taken(desk: Desk, size: int) -> None:
    """A task that holds it open can neither have the instance read for ever nor have other bytes published."""
    file = desk.holding.folder / "x.txt"
    file.write_bytes(b"words")
    os.truncate(file, size)
    taken = Taken(ClientPath.parse("/job/render/notes.txt", Flavour.POSIX), file, 5, 0o644, 5)
    desk.publisher.hand_over(FrameReady(desk.holding, 1, (taken,), desk.expectations, completes=(1,)))
    verdict = desk.end()
    assert verdict is not None
    assert (verdict.state, verdict.cause, verdict.frames_done) == ("failed", "bad-output", ())
    assert "still written to" in verdict.message


@pytest.mark.parametrize("why", ["kill", "stale"])
def test_a_long_file_of_an_attempt_that_is_over_is_not_read_to_its_end(desk: Desk, why: str) -> None:
    """An order that comes while it is hashed ends that."""
    file = desk.holding.folder / "x.vdb"
    file.touch()
    os.truncate(file, 1 << 42)
    taken = Taken(ClientPath.parse("/job/render/x.vdb", Flavour.POSIX), file, 1 << 42, 0o644, 5)
    desk.publisher.hand_over(FrameReady(desk.holding, 1, (taken,), desk.expectations))
    desk.holding.order(Ordered(why, "enough", desk.holding.ref.id))  # type: ignore[arg-type]
    verdict = desk.end()
    assert desk.holding.stale or (verdict is not None and (verdict.cause, verdict.message) == ("user", "enough"))


def test_many_files_are_published_in_parts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """No call, and no transaction of the service, has more than 500; the frame is done with the last of them."""
    publish, sizes = desk.service.publish, []

    def counted(attempt: AttemptRef, outputs: tuple[OutputRecord, ...], completes: tuple[int, ...]) -> object:
        sizes.append((len(outputs), completes))
        return publish(attempt, outputs, completes)

    monkeypatch.setattr(desk.service, "publish", counted)
    files = []
    for number in range(1200):
        file = desk.holding.folder / f"{number}.txt"
        file.write_bytes(b"words")
        files.append(Taken(ClientPath.parse(f"/job/render/{number}.txt", Flavour.POSIX), file, 5, 0o644, 5))
    desk.publisher.hand_over(FrameReady(desk.holding, 1, tuple(files), desk.expectations, completes=(1,)))
    assert desk.end() == Verdict("success", frames_done=(1,))
    assert sizes == [(500, ()), (500, ()), (200, (1,))]
    assert len(desk.service.told[desk.holding.ref.id].outputs) == 1200


class BrokenLog(LogBook):
    """A log whose disk has gone away: it has bytes that cannot be read any more."""

    def read(self, offset: int, limit: int) -> bytes:
        return b""


class WorseLog(LogBook):
    """A log whose disk answers with errors."""

    def read(self, offset: int, limit: int) -> bytes:
        raise OSError(5, "Input/output error")

    def close(self) -> None:
        raise OSError(28, "No space left on device")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", [BrokenLog, WorseLog])
def test_the_end_is_told_whatever_becomes_of_the_log(desk: Desk, clock: Clock, kind: type[LogBook]) -> None:
    """A log that cannot be read to its end neither spins nor keeps the attempt from its end."""
    desk.holding.log = kind(desk.holding.folder / "other", clock=clock)
    desk.holding.log.write(b"words")
    assert desk.end() == Verdict("success")
