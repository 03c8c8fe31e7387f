"""The Houdini host answers about real scenes as the shared manifest says, and as our own readers of the files do.

The scenes are loaded into the fake Houdini by a loader that shares no code with the readers. Skipped where the scenes are not
(`CONDUCTOR_SCENES`, else `../shared/scenes`).
"""

from __future__ import annotations

import importlib
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.judge import judged
from conductor_core.discovery.survey import Survey
from conductor_core.formats import Scan, scan_file
from conductor_core.host import SceneStep
from conductor_core.report import Dependency, Ignored, Missing, ScanOutput, ScanReport, Unresolved
from conductor_core.sequences import DirectoryListing
from fakes.stub_reading import Stubs, StubsAbsent

REPO = Path(__file__).resolve().parents[2]
SCENES = Path(os.environ.get("CONDUCTOR_SCENES", REPO.parent / "shared" / "scenes"))


def _cases() -> list[dict[str, Any]]:
    manifest = SCENES / "manifest.json"
    if not manifest.exists():
        return []
    cases: list[dict[str, Any]] = json.loads(manifest.read_text(encoding="utf-8"))["cases"]
    return [case for case in cases if case["host"] == "houdini" and re.search(r"\.hip(nc|lc)?$", case["file"])]


CASES = {case["id"]: case for case in _cases()}
pytestmark = pytest.mark.xdist_group("houdini on real scenes")

#: what the manifest, drawn up by names of parameters, takes for something else than it is: node type and parameter → the list in
#: which it belongs, and why
OTHERWISE: dict[str, tuple[type, str]] = {
    r"(ropgeometry|ropfetch|ropcomposite):(debughip|perffile)": (ScanOutput, "a TOP writes them for whoever looks for faults"),
    r"font:file": (Ignored, "the text is typed, `usefile` is off"),
    r"ffmpegencodevideo:(framelistfile|outputfilepath)": (ScanOutput, "a TOP writes them while it cooks"),
    r"configureprimitive:assetdependencies": (Ignored, "names in metadata, nothing is opened"),
    r"configurestage:mutepaths": (Ignored, "layers that are not read"),
    r"usdstitchclips:outtemplatefile1": (ScanOutput, "what the ROP writes"),
    r"(textoutput:filepath|downloadfile:output_filename1)": (ScanOutput, "a TOP writes them while it cooks"),
    r"labs::filter_by_value:.*": (Ignored, "texts that work items are filtered by"),
    r"dopio:file": (ScanOutput, "`loadfromdisk` is off"),
    r"filecache::2.0:file": (Ignored, "its path is put together of other parameters (`filemethod`), and they are told"),
}
#: a library that the scene has installed and no node uses: nothing of it is read
UNUSED_LIBRARY = "no node is of a type of this library"


@dataclass(frozen=True, slots=True)
class Live:
    """What the host said about an open scene."""

    findings: tuple[Finding, ...]
    steps: tuple[SceneStep, ...]
    report: ScanReport
    refused: tuple[str, ...]
    unknown: tuple[str, ...]


@pytest.fixture(params=[*CASES] or [""])
def case(request: pytest.FixtureRequest, require: Any) -> dict[str, Any]:
    """Give a scene of the manifest."""
    require(request.param, f"{SCENES / 'manifest.json'} is not there (set CONDUCTOR_SCENES)")
    return CASES[request.param]


@pytest.fixture(scope="module")
def opened(require: Any) -> Iterator[Any]:
    """Give a function that opens a case's scene in the fake Houdini and asks the host; each scene is opened once."""
    try:
        Stubs.installed("hou-stubs")
    except StubsAbsent as exc:
        require(False, str(exc))
    from fakes.houdini_fake import hou
    from fakes.houdini_session import RECORD
    from hosts.houdini_world import refusals

    patch = pytest.MonkeyPatch()
    patch.setitem(sys.modules, "hou", hou())
    patch.syspath_prepend(str(REPO / "houdini"))
    host = importlib.import_module("conductor_houdini.host").HoudiniHost()
    known: dict[str, Live] = {}

    def open_case(case: dict[str, Any]) -> Live:
        if case["id"] not in known:
            RECORD.refused.clear()
            RECORD.unknown.clear()
            hou().hipFile.load(str(SCENES / case["file"]), suppress_save_prompt=True, ignore_load_warnings=True)
            findings = tuple(finding for piece in host.dependencies(()) for finding in piece)
            steps = tuple(host.steps())
            known[case["id"]] = Live(findings, steps, report_of(findings), tuple(refusals()), tuple(RECORD.unknown))
        return known[case["id"]]

    yield open_case
    hou().hipFile.clear(suppress_save_prompt=True)
    patch.undo()


