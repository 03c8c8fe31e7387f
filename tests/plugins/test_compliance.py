"""The compliance suite for hosts: the one in memory passes it, and each promise that a host breaks is found."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from conductor_core.discovery.finding import Finding, Usage
from conductor_core.host import SceneStep
from conductor_core.submission import Output, Software
from conductor_plugins.compliance.check import Outcome, checks, complied, outcome
from conductor_plugins.host import HostRefused, HostScene, Snapshot
from conductor_plugins.memory_host import MemoryHost
from plugins.memory_world import MemoryWorld


@pytest.mark.parametrize("name", checks())
def test_the_host_in_memory_keeps_every_promise(name: str, tmp_path: Path) -> None:
    """Nothing is wrong, and nothing is left untried."""
    assert _problem(name, tmp_path, MemoryHost()) == ("", "")


def test_each_check_has_a_world_and_a_folder_of_its_own(tmp_path: Path) -> None:
    """The suite as a whole is what each host runs."""
    outcomes = complied(MemoryWorld, tmp_path)
    assert [o.name for o in outcomes] == list(checks())
    assert {o.problem for o in outcomes} == {""}
    assert all(o.promise.endswith(".") for o in outcomes)


def test_what_cannot_be_tried_is_told(tmp_path: Path) -> None:
    """A host without undo here is not said to keep that promise."""

    class NoUndo(MemoryWorld):
        def undo(self) -> bool:
            return False

    found = outcome("undo", checks()["undo_leaves_settings_alone"], NoUndo(tmp_path))
    assert found.untried
    assert not found.problem


class RelativePath(MemoryHost):
    def scene(self) -> HostScene:
        return replace(self.current, path=os.path.basename(self.current.path))


class NoVersion(MemoryHost):
    def scene(self) -> HostScene:
        return replace(self.current, software=Software("memory", ""))


class OddRange(MemoryHost):
    def scene(self) -> HostScene:
        return replace(self.current, frames="1..10")


class NeverModified(MemoryHost):
    def scene(self) -> HostScene:
        return replace(self.current, modified=False)


class ModifiedAfterSaving(MemoryHost):
    def save(self) -> None:
        super().save()
        self.current = replace(self.current, modified=True)


class StepsWithObjects(MemoryHost):
    def steps(self) -> Sequence[SceneStep]:
        return [replace(self.scene_steps[0], parameters={"camera": threading.Lock()})]  # type: ignore[dict-item]


class StepsTwice(MemoryHost):
    def steps(self) -> Sequence[SceneStep]:
        return [*self.scene_steps, *self.scene_steps]


class RelativeOutput(MemoryHost):
    def steps(self) -> Sequence[SceneStep]:
        return [SceneStep("beauty", (Output("render/shot_####.exr"),))]


class NoSteps(MemoryHost):
    def steps(self) -> Sequence[SceneStep]:
        return []


class CountingSteps(MemoryHost):
    asked = 0

    def steps(self) -> Sequence[SceneStep]:
        self.asked += 1
        return [replace(self.scene_steps[0], name=f"beauty{self.asked}")]


class LivingEnvironment(MemoryHost):
    def environment(self) -> Mapping[str, str]:
        return os.environ


class StaleEnvironment(MemoryHost):
    def environment(self) -> Mapping[str, str]:
        return {"PATH": "/bin"}


class NumbersInEnvironment(MemoryHost):
    def environment(self) -> Mapping[str, str]:
        return {**self.variables, "CORES": 4}  # type: ignore[dict-item]


class LockedEnvironment(MemoryHost):
    def environment(self) -> Mapping[str, str]:
        return MappingProxyType({**self.variables, "LOCK": threading.Lock()})  # type: ignore[dict-item]


class SlowScene(MemoryHost):
    def scene(self) -> HostScene:
        _hold(0.07)
        return self.current


class SlowReveal(MemoryHost):
    def reveal(self, referrer: str) -> bool:
        _hold(0.07)
        return super().reveal(referrer)


class SavesUnnamed(MemoryHost):
    def save(self) -> None:
        self.current = replace(self.current, modified=False)


class RefusesWithoutAWord(MemoryHost):
    def save(self) -> None:
        if not self.current.path:
            raise HostRefused("")
        super().save()


class SnapshotsUnnamed(MemoryHost):
    def snapshot(self, file: str) -> Snapshot:
        Path(file).write_text(self._text())
        return Snapshot(file, self.current.path)


class SaveForgets(MemoryHost):
    def save(self) -> None:
        if not self.current.path:
            raise HostRefused("The scene has no name yet.")
        self.current = replace(self.current, modified=False)


class SnapshotSaves(MemoryHost):
    def snapshot(self, file: str) -> Snapshot:
        self.save()
        return super().snapshot(file)


class SnapshotRenames(MemoryHost):
    def snapshot(self, file: str) -> Snapshot:
        found = super().snapshot(file)
        self.current = replace(self.current, path=file)
        return found


class SnapshotLitters(MemoryHost):
    def snapshot(self, file: str) -> Snapshot:
        found = super().snapshot(file)
        Path(f"{self.current.path}.bak").write_text("litter")
        return found


class SnapshotIsAStep(MemoryHost):
    def snapshot(self, file: str) -> Snapshot:
        found, modified = super().snapshot(file), self.current.modified
        self._undo.append((self.content, self.nodes))
        self.current = replace(self.current, modified=modified)
        return found


class SnapshotOfTheFile(MemoryHost):
    def snapshot(self, file: str) -> Snapshot:
        found = super().snapshot(file)
        Path(file).write_bytes(Path(self.current.path).read_bytes())
        return found


class SnapshotRelativeToItself(MemoryHost):
    def snapshot(self, file: str) -> Snapshot:
        nodes, here = self.nodes, os.path.dirname(self.current.path)
        there = os.path.dirname(file)
        self.nodes = tuple(
            n if os.path.isabs(n.file) else replace(n, file=os.path.relpath(os.path.join(here, n.file), there)) for n in nodes
        )
        try:
            return super().snapshot(file)
        finally:
            self.nodes = nodes


class SnapshotCrashes(MemoryHost):
    def snapshot(self, file: str) -> Snapshot:
        if self.current.path:
            Path(file).write_text(self._text())
        return super().snapshot(file)


class ForgetsSettings(MemoryHost):
    def remember(self, settings: str) -> None:
        pass


class ShortSettings(MemoryHost):
    def remember(self, settings: str) -> None:
        super().remember(settings[:65_535])


class PlainSettings(MemoryHost):
    def remember(self, settings: str) -> None:
        super().remember(settings.encode("ascii", "ignore").decode())


class SettingsAreAStep(MemoryHost):
    def remember(self, settings: str) -> None:
        self.edit()
        super().remember(settings)


class SettingsNotInTheFile(MemoryHost):
    def _text(self) -> str:
        settings, self.current = self.current.settings, replace(self.current, settings="")
        text = super()._text()
        self.current = replace(self.current, settings=settings)
        return text


class SettingsNeedAName(MemoryHost):
    def remember(self, settings: str) -> None:
        if self.current.path:
            super().remember(settings)


class UndoTakesSettings(MemoryHost):
    def undo(self) -> None:
        super().undo()
        self.current = replace(self.current, settings="")


class RevealsNobody(MemoryHost):
    def reveal(self, referrer: str) -> bool:
        return True


class RevealsNothing(MemoryHost):
    def reveal(self, referrer: str) -> bool:
        return False


class Altered(MemoryHost):
    """A host whose pieces are another's, altered."""

    def dependencies(self, frames: Sequence[int]) -> Iterator[Sequence[Finding]]:
        for piece in super().dependencies(frames):
            yield [self.altered(f) for f in piece if isinstance(f, Usage) and self.told(f)]

    def altered(self, usage: Usage) -> Any:
        return usage

    def told(self, usage: Usage) -> bool:
        return True


