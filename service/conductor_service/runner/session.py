"""A session: one step of one job on this instance, with its files laid out and its software running.

Tasks of a session come one after another; the scene is loaded once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from conductor_core.errors import PathError
from conductor_core.paths import ClientPath, map_path

from conductor_service.runner.assignment import Assignment
from conductor_service.runner.collect import Collector, Taken
from conductor_service.runner.command_step import CommandRun
from conductor_service.runner.conversation import Inbox
from conductor_service.runner.errors import TaskFailed
from conductor_service.runner.expectations import Expectations, is_image
from conductor_service.runner.frame_server import FrameServer, Rendered
from conductor_service.runner.holding import Holding
from conductor_service.runner.inspector import ImageFacts
from conductor_service.runner.launching import frame_server_argv, resolved, task_environment
from conductor_service.runner.machine import Machine, make_output_folders
from conductor_service.runner.publisher import FrameReady
from conductor_service.runner.service import Beat
from conductor_service.runner.stages import Stage
from conductor_service.runner.system_view import write_etc
from conductor_service.runner.task_scripts import Moment, TaskScripts, failure_of_program
from conductor_service.runner.vigil import Charge, Watch
from conductor_service.trees import remove_tree

HandOver = Callable[[FrameReady], None]


class Session:
    """Run tasks of one step; once a method raised, the software is dead and the session only fit to be closed."""

    def __init__(self, assignment: Assignment, stage: Stage, folder: Path, machine: Machine) -> None:
        self.key = assignment.session
        self._machine = machine
        plug_ins = tuple(resolved(package) for package in assignment.plug_ins)
        self._assignment = replace(assignment, software=resolved(assignment.software), plug_ins=plug_ins)
        self._folder = folder
        self._stage = stage
        self._inbox = Inbox()
        self._watch = Watch(self._inbox, machine.resources, machine.room, machine.clock)
        self._server: FrameServer | None = None
        self._places = machine.places(assignment.flavour, stage.folder)
        # A startup script may change what the scene said of its pictures; the frame server tells what became of them.
        self._expectations = Expectations(assignment.step, assignment.flavour, sized=not assignment.scripts.startup)
        for name in ("tmp", "scratch", "home", "out"):
            (folder / name).mkdir(parents=True)
        packages = (self._assignment.software, *self._assignment.plug_ins)
        network = any(package.network for package in packages)
        write_etc(folder / "etc", network=network)
        try:
            outputs = make_output_folders(self._assignment, self._places, stage, folder, apart=machine.isolation.shows_own_paths)
        except PathError as exc:
            raise TaskFailed("bad-output", str(exc)) from exc
        self._collector = Collector(outputs, lambda: machine.room().bytes - machine.resources.free_disk)
        #: what the frames of the task named and is taken at its end
        self._late: dict[str, None] = {}
        self._rules = self._places.rules(stage.files, [o.client for o in outputs])
        self._hosts = machine.host_scripts()
        self._scripts = TaskScripts(self._assignment, stage, self._places, self._mapped)
        self._variables = task_environment(self._assignment, self._hosts, self._scripts.plug_in_folders(), self._rules)
        self._script_memory = 0
        self._spoilt = False
        world = machine.make_world(folder, stage, self._places, outputs, machine.software_view(packages, folder))
        # Last of all: whoever gets no session has nothing to close.
        self._world = replace(world, group=machine.groups.make(machine.resources), network=network)

    @property
    def promises(self) -> str:
        """Return how its tasks are kept apart and limited, for log and attempt: a group may have failed to be made."""
        return f"isolation: {self._machine.isolation.name}; limits: {self._world.group.name}"

    def fits(self, assignment: Assignment) -> bool:
        """Tell whether a task is of this session's step, and finds the same files there."""
        return (assignment.session, assignment.inputs) == (self.key, self._assignment.inputs)

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
        self._script_memory = 0
        charge = Charge(holding.ref.id, assignment.limits, holding.log, self._machine.clock())
        try:
            self._run_program("before", holding, charge)
            if assignment.step.kind == "command":
                self._run_command(assignment, holding, charge, hand_over)
                self._hand_over_rest(holding, (), None, hand_over)
            else:
                whole, last = self._render_frames(assignment, holding, charge, hand_over)
                if self._server is not None:
                    self._server.settle()
                holding.require_licence()
                self._hand_over_rest(holding, whole, last, hand_over)
        except BaseException:
            self._spoilt = not self._collector.clear()
            raise
        finally:
            holding.inbox = None
            peak = self._server.settle() if self._server is not None else holding.beat.peak_memory
            holding.beat = replace(holding.beat, peak_memory=max(peak, self._script_memory))

    def _hand_over_rest(self, holding: Holding, whole: tuple[int, ...], last: FrameReady | None, hand_over: HandOver) -> None:
        """Hand over the last frame, and what was written beside the frames.

        Where there is such, the last frame is not whole before it is published: a machine that is lost in between leaves a
        frame to be rendered, and never a task of which nothing but its files beside the frames is lacking. Where these cannot
        be had the last frame counts as done with the attempt's end and not before: the service then knows, from all frames
        being done and the attempt having failed, that everything is to be rendered again.
        """
        try:
            named = tuple(self._collector.take(seen, holding.folder) for seen in self._late)
            rest = self._collector.take_rest(holding.folder)
        except TaskFailed:
            if last is not None:
                hand_over(replace(last, completes=()))
                hand_over(FrameReady(holding, None, (), self._expectations, completes=last.completes))
            raise
        beside = named + rest
        alone = last.completes if last is not None and beside else ()
        if last is not None:
            hand_over(replace(last, completes=()) if beside else last)
            whole += () if beside else last.completes
        late = tuple(frame for frame in holding.assignment.task.frames if frame not in whole)
        if beside or late:
            hand_over(FrameReady(holding, None, beside, self._expectations, completes=late, alone=alone))

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
        which is not handed over yet. What a program shall see after the task stays in its place until that has run.
        """
        server = self._ready_server(holding, charge)
        frames = assignment.task.frames
        whole: tuple[int, ...] = ()
        ready: FrameReady | None = None
        kept: list[Rendered] = []
        for index, frame in enumerate(frames):

            def on_progress(fraction: float, status: str, index: int = index, frame: int = frame) -> None:
                holding.beat = Beat((index + fraction) / len(frames), frame, status, server.peak_memory)

            holding.beat = Beat(index / len(frames), frame, "", holding.beat.peak_memory)
            if ready is not None:
                holding.require_licence()
                before = self._machine.clock()
                hand_over(ready)
                server.excuse(self._machine.clock() - before)
                whole += ready.completes
            rendered = server.render(frame, on_progress)
            if self._scripts.after_task:
                self._require_files(rendered)
                kept.append(rendered)
            else:
                ready = self._frame_ready(rendered, holding)
        holding.beat = Beat(1.0, frames[-1])
        if kept:
            self._run_program("after", holding, charge)
        for rendered in kept:
            if ready is not None:
                hand_over(ready)
                whole += ready.completes
            ready = self._frame_ready(rendered, holding)
        return whole, ready

    def _ready_server(self, holding: Holding, charge: Charge) -> FrameServer:
        if self._server is not None:
            self._server.begin(charge, holding.log)
            return self._server
        assignment = self._assignment
        argv = frame_server_argv(assignment.software, self._hosts)
        launch = self._machine.isolation.launch(self._world, argv, self._variables)
        self._server = server = FrameServer(launch, self._watch, charge, holding.log)
        holding.beat = Beat(status="Starting the software")
        holding.log.say(f"{server.greet()} is up ({self.promises})")
        holding.beat = Beat(status="Loading the scene")
        scene = self._places.seen(ClientPath.parse(assignment.scene, assignment.flavour)) if assignment.scene else ""
        seconds = server.load(scene, assignment.step, self._rules, self._scripts.startup())
        holding.log.say(f"scene loaded in {seconds:.1f} s")
        return server

    def _frame_ready(self, rendered: Rendered, holding: Holding) -> FrameReady:
        """Take the pictures of a frame; a file without the frame in its name may be written to again: it is taken when the
        task ends.
        """
        named = self._named(rendered)
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

    def _named(self, rendered: Rendered) -> list[str]:
        """Return the files of a frame, as the software sees them: those it says it wrote, and those that the step must have."""
        expected = (self._places.seen(path) for path in self._expectations.per_frame(rendered.frame))
        return list(dict.fromkeys((*rendered.outputs, *expected)))

    def _require_files(self, rendered: Rendered) -> None:
        """See that a frame was written, before a program is run on it."""
        for seen in self._named(rendered):
            self._collector.require(seen)

    def _run_command(self, assignment: Assignment, holding: Holding, charge: Charge, hand_over: HandOver) -> None:
        """Run the command; no frame of it is whole before all that it wrote is published."""
        frames = assignment.task.frames
        argv = self._scripts.argv(assignment.step.command, frames)
        self._run_to_end(
            (*self._assignment.software.start, *argv), holding, charge, lambda fraction, status: Beat(fraction, frames[0], status)
        )
        holding.require_licence()
        self._run_program("after", holding, charge)
        files: list[Taken] = []
        for path in self._expectations.per_task(frames):
            files.append(self._collector.take(self._places.seen(path), holding.folder))
        if files:
            hand_over(FrameReady(holding, None, tuple(files), self._expectations))

    def _run_program(self, moment: Moment, holding: Holding, charge: Charge) -> None:
        """Run the program that the artist wants before or after a task, if there is one.

        Raises:
            TaskFailed: it failed; the message names it.
        """
        frames = holding.assignment.task.frames
        program = self._scripts.program(moment, frames)
        if program is None:
            return
        fraction, frame = (0.0, frames[0]) if moment == "before" else (1.0, frames[-1])
        title = f"{moment.capitalize()} the task"
        holding.log.say(f"{title}: {program.shown}")
        holding.beat = Beat(fraction, frame, title)
        began = self._machine.clock()
        try:
            self._run_to_end(
                program.argv, holding, charge, lambda _, status: Beat(fraction, frame, f"{title}: {status}" if status else title)
            )
        except TaskFailed as exc:
            raise failure_of_program(moment, program, exc) from exc
        finally:
            self._script_memory = max(self._script_memory, holding.beat.peak_memory)
            holding.listen(self._inbox)
        holding.log.say(f"{title}: done in {self._machine.clock() - began:.1f} s")

    def _run_to_end(self, argv: tuple[str, ...], holding: Holding, charge: Charge, beat: Callable[[float, str], Beat]) -> None:
        """Run a program in the task's world, to its end."""
        launch = self._machine.isolation.launch(self._world, argv, self._variables)
        # An inbox of its own: what a killed command still says must not be taken for the next one's words, or its end.
        holding.listen(inbox := Inbox())
        run = CommandRun(launch, replace(self._watch, inbox=inbox), holding.log, charge, argv[0])

        def on_progress(fraction: float, status: str) -> None:
            holding.beat = replace(beat(fraction, status), peak_memory=run.peak_memory)

        try:
            run.complete(on_progress)
        finally:
            holding.beat = replace(holding.beat, peak_memory=run.peak_memory)

    def _mapped(self, word: str) -> str:
        """Return a word of a command, rewritten where it, or what is behind its first `=`, is a client's path that lies elsewhere."""
        if not self._rules:
            return word
        name, equals, value = word.partition("=")
        return self._mapped_path(word) or (f"{name}={self._mapped_path(value) or value}" if equals else word)

    def _mapped_path(self, text: str) -> str:
        """Return where a path of the client lies here; "" where it is none, or lies where it says."""
        try:
            path = ClientPath.parse(text, self._assignment.flavour)
        except PathError:
            return ""
        mapped = map_path(path, self._rules)
        return mapped.text if mapped is not path else ""
