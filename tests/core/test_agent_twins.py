"""Two tasks write `Beauty.exr` and `beauty.exr`: on a disk that takes both for one, neither is lost without a word."""

from __future__ import annotations

import os
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from conductor_core.agent import twins
from conductor_core.agent.journal import Journal
from conductor_core.agent.journal_rows import DownloadRow, Following
from conductor_core.agent.output_folders import OutputFolders
from conductor_core.agent.twins import is_one_file
from conductor_core.api.answers import OutputFile
from conductor_core.api.client import ServiceClient

SERVICE = "https://farm.example"
NFC, NFD = (unicodedata.normalize(form, "é.exr") for form in ("NFC", "NFD"))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal.sqlite")
    yield journal
    journal.close()


def _nobody(service: str) -> ServiceClient:
    raise AssertionError(f"{service} is not asked")


def _followed(journal: Journal, folder: Path, name: str = "") -> DownloadRow:
    journal.add_download(SERVICE, "j", number=12, project="show", following=Following(kind="project", to=str(folder), name=name))
    row = journal.download(SERVICE, "j")
    assert row is not None
    return row


def _published(*names: str, first: int = 1, job: str = "j") -> list[OutputFile]:
    return [
        OutputFile(seq, f"o{seq}", job, f"/show/out/{name}", f"sha256:{seq:064x}", 1, step="s", frame=seq)
        for seq, name in enumerate(names, first)
    ]


def _add(journal: Journal, folders: OutputFolders, row: DownloadRow, outputs: list[OutputFile]) -> dict[str, str]:
    """Note what was published, and return what is told of files that can lie nowhere."""
    new = folders.placed(row, outputs)
    journal.add_outputs(row, new)
    return {os.path.basename(one.published): one.error for one in new if one.error}


@pytest.mark.parametrize(
    ("first", "second"),
    [("Beauty.exr", "beauty.exr"), (NFC, NFD), ("a/b.exr", "A/b.exr"), ("straße.exr", "STRASSE.exr")],
    ids=["case", "signs", "folder", "folded"],
)
@pytest.mark.parametrize("when", ["together", "later", "after a restart"])
def test_twins_of_two_tasks(journal: Journal, tmp_path: Path, first: str, second: str, when: str) -> None:
    """The one that was published first lies there; of the other it is told why it does not, and what to do."""
    row = _followed(journal, tmp_path / "home")
    folders = OutputFolders(journal, _nobody, one_file=lambda *_: True)
    both = _published(first, "other.exr", second)
    if when == "together":
        told = _add(journal, folders, row, both)
    else:
        assert _add(journal, folders, row, both[:2]) == {}
        folders = folders if when == "later" else OutputFolders(journal, _nobody, one_file=lambda *_: True)
        told = _add(journal, folders, row, both[2:])
    ((name, words),) = told.items()
    assert name == os.path.basename(second)
    assert f"would lie where {tmp_path}/home/show/out/{first} lies: the disk there takes both names for one file." in words
    assert "conductor download 12 --to FOLDER" in words
    assert {one.path.removeprefix(f"{tmp_path}/home") for one in journal.outputs(SERVICE, "j") if one.state == "pending"} == {
        f"/show/out/{first}", "/show/out/other.exr",
    }  # fmt: skip
    assert _add(journal, folders, row, _published(first, first=4)) == {}, "a frame that is rendered again comes again"
    assert list(_add(journal, folders, row, _published(second, first=5))) == [name]


def test_a_disk_that_tells_names_apart_has_both(journal: Journal, tmp_path: Path) -> None:
    """As on Linux: nothing is told, and nothing is left of what was tried."""
    row = _followed(journal, tmp_path / "home")
    if is_one_file(str(tmp_path / "a"), str(tmp_path / "A")):
        pytest.skip("this disk takes names for one")
    assert _add(journal, OutputFolders(journal, _nobody), row, _published("Beauty.exr", "beauty.exr", NFC, NFD)) == {}
    assert [p for p in tmp_path.rglob("*") if "twins" in p.name] == []


def test_a_later_job_may_spell_a_name_anew(journal: Journal, tmp_path: Path) -> None:
    """What another job of the project wrote under the name is a version before this one, and makes room for it."""
    row = _followed(journal, tmp_path / "home")
    folders = OutputFolders(journal, _nobody, one_file=lambda *_: True)
    assert _add(journal, folders, row, _published("Beauty.exr", job="one")) == {}
    assert _add(journal, folders, row, _published("beauty.exr", job="two", first=2)) == {}


def test_nothing_is_tried_where_nobody_asked_for_files(journal: Journal, tmp_path: Path) -> None:
    """A service that tells of files in other folders has nothing made there."""
    row = _followed(journal, tmp_path / "home", name="../../{name}")

    def tried(*_: str) -> bool:
        raise AssertionError("nothing is tried")

    _add(journal, OutputFolders(journal, _nobody, one_file=tried), row, _published("Beauty.exr", "beauty.exr"))


def test_a_disk_is_asked_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the folder where both would lie, by the first name that differs; where it cannot be tried, the system's way is taken."""

    def exists(path: str) -> bool:
        return any(name.lower() == os.path.basename(path).lower() for name in os.listdir(os.path.dirname(path)))

    folder = tmp_path / "not there yet"
    assert is_one_file(str(folder / "B.exr"), str(folder / "b.exr"), exists=exists)
    assert is_one_file(str(folder / "In" / "b.exr"), str(folder / "in" / "B.exr"), exists=exists)
    assert not is_one_file(str(folder / "a.exr"), str(folder / "b.exr"), exists=exists)
    assert list(folder.iterdir()) == []
    (tmp_path / "file").write_bytes(b"")
    for usual in (True, False):
        monkeypatch.setattr(twins, "_TAKEN_FOR_ONE", usual)
        assert is_one_file(str(tmp_path / "file" / "a"), str(tmp_path / "file" / "A"), exists=exists) is usual