class MissingIsLeftOut(Altered):
    def told(self, usage: Usage) -> bool:
        return os.path.exists(usage.places[0])


class RelativePlaces(Altered):
    def altered(self, usage: Usage) -> Any:
        return replace(usage, places=(usage.as_written,))


class WrittenIsThePlace(Altered):
    def altered(self, usage: Usage) -> Any:
        return replace(usage, as_written=usage.places[0])


class NobodyWants(Altered):
    def altered(self, usage: Usage) -> Any:
        return replace(usage, referrer="")


class FindingsAreTexts(Altered):
    def altered(self, usage: Usage) -> Any:
        return usage.places[0]


class LivingFindings(Altered):
    def altered(self, usage: Usage) -> Any:
        return replace(usage, reach=Living())


class Living:
    """Holds something of a host's."""

    def find(self, pattern: str, listing: object, /) -> Any:
        raise RuntimeError("the scene is closed")


class FindingsOfTheOpenScene(Altered):
    def altered(self, usage: Usage) -> Any:
        return replace(usage, reach=OfTheOpenScene(self))


class OfTheOpenScene(Living):
    """Tells what the host has open now."""

    def __init__(self, host: MemoryHost) -> None:
        self.host = host

    def __repr__(self) -> str:
        return f"the files of {self.host.current.path}"