@pytest.fixture(scope="module")
def on_disk() -> Any:
    """Give a function that reads a case's file by our own readers; each once."""
    known: dict[str, Scan] = {}

    def read(case: dict[str, Any]) -> Scan:
        if case["id"] not in known:
            known[case["id"]] = scan_file(Survey(str(SCENES / case["file"]), variables=dict(os.environ)))
        return known[case["id"]]

    return read


def report_of(findings: Iterable[Finding]) -> ScanReport:
    """Return what the panel makes of findings: judged by what lies on the disk."""
    listing = DirectoryListing()
    entries = list(dict.fromkeys(entry for finding in findings for entry in judged(finding, listing)))
    return ScanReport(
        scene="",
        format="",
        dependencies=tuple(one for one in entries if isinstance(one, Dependency)),
        missing=tuple(one for one in entries if isinstance(one, Missing)),
        unresolved=tuple(one for one in entries if isinstance(one, Unresolved)),
        outputs=tuple(one for one in entries if isinstance(one, ScanOutput)),
        ignored=tuple(one for one in entries if isinstance(one, Ignored)),
    )


def plain(text: str) -> str:
    """Return a text without the escapes of the file."""
    return re.sub(r"\\(.)", r"\1", text)


def here(text: str, case: dict[str, Any]) -> str:
    """Return a text that Houdini evaluated when it saved, as it comes out where the scene lies now."""
    was = case["vars"]["HIP"]
    return str((SCENES / case["file"]).parent) + text.removeprefix(was) if text.startswith(f"{was}/") else text


def lists_of(findings: Iterable[Finding], text: str) -> set[type]:
    """Return the kinds of the findings that speak of a text."""
    return {type(one) for one in findings if plain(one.as_written) == plain(text)}


def wanted_of(entry: dict[str, Any], usual: type) -> set[type]:
    """Return the kinds of finding that an entry of the manifest may end in."""
    if entry["path"].startswith(("$HH/", "$HFS/", "/opt/hfs")):
        return {Ignored}
    found: set[type] = {
        kind
        for name in entry["parms"]
        for pattern, (kind, _why) in OTHERWISE.items()
        if re.fullmatch(pattern, name.partition(" ")[0])
    }
    return found or {usual}


def test_houdini_refuses_no_call(case: dict[str, Any], opened: Any) -> None:
    """Every call of the adapter is one that Houdini's stub has, and one that the fake knows."""
    live = opened(case)
    assert (live.refused, live.unknown) == ((), ())


def test_everything_that_a_scene_reads_is_told(case: dict[str, Any], opened: Any) -> None:
    """Each dependency of the manifest is one of the host's, by the text that is stored."""
    live = opened(case)
    wrong = []
    for entry in case["deps"]:
        if entry.get("kind") == "hda" and entry["path"] not in {one.as_written for one in live.findings}:
            assert ".OPlibraries" in entry["parms"], UNUSED_LIBRARY
            continue
        found = lists_of(live.findings, entry["path"]) | lists_of(live.findings, here(entry["path"], case))
        if not found & wanted_of(entry, Usage):
            wrong.append((entry["path"], entry["parms"], sorted(kind.__name__ for kind in found)))
    assert wrong == []


def test_everything_that_a_scene_writes_is_told(case: dict[str, Any], opened: Any) -> None:
    """Each output of the manifest is one of the host's, by the text that is stored."""
    live = opened(case)
    wrong = []
    for entry in case["outputs"]:
        found = lists_of(live.findings, entry["path"]) | lists_of(live.findings, here(entry["path"], case))
        if not found & wanted_of(entry, ScanOutput):
            wrong.append((entry["path"], entry["parms"], sorted(kind.__name__ for kind in found)))
    assert wrong == []


