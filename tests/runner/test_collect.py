"""What a task wrote is taken within bounds: of the disk, of memory, and of what the next task needs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conductor_core.paths import ClientPath, Flavour
from conductor_core.submission import Output
from conductor_service.runner import collect, sparse_files
from conductor_service.runner.collect import Collector, OutputFolder
from conductor_service.runner.errors import TaskFailed
from conductor_service.runner.sparse_files import copy_data
from conductor_service.trees import entries_below

if TYPE_CHECKING:
    from runner.conftest import Farm, Job

    MakeJob = Callable[..., Job]


class Desk:
    """An output folder, and one for what is taken."""

    def __init__(self, folder: Path) -> None:
        self.out, self.taken = folder / "out", folder / "taken"
        self.spare = sys.maxsize
        for made in (self.out, self.taken):
            made.mkdir()

    def collector(self) -> Collector:
        folder = OutputFolder(ClientPath.parse("/job/out", Flavour.POSIX), "/job/out", self.out)
        return Collector((folder,), lambda: self.spare)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def data(file: Path) -> None:
    file.write_bytes(b"x" * (2 << 20))


def hole(file: Path) -> None:
    file.touch()
    os.truncate(file, 2 << 20)


def reserved(file: Path) -> None:
    with file.open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, 2 << 20)


def data_at_its_end(file: Path) -> None:
    hole(file)
    with file.open("r+b") as stream:
        stream.seek((2 << 20) - (256 << 10))
        stream.write(b"x" * (256 << 10))


HOLES: dict[str, tuple[Callable[[Path], None], bool]] = {
    "data": (data, False),
    "a hole": (hole, True),
    "blocks that nobody wrote to": (reserved, True),
    "an eighth of it is data, at its end": (data_at_its_end, False),
}


@pytest.mark.parametrize(("make", "refused"), HOLES.values(), ids=HOLES.keys())
def test_what_a_hole_is_is_asked_of_the_file_system(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None], refused: bool
) -> None:
    """Data counts, not blocks: those are few where a file system compresses, and many where they are only reserved."""
    monkeypatch.setattr(sparse_files, "HOLE_BYTES", 1 << 20)
    collector = desk.collector()
    make(desk.out / "cache.vdb")
    if refused:
        with pytest.raises(TaskFailed, match="it is a hole"):
            collector.take_rest(desk.taken)
        assert list(desk.taken.iterdir()) == []
    else:
        assert [taken.size for taken in collector.take_rest(desk.taken)] == [2 << 20]


def test_a_copy_keeps_holes_and_takes_no_more_than_was_there(tmp_path: Path) -> None:
    """A file that grows to terabytes while it is copied takes the room that it had."""
    source, target = tmp_path / "a", tmp_path / "b"
    data_at_its_end(source)
    before = source.read_bytes()
    os.truncate(source, 1 << 42)
    copy_data(source, target, 2 << 20)
    assert target.read_bytes() == before
    assert target.stat().st_blocks * 512 < 1 << 20


def test_many_names_of_one_file_are_copied_once(desk: Desk) -> None:
    """Each is taken, out of the task's reach, and the disk holds one copy."""
    collector = desk.collector()
    data(desk.out / "a")
    for number in range(50):
        (desk.out / f"b{number}").hardlink_to(desk.out / "a")
    (desk.taken.parent / "kept").hardlink_to(desk.out / "a")
    taken = collector.take_rest(desk.taken)
    (desk.taken.parent / "kept").write_bytes(b"hostile")
    assert {found.file.read_bytes() for found in taken} == {b"x" * (2 << 20)}
    assert len(taken) == 51
    assert len({found.file.stat().st_ino for found in taken}) == 1


def test_a_copy_that_does_not_fit_is_not_begun(desk: Desk) -> None:
    """What must stay free on the disk stays free: the attempt fails for it, with the file's name."""
    collector = desk.collector()
    data(desk.out / "a.vdb")
    (desk.taken.parent / "kept").hardlink_to(desk.out / "a.vdb")
    desk.spare = (2 << 20) - 1
    with pytest.raises(TaskFailed, match=r"a\.vdb has a second name, and the instance's disk has no room") as caught:
        collector.take_rest(desk.taken)
    assert caught.value.cause == "disk-full"


