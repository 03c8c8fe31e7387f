"""Checks of what a host finds: everything, as values, in small pieces that can be left off and begun again."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.judge import judged
from conductor_core.report import Dependency, Ignored, Missing, ScanOutput, Unresolved
from conductor_core.sequences import DirectoryListing

from conductor_plugins.compliance.answers import scene_file
from conductor_plugins.compliance.check import AT_ONCE, TRIES, check, need, need_equal, need_value
from conductor_plugins.compliance.world import HostWorld
from conductor_plugins.wire import decode, encode

#: textures of a scene that is large enough to be told in pieces
MANY = 200


@check
def texture_is_found(world: HostWorld) -> None:
    """A texture is told with its absolute place and who wants it, whether its file is there or not."""
    world.new_scene(scene_file(world))
    there, gone = _picture(world, "wood.png"), str(world.folder / "project" / "gone.png")
    world.add_texture(there)
    world.add_texture(gone)
    usages = _usages(world.host.dependencies(()))
    for file in (there, gone):
        need(_reading(usages, file), f"{file} is read by the scene, and no finding says so.")
    for usage in usages:
        need(usage.referrer.strip(), f"Nobody is named who wants {usage.as_written!r}.")
        need(usage.places, f"{usage.as_written!r} has no place.")
        for place in usage.places:
            need(os.path.isabs(place), f"{usage.as_written!r} is told with the place {place!r}, which is not absolute.")
    entries = [entry for usage in usages for entry in judged(usage, DirectoryListing())]
    found = {os.path.realpath(f) for e in entries if isinstance(e, Dependency) for f in e.files}
    missing = {os.path.realpath(e.path) for e in entries if isinstance(e, Missing)}
    need(os.path.realpath(there) in found, f"{there} is there, and is not judged to be found.")
    need(os.path.realpath(gone) in missing, f"{gone} is not there, and is not judged to be missing.")


@check
def relative_texture_is_found(world: HostWorld) -> None:
    """A path that is stored relative to the scene is told as it is stored, with the absolute place that it means."""
    world.new_scene(scene_file(world))
    file = _picture(world, os.path.join("textures", "wood.png"))
    world.add_texture(file, relative=True)
    usage = _reading(_usages(world.host.dependencies(())), file)
    need(usage, f"{file}, stored relative to the scene, is read, and no finding says so.")
    assert usage is not None
    need(
        not os.path.isabs(usage.as_written) or usage.as_written.startswith("//"), f"{usage.as_written!r} is not as it is stored."
    )


@check
def sequence_is_for_the_frames(world: HostWorld) -> None:
    """Of a sequence, the files of the frames that were asked for are needed, and for no frames those of the scene's range."""
    world.new_scene(scene_file(world))
    pattern = str(world.folder / "project" / "plate" / "plate.####.png")
    files = [_picture(world, os.path.join("plate", f"plate.{frame:04d}.png")) for frame in range(1, 21)]
    world.add_sequence(pattern, 1, 20)
    for frames, wanted in (((3, 4), files[2:4]), ((), files[:10])):
        usages = _usages(world.host.dependencies(frames))
        found = {os.path.realpath(f) for u in usages for f in _files(u) if os.path.basename(f).startswith("plate.")}
        lacking = {os.path.realpath(f) for f in wanted} - found
        need(not lacking, f"For the frames {frames or '1-10'} the scene reads {sorted(lacking)}, and no finding says so.")
        if frames:
            more = found - {os.path.realpath(f) for f in wanted}
            need(not more, f"For the frames {frames} the scene does not read {sorted(more)}, and a finding says so.")


@check
def findings_are_values(world: HostWorld) -> None:
    """Each finding is one of the four kinds, holds nothing of the host's, and reaches a panel in another process as it is."""
    world.new_scene(scene_file(world))
    world.add_texture(_picture(world, "wood.png"))
    for finding in _all(world.host.dependencies(())):
        need(isinstance(finding, (Usage, Unresolved, ScanOutput, Ignored)), f"dependencies() yields a {type(finding).__name__}.")
        need_value(finding, f"the finding {finding.as_written!r}")
        need(
            _travels(finding),
            f"The finding {finding.as_written!r} does not reach a panel in another process as it is: {finding!r}",
        )


def _travels(finding: Finding) -> bool:
    try:
        return bool(decode(json.loads(json.dumps(encode(finding)))) == finding)
    except (KeyError, TypeError, ValueError):
        return False


@check
def findings_outlive_the_scene(world: HostWorld) -> None:
    """What was found stays readable after the scene that it was found in is closed."""
    world.new_scene(scene_file(world))
    file = _picture(world, "wood.png")
    world.add_texture(file)
    findings = _all(world.host.dependencies(()))
    before = repr(findings)
    world.new_scene("")
    need_equal(repr(findings), before, "What was found, after another scene was opened")


