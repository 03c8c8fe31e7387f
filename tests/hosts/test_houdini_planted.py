"""The guard bites: Houdini hosts that do what is easily done wrong, and the check that finds each in the fake Houdini."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conductor_plugins.compliance.check import checks, outcome
from fakes.stub_reading import Stubs, StubsAbsent

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", autouse=True)
def installed(require: Any) -> Iterator[None]:
    """Let `import hou` give the fake, and the adapter be found as in a clone."""
    try:
        Stubs.installed("hou-stubs")
    except StubsAbsent as exc:
        require(False, str(exc))
    from fakes.houdini_fake import hou

    patch = pytest.MonkeyPatch()
    patch.setitem(sys.modules, "hou", hou())
    patch.syspath_prepend(str(REPO / "houdini"))
    yield
    patch.undo()


def _settings_at_the_root(host: Any, hou: Any) -> None:
    def remember(text: str) -> None:
        with hou.undos.disabler():
            hou.root().setUserData("s", text)

    host.remember = remember
    scene = host.scene
    host.scene = lambda: replace(scene(), settings=hou.root().userData("s") or "")


def _settings_as_a_step(host: Any, hou: Any) -> None:
    host.remember = lambda text: hou.node("/obj").setUserData("conductor.settings", text)


def _save_as(host: Any, hou: Any) -> None:
    from conductor_plugins.host import Snapshot

    def snapshot(file: str) -> Snapshot:
        path = hou.hipFile.path()
        hou.hipFile.save(file)
        return Snapshot(file, path)

    host.snapshot = snapshot


def _save_as_with_the_name_put_back(host: Any, hou: Any) -> None:
    from conductor_plugins.host import Snapshot

    def snapshot(file: str) -> Snapshot:
        path = hou.hipFile.path()
        hou.hipFile.save(file)
        hou.hipFile.setName(path)
        return Snapshot(file, path)

    host.snapshot = snapshot


def _backup(host: Any, hou: Any) -> None:
    from conductor_plugins.host import Snapshot

    def snapshot(file: str) -> Snapshot:
        shutil.move(hou.hipFile.saveAsBackup(), file)
        return Snapshot(file, hou.hipFile.path())

    host.snapshot = snapshot


def _copy_of_the_file(host: Any, hou: Any) -> None:
    from conductor_plugins.host import Snapshot

    def snapshot(file: str) -> Snapshot:
        shutil.copyfile(hou.hipFile.path(), file)
        return Snapshot(file, hou.hipFile.path())

    host.snapshot = snapshot


def _path_of_a_new_scene(host: Any, hou: Any) -> None:
    scene = host.scene
    host.scene = lambda: replace(scene(), path=hou.hipFile.path())


def _nodes_kept(host: Any, hou: Any) -> None:
    def dependencies(frames: Sequence[int]) -> Iterator[list[Any]]:
        for node in hou.node("/").allSubChildren():
            node.parms()
            yield []

    host.dependencies = dependencies


def _frame_set(host: Any, hou: Any) -> None:
    found = host.dependencies

    def dependencies(frames: Sequence[int]) -> Iterator[Any]:
        for frame in frames or (1,):
            hou.setFrame(frame)
            yield from found((frame,))

    host.dependencies = dependencies


def _shown_at_once(host: Any, hou: Any) -> None:
    host.reveal = lambda referrer: bool(hou.node(referrer.rpartition("/")[0]))


def _a_call_that_is_not_there(host: Any, hou: Any) -> None:
    steps = host.steps
    host.steps = lambda: hou.root().allNodes() and steps()


#: what is done wrong; the check that finds it
PLANTED: dict[str, tuple[Any, str]] = {
    "settings at the root, which no scene keeps": (_settings_at_the_root, "settings_are_saved"),
    "settings as a step of undo": (_settings_as_a_step, "undo_leaves_settings_alone"),
    "a snapshot by Save As": (_save_as, "snapshot_leaves_no_trace"),
    "a snapshot by Save As, the name put back": (_save_as_with_the_name_put_back, "snapshot_leaves_no_trace"),
    "a snapshot by a backup beside the scene": (_backup, "snapshot_leaves_no_trace"),
    "a copy of the saved file": (_copy_of_the_file, "snapshot_has_unsaved_changes"),
    "a new scene with a path": (_path_of_a_new_scene, "unsaved_scene_is_refused"),
    "nodes kept from piece to piece": (_nodes_kept, "scene_may_change_meanwhile"),
    "the frame set to evaluate": (_frame_set, "dependencies_change_nothing"),
    "a node by the beginning of a text": (_shown_at_once, "finding_is_revealed"),
    "a call that Houdini has not": (_a_call_that_is_not_there, "steps_are_told"),
}


@pytest.mark.parametrize(("plant", "name"), PLANTED.values(), ids=PLANTED)
def test_what_is_done_wrong_is_found(plant: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host that is right passes the check, and the one with the planted error does not."""
    from hosts.houdini_world import HoudiniWorld

    monkeypatch.chdir(tmp_path)
    for planted in (False, True):
        folder = tmp_path / str(planted)
        folder.mkdir()
        world = HoudiniWorld(folder)
        if planted:
            plant(world.host, sys.modules["hou"])
        problem = outcome(name, checks()[name], world).problem
        assert bool(problem) is planted, problem