def test_what_is_kept_in_mind_is_bounded(journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many jobs those that were asked about last; of the others the journal is asked again, to the same end."""
    monkeypatch.setattr(twins, "MOST_KEPT", 3)
    folders = OutputFolders(journal, _nobody, one_file=lambda *_: True)
    rows = []
    for number in range(3):
        following = Following(kind="project", to=str(tmp_path / f"home{number}"))
        journal.add_download(SERVICE, f"j{number}", number=number, project="show", following=following)
        row = journal.download(SERVICE, f"j{number}")
        assert row is not None
        rows.append(row)
        assert _add(journal, folders, row, _published("Beauty.exr", "b.exr")) == {}
    assert len(folders._twins._met) == 1  # the others were let go of
    for row in rows:
        assert list(_add(journal, folders, row, _published("beauty.exr", first=5))) == ["beauty.exr"]


class Counting(Journal):
    """A journal that counts what it is asked about places, and the rows that it answers with."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.asked: list[tuple[str, int]] = []

    def places(self, row: DownloadRow) -> list[tuple[str, str]]:
        found = super().places(row)
        self.asked.append(("all", len(found)))
        return found

    def origins_at(self, row: DownloadRow, paths: Iterable[str]) -> dict[str, str]:
        found = super().origins_at(row, paths)
        self.asked.append(("some", len(found)))
        return found


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[Counting]:
    journal = Counting(tmp_path / "counting.sqlite")
    yield journal
    journal.close()


def _pages(names: list[str], *, first: int, job: str = "j") -> Iterator[list[OutputFile]]:
    for begin in range(0, len(names), 100):
        yield _published(*names[begin : begin + 100], first=first + begin, job=job)


def test_what_is_rendered_again_asks_for_nothing(counting: Counting, tmp_path: Path) -> None:
    """However many files are published again, also by two jobs in turn, the journal is asked for all of its places once."""
    row = _followed(counting, tmp_path / "home")
    folders = OutputFolders(counting, _nobody, one_file=lambda *_: True)
    names = [f"Beauty.{n:04}.exr" for n in range(500)] + [f"\u00dcbung.{n:04}.exr" for n in range(500)]
    for again, job in enumerate(["one", "one", "two", "one", "two"]):
        for page in _pages(names, first=1 + again * len(names), job=job):
            assert _add(counting, folders, row, page) == {}
    assert counting.asked == [("all", 0)]
    restarted = OutputFolders(counting, _nobody, one_file=lambda *_: True)
    for page in _pages(names, first=10_000, job="two"):
        assert _add(counting, restarted, row, page) == {}
    assert counting.asked == [("all", 0), ("all", len(names))]


def test_twins_are_looked_up_by_their_places(counting: Counting, tmp_path: Path) -> None:
    """Of many twins each page asks for its own, by the index of the places, and no page for all."""
    row = _followed(counting, tmp_path / "home")
    folders = OutputFolders(counting, _nobody, one_file=lambda *_: True)
    for page in _pages([f"Beauty.{n:04}.exr" for n in range(500)], first=1):
        assert _add(counting, folders, row, page) == {}
    for page in _pages([f"beauty.{n:04}.exr" for n in range(500)], first=501):
        assert len(_add(counting, folders, row, page)) == 100
    assert counting.asked == [("all", 0), *[("some", 100)] * 5]
    plans: list[str] = []
    rows = counting._rows

    def explained(query: str, values: Sequence[object]) -> list[sqlite3.Row]:
        plans.extend(step["detail"] for step in rows(f"EXPLAIN QUERY PLAN {query}", values))
        return rows(query, values)

    counting._rows = explained  # type: ignore[method-assign]
    counting.origins_at(row, ["/a", "/b"])
    assert any("outputs USING" in step and "path=?" in step for step in plans), plans


def test_what_ended_is_not_kept_in_mind(counting: Counting, tmp_path: Path) -> None:
    """When no more is to come, or nobody follows it any more, its places are let go of; told of more, it has them again."""
    row = _followed(counting, tmp_path / "home")
    folders = OutputFolders(counting, _nobody, one_file=lambda *_: True)
    assert _add(counting, folders, row, _published("Beauty.exr")) == {}
    folders.forget(row.service, row.job)
    folders.forget(row.service, "another")
    assert not folders._twins._met
    assert list(_add(counting, folders, row, _published("beauty.exr", first=2))) == ["beauty.exr"]
    assert counting.asked == [("all", 0), ("all", 1), ("some", 1)]


@pytest.mark.parametrize(
    "path", ["/Show/a.exr", "/show/a.exr", "/SHOW/A.EXR", "/\u00dcb/A.exr", "/\u212aa.exr", "C:\\\u017f.exr"]
)
def test_a_place_is_had_again_as_it_is_spelled(path: str) -> None:
    """From what it comes to and its few bits, whatever signs are in it."""
    met, key = twins._Met(), ("j", twins.folded(path))
    assert met.first(key, "asked") == "asked"
    met.note(key, path)
    met.note(key, path.lower(), again=False)
    assert met.first(key, "asked") == path