@check
def pieces_are_small(world: HostWorld) -> None:
    """Each piece of the dependencies holds the main thread for 50 ms at most, in a scene with two hundred textures."""
    _many(world)
    longest = min(max(_seconds(world.host.dependencies(())), default=0.0) for _ in range(TRIES))
    need(longest <= AT_ONCE, f"One piece holds the main thread for {longest * 1000:.0f} ms; {AT_ONCE * 1000:.0f} are allowed.")
    pieces = sum(1 for _ in world.host.dependencies(()))
    need(pieces > 1, f"The dependencies of a scene with {MANY} textures come in one piece, which cannot be interrupted.")


@check
def dependencies_can_be_asked_again(world: HostWorld) -> None:
    """The same findings come each time, also when the former question was left off in the middle, and of two at once."""
    files = _many(world)
    whole = _texts(_all(world.host.dependencies(())))
    need(len(whole) >= len(files), f"{len(files)} textures are read, and there are {len(whole)} findings.")
    left = iter(world.host.dependencies(()))
    next(left, ())
    close = getattr(left, "close", None)
    if close is not None:
        close()
    need_equal(_texts(_all(world.host.dependencies(()))), whole, "What is found after a question that was left off")
    one, other = iter(world.host.dependencies(())), iter(world.host.dependencies(()))
    first: list[Finding] = [*next(one, ()), *next(other, ())]
    rest = [*_all(one), *_all(other)]
    need_equal(_texts([*first, *rest]), sorted([*whole, *whole]), "What two questions at once find")


@check
def dependencies_change_nothing(world: HostWorld) -> None:
    """Asking for dependencies leaves frame, modified flag, steps to undo and the scene's file as they were."""
    _many(world)
    world.host.save()
    host, file = world.host, world.host.scene().path
    before = (host.scene(), tuple(host.steps()), world.undo_steps(), _bytes(file))
    _all(host.dependencies((2, 5, 9)))
    after = (host.scene(), tuple(host.steps()), world.undo_steps(), _bytes(file))
    for name, one, other in zip(("scene()", "steps()", "the steps to undo", "the scene's file"), before, after, strict=True):
        need(one == other, f"{name} changes when one asks for dependencies.")


@check
def scene_may_change_meanwhile(world: HostWorld) -> None:
    """A node that is removed, or a scene that is closed, between two pieces is no error."""
    world.new_scene(scene_file(world))
    nodes = [world.add_texture(str(world.folder / "project" / f"wood_{number}.png")) for number in range(MANY)]
    going = iter(world.host.dependencies(()))
    next(going, ())
    for node in nodes[1::2]:
        world.remove(node)
    left = {str(world.folder / "project" / f"wood_{number}.png") for number in range(0, MANY, 2)}
    seen = {p for u in _usages(world.host.dependencies(())) for p in u.places}
    need(left <= seen, f"Of the nodes that are left, {sorted(left - seen)[:3]} are not found any more.")
    _all(going)
    closed = iter(world.host.dependencies(()))
    next(closed, ())
    world.new_scene("")
    _all(closed)


def _many(world: HostWorld) -> list[str]:
    world.new_scene(scene_file(world))
    files = [str(world.folder / "project" / f"wood_{number}.png") for number in range(MANY)]
    for file in files:
        world.add_texture(file)
    return files


def _picture(world: HostWorld, name: str) -> str:
    """Write the smallest picture there is (PNG of one pixel) in the project's folder."""
    file = world.folder / "project" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(PIXEL)
    return str(file)


#: a PNG of one grey pixel
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c636800000082008177cd72b60000000049454e44ae426082"
)


def _all(pieces: Iterator[Sequence[Finding]]) -> list[Finding]:
    return [finding for piece in pieces for finding in piece]


def _usages(pieces: Iterator[Sequence[Finding]]) -> list[Usage]:
    return [finding for finding in _all(pieces) if isinstance(finding, Usage)]


def _reading(usages: list[Usage], file: str) -> Usage | None:
    wanted = os.path.realpath(file)
    return next((u for u in usages if wanted in {os.path.realpath(p) for p in u.places}), None)


def _files(usage: Usage) -> tuple[str, ...]:
    return tuple(f for e in judged(usage, DirectoryListing()) if isinstance(e, Dependency) for f in e.files)


def _texts(findings: list[Finding]) -> list[str]:
    return sorted(repr(finding) for finding in findings)


def _seconds(pieces: Iterator[Sequence[Finding]]) -> Iterator[float]:
    """Yield what each piece costs this thread, the last question for more included."""
    going = iter(pieces)
    while True:
        start = time.thread_time()
        piece = next(going, None)
        yield time.thread_time() - start
        if piece is None:
            return


def _bytes(file: str) -> bytes:
    with open(file, "rb") as stream:
        return stream.read()
