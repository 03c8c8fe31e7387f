"""A session: one step of one job on this instance, with its files laid out and its software running.

Tasks of a session come one after another; the scene is loaded once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import conductor_core
from conductor_core.errors import PathError
from conductor_core.paths import ClientPath, Flavour, map_path

from conductor_service.runner.assignment import Assignment
from conductor_service.runner.binds import Node
from conductor_service.runner.collect import Collector, OutputFolder, Taken, copy_tree
from conductor_service.runner.command_step import CommandRun, fill_command
from conductor_service.runner.conversation import Inbox
from conductor_service.runner.errors import TaskFailed
from conductor_service.runner.expectations import Expectations, is_image
from conductor_service.runner.frame_server import FrameServer, Rendered
from conductor_service.runner.groups import Groups
from conductor_service.runner.holding import Holding
from conductor_service.runner.inspector import ImageFacts
from conductor_service.runner.isolation import Isolation, World
from conductor_service.runner.launching import HOSTS, HostScripts, frame_server_argv, resolved, software_view, task_environment
from conductor_service.runner.limits import ResourceLimits, Room
from conductor_service.runner.places import WINDOWS_FILES, Places, output_folders
from conductor_service.runner.publisher import FrameReady
from conductor_service.runner.service import Beat
from conductor_service.runner.stages import Stage, ensure_folder
from conductor_service.runner.system_view import write_etc
from conductor_service.runner.vigil import Charge, Watch
from conductor_service.trees import remove_tree

#: the hosts' scripts use the core too
_CORE = Path(conductor_core.__file__).resolve().parent

HandOver = Callable[[FrameReady], None]


@dataclass(frozen=True, slots=True)
class Machine:
    """What all sessions of an instance share."""

    isolation: Isolation
    hosts: Path
    resources: ResourceLimits
    room: Callable[[], Room]
    clock: Callable[[], float]
    groups: Groups

    @property
    def promises(self) -> str:
        """Return how tasks are kept apart and limited here, for the runner's log."""
        return f"isolation: {self.isolation.name}; limits: {self.groups.name}"