class AllFrames(MemoryHost):
    def dependencies(self, frames: Sequence[int]) -> Iterator[Sequence[Finding]]:
        return super().dependencies(range(1, 1000))


class OwnFrames(MemoryHost):
    def dependencies(self, frames: Sequence[int]) -> Iterator[Sequence[Finding]]:
        return super().dependencies(())


class FirstFrameOnly(MemoryHost):
    def dependencies(self, frames: Sequence[int]) -> Iterator[Sequence[Finding]]:
        return super().dependencies(tuple(frames)[:1] or (1,))


class OnePiece(MemoryHost):
    def dependencies(self, frames: Sequence[int]) -> Iterator[Sequence[Finding]]:
        yield [f for piece in super().dependencies(frames) for f in piece]


class SlowPieces(MemoryHost):
    def dependencies(self, frames: Sequence[int]) -> Iterator[Sequence[Finding]]:
        for piece in super().dependencies(frames):
            _hold(0.07)
            yield piece


class OnceOnly(MemoryHost):
    asked = False

    def dependencies(self, frames: Sequence[int]) -> Iterator[Sequence[Finding]]:
        if not self.asked:
            self.asked = True
            yield from super().dependencies(frames)


class OneAtATime(MemoryHost):
    latest = 0

    def dependencies(self, frames: Sequence[int]) -> Iterator[Sequence[Finding]]:
        self.latest += 1
        own = self.latest
        for piece in super().dependencies(frames):
            if own == self.latest:
                yield piece


class StepsThroughFrames(MemoryHost):
    def dependencies(self, frames: Sequence[int]) -> Iterator[Sequence[Finding]]:
        for frame in frames:
            self.current = replace(self.current, current_frame=frame)
        yield from super().dependencies(frames)


class DirtiesTheScene(MemoryHost):
    def dependencies(self, frames: Sequence[int]) -> Iterator[Sequence[Finding]]:
        self.current = replace(self.current, modified=True)
        yield from super().dependencies(frames)


class RaisesForWhatIsGone(MemoryHost):
    def dependencies(self, frames: Sequence[int]) -> Iterator[Sequence[Finding]]:
        nodes = self.nodes
        for piece in super().dependencies(frames):
            if nodes and set(nodes) - set(self.nodes):
                raise ReferenceError("the node was removed")
            yield piece


