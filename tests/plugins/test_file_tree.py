"""The tree of files as a model: what stands where, and that a view can rely on it at every moment."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from conductor_core.agent_answers import CheckedFile
from conductor_core.discovery.judge import Entry
from conductor_core.report import Dependency, Ignored, Missing, ScanOutput, ScanReport, Unresolved
from conductor_core.submission import Exclusion
from conductor_plugins.panel.file_cells import NAME, NOTE, SIZE, STATUS, WANTED_BY
from conductor_plugins.panel.file_feed import FileFeed
from conductor_plugins.panel.file_tree import FileTree
from conductor_plugins.panel.file_tree_shape import PAGE
from qtpy import QtTest
from qtpy.QtCore import QModelIndex, QPersistentModelIndex, Qt

WOOD = Dependency("tex/wood.png", "/job/tex/wood.png", ("/job/tex/wood.png",), "texture", "file1.ftn")
UDIM = Dependency(
    "tex/skin.<UDIM>.exr",
    "/job/tex/skin.<UDIM>.exr",
    tuple(f"/job/tex/skin.{n}.exr" for n in range(1001, 1005)),
    "texture",
    "skin",
)
GONE = Missing("tex/gone.png", "/job/tex/gone.png", "texture", "file9.ftn", "there is no such file")
ODD = Unresolved("[value x]", "Read3.file", "it is an expression")
SHIPPED = Ignored("lut.spi", "Viewer", "ships with the host")
WRITES = ScanOutput("out.####.exr", "/job/out.####.exr", "Write1")


@pytest.fixture
def feed(qtbot: Any) -> FileFeed:
    return FileFeed()


def settle(qtbot: Any, feed: FileFeed) -> None:
    qtbot.waitUntil(lambda: feed.idle, timeout=60_000)


def lines(tree: FileTree, column: int = NAME, parent: QModelIndex | None = None) -> list[Any]:
    """Return all that the tree says in a column: a group, then its lines as a list."""
    top = parent or QModelIndex()
    said: list[Any] = []
    for row in range(tree.rowCount(top)):
        index = tree.index(row, 0, top)
        said.append(tree.data(index.sibling(row, column)))
        if tree.rowCount(index):
            said.append(lines(tree, column, index))
    return said


def line(tree: FileTree, name: str) -> QModelIndex:
    """Return the index of the line whose name begins so."""
    for group in range(tree.rowCount()):
        parent = tree.index(group, 0)
        for row in range(tree.rowCount(parent)):
            if str(tree.data(tree.index(row, 0, parent))).startswith(name):
                return tree.index(row, 0, parent)
    return QModelIndex()


def said(tree: FileTree, name: str, column: int) -> Any:
    index = line(tree, name)
    return tree.data(index.sibling(index.row(), column))


def test_problems_stand_first_and_nothing_is_left_out(qtbot: Any, feed: FileFeed) -> None:
    """Missing, not resolved, the scene, kinds by name, what is not sent, what the scene writes."""
    feed.show_scene("/job/shot.scene")
    feed.add([SHIPPED, WRITES, WOOD, UDIM, ODD, GONE])
    settle(qtbot, feed)
    assert lines(feed.tree) == [
        *("Missing", ["gone.png"], "Not resolved", ["[value x]"], "Scene", ["shot.scene"]),
        *("Textures", ["wood.png", "skin.<UDIM>.exr  (4)"], "Not sent", ["lut.spi"], "Written by the scene", ["out.####.exr"]),
    ]
    assert [said(feed.tree, name, NOTE) for name in ("gone.png", "[value", "lut.spi")] == [
        *("there is no such file", "it is an expression", "ships with the host"),
    ]


def test_one_path_that_two_nodes_want_is_one_line(qtbot: Any, feed: FileFeed) -> None:
    """The line names the first and counts the others, its hint names all."""
    feed.add([WOOD, Dependency("w", WOOD.path, WOOD.files, "texture", "file2.ftn")])
    settle(qtbot, feed)
    assert lines(feed.tree) == ["Textures", ["wood.png"]]
    assert said(feed.tree, "wood", WANTED_BY) == "file1.ftn  +1"
    tip = feed.tree.data(line(feed.tree, "wood"), int(Qt.ItemDataRole.ToolTipRole))
    assert "wanted by file1.ftn\nwanted by file2.ftn" in tip
    assert feed.totals.files == 1


def test_gaps_of_a_sequence_are_one_line_that_opens(qtbot: Any, feed: FileFeed) -> None:
    """A thousand missing frames do not hide the one missing texture."""
    feed.add([Missing("a.####.exr", f"/job/a.{n:04}.exr", "image", "Read1", "there is no such file") for n in range(1000)])
    feed.add([GONE])
    settle(qtbot, feed)
    assert lines(feed.tree) == ["Missing", ["a.####.exr  (1,000)", "gone.png"]]
    assert said(feed.tree, "a.####", STATUS) == "1,000 missing"


def test_a_sequence_shows_its_files_page_by_page(qtbot: Any, feed: FileFeed) -> None:
    """Nobody lays out a hundred thousand rows."""
    count = PAGE * 2 + 10
    feed.add([Dependency("c.####.vdb", "/job/c.####.vdb", tuple(f"/job/c.{n:04}.vdb" for n in range(count)), "volume", "smoke")])
    settle(qtbot, feed)
    tree, index = feed.tree, line(feed.tree, "c.####")
    counts = []
    while tree.has_more(index):
        tree.load_more(index)
        counts.append(tree.rowCount(index))
    assert counts == [PAGE, PAGE * 2, count]
    last = tree.index(count - 1, 0, index)
    assert (tree.data(last), tree.parent(last), tree.hasChildren(last)) == (f"c.{count - 1:04}.vdb", index, False)


@pytest.mark.parametrize(
    ("status", "text", "to_send"),
    [
        pytest.param("new", "new", 2_000_000, id="new"),
        pytest.param("stored", "in the store", 0, id="in the store"),
        pytest.param("rendered", "from an earlier job", 0, id="from an earlier job"),
        pytest.param("missing", "missing", 0, id="missing"),
        pytest.param("unknown", "…", 0, id="not known yet"),
    ],
)
def test_every_status_has_its_word(qtbot: Any, feed: FileFeed, status: Any, text: str, to_send: int) -> None:
    """What the check says stands beside the file, and only what is new counts as to be sent."""
    feed.add([WOOD])
    feed.check([CheckedFile(WOOD.path, 2_000_000, status)])
    settle(qtbot, feed)
    assert said(feed.tree, "wood", STATUS) == text
    assert feed.totals.bytes_to_send == to_send
    assert lines(feed.tree)[0] == ("Missing" if status == "missing" else "Textures")


def test_a_sequence_counts_its_statuses(qtbot: Any, feed: FileFeed) -> None:
    """Until all are known, the rest is an ellipsis; a status that is told twice counts once."""
    feed.add([UDIM])
    feed.check([CheckedFile(UDIM.files[0], 10, "new"), CheckedFile(UDIM.files[1], 20, "stored")])
    feed.check([CheckedFile(UDIM.files[0], 10, "new"), CheckedFile(UDIM.files[2], 30, "stored")])
    settle(qtbot, feed)
    assert (said(feed.tree, "skin", STATUS), said(feed.tree, "skin", SIZE)) == ("1 new · 2 in the store · …", "60 B")
    totals = feed.totals
    assert (totals.files, totals.unknown, totals.bytes, totals.bytes_to_send) == (4, 1, 60, 10)


def test_a_status_that_comes_before_its_file_is_kept(qtbot: Any, feed: FileFeed) -> None:
    """The check of an added folder may be quicker than its listing."""
    feed.check([CheckedFile(WOOD.path, 5, "new")])
    feed.add([WOOD])
    settle(qtbot, feed)
    assert (said(feed.tree, "wood", STATUS), feed.totals.bytes_to_send) == ("new", 5)


@pytest.mark.parametrize(
    ("path", "left"),
    [
        pytest.param("/job/tex/wood.png", ["wood.png"], id="a file"),
        pytest.param("/job/tex/skin.<UDIM>.exr", ["skin.<UDIM>.exr  (4)"], id="a sequence"),
        pytest.param("/job/tex", ["gone.png", "wood.png", "skin.<UDIM>.exr  (4)"], id="a folder"),
    ],
)
def test_what_is_excluded_is_struck_through_with_its_reason_and_can_be_taken_back(
    qtbot: Any, feed: FileFeed, path: str, left: list[str]
) -> None:
    """It leaves the totals and comes back to its place."""
    feed.add([WOOD, UDIM, GONE])
    settle(qtbot, feed)
    before, files = lines(feed.tree), feed.totals.files
    feed.exclude([Exclusion(path, "not in this shot")])
    settle(qtbot, feed)
    names = lines(feed.tree)
    out = names[names.index("Excluded") + 1]
    assert sorted(out) == sorted(left)
    index = line(feed.tree, out[0])
    assert feed.tree.data(index, int(Qt.ItemDataRole.FontRole)).strikeOut()
    assert said(feed.tree, out[0], NOTE) == "not in this shot"
    assert feed.totals.files < files
    feed.exclude([])
    settle(qtbot, feed)
    after = lines(feed.tree)
    assert (after[::2], sorted(map(sorted, after[1::2]))) == (before[::2], sorted(map(sorted, before[1::2])))
    assert feed.totals.files == files


def test_one_file_of_a_sequence_can_be_left_at_home(qtbot: Any, feed: FileFeed) -> None:
    """The sequence stays, the file is struck through."""
    feed.add([UDIM])
    feed.exclude([Exclusion(UDIM.files[2], "broken")])
    settle(qtbot, feed)
    index = line(feed.tree, "skin")
    feed.tree.load_more(index)
    assert [feed.tree.data(feed.tree.index(n, STATUS, index)) for n in range(4)] == ["…", "…", "excluded", "…"]
    assert feed.totals.files == 3


def test_who_sees_it_is_said_where_host_and_file_disagree(qtbot: Any, feed: FileFeed) -> None:
    """And such lines can be filtered for."""
    both = Dependency("a", "/job/a.png", ("/job/a.png",), "texture", "n1", seen_by=("host", "file"))
    alone = Dependency("b", "/job/b.png", ("/job/b.png",), "texture", "n2", seen_by=("file",))
    feed.add([both, alone])
    settle(qtbot, feed)
    assert [said(feed.tree, n, NOTE) for n in "ab"] == ["", "only the saved file names it, the host does not"]
    feed.tree.set_filter("", "one-sided")
    assert lines(feed.tree) == ["Textures", ["b.png"]]


def test_the_report_corrects_what_the_scan_showed(qtbot: Any, feed: FileFeed) -> None:
    """What only the scan had goes, what the report knows better is shown so, the rest stays where it is."""
    feed.show_scene("/job/shot.scene")
    feed.add([WOOD, UDIM])
    settle(qtbot, feed)
    index = feed.tree.index_of(next(r for r in feed.rows() if r.path == WOOD.path))
    better = Dependency(WOOD.as_written, WOOD.path, WOOD.files, "texture", "file1.ftn", seen_by=("host",))
    feed.finish(ScanReport("/job/shot.scene", "memory", dependencies=(better,), missing=(GONE,)))
    settle(qtbot, feed)
    assert lines(feed.tree) == ["Missing", ["gone.png"], "Scene", ["shot.scene"], "Textures", ["wood.png"]]
    assert said(feed.tree, "wood", NOTE).startswith("only the host")
    assert feed.totals.files == 2
    assert feed.tree.row_at(index) is not None


def test_a_later_reading_counts_alone(qtbot: Any, feed: FileFeed) -> None:
    """Nodes, frames and gaps that it does not name any more are gone from their lines."""
    gaps = [Missing("a.####.exr", f"/job/a.{n}.exr", "image", "Read1", "there is no such file") for n in range(5)]
    feed.add([WOOD, Dependency("w", WOOD.path, WOOD.files, "texture", "file2.ftn"), UDIM, *gaps])
    settle(qtbot, feed)
    fewer = Dependency(UDIM.as_written, UDIM.path, UDIM.files[:2], "texture", "skin")
    feed.finish(ScanReport("/job/s", "memory", (WOOD, fewer), tuple(gaps[:2])))
    settle(qtbot, feed)
    assert said(feed.tree, "wood", WANTED_BY) == "file1.ftn"
    assert lines(feed.tree) == ["Missing", ["a.####.exr  (2)"], "Textures", ["wood.png", "skin.<UDIM>.exr  (2)"]]
    assert feed.totals.files == 3


@pytest.mark.parametrize(
    ("text", "status", "shown"),
    [
        pytest.param("WOOD", "", ["wood.png"], id="a name, in any case"),
        pytest.param("skin tex", "", ["skin.<UDIM>.exr  (4)"], id="two words"),
        pytest.param("file9", "", ["gone.png"], id="who wants it"),
        pytest.param("", "problems", ["gone.png", "[value x]"], id="problems"),
        pytest.param("", "new", ["wood.png"], id="new"),
        pytest.param("", "ignored", ["lut.spi"], id="not sent"),
        pytest.param("wood", "missing", [], id="both"),
    ],
)
def test_the_filter_is_by_text_and_by_status(qtbot: Any, feed: FileFeed, text: str, status: str, shown: list[str]) -> None:
    """Lines that come later are filtered too; without a filter all are there again."""
    feed.add([WOOD, UDIM, GONE, ODD])
    feed.check([CheckedFile(WOOD.path, 2, "new")])
    settle(qtbot, feed)
    everything = lines(feed.tree)
    feed.tree.set_filter(text, status)
    feed.add([SHIPPED])
    settle(qtbot, feed)
    assert [name for group in lines(feed.tree)[1::2] for name in group] == shown
    feed.tree.set_filter("", "")
    assert lines(feed.tree) == [*everything, "Not sent", ["lut.spi"]]


def test_lines_are_sorted_within_their_group_and_the_selection_goes_along(qtbot: Any, feed: FileFeed) -> None:
    """By size, largest first, and back to how they were found."""
    feed.add([Dependency(n, f"/job/{n}.png", (f"/job/{n}.png",), "texture", n) for n in "cab"])
    feed.check([CheckedFile(f"/job/{n}.png", size, "new") for n, size in (("c", 1), ("a", 3), ("b", 2))])
    settle(qtbot, feed)
    kept = QPersistentModelIndex(line(feed.tree, "c"))
    feed.tree.sort(SIZE, Qt.SortOrder.DescendingOrder)
    assert lines(feed.tree) == ["Textures", ["a.png", "b.png", "c.png"]]
    assert (kept.row(), feed.tree.data(kept)) == (2, "c.png")
    feed.tree.sort(NAME, Qt.SortOrder.AscendingOrder)
    feed.add([Dependency("aa", "/job/aa.png", ("/job/aa.png",), "texture", "n")])
    settle(qtbot, feed)
    assert lines(feed.tree) == ["Textures", ["a.png", "aa.png", "b.png", "c.png"]]
    feed.tree.sort(-1)
    assert lines(feed.tree) == ["Textures", ["c.png", "a.png", "b.png", "aa.png"]]


def entries(seed: random.Random, count: int) -> Sequence[Entry]:
    """Return entries of all sorts, many of which fall onto each other."""
    made: list[Entry] = []
    for _ in range(count):
        n, kind = seed.randrange(40), seed.choice(["texture", "cache", "volume"])
        files = tuple(f"/job/{kind}/{n}.{f:04}" for f in range(seed.choice([1, 1, 3, PAGE + 5])))
        sorts: tuple[Entry, ...] = (
            Dependency(str(n), f"/job/{kind}/{n}.####", files, kind, f"node{seed.randrange(3)}"),
            Missing(str(n), f"/job/{kind}/{n}.{seed.randrange(9999):04}", kind, "node", "there is no such file"),
            Unresolved(str(n), "node", "why"),
            Ignored(str(n), "node", "why"),
        )
        made.append(seed.choice(sorts))
    return made


def check_shape(tree: FileTree, parent: QModelIndex) -> None:
    """Check that every row knows its parent, and is nobody else's."""
    for row in range(tree.rowCount(parent)):
        index = tree.index(row, 0, parent)
        assert (tree.parent(index), index.row()) == (parent, row)
        assert tree.hasChildren(index) or tree.rowCount(index) == 0
        check_shape(tree, index)
    assert not tree.index(tree.rowCount(parent), 0, parent).isValid()