def test_no_trap_is_taken(case: dict[str, Any], opened: Any) -> None:
    """What looks like a dependency and is none is not told as one."""
    live = opened(case)
    traps = [text.partition(": ")[2] for text in case.get("traps", ())]
    assert [text for text in traps if Usage in lists_of(live.findings, text)] == []


Key = tuple[str, str, str]


def _keys(report: ScanReport) -> set[Key]:
    """Return list, referrer and place of each entry that a parameter of the scene itself makes; of the unresolved, what is stored."""
    found = set()
    for name in ("dependencies", "missing", "unresolved", "outputs", "ignored"):
        for entry in getattr(report, name):
            if entry.referrer.startswith("/") and "." not in entry.referrer.rpartition("/")[2]:
                found.add((name, entry.referrer, getattr(entry, "path", "")))
    return found


def test_host_and_file_say_the_same(case: dict[str, Any], opened: Any, on_disk: Any) -> None:
    """The panel and `conductor submit` find the same: no entry of the file's report is lacking in the host's.

    The host may say more: a work item's file (`@pdg_input`) that a saved default hides in the file.
    """
    live, file = _keys(opened(case).report), _keys(on_disk(case).report)
    assert file - live == set(), "The file's reader tells of these, the host does not"
    assert {key for key in live - file if key[0] != "unresolved"} == set(), "The host tells of these, the file's reader does not"


def test_libraries_are_named_as_in_the_file(case: dict[str, Any], opened: Any, on_disk: Any) -> None:
    """An asset library that is not Houdini's own is told by both, for a type that is written alike: `labs::Top/extract::1.1`."""

    def libraries(report: ScanReport) -> dict[str, str]:
        entries: list[Dependency | Missing] = [*report.dependencies, *report.missing]
        return {one.path: one.referrer for one in entries if one.path.endswith((".hda", ".otl", ".hdanc", ".hdalc"))}

    live, file = libraries(opened(case).report), libraries(on_disk(case).report)
    assert set(live) <= set(file)
    categories = {referrer.partition("/")[0] for referrer in file.values()}
    assert {referrer.partition("/")[0] for referrer in live.values()} <= categories, (live, file)


def test_host_and_file_have_the_same_steps(case: dict[str, Any], opened: Any, on_disk: Any) -> None:
    """Names, ranges, order, programs and outputs of the steps are those of the file's reader."""
    facts = on_disk(case).facts
    assert facts is not None
    live = {step.name: step for step in opened(case).steps}
    file = {step.name: step for step in facts.steps}
    assert set(live) == set(file)
    for name, step in file.items():
        assert live[name] == step


def test_stored_texts_are_told_as_they_are_stored(case: dict[str, Any], opened: Any, on_disk: Any) -> None:
    """What an artist reads in the panel is what the scene's file has, escapes included; an expression's value is today's."""

    def texts(report: ScanReport) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for name in ("dependencies", "missing", "outputs"):
            for entry in getattr(report, name):
                if entry.referrer.startswith("/") and "." not in entry.referrer.rpartition("/")[2]:
                    found.setdefault(entry.referrer, set()).add(here(entry.as_written, case))
        return found

    live, file = texts(opened(case).report), texts(on_disk(case).report)
    different = {
        referrer: (live[referrer], file[referrer]) for referrer in set(live) & set(file) if live[referrer] != file[referrer]
    }
    assert different == {}


def test_every_kind_of_scene_is_there(require: Any) -> None:
    """The manifest has scenes of the commercial and the free Houdini, of versions from 11 to 20.5."""
    require(CASES, f"{SCENES / 'manifest.json'} is not there (set CONDUCTOR_SCENES)")
    assert {Path(case["file"]).suffix for case in CASES.values()} == {".hip", ".hipnc"}
    assert {"11", "17", "18", "19", "20"} <= {case["vars"]["version"].partition(".")[0] for case in CASES.values()}
