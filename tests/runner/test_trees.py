"""Trees that a task made are listed and removed, whatever they are."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conductor_service.trees import DEEPEST, TooDeep, entries_below, remove_tree

if TYPE_CHECKING:
    from runner.conftest import Farm, Job

    MakeJob = Callable[..., Job]

#: run by a task: folders nested deeper than a path may be long
NEST = """
import os
os.chdir({folder!r})
for _ in range({depth}):
    os.mkdir("d")
    os.chdir("d")
open("file", "w").close()
"""


def nest(folder: Path, depth: int) -> None:
    folder.mkdir(exist_ok=True)
    before = Path.cwd()
    try:
        exec(NEST.format(folder=str(folder), depth=depth))
    finally:
        os.chdir(before)


def test_all_that_lies_below_a_folder_is_found_and_links_are_not_followed(tmp_path: Path) -> None:
    """Files, folders, links and pipes, each once, and as what they are."""
    (tmp_path / "b" / "c").mkdir(parents=True)
    for name in ("b/c/3", "b/2", "1", "z"):
        (tmp_path / name).write_text(name)
    (tmp_path / "link").symlink_to("1")
    (tmp_path / "way").symlink_to("b")
    os.mkfifo(tmp_path / "pipe")
    found = {name: stat.filemode(facts.st_mode)[0] for name, facts in entries_below(tmp_path)}
    assert found == {"1": "-", "z": "-", "b": "d", "b/2": "-", "b/c": "d", "b/c/3": "-", "link": "l", "way": "l", "pipe": "p"}
    assert len(list(entries_below(tmp_path))) == 9


def test_a_tree_too_deep_to_be_anybody_s_is_said_so(tmp_path: Path) -> None:
    """Listing ends at a depth; it takes neither the stack nor the descriptors."""
    nest(tmp_path / "deep", DEEPEST + 1)
    with pytest.raises(TooDeep, match=str(DEEPEST)):
        list(entries_below(tmp_path / "deep"))


def test_a_tree_of_any_depth_is_removed(tmp_path: Path) -> None:
    """Deep, wide, read-only and linked: all of it goes, and what a link leads to stays."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    tree = tmp_path / "tree"
    nest(tree, 3000)
    (tree / "away").symlink_to(outside)
    (tree / "locked" / "in").mkdir(parents=True)
    (tree / "locked" / "in" / "file").write_text("x")
    (tree / "locked" / "in").chmod(0)
    (tree / "locked").chmod(0o500)
    remove_tree(tree)
    assert not tree.exists()
    assert (outside / "kept").exists()
    remove_tree(tree)


@pytest.mark.parametrize("where", ["/tmp", "/job/render"])
def test_a_task_that_nests_folders_harms_itself_alone(farm: Farm, job: MakeJob, where: str) -> None:
    """It fails when its outputs are too deep for any artist; the instance goes on, and nothing is left."""
    scene = NEST.format(folder=where, depth=1500) + "\nos.chdir('/')\npng(path)"
    attempts = [farm.add(job(scene)), farm.add(job(session="other"))]
    assert farm.run() == "retired"
    first, second = (farm.service.verdict(a) for a in attempts)
    assert (first.state, first.cause) == (("success", None) if where == "/tmp" else ("failed", "bad-output")), first
    assert second.state == "success", second
    assert sorted(p.name for p in farm.work.root.iterdir()) == ["cache", "lock"]