@pytest.mark.parametrize("number", range(4))
def test_a_view_can_rely_on_the_model_at_every_moment(qtbot: Any, qtlog: Any, number: int) -> None:
    """Rows, parents and signals agree, whatever comes in whatever order; Qt's own tester listens where the binding has it."""
    seed, feed = random.Random(number), FileFeed()
    tester = getattr(QtTest, "QAbstractItemModelTester", None)
    if tester is not None:
        listening = tester(feed.tree, tester.FailureReportingMode.Warning)
        listening.setUseFetchMore(False)  # it would fetch while rows are being inserted
    for _ in range(25):
        change(seed, feed)
        if seed.random() < 0.7:
            settle(qtbot, feed)
        check_shape(feed.tree, QModelIndex())
    settle(qtbot, feed)
    assert [record.message for record in qtlog.records] == []
    going = {f for row in feed.rows() if row.sendable for f in row.files}
    left = {f for f in going if feed.ledger.is_left_out(f) or feed.ledger.status(f) == "missing"}
    assert feed.totals.files == len(going - left)


def change(seed: random.Random, feed: FileFeed) -> None:
    """Make one change of those that the panel makes."""
    move, tree = seed.randrange(8), feed.tree
    if move <= 1:
        feed.add(entries(seed, 12))
    elif move == 2:
        files = [f for row in feed.rows() if row.sendable for f in row.files[:3]]
        feed.check([CheckedFile(f, seed.randrange(9), seed.choice(["new", "stored", "missing"])) for f in files])
    elif move == 3:
        rows = seed.sample(feed.rows(), min(4, len(feed.rows())))
        feed.exclude([Exclusion(row.path, "no") for row in rows if row.path])
    elif move == 4:
        tree.set_filter(seed.choice(["", "1", "node1"]), seed.choice(["", "", "new", "problems"]))
    elif move == 5:
        tree.sort(seed.randrange(-1, 7), seed.choice([Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder]))
    elif move == 6:
        feed.finish(ScanReport("/job/s", "memory", tuple(e for e in entries(seed, 12) if isinstance(e, Dependency))))
    else:
        for parent in [tree.index(group, 0) for group in range(tree.rowCount())]:
            tree.load_more(parent)
            for row in range(min(3, tree.rowCount(parent))):
                tree.load_more(tree.index(row, 0, parent))
