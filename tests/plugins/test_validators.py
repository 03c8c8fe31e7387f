"""Validators: each fires where it should, keeps quiet where it should, and its Fix mends what it says."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent_answers import InstanceType, Package
from conductor_core.environment import EnvironmentVariable
from conductor_core.host import SceneStep
from conductor_core.report import Unresolved
from conductor_core.submission import Exclusion, Notifications, Output, Scripts, Software
from conductor_plugins.form.model import Form, StepForm
from conductor_plugins.form.secrets import MASK
from conductor_plugins.form.situation import Situation
from conductor_plugins.validators.validator import ERROR, WARNING, Problem, load_ours, problems_of, registered
from plugins.answering_agent import ESTIMATE, OFFER
from plugins.situations import BEAUTY, CHOSEN, FOG, REPORT, WOOD, missing, on_windows, situation


@dataclass(frozen=True)
class Case:
    """A situation, the validator that says something about it, and what becomes of that."""

    validator: str
    now: Situation | Callable[[Path], Situation]
    severity: str
    #: words of the sentence
    words: str
    #: field that Show leads to
    field: str = ""
    #: label of the fix; "": there is none
    fix: str = ""
    select: tuple[str, ...] = ()


def form(**fields: Any) -> Form:
    return replace(CHOSEN, **fields)


def with_form(**fields: Any) -> Situation:
    return situation(form(**fields))


def with_step(**choices: Any) -> Situation:
    return situation(CHOSEN.with_step("beauty", **choices))


def writing(*paths: str, kind: Any = "image", chosen: Form = CHOSEN, **changes: Any) -> Situation:
    return situation(chosen, steps=[SceneStep("beauty", tuple(Output(path, kind) for path in paths))], **changes)


def fed(pattern: str, report: Any, *, after: tuple[str, ...] = ("pre",), chosen: Form = CHOSEN) -> Situation:
    """A scene whose second step reads what its first writes."""
    return situation(chosen, report=report, steps=[SceneStep("pre", (Output(pattern),)), replace(BEAUTY, after=after)])


def reading(*files: str, as_written: str = "wood.exr") -> Any:
    return replace(REPORT, dependencies=(replace(WOOD, files=files, as_written=as_written),))


def environ(chosen: Form = CHOSEN, as_written: str = "$SHOW/wood.exr", **variables: str) -> Situation:
    return situation(chosen, environment=variables, report=reading("/job/tex/wood.exr", as_written=as_written))


def in_folder(*names: str, **fields: Any) -> Callable[[Path], Situation]:
    """Return what makes a situation whose field names files in a folder that holds those that end in `.there`."""

    def make(folder: Path) -> Situation:
        for name in names:
            (folder / name).write_text("")
        filled = {field: value(folder) if callable(value) else value for field, value in fields.items()}
        return situation(form(**filled))

    return make


TWO = (BEAUTY, replace(FOG, enabled=True))
GPU = {"gpu_steps": (("beauty", "Cycles is set to GPU compute"),)}
PROCESSORS = replace(OFFER, instance_types=OFFER.instance_types[:2])
NOTIFIED = form(notifications=Notifications(("mika@studio.test",)))

CASES = {
    "never saved": Case("unsaved-scene", situation(scene={"path": ""}), ERROR, "never saved"),
    "unsaved changes": Case(
        "modified-scene", situation(scene={"modified": True}), WARNING, "rendered as you see them", fix="Save"
    ),
    # colours
    "configuration of the scene gone": Case(
        "colour-config-missing", situation(scene={"colour_config": "/nowhere/config.ocio"}), ERROR, "/nowhere/config.ocio"
    ),
    "configuration of OCIO gone": Case(
        "colour-config-missing", environ(OCIO="/nowhere/c.ocio"), ERROR, "of the variable OCIO", field="environment"
    ),
    "configuration that is not sent": Case(
        "colour-config-stays-here",
        lambda folder: situation(scene={"colour_config": str(_file(folder / "c.ocio"))}),
        WARNING,
        "not among the files",
        field="added",
        fix="Send its folder",
    ),
    # job
    "long title": Case("title-too-long", with_form(title="x" * 300), WARNING, "300 characters", "title", "Shorten"),
    "title of two lines": Case("title-too-long", with_form(title="a\nb"), WARNING, "several lines", "title", "Shorten"),
    "no project": Case("no-project", with_form(project=""), ERROR, "No project is chosen", "project"),
    "another's project": Case("no-project", with_form(project="secret"), ERROR, "not in a project 'secret'", "project"),
    "another's project, with one to choose": Case(
        "no-project",
        situation(form(project="x"), offer=replace(OFFER, projects=("dragons",))),
        ERROR,
        "'x'",
        "project",
        "Use dragons",
    ),
    "value without a key": Case("metadata-keys", with_form(metadata=((" ", "x"),)), ERROR, "no key", "metadata", "Remove it"),
    "key twice": Case(
        "metadata-keys", with_form(metadata=(("a", "1"), ("a ", "2"))), ERROR, "'a' stands twice", "metadata", "Keep the last"
    ),
    "secret in metadata": Case(
        "secret-metadata", with_form(metadata=(("api key", "x"),)), WARNING, "'api key'", "metadata", "Remove it"
    ),
    "no address": Case(
        "emails", with_form(notifications=Notifications(("mika",))), ERROR, "'mika' is no e-mail", "notifications", "Remove it"
    ),
    "service without e-mail": Case(
        "emails-cannot-be-sent",
        situation(NOTIFIED, offer=replace(OFFER, sends_email=False)),
        WARNING,
        "cannot send e-mails",
        "notifications",
        "Notify nobody",
    ),
    "no occasion": Case(
        "emails-cannot-be-sent",
        with_form(notifications=Notifications(("mika@studio.test",), ())),
        WARNING,
        "no occasion",
        "notifications",
        "As usual",
    ),
    # steps
    "nothing renders": Case("no-step", situation(steps=[]), ERROR, "nothing that renders", "steps"),
    "all switched off": Case("no-step", with_step(enabled=False), ERROR, "No step is switched on", "steps", "Switch them on"),
    "no camera": Case(
        "step-problem",
        situation(steps=[BEAUTY, replace(FOG, enabled=True, problem="has no camera")]),
        ERROR,
        "'fog' has no camera",
        "steps",
        "Switch it off",
        ("fog",),
    ),
    "renamed step": Case(
        "step-gone",
        situation(CHOSEN.with_step("old", frames="1")),
        WARNING,
        "'old', which the scene does not have",
        "steps",
        "Forget it",
    ),
    # frames
    "no range": Case("frames-unreadable", situation(scene={"frames": ""}), ERROR, "Nothing says", "frames"),
    "blank range": Case("frames-unreadable", with_form(frames=" "), ERROR, "Nothing says", "frames", "Use the scene's"),
    "broken range": Case("frames-unreadable", with_form(frames="1-"), ERROR, "'1-'", "frames", "Use the scene's"),
    "broken range of a step": Case(
        "frames-unreadable", with_step(frames="x"), ERROR, "Step 'beauty'", "steps", "Use the scene's"
    ),
    "no frame left": Case(
        "frames-unreadable", with_form(frames="1-3,^1-3"), ERROR, "no frame is left", "frames", "Use the scene's"
    ),
    "beyond the scene": Case("frames-beyond-scene", with_form(frames="5-20"), WARNING, "11-20", "frames", "Use the scene's"),
    "a step beyond the scene": Case(
        "frames-beyond-scene", with_step(frames="50"), WARNING, "all of it", "steps", "Use the scene's"
    ),
    "far too many": Case("frames-many", with_form(frames="1-100000"), WARNING, "100,000 frames", "frames"),
    "reversed": Case("frames-reversed", with_form(frames="10-1"), WARNING, "last frame to its first", "frames", "Turn it round"),
    "twice": Case("frames-twice", with_form(frames="1-5,4-7"), WARNING, "4-5", "frames", "Write each once"),
    "misses the last": Case("frames-miss-last", with_form(frames="1-10x4"), WARNING, "frame 10", "frames", "Render 10 too"),
    "a step misses the last": Case("frames-miss-last", with_step(frames="1-10x4"), WARNING, "frame 10", "steps", "Render 10 too"),
    # chunks
    "no frame in a chunk": Case("chunk-size", with_form(chunk_size=0), ERROR, "not 0", "chunk_size", "Use 1"),
    "no frame in a step's chunk": Case("chunk-size", with_step(chunk_size=-1), ERROR, "'beauty'", "steps", "As for all steps"),
    "chunk too large": Case("chunk-larger-than-range", with_form(chunk_size=50), WARNING, "50 frames", "chunk_size", "Use 10"),
    "a step's chunk too large": Case(
        "chunk-larger-than-range", with_step(chunk_size=50), WARNING, "50 to a chunk", "steps", "Use 10"
    ),
    "movie in chunks": Case(
        "movie-in-chunks",
        writing("/job/out/a.mov", kind="movie"),
        ERROR,
        "write over the others",
        "chunk_size",
        "One chunk",
        ("beauty",),
    ),
    "a movie of Blender's": Case(
        "movie-in-chunks",
        writing("/job/out/a.mov", kind="movie", chosen=form(software="blender@4.5", chunk_size=10)),
        ERROR,
        "Blender renders pictures only",
        "steps",
        "",
        ("beauty",),
    ),
    "one cache of a range in chunks": Case(
        "movie-in-chunks",
        writing("/job/out/a.abc", kind="cache"),
        ERROR,
        "write over the others",
        "chunk_size",
        "One chunk",
        ("beauty",),
    ),
    "scouts that are none": Case("scouts", with_form(scouts="auto:x"), ERROR, "auto:x", "scouts", "No scouts"),
    "scouts of a step that are none": Case(
        "scouts", with_step(scouts="99"), ERROR, "Step 'beauty'", "steps", "No scouts of its own"
    ),
    "scouts that one step has not": Case(
        "scouts",
        situation(replace(CHOSEN.with_step("fog", frames="20-30"), scouts="1"), steps=TWO),
        WARNING,
        "a frame of 'fog'",
        "scouts",
        "Use auto:3",
    ),
    "scouts that are all": Case("scouts-are-all", with_form(scouts="1-10"), WARNING, "all its frames", "scouts", "No scouts"),
    "scouts in every chunk": Case(
        "scouts-are-all", with_form(scouts="fml:3", chunk_size=5), WARNING, "every task has a scout", "scouts", "No scouts"
    ),
    "scouts of a step that are all": Case(
        "scouts-are-all", with_step(scouts="auto:99"), WARNING, "all its frames", "steps", "No scouts"
    ),
    # outputs
    "relative output": Case(
        "output-unusable", writing("out/a_#.exr"), ERROR, "not absolute", "steps", "Write beside the scene", ("beauty",)
    ),
    "output with dot-dot": Case(
        "output-unusable", writing("/job/../a_#.exr"), ERROR, "'..'", "steps", "Write beside the scene", ("beauty",)
    ),
    "output on a share, on posix": Case(
        "output-unusable", writing("//server/a_#.exr"), ERROR, "share", "steps", "Write beside the scene", ("beauty",)
    ),
    "output in the root": Case(
        "output-unusable", writing("/a_#.exr"), ERROR, "root of the disk", "steps", "Write beside the scene", ("beauty",)
    ),
    "output that is a folder": Case(
        "output-unusable", writing("/job/out/"), ERROR, "is a folder", "steps", "Write beside the scene", ("beauty",)
    ),
    "output without a drive": Case(
        "output-unusable",
        on_windows(steps=[SceneStep("beauty", (Output("/job/a_#.exr"),))]),
        ERROR,
        "neither a drive nor a share",
        "steps",
        "Write beside the scene",
        ("beauty",),
    ),
    "output that is a device": Case(
        "output-unusable",
        on_windows(steps=[SceneStep("beauty", (Output("C:/job/nul/a_#.exr"),))]),
        ERROR,
        "device",
        "steps",
        "Write beside the scene",
        ("beauty",),
    ),
    "temporary output": Case(
        "output-temporary", writing("/tmp/a_#.exr"), WARNING, "temporary", "steps", "Write beside the scene", ("beauty",)
    ),
    "temporary output on Windows": Case(
        "output-temporary",
        on_windows(steps=[SceneStep("beauty", (Output(r"c:\tmp\a_#.exr"),))]),
        WARNING,
        "temporary",
        "steps",
        "Write beside the scene",
        ("beauty",),
    ),
    "over an input": Case(
        "output-over-input",
        writing("/job/plates/p_####.exr", report=reading("/job/plates/p_0003.exr")),
        ERROR,
        "/job/plates/p_0003.exr",
        "steps",
        "Write elsewhere",
        ("beauty",),
    ),
    "over an input in a folder with a token": Case(
        "output-over-input",
        writing("/job/####/p_####.exr", report=reading("/job/0003/p_0003.exr")),
        ERROR,
        "/job/0003/p_0003.exr",
        "steps",
        "Write elsewhere",
        ("beauty",),
    ),
    "over the scene": Case(
        "output-over-input",
        writing("/job/shot.scene", kind="other"),
        ERROR,
        "/job/shot.scene",
        "steps",
        "Write elsewhere",
        ("beauty",),
    ),
    "over an input, as Windows compares": Case(
        "output-over-input",
        on_windows(
            steps=[SceneStep("beauty", (Output("C:/Job/Tex/Wood_%04d.exr"),))],
            report=replace(
                REPORT, scene="C:/job/shot.scene", dependencies=(replace(WOOD, files=(r"c:\job\tex\wood_0007.EXR",)),)
            ),
        ),
        ERROR,
        "wood_0007.EXR",
        "steps",
        "Write elsewhere",
        ("beauty",),
    ),
    "among inputs": Case(
        "output-among-inputs",
        writing("/job/tex/a_#.exr"),
        WARNING,
        "reads /job/tex/wood.exr",
        "steps",
        "Write elsewhere",
        ("beauty",),
    ),
    "in a folder that is sent": Case(
        "output-among-inputs",
        writing("/studio/tools/out/a_#.exr", chosen=form(scripts=Scripts(plug_in_folders=("/studio/tools",)))),
        WARNING,
        "/studio/tools, and that is sent",
        "steps",
        "Write elsewhere",
        ("beauty",),
    ),
    "two steps, one file": Case(
        "output-twice",
        situation(steps=[BEAUTY, replace(BEAUTY, name="fog")]),
        ERROR,
        "Step 'beauty' and step 'fog' both write",
        "steps",
        "Keep them apart",
        ("beauty", "fog"),
    ),
    "two tokens, one file": Case(
        "output-twice",
        situation(
            form(frames="999-1001"),
            steps=[SceneStep("a", (Output("/job/o/x.#.exr"),)), SceneStep("b", (Output("/job/o/x.####.exr"),))],
        ),
        ERROR,
        "x.100",
        "steps",
        "Keep them apart",
        ("a", "b"),
    ),
    "a token and a number, one file": Case(
        "output-twice",
        situation(steps=[SceneStep("a", (Output("/job/o/x.#.exr"),)), SceneStep("b", (Output("/job/o/x.7.exr", "other"),))]),
        ERROR,
        "x.7.exr",
        "steps",
        "Keep them apart",
        ("a", "b"),
    ),
    "one step twice": Case(
        "output-twice",
        writing("/job/o/x.#.exr", "/job/o/x.%d.exr"),
        ERROR,
        "(output 1) and step 'beauty' (output 2) both",
        "steps",
        "Keep them apart",
        ("beauty", "beauty"),
    ),
    "two cases, one file on Windows": Case(
        "output-twice",
        on_windows(steps=[SceneStep("a", (Output("C:/O/x.#.exr"),)), SceneStep("b", (Output(r"c:\o\X.#.EXR"),))]),
        ERROR,
        "both write",
        "steps",
        "Keep them apart",
        ("a", "b"),
    ),
    "one name for all frames": Case(
        "output-without-frame", writing("/job/out/a.exr"), ERROR, "all 10 frames", "steps", "Add ####", ("beauty",)
    ),
    "no output": Case("output-none", writing(), WARNING, "writes no file", "steps", "", ("beauty",)),
    # files
    "missing, and made by a step for which nobody waits": Case(
        "missing-files",
        fed("/job/pre.####.exr", missing("/job/pre.0003.exr"), after=()),
        ERROR,
        "/job/pre.0003.exr is missing",
        "allow_missing",
        "Leave it out",
        ("Image pre.0003.exr",),
    ),
    "missing, and made by a step that writes elsewhere now": Case(
        "missing-files",
        fed(
            "/job/pre.####.exr",
            missing("/job/pre.0003.exr"),
            chosen=CHOSEN.with_step("pre", outputs=("/job/elsewhere.####.exr",)),
        ),
        ERROR,
        "/job/pre.0003.exr is missing",
        "allow_missing",
        "Leave it out",
        ("Image pre.0003.exr",),
    ),
    "missing, and made by a step that is switched off": Case(
        "missing-files",
        fed("/job/pre.####.exr", missing("/job/pre.0003.exr"), chosen=CHOSEN.with_step("pre", enabled=False)),
        ERROR,
        "/job/pre.0003.exr is missing",
        "allow_missing",
        "Leave it out",
        ("Image pre.0003.exr",),
    ),
    "missing": Case(
        "missing-files",
        situation(report=missing("/job/a.exr")),
        ERROR,
        "/job/a.exr is missing",
        "allow_missing",
        "Leave it out",
        ("Image a.exr",),
    ),
    "missing and allowed": Case(
        "missing-files",
        situation(form(allow_missing=True), report=missing("/job/a.exr")),
        WARNING,
        "1 file is missing",
        "allow_missing",
        "",
        ("Image a.exr",),
    ),
    "missing on another system": Case(
        "missing-files",
        situation(report=missing("C:/a.exr")),
        ERROR,
        "C:/a.exr",
        "allow_missing",
        "Render without",
        ("Image a.exr",),
    ),
    "unresolved": Case(
        "unresolved-paths",
        situation(report=replace(REPORT, unresolved=(Unresolved("[expr]", "Read1.file", "an expression"),))),
        WARNING,
        "Read1.file names '[expr]'",
        "added",
        "",
        ("Read1.file",),
    ),
    "excluded without a reason": Case(
        "exclusions", with_form(excluded=(Exclusion("/job/x", ""),)), ERROR, "why /job/x", "excluded", "Send it"
    ),
    "exclusion of no place": Case(
        "exclusions", with_form(excluded=(Exclusion("x", "y"),)), ERROR, "no place", "excluded", "Remove it"
    ),
    "scene excluded": Case(
        "exclusions", with_form(excluded=(Exclusion("/job", "y"),)), ERROR, "the scene itself", "excluded", "Send it"
    ),
    "script excluded": Case(
        "exclusions",
        with_form(excluded=(Exclusion("/studio", "y"),), scripts=Scripts(startup=("/studio/a.py",))),
        ERROR,
        "a script that is run",
        "excluded",
        "Send it",
    ),
    "added and gone": Case(
        "added-missing", with_form(added=("/nowhere/x",)), ERROR, "/nowhere/x is added", "added", "Take it off"
    ),
    "added and relative": Case("added-missing", with_form(added=("x",)), ERROR, "not a whole path", "added", "Take it off"),
    "a whole disk": Case(
        "added-too-much", with_form(added=(os.path.abspath(os.sep),)), ERROR, "whole disk", "added", "Take it off"
    ),
    # software
    "software unreadable": Case(
        "software-unreadable", with_form(software="memory"), ERROR, "'memory' is no software", "software", "Use the scene's"
    ),
    "older than the scene": Case(
        "software-older-than-scene", with_form(software="memory@0.9"), ERROR, "Memory 1.0", "software", "Use the scene's"
    ),
    "host older than the scene": Case(
        "software-older-than-scene",
        situation(scene={"saved_by": "2.0"}, offer=replace(OFFER, software=(Package("memory", "1.0"), Package("memory", "2.1")))),
        ERROR,
        "Memory 2.0",
        "software",
        "Use memory 2.1",
    ),
    "not on the farm": Case(
        "software-not-on-farm", with_form(software="memory@7.0"), ERROR, "does not have Memory 7.0", "software", "Use memory 1.0"
    ),
    "nothing like it on the farm": Case(
        "software-not-on-farm", with_form(software="nuke@15.1"), ERROR, "does not have Nuke 15.1", "software"
    ),
    "plug-in unreadable": Case(
        "plug-ins", with_form(plug_ins=("mtoa",)), ERROR, "'mtoa' is no plug-in", "plug_ins", "Render without it"
    ),
    "plug-in in another version": Case("plug-ins", with_form(plug_ins=("mtoa@5.9",)), ERROR, "mtoa 5.9", "plug_ins", "Use 5.4"),
    "plug-in that the farm lacks": Case(
        "plug-ins",
        situation(scene={"plug_ins": (Software("yeti", "4.0"),)}),
        ERROR,
        "yeti 4.0",
        "plug_ins",
        "Render without it",
    ),
    "plug-in of unknown version that the farm lacks": Case(
        "plug-ins",
        situation(scene={"plug_ins": (Software("yeti", ""),)}),
        ERROR,
        "plug-in yeti, which",
        "plug_ins",
        "Render without it",
    ),
    "plug-in of other software": Case(
        "plug-in-of-other-software", with_form(plug_ins=("mtoa@5.4",)), WARNING, "plug-in of Maya", "plug_ins", "Take it off"
    ),
    # machines
    "no kind of machine": Case("no-instance-type", with_form(instance_type=""), ERROR, "No kind", "instance_type"),
    "unknown kind of machine": Case("no-instance-type", with_form(instance_type="huge"), ERROR, "'huge'", "instance_type"),
    "unknown kind of machine, with one to choose": Case(
        "no-instance-type",
        situation(form(instance_type="huge"), offer=replace(OFFER, instance_types=OFFER.instance_types[:1])),
        ERROR,
        "'huge'",
        "instance_type",
        "Use small",
    ),
    "GPU renderer on processors": Case(
        "gpu-step-on-cpu", situation(scene=GPU), WARNING, "wants a GPU", "instance_type", "Use gpu", ("beauty",)
    ),
    "GPU renderer where there are no GPUs": Case(
        "gpu-step-on-cpu", situation(scene=GPU, offer=PROCESSORS), WARNING, "wants a GPU", "instance_type", "", ("beauty",)
    ),
    "GPU that nothing uses": Case(
        "cpu-steps-on-gpu", with_form(instance_type="gpu"), WARNING, "2.40 EUR an hour", "instance_type", "Use large"
    ),
    "not preemptible": Case(
        "preemptible-not-offered", with_form(preemptible=True), ERROR, "large is not to be had", "preemptible", "On demand"
    ),
    "hours-long frames": Case(
        "preemptible-long-frames",
        situation(form(preemptible=True, instance_type="small"), estimate=replace(ESTIMATE, frame_seconds=7200.0)),
        WARNING,
        "2.0 hours",
        "preemptible",
        "On demand",
    ),
    "limit below a task": Case(
        "task-minutes-too-short",
        situation(form(task_minutes=1, chunk_size=4), estimate=ESTIMATE),
        WARNING,
        "about 2 minutes",
        "task_minutes",
        "No limit",
    ),
    # surroundings
    "no name of a variable": Case(
        "environment-names", with_form(environment=(EnvironmentVariable("1A", "x"),)), ERROR, "1A", "environment", "Remove it"
    ),
    "two values": Case(
        "environment-conflicts",
        with_form(environment=(EnvironmentVariable("A", "1"), EnvironmentVariable("A", "2"))),
        ERROR,
        "the form sets '1', the form sets '2'",
        "environment",
        "Keep the last",
    ),
    "another value than this workstation's": Case(
        "environment-conflicts",
        environ(form(environment=(EnvironmentVariable("SHOW", "/b", "append"),)), SHOW="/a"),
        ERROR,
        "this workstation sets '/a', the form appends '/b'",
        "environment",
        "Do not send this workstation's",
    ),
    "two secrets": Case(
        "environment-conflicts",
        with_form(environment=(EnvironmentVariable("API_KEY", "1"), EnvironmentVariable("API_KEY", "2"))),
        ERROR,
        f"the form sets {MASK}, the form sets {MASK}",
        "environment",
        "Keep the last",
    ),
    "secret by hand": Case(
        "secret-environment",
        with_form(environment=(EnvironmentVariable("API_KEY", "x"),)),
        WARNING,
        "API_KEY looks like a secret",
        "environment",
        "Remove it",
    ),
    "variable that was forbidden": Case(
        "variable-stays-here", environ(form(not_replicated=("SHOW",)), SHOW="/a"), WARNING, "$SHOW", "not_replicated", "Send it"
    ),
    "variable of the system": Case(
        "variable-stays-here",
        environ(as_written="$HOME/wood.exr", HOME="/home/mika"),
        WARNING,
        "this machine's own",
        "environment",
    ),
    "variable that is a secret": Case(
        "variable-stays-here", environ(as_written="$MY_TOKEN/wood.exr", MY_TOKEN="/x"), WARNING, "a secret", "environment"
    ),
    # scripts
    "script gone": Case(
        "script-files",
        with_form(scripts=Scripts(startup=("/nowhere/a.py",))),
        ERROR,
        "/nowhere/a.py is not there",
        "scripts",
        "Take it off",
    ),
    "folder gone": Case(
        "script-files", with_form(scripts=Scripts(("/nowhere",))), ERROR, "folder of plug-ins /nowhere", "scripts", "Take it off"
    ),
    "relative script": Case(
        "script-files", with_form(scripts=Scripts(startup=("a.py",))), ERROR, "whole path", "scripts", "Take it off"
    ),
    "program without a name": Case(
        "programs", with_form(scripts=Scripts(after_task=(" ",))), ERROR, "no program", "scripts", "Run nothing"
    ),
    "program gone": Case(
        "programs",
        with_form(scripts=Scripts(before_task=("/nowhere/run",))),
        WARNING,
        "not on this machine",
        "scripts",
        "Run nothing",
    ),
}


def _file(path: Path) -> Path:
    path.write_text("")
    return path


def made(case: Case, folder: Path) -> Situation:
    return case.now if isinstance(case.now, Situation) else case.now(folder)


def said(now: Situation, validator: str) -> list[Problem]:
    return [problem for problem in problems_of(now) if problem.validator == validator]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_it_says_what_is_wrong_where_and_what_to_do(case: Case, tmp_path: Path) -> None:
    """With the field that Show leads to, the label of the button, and what Select shows."""
    problem, *_ = said(made(case, tmp_path), case.validator)
    assert case.words in problem.what
    assert problem.what.endswith(".")
    assert (problem.severity, problem.field, problem.select) == (case.severity, case.field, case.select)
    assert (problem.fix.label if problem.fix else "") == case.fix
    assert problem.next_step.endswith(".")


@pytest.mark.parametrize("case", [c for c in CASES.values() if c.fix], ids=[name for name, c in CASES.items() if c.fix])
def test_its_fix_mends_it(case: Case, tmp_path: Path) -> None:
    """After one click the same problem is gone, and no error has come in its place."""
    now = made(case, tmp_path)
    before = {problem.key() for problem in problems_of(now)}
    problem, *_ = said(now, case.validator)
    assert problem.fix is not None
    if problem.fix.host == "save":
        mended = replace(now, scene=replace(now.scene, modified=False))
    else:
        assert problem.fix.form is not None
        mended = replace(now, form=problem.fix.form(now.form))
    after = list(problems_of(mended))
    assert problem.key() not in {p.key() for p in after}
    assert [p.what for p in after if p.severity == ERROR and p.key() not in before] == []


def test_a_sound_situation_has_no_problem() -> None:
    """Nobody is asked about what is in order, on either system."""
    assert [p.what for p in problems_of(situation())] == []
    assert [p.what for p in problems_of(on_windows())] == []


def test_before_the_agent_has_answered_nothing_is_asked_of_it() -> None:
    """The panel opens without a service: what only that knows is not missed yet."""
    assert list(problems_of(situation(Form(), offer=None, report=None))) == []


QUIET = {
    "frames in the scene's range": ("frames-beyond-scene", with_form(frames="3-7")),
    "one frame": ("frames-reversed", with_form(frames="10")),
    "a step that comes to the last": ("frames-miss-last", with_form(frames="1-10x3")),
    "a last frame taken out by hand": ("frames-miss-last", with_form(frames="1-10x4,^10")),
    "a last frame named besides": ("frames-miss-last", with_form(frames="1-10x4,10")),
    "frames taken out": ("frames-twice", with_form(frames="1-10,^5")),
    "one frame in a large chunk": ("chunk-larger-than-range", with_form(frames="5", chunk_size=10)),
    "a chunk that fits": ("chunk-larger-than-range", with_form(chunk_size=10)),
    "a movie in one chunk": ("movie-in-chunks", writing("/job/o/a.mov", kind="movie", chosen=form(chunk_size=10))),
    "pictures in the place of Blender's movie": (
        "movie-in-chunks",
        writing("/job/a.mov", kind="movie", chosen=form(software="blender@4.5").with_step("beauty", outputs=("/job/o/a_#.exr",))),
    ),
    "a cache for each frame": ("movie-in-chunks", writing("/job/o/a.####.bgeo.sc", kind="cache")),
    "a movie of one frame": ("movie-in-chunks", writing("/job/o/a.mov", kind="movie", chosen=form(frames="3"))),
    "some scouts": ("scouts-are-all", with_form(scouts="fml:3")),
    "a single frame without a token": ("output-without-frame", writing("/job/out/a.exr", chosen=form(frames="3"))),
    "a movie without a token": ("output-without-frame", writing("/job/out/a.mov", kind="movie")),
    "a folder whose name begins alike": ("output-among-inputs", writing("/job/tex2/a_#.exr")),
    "beside the scene": ("output-among-inputs", writing("/job/a_#.exr")),
    "other frames of what is read": ("output-over-input", writing("/job/p/p_#.exr", report=reading("/job/p/p_99.exr"))),
    "what a step makes for another, from an earlier job": (
        "output-over-input",
        fed("/job/pre.####.exr", reading("/job/pre.0003.exr")),
    ),
    "missing, and made by a step before it is read": ("missing-files", fed("/job/pre.####.exr", missing("/job/pre.0003.exr"))),
    "another case, where case counts": ("output-over-input", writing("/job/p/P_#.exr", report=reading("/job/p/p_3.exr"))),
    "two steps, other frames": (
        "output-twice",
        situation(CHOSEN.with_step("fog", frames="20-30"), steps=[BEAUTY, replace(BEAUTY, name="fog")]),
    ),
    "two cases, where case counts": ("output-twice", writing("/job/o/x.#.exr", "/job/o/X.#.exr")),
    "two tokens that do not meet": ("output-twice", writing("/job/o/x.#.exr", "/job/o/x.####.exr")),
    "temporary, like the scene itself": (
        "output-temporary",
        writing("/tmp/o/a_#.exr", scene={"path": "/tmp/shot.scene"}, report=None),
    ),
    "a share on Windows": ("output-unusable", on_windows(steps=[SceneStep("a", (Output(r"\\srv\out\a_#.exr"),))])),
    "a drive of the network": ("output-unusable", on_windows(steps=[SceneStep("a", (Output("Z:/out/a_#.exr"),))])),
    "missing and left out": (
        "missing-files",
        situation(form(excluded=(Exclusion("/job/a.exr", "old"),)), report=missing("/job/a.exr")),
    ),
    "a newer patch on the farm": (
        "software-not-on-farm",
        situation(form(software="blender@4.5.3")),
    ),
    "a colour configuration that is built in": ("colour-config-missing", environ(OCIO="ocio://default")),
    "an empty line of metadata": ("metadata-keys", with_form(metadata=(("", ""), ("", "")))),
    "a GPU for a renderer that wants one": ("cpu-steps-on-gpu", situation(form(instance_type="gpu"), scene=GPU)),
    "a GPU step that is switched off": (
        "gpu-step-on-cpu",
        situation(scene={"gpu_steps": (("fog", "Cycles is set to GPU compute"),)}),
    ),
    "preemptible where it is offered": ("preemptible-not-offered", with_form(preemptible=True, instance_type="small")),
    "short frames": ("preemptible-long-frames", situation(form(preemptible=True, instance_type="small"), estimate=ESTIMATE)),
    "long frames on demand": ("preemptible-long-frames", situation(estimate=replace(ESTIMATE, frame_seconds=7200.0))),
    "a gone step that was switched off": ("step-gone", situation(form(steps=(StepForm("old", enabled=False, frames="1"),)))),
    "a program by its name": ("programs", with_form(scripts=Scripts(before_task=("bash", "{frame}")))),
    "a variable that is set by hand": (
        "variable-stays-here",
        environ(form(environment=(EnvironmentVariable("HOME", "/x"),)), "$HOME/wood.exr", HOME="/home/mika"),
    ),
}


@pytest.mark.parametrize(("validator", "now"), QUIET.values(), ids=QUIET.keys())
def test_it_keeps_quiet_where_all_is_well(validator: str, now: Situation) -> None:
    """What is near a mistake and is none."""
    assert said(now, validator) == []


def test_files_that_are_there_are_no_problem(tmp_path: Path) -> None:
    """Scripts, folders, added files and colour configurations are looked for on the disk."""
    script, config = _file(tmp_path / "a.py"), _file(tmp_path / "c.ocio")
    chosen = form(added=(str(tmp_path),), scripts=Scripts((str(tmp_path),), (str(script),), (str(script),)))
    now = situation(chosen, scene={"colour_config": str(config)})
    assert [p.what for p in problems_of(now)] == []


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless the frames stay on the farm."""
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).startswith(str(tmp_path)))
    now = writing(str(tmp_path / "a_#.exr"), scene={"path": str(tmp_path / "shot.scene")}, report=None)
    assert "cannot be written" in said(now, "output-not-writable")[0].what
    assert said(replace(now, form=form(download=False)), "output-not-writable") == []


