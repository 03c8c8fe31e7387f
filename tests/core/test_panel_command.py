"""The command that the panel shows is parsed by the command line to the very submission that the panel would send."""

from __future__ import annotations

import json
import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conductor_core.cli import submit
from conductor_core.cli.looking import Look
from conductor_core.cli.program import run
from conductor_core.documents import to_json
from conductor_core.environment import EnvironmentVariable
from conductor_core.host import SceneDescription, SceneStep
from conductor_core.report import Dependency, Missing, ScanReport
from conductor_core.submission import Exclusion, Notifications, Output, Scripts, Software
from conductor_plugins.form.build import planned
from conductor_plugins.form.command_line import cli_command
from conductor_plugins.form.model import Form
from conductor_plugins.form.situation import Situation
from conductor_plugins.host import HostScene


class Show:
    """A scene on disk with two steps, as host and command line both see it."""

    def __init__(self, folder: Path) -> None:
        for name in ("shot.scene", "wood.exr", "big.vdb", "tools/pre.sh", "tools/start.py", "plug/rig.py", "notes.txt"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text("")
        self.folder = folder
        self.scene = self.path("shot.scene")
        self.steps = (
            SceneStep("beauty", (Output(self.path("o/a_####.exr")), Output(self.path("o/z_####.exr"))), {"camera": "A"}),
            SceneStep("fog = thick", (Output(self.path("o/fog_####.exr")),)),
        )
        found = [Dependency(f"//{n}", self.path(n), (self.path(n),), "texture", n) for n in ("wood.exr", "big.vdb")]
        gone = Missing("//gone.exr", self.path("gone.exr"), "texture", "gone", "there is no such file")
        self.report = ScanReport(self.scene, "memory", dependencies=tuple(found), missing=(gone,))
        self.description = SceneDescription(self.report, Software("memory", "1.0"), "1-10", self.steps, saved_by="1.0")

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def situation(self, form: Form) -> Situation:
        scene = HostScene(self.scene, False, Software("memory", "1.0"), "1-10", saved_by="1.0")
        return Situation(scene, self.steps, form, report=self.report)


CHOSEN = Form(project="dragons", instance_type="large", allow_missing=True)
FORMS: dict[str, Any] = {
    "nothing": lambda show: CHOSEN,
    "job and machines": lambda show: replace(
        CHOSEN, title="Shot 'ten' $HOME", preemptible=True, retries_failure=0, retries_preemption=9, max_instances=4,
        priority=80, task_minutes=90, software="memory@1.1", plug_ins=("mtoa@5.4", "yeti@4.2"), download=False,
    ),
    "frames": lambda show: replace(CHOSEN, frames="1-20x2", chunk_size=3, scouts="fml:3"),
    "steps apart": lambda show: replace(CHOSEN, frames="1-20", scouts="1,5")
    .with_step("beauty", chunk_size=4, outputs=(show.path("n/a_####.exr"),))
    .with_step("fog = thick", frames="40-44", scouts="41", outputs=(show.path("n/f = g_####.exr"),)),
    "one step": lambda show: CHOSEN.with_step("beauty", enabled=False),
    "files": lambda show: replace(
        CHOSEN, added=(show.path("notes.txt"),), excluded=(Exclusion(show.path("big.vdb"), "simulated = there"),)
    ),
    "scripts": lambda show: replace(
        CHOSEN,
        scripts=Scripts(
            (show.path("plug"),),
            (show.path("tools/start.py"),),
            (show.path("tools/pre.sh"), "{frame}", "two words", ""),
            ("python3", "-c", "print('it''s done')"),
        ),
    ),
    "people": lambda show: replace(
        CHOSEN,
        metadata=(("shot", "sh 010"), ("a", "b=c")),
        notifications=Notifications(("mika@studio.test",), ("killed", "failed")),
        environment=(
            EnvironmentVariable("SHOW", "dragons & co"),
            EnvironmentVariable("TOOLS", "/a", "append"),
            EnvironmentVariable("TOOLS", "/b", "prepend"),
        ),
    ),
}  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="the command is quoted for cmd.exe there")
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_the_panels_command_says_the_same(
    form: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pasted into a shell it makes the same submission with the same files, but for who sends it and its id."""
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path / "home"))
    (tmp_path / "show").mkdir()
    show = Show(tmp_path / "show")
    look = Look(show.report, show.description)
    monkeypatch.setattr(submit, "look_at", lambda question, hosts: look)
    plan = planned(show.situation(form(show)), identity="0123")
    assert run([*shlex.split(cli_command(plan))[1:], "--dry-run"]) == 0
    answer = json.loads(capsys.readouterr().out)
    theirs, ours = answer["submission"], to_json(plan.submission)
    for submission in (theirs, ours):
        del submission["id"], submission["client"]
        for variable in submission["environment"]:
            del variable["source"]
    theirs["environment"].sort(key=str)
    ours["environment"].sort(key=str)
    assert theirs == ours
    files = {*answer["files"], show.scene}
    assert files == set(plan.files)