#: host that breaks a promise → the check that finds it
BROKEN: list[tuple[type[MemoryHost], str]] = [
    (RelativePath, "scene_is_told"),
    (NoVersion, "scene_is_told"),
    (OddRange, "scene_is_told"),
    (NeverModified, "change_makes_it_modified"),
    (ModifiedAfterSaving, "change_makes_it_modified"),
    (StepsWithObjects, "steps_are_told"),
    (StepsTwice, "steps_are_told"),
    (RelativeOutput, "steps_are_told"),
    (NoSteps, "steps_are_told"),
    (CountingSteps, "same_question_same_answer"),
    (LivingEnvironment, "environment_is_plain"),
    (StaleEnvironment, "environment_is_plain"),
    (NumbersInEnvironment, "environment_is_plain"),
    (LockedEnvironment, "environment_is_plain"),
    (SlowScene, "questions_are_quick"),
    (SlowReveal, "questions_are_quick"),
    (SavesUnnamed, "unsaved_scene_is_refused"),
    (RefusesWithoutAWord, "unsaved_scene_is_refused"),
    (SnapshotsUnnamed, "unsaved_scene_is_refused"),
    (SaveForgets, "save_writes_the_scene"),
    (SnapshotSaves, "snapshot_leaves_no_trace"),
    (SnapshotRenames, "snapshot_leaves_no_trace"),
    (SnapshotLitters, "snapshot_leaves_no_trace"),
    (SnapshotIsAStep, "snapshot_leaves_no_trace"),
    (SnapshotOfTheFile, "snapshot_has_unsaved_changes"),
    (SnapshotSaves, "snapshot_has_unsaved_changes"),
    (SnapshotRelativeToItself, "snapshot_keeps_paths"),
    (SnapshotCrashes, "snapshot_can_be_refused"),
    (ForgetsSettings, "settings_come_back"),
    (ShortSettings, "settings_come_back"),
    (PlainSettings, "settings_come_back"),
    (SettingsNotInTheFile, "settings_are_saved"),
    (SettingsNeedAName, "settings_are_kept_without_a_name"),
    (SettingsAreAStep, "undo_leaves_settings_alone"),
    (UndoTakesSettings, "undo_leaves_settings_alone"),
    (RevealsNobody, "finding_is_revealed"),
    (RevealsNothing, "finding_is_revealed"),
    (MissingIsLeftOut, "texture_is_found"),
    (NobodyWants, "texture_is_found"),
    (RelativePlaces, "relative_texture_is_found"),
    (WrittenIsThePlace, "relative_texture_is_found"),
    (AllFrames, "sequence_is_for_the_frames"),
    (OwnFrames, "sequence_is_for_the_frames"),
    (FirstFrameOnly, "sequence_is_for_the_frames"),
    (FindingsAreTexts, "findings_are_values"),
    (LivingFindings, "findings_are_values"),
    (FindingsOfTheOpenScene, "findings_outlive_the_scene"),
    (OnePiece, "pieces_are_small"),
    (SlowPieces, "pieces_are_small"),
    (OnceOnly, "dependencies_can_be_asked_again"),
    (OneAtATime, "dependencies_can_be_asked_again"),
    (StepsThroughFrames, "dependencies_change_nothing"),
    (DirtiesTheScene, "dependencies_change_nothing"),
    (RaisesForWhatIsGone, "scene_may_change_meanwhile"),
]


@pytest.mark.parametrize(("broken", "name"), BROKEN, ids=[f"{b.__name__}-{n}" for b, n in BROKEN])
def test_a_broken_promise_is_found(broken: Callable[[], MemoryHost], name: str, tmp_path: Path) -> None:
    """A check that cannot fail proves nothing: here is who fails it, and it says so in a sentence."""
    problem, _ = _problem(name, tmp_path, broken())
    assert len(problem.split()) > 3, problem


def test_every_check_can_fail() -> None:
    """Each is failed by one host of this table at least."""
    assert set(checks()) == {name for _, name in BROKEN}


def _problem(name: str, folder: Path, host: MemoryHost) -> tuple[str, str]:
    found: Outcome = outcome(name, checks()[name], MemoryWorld(folder, host))
    return found.problem, found.untried


def _hold(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass
