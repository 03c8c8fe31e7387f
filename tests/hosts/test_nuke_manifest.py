"""The adapter's answers in the fake Nuke, for each real script of the shared scenes: what the manifest says, and what our own reader says.

The fake loads the scripts by a Tcl interpreter, which shares no code with the readers.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from conductor_core.discovery.finding import Facts, Finding, Usage
from conductor_core.discovery.judge import judged
from conductor_core.discovery.survey import Survey
from conductor_core.formats.nuke_script import read_script
from conductor_core.host import SceneStep
from conductor_core.report import Dependency, Ignored, ScanOutput, Unresolved
from conductor_core.sequences import DirectoryListing
from conductor_plugins.host import HostScene
from fakes.nuke_fake import install, uninstall
from fakes.nuke_session import RECORD, session
from hosts.nuke_world import READINGS, adapter


def _scenes() -> Path | None:
    above = Path(__file__).resolve().parents
    return next((folder / "shared" / "scenes" for folder in above if (folder / "shared/scenes/manifest.json").is_file()), None)


SCENES = _scenes()
CASES: list[dict[str, Any]] = []
if SCENES is not None:
    CASES = [c for c in json.loads((SCENES / "manifest.json").read_text(encoding="utf-8"))["cases"] if c["host"] == "nuke"]
SCRIPTS = [case for case in CASES if case["file"].endswith(".nk")]

pytestmark = pytest.mark.skipif(not CASES, reason="the shared scenes are not here")


@dataclass(frozen=True, slots=True)
class Answers:
    """What the adapter says of a script."""

    scene: HostScene
    steps: tuple[SceneStep, ...]
    findings: tuple[Finding, ...]
    refused: tuple[str, ...]


_ANSWERS: dict[tuple[str, str], Answers] = {}


@pytest.fixture(scope="module", autouse=True)
def no_nuke_after() -> Iterator[None]:
    """Other tests do not find this Nuke."""
    yield
    _ANSWERS.clear()
    _READ.clear()
    uninstall()


def _asked(case: dict[str, Any], reading: str, folder: Path) -> Answers:
    """Open a case in a new Nuke, once; of a gizmo, a script with one node of it."""
    key = (case["id"], reading)
    if key not in _ANSWERS:
        assert SCENES is not None
        file = SCENES / case["file"]
        gizmos = sorted({str(gizmo.parent) for gizmo in (SCENES / "nuke").rglob("*.gizmo")})
        install(plugin_path=gizmos, unsure=READINGS[reading])
        import nuke

        if file.suffix == ".gizmo":
            nuke.scriptSaveAs(str(folder / "script.nk"), 1)
            nuke.createNode(file.stem)
        else:
            nuke.scriptOpen(str(file))
        host = adapter()
        findings = tuple(finding for piece in host.dependencies(()) for finding in piece)
        _ANSWERS[key] = Answers(host.scene(), tuple(host.steps()), findings, (*RECORD.refused, *RECORD.unknown))
        assert not session().asked
    return _ANSWERS[key]


def _entries(rows: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Return texts and who wants them; the manifest names the root by its file."""
    return {
        (row["path"], f"{'Root' if row['node_type'] == 'Root' else node}.{row['attr']}") for row in rows for node in row["nodes"]
    }


def _told(findings: tuple[Finding, ...], *kinds: type) -> set[tuple[str, str]]:
    """Return texts and who wants them, without the groups around a node; a dollar sign may be escaped or not."""
    return {
        (finding.as_written.replace("\\$", "$"), ".".join(finding.referrer.split(".")[-2:]))
        for finding in findings
        if isinstance(finding, kinds)
    }


def _ids(case: dict[str, Any]) -> str:
    return str(Path(case["file"]).name)


@pytest.mark.parametrize("reading", ["as documented", "the other way"])
@pytest.mark.parametrize("case", CASES, ids=_ids)
def test_everything_of_the_manifest_is_told(case: dict[str, Any], reading: str, tmp_path: Path) -> None:
    """Each dependency with its stored text and its node, each output likewise; Nuke refused none of the adapter's calls."""
    answers = _asked(case, reading, tmp_path)
    told = _told(answers.findings, Usage, Unresolved, Ignored)
    assert _entries(case["deps"]) - told == set(), "the adapter does not tell of these dependencies"
    assert _entries(case["outputs"]) - _told(answers.findings, ScanOutput) == set(), "the adapter does not tell of these outputs"
    assert answers.refused == ()