def files(folder: Path) -> None:
    for number in range(1000):
        (folder / f"{number}").touch()


def folders(folder: Path) -> None:
    for number in range(1000):
        (folder / f"{number}").mkdir()


@pytest.mark.parametrize(
    ("flood", "says"), [(files, "more than 20 files"), (folders, "folders and links")], ids=["files", "folders"]
)
def test_a_flood_is_not_looked_at_to_its_end(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, flood: Callable[[Path], None], says: str
) -> None:
    """Millions of names are neither gathered in memory nor counted: with the first too many the answer is known."""
    looked = []

    def counted(root: Path) -> Iterator[tuple[str, os.stat_result]]:
        for entry in entries_below(root):
            looked.append(entry[0])
            yield entry

    collector = desk.collector()
    monkeypatch.setattr(collect, "MOST_FILES", 20)
    monkeypatch.setattr(collector, "_most_entries", 100)
    monkeypatch.setattr(collect, "entries_below", counted)
    flood(desk.out)
    with pytest.raises(TaskFailed, match=says):
        collector.take_rest(desk.taken)
    assert not collector.clear()
    assert len(looked) <= 202


CHANGES = {
    "changes it": 'echo two > "$1"; echo x > "$2"',
    "changes it and fails": 'echo two > "$1"; exit 3',
    "changes it behind its old size and time": 'cp -p "$1" "$2"; printf two > "$1"; touch -r "$2" "$1"',
    "removes it": 'rm "$1"; echo x > "$2"',
    "renames it": 'mv "$1" "$2"',
    "removes it and fails": 'rm "$1"; exit 3',
    "puts a folder in its place": 'rm "$1"; mkdir "$1"; echo x > "$2"',
    "only reads it": 'cp "$1" "$2"',
}


@pytest.mark.parametrize("kind", ["farm", "open_farm"])
@pytest.mark.parametrize("script", CHANGES.values(), ids=CHANGES.keys())
def test_inputs_in_an_output_folder_are_for_each_task_as_they_were_submitted(
    request: pytest.FixtureRequest, job: MakeJob, kind: str, script: str
) -> None:
    """Whatever a task of the same step did to them before, on the same instance."""
    farm: Farm = request.getfixturevalue(kind)
    attempts = []
    for frame, does in enumerate((script, '[ "$(cat "$1")" = one ] && cp "$1" "$2"')):
        words = ("/bin/sh", "-c", does, "sh", "/job/out/state.txt", f"/job/out/made_{frame}.txt")
        outputs = (Output("/job/out/made_#.txt", kind="other"),)
        attempts.append(farm.add(job(command=words, outputs=outputs, files={"/job/out/state.txt": b"one"}, frames=(frame,))))
    farm.run()
    assert farm.service.verdict(attempts[0]).cause in (None, "exit-code"), farm.service.verdict(attempts[0])
    verdict = farm.service.verdict(attempts[1])
    assert verdict.state == "success", (verdict, farm.service.told[attempts[1]].log)
    assert set(farm.service.told[attempts[1]].outputs) == {"/job/out/made_1.txt"}


def test_frames_after_one_that_overwrote_an_input_see_the_input(farm: Farm, job: MakeJob) -> None:
    """A frame server is started anew then, with its inputs; it is not, where they were left alone."""
    scene = """
        import os
        old = os.path.dirname(path) + "/old.txt"
        assert open(old).read() == "one", open(old).read()
        if frame == 2: open(old, "w").write("two")
        png(path)
    """
    attempts = [farm.add(job(scene, frames=(n,), files={"/job/render/old.txt": b"one"})) for n in (1, 2, 3)]
    farm.run()
    assert [farm.service.verdict(a).state for a in attempts] == ["success"] * 3
    assert farm.service.objects[farm.service.told[attempts[1]].outputs["/job/render/old.txt"].digest] == b"two"
    loads = [b"scene loaded" in farm.service.told[a].log for a in attempts]
    assert loads == [True, False, True]