def test_many_missing_files_are_told_as_a_number() -> None:
    """Ten thousand frames that lack are no ten thousand problems."""
    report = missing(*(f"/job/{n}.exr" for n in range(50)))
    found = said(situation(report=report), "missing-files")
    assert len(found) == 21
    assert found[-1].what == "30 files are missing beside those named here."
    assert found[-1].fix is not None


def test_every_validator_has_a_case() -> None:
    """One that is not tried may not even run."""
    load_ours()
    tried = {case.validator for case in CASES.values()} | {"output-not-writable"}
    assert sorted(
        name for name, function in registered().items() if function.__module__.startswith("conductor_plugins")
    ) == sorted(tried)


def test_errors_come_before_warnings() -> None:
    """What blocks is read first."""
    now = situation(form(project="", frames="10-1"))
    assert [p.severity for p in problems_of(now)] == [ERROR, WARNING]


def test_what_no_validator_says_is_said_all_the_same() -> None:
    """Submit is never refused without a problem that names the field."""
    problem, *_ = problems_of(with_form(priority=999))
    assert (problem.validator, problem.field) == ("refused", "priority")


def test_a_problem_that_stays_is_the_same_problem() -> None:
    """The panel does not draw its list anew with every letter typed elsewhere."""
    now = with_form(chunk_size=50, frames="10-1", metadata=(("a", "1"), ("a", "2")))
    assert list(problems_of(now)) == list(problems_of(replace(now, form=replace(now.form, title="other"))))


def test_a_kind_of_machine_with_a_broken_price_is_compared_too() -> None:
    """A catalogue may say anything."""
    odd = replace(OFFER, instance_types=(*OFFER.instance_types, InstanceType("odd", gpu="x", price_per_hour="cheap")))
    assert said(situation(form(instance_type="odd"), offer=odd), "cpu-steps-on-gpu") == []