@pytest.mark.parametrize("case", CASES, ids=_ids)
def test_nothing_is_told_that_is_not_in_the_script(case: dict[str, Any], tmp_path: Path) -> None:
    """What the manifest does not have is a gizmo's own file, a knob for files of a gizmo, or told as ignored or unresolved."""
    answers = _asked(case, "as documented", tmp_path)
    more = _told(answers.findings, Usage) - _entries(case["deps"])
    gizmos = {(f.as_written, f.referrer) for f in answers.findings if isinstance(f, Usage) and f.kind == "gizmo"}
    known = {"dailies.codec", "dailies.logopath", "dailies.template", "dailies.slate"}
    assert {entry for entry in more - gizmos if entry[1] not in known and not entry[1].endswith(".font")} == set()
    assert _told(answers.findings, ScanOutput) == _entries(case["outputs"])


@pytest.mark.parametrize("case", SCRIPTS, ids=_ids)
def test_the_panel_makes_the_job_that_the_command_line_makes(case: dict[str, Any], tmp_path: Path) -> None:
    """Steps, range and outputs are those that our reader takes from the file."""
    answers = _asked(case, "as documented", tmp_path)
    facts = _facts(case, answers)
    if not any("$" in output["path"] for output in case["outputs"]):
        assert answers.steps == facts.steps
    assert [step.name for step in answers.steps] == [step.name for step in facts.steps]
    assert facts.frames in ("", answers.scene.frames)


@pytest.mark.parametrize("case", SCRIPTS, ids=_ids)
def test_same_text_same_place(case: dict[str, Any], tmp_path: Path) -> None:
    """What both the host and our reader find as a file to read has the same places in both."""
    answers = _asked(case, "as documented", tmp_path)
    live = {(f.as_written.replace("\\$", "$"), f.referrer): f.places for f in answers.findings if isinstance(f, Usage)}
    read = {(f.as_written.replace("\\$", "$"), f.referrer): f.places for f in _read(case, answers) if isinstance(f, Usage)}
    assert {key: live.get(key) for key in read} == read


_READ: dict[str, tuple[Finding | Facts, ...]] = {}


def _read(case: dict[str, Any], answers: Answers) -> tuple[Finding | Facts, ...]:
    """Read a script by our own reader, once."""
    assert SCENES is not None
    if case["id"] in _READ:
        return _READ[case["id"]]
    first, last = (int(part) for part in answers.scene.frames.split("-"))
    survey = Survey(str(SCENES / case["file"]), tuple(range(first, last + 1)), variables=dict(os.environ))
    return _READ.setdefault(case["id"], tuple(read_script(survey)))


def _facts(case: dict[str, Any], answers: Answers) -> Facts:
    return next(found for found in _read(case, answers) if isinstance(found, Facts))


PEERS = [case for case in CASES if case.get("peer_expected")]


@pytest.mark.parametrize("case", PEERS, ids=_ids)
def test_another_submitters_own_tests_agree(case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files, output folders and frames that its tests expect of its own scripts; those folders are one here."""
    assert SCENES is not None
    bundle = (SCENES / case["peer_expected"]).parent
    wanted = yaml.safe_load((bundle / "asset_references.yaml").read_text(encoding="utf-8"))["assetReferences"]
    values = {
        row["name"]: row["value"]
        for row in yaml.safe_load((bundle / "parameter_values.yaml").read_text(encoding="utf-8"))["parameterValues"]
    }
    files = {_below(path) for path in wanted["inputs"]["filenames"]} - {Path(case["file"]).name}
    for name in files:
        (tmp_path / name).write_bytes(b"")
    script = (SCENES / case["file"]).read_text(encoding="utf-8").replace(_home_of(case), tmp_path.as_posix())
    (tmp_path / Path(case["file"]).name).write_text(script, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    install()
    import nuke

    nuke.scriptOpen(str(tmp_path / Path(case["file"]).name))
    host = adapter()
    usages = [finding for piece in host.dependencies(()) for finding in piece if isinstance(finding, Usage)]
    entries = [entry for usage in usages for entry in judged(usage, DirectoryListing())]
    found = {os.path.relpath(file, tmp_path) for entry in entries if isinstance(entry, Dependency) for file in entry.files}
    folders = {os.path.relpath(os.path.dirname(output.path), tmp_path) for step in host.steps() for output in step.outputs}
    assert found == files
    assert folders == {_below(path) for path in wanted["outputs"]["directories"]}
    chosen = [step.frames for step in host.steps() if step.name == values.get("WriteNode")]
    assert values["Frames"] in (chosen or [host.scene().frames])


def _below(path: str) -> str:
    """Return a path of the other's tests below the folder that its script and its program are in here."""
    for start in ("/normalized/job/bundle/dir", "/normalized/cwd"):
        if path.startswith(start):
            return path[len(start) :].strip("/") or "."
    return path


def _home_of(case: dict[str, Any]) -> str:
    """Return the folder in which a script was saved, as its own text tells."""
    return str(case["root"]["name"]).rpartition("/")[0]