class Session:
    """Run tasks of one step; once a method raised, the software is dead and the session only fit to be closed."""

    def __init__(self, assignment: Assignment, stage: Stage, folder: Path, machine: Machine) -> None:
        self.key = assignment.session
        self._machine = machine
        self._assignment = replace(assignment, software=resolved(assignment.software))
        self._folder = folder
        self._stage = stage
        self._inbox = Inbox()
        self._watch = Watch(self._inbox, machine.resources, machine.room, machine.clock)
        self._server: FrameServer | None = None
        self._places = _places(assignment.flavour, machine.isolation, stage)
        self._expectations = Expectations(assignment.step, assignment.flavour)
        for name in ("tmp", "scratch", "home", "out"):
            (folder / name).mkdir(parents=True)
        write_etc(folder / "etc")
        try:
            outputs = self._output_folders(stage)
        except PathError as exc:
            raise TaskFailed("bad-output", str(exc)) from exc
        self._collector = Collector(outputs, lambda: machine.room().bytes - machine.resources.free_disk)
        #: what the frames of the task named and is taken at its end
        self._late: dict[str, None] = {}
        self._rules = self._places.rules(stage.files, [o.client for o in outputs])
        self._scripts = _scripts(machine)
        self._spoilt = False
        world = self._make_world(stage, outputs)
        # Last of all: whoever gets no session has nothing to close.
        self._world = replace(world, group=machine.groups.make(machine.resources))

    @property
    def promises(self) -> str:
        """Return how its tasks are kept apart and limited, for log and attempt: a group may have failed to be made."""
        return f"isolation: {self._machine.isolation.name}; limits: {self._world.group.name}"

    @property
    def usable(self) -> bool:
        """Tell whether the next task can be run here."""
        return self._inputs_stand and (self._server is None or self._server.running())

    @property
    def spoilt_stage(self) -> Stage | None:
        """Return the stage if tasks wrote into it and inputs in it are not those any more that were submitted."""
        return None if self._inputs_stand or self._machine.isolation.shows_own_paths else self._stage

    @property
    def _inputs_stand(self) -> bool:
        return not self._spoilt and self._collector.intact

    def run(self, assignment: Assignment, holding: Holding, hand_over: HandOver) -> None:
        """Run one task, handing over what it writes, frame by frame.

        Raises:
            TaskFailed: with the cause.
            TaskEnded: somebody ordered its end.
        """
        holding.listen(self._inbox)
        self._late.clear()
        charge = Charge(holding.ref.id, assignment.limits, holding.log)
        try:
            if assignment.step.kind == "command":
                self._run_command(assignment, holding, charge, hand_over)
                self._hand_over_rest(holding, (), None, hand_over)
            else:
                whole, last = self._render_frames(assignment, holding, charge, hand_over)
                self._hand_over_rest(holding, whole, last, hand_over)
        except BaseException:
            self._spoilt = not self._collector.clear()
            raise
        finally:
            holding.inbox = None
            if self._server is not None:
                holding.beat = replace(holding.beat, peak_memory=self._server.settle())

    def _hand_over_rest(self, holding: Holding, whole: tuple[int, ...], last: FrameReady | None, hand_over: HandOver) -> None:
        """Hand over the last frame, and what was written beside the frames.

        Where there is such, the last frame is not whole before it is published: a machine that is lost in between leaves a
        frame to be rendered, and never a task of which nothing but its files beside the frames is lacking.
        """
        try:
            named = tuple(self._collector.take(seen, holding.folder) for seen in self._late)
            rest = self._collector.take_rest(holding.folder)
        except TaskFailed:
            if last is not None:
                hand_over(last)
            raise
        beside = named + rest
        if last is not None:
            hand_over(replace(last, completes=()) if beside else last)
            whole += () if beside else last.completes
        late = tuple(frame for frame in holding.assignment.task.frames if frame not in whole)
        if beside or late:
            hand_over(FrameReady(holding, None, beside, self._expectations, completes=late))

    def close(self) -> None:
        """End the software and remove what the session wrote."""
        if self._server is not None:
            self._server.quit()
        self._world.group.remove()
        remove_tree(self._folder)

    def _render_frames(
        self, assignment: Assignment, holding: Holding, charge: Charge, hand_over: HandOver
    ) -> tuple[tuple[int, ...], FrameReady | None]:
        """Render all frames; return those that are whole (nothing of them waits for the end of the task), and the last one,
        which is not handed over yet.
        """
        server = self._ready_server(holding, charge)
        frames = assignment.task.frames
        whole: tuple[int, ...] = ()
        ready: FrameReady | None = None
        for index, frame in enumerate(frames):

            def on_progress(fraction: float, status: str, index: int = index, frame: int = frame) -> None:
                holding.beat = Beat((index + fraction) / len(frames), frame, status, server.peak_memory)

            holding.beat = Beat(index / len(frames), frame, "", holding.beat.peak_memory)
            if ready is not None:
                before = self._machine.clock()
                hand_over(ready)
                server.excuse(self._machine.clock() - before)
                whole += ready.completes
            ready = self._frame_ready(server.render(frame, on_progress), holding)
        holding.beat = Beat(1.0, frames[-1])
        return whole, ready

    def _ready_server(self, holding: Holding, charge: Charge) -> FrameServer:
        if self._server is not None:
            self._server.begin(charge, holding.log)
            return self._server
        assignment = self._assignment
        argv = frame_server_argv(assignment.software, self._scripts)
        launch = self._machine.isolation.launch(self._world, argv, self._environment())
        self._server = server = FrameServer(launch, self._watch, charge, holding.log)
        holding.beat = Beat(status="Starting the software")
        holding.log.say(f"{server.greet()} is up ({self.promises})")
        holding.beat = Beat(status="Loading the scene")
        scene = self._places.seen(ClientPath.parse(assignment.scene, assignment.flavour)) if assignment.scene else ""
        holding.log.say(f"scene loaded in {server.load(scene, assignment.step, self._rules):.1f} s")
        return server

    def _frame_ready(self, rendered: Rendered, holding: Holding) -> FrameReady:
        """Take the pictures of a frame; a file without the frame in its name may be written to again: it is taken when the
        task ends.
        """
        named = dict.fromkeys(rendered.outputs)
        named.update((self._places.seen(path), None) for path in self._expectations.per_frame(rendered.frame))
        files: list[Taken] = []
        for seen in named:
            client = self._collector.client_path(seen)
            expected = self._expectations.of(client)
            if expected.frame is not None and is_image(client, expected):
                files.append(self._collector.take(seen, holding.folder))
            else:
                self._late[seen] = None
        facts = ImageFacts(rendered.width, rendered.height, rendered.layers)
        # What is taken at the end is lost if the task does not come to it: such a frame is to be rendered again then.
        whole = (rendered.frame,) if len(files) == len(named) and self._expectations.come_by_frame else ()
        return FrameReady(holding, rendered.frame, tuple(files), self._expectations, facts, whole)

    def _run_command(self, assignment: Assignment, holding: Holding, charge: Charge, hand_over: HandOver) -> None:
        """Run the command; no frame of it is whole before all that it wrote is published."""
        frames = assignment.task.frames
        argv = tuple(self._mapped(word) for word in fill_command(assignment.step.command, frames))
        launch = self._machine.isolation.launch(self._world, argv, self._environment())
        # An inbox of its own: what a killed command still says must not be taken for the next one's words, or its end.
        holding.listen(inbox := Inbox())
        run = CommandRun(launch, replace(self._watch, inbox=inbox), holding.log, charge)

        def on_progress(fraction: float, status: str) -> None:
            holding.beat = Beat(fraction, frames[0], status, run.peak_memory)

        try:
            run.complete(on_progress)
        finally:
            holding.beat = replace(holding.beat, peak_memory=run.peak_memory)
        files: list[Taken] = []
        for path in self._expectations.per_task(frames):
            files.append(self._collector.take(self._places.seen(path), holding.folder))
        if files:
            hand_over(FrameReady(holding, None, tuple(files), self._expectations))

    def _mapped(self, word: str) -> str:
        """Return a word of a command, rewritten where it is a path of the client that lies elsewhere here."""
        if self._rules:
            try:
                path = ClientPath.parse(word, self._assignment.flavour)
            except PathError:
                return word
            mapped = map_path(path, self._rules)
            return mapped.text if mapped is not path else word
        return word

    def _environment(self) -> dict[str, str]:
        return task_environment(self._assignment, self._scripts)

    def _output_folders(self, stage: Stage) -> tuple[OutputFolder, ...]:
        """Make the folders that the step may write; the job's inputs in them are copied, since they may be overwritten."""
        result = []
        for number, client in enumerate(output_folders(self._assignment.step, self._assignment.flavour)):
            backing = ensure_folder(stage.folder, client)
            if self._machine.isolation.shows_own_paths:
                staged, backing = backing, self._folder / "out" / str(number)
                backing.mkdir()
                copy_tree(staged, backing)
            result.append(OutputFolder(client, self._places.seen(client), backing))
        return tuple(result)

    def _make_world(self, stage: Stage, outputs: tuple[OutputFolder, ...]) -> World:
        def seen(staged: str) -> str:
            return f"{self._places.seen_root.rstrip('/')}/{staged}"

        inputs = {seen(f.path): Node(f.path, "folder") for f in stage.plan.folders if f.path}
        inputs |= {seen(f.path): Node(f.path, "file") for f in stage.plan.files}
        inputs |= {seen(link.path): Node(link.path, "link", link.target) for link in stage.plan.links}
        for output in outputs:
            above = output.seen
            while (above := above.rpartition("/")[0]) in inputs:
                inputs[above] = Node(above, "folder")
        # The session's folder stands for the work folder: what holds the one holds the other.
        hidden = (str(Path.home()), str(self._folder)) if self._machine.isolation.shows_own_paths else ()
        core = {f"{self._scripts.core}/{_CORE.name}": str(_CORE)}
        return World(
            folder=self._folder,
            stage=stage.folder,
            inputs=inputs,
            outputs={o.seen: str(o.backing) for o in outputs},
            software={**software_view(self._assignment.software, self._scripts, hidden), **core},
            seen_root=self._places.seen_root,
            limits=self._machine.resources,
        )


def _places(flavour: Flavour, isolation: Isolation, stage: Stage) -> Places:
    if not isolation.shows_own_paths:
        return Places(flavour, str(stage.folder))
    return Places(flavour, "/" if flavour is Flavour.POSIX else WINDOWS_FILES)


def _scripts(machine: Machine) -> HostScripts:
    if machine.isolation.shows_own_paths:
        return HostScripts(machine.hosts, HOSTS, f"{HOSTS}/core")
    return HostScripts(machine.hosts, str(machine.hosts), str(_CORE.parent))
