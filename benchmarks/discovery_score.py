"""How the answer to a scene is scored against the manifest.

A true dependency is *found* where its text, as stored, is in `dependencies` or `missing` (USD: where its file is). Where the
manifest itself says that the file does not travel, that it is told as such counts as found too:

* `host_install` (Maya's own), `$HH` (Houdini's own), Nuke's disabled nodes, text blocks of which the .blend has a copy: `ignored`;
* Houdini's cache nodes, which read or write as a switch says: `outputs`;
* a file in a package (`a.usdz[b.usda]`): the package;
* a library of a .blend's library: the answer has its path as Blender rewrites it, relative to the scene that is open; that text
  is in neither file.

*False* is what is told as a dependency (or missing) by the scene itself and is not in the manifest's list, be it an output, a
trap or something else. Entries of files that the scene points to are judged where those are scenes of the manifest themselves.
Not counted as false: what the manifest names beside its list (`builtin_or_embedded`, `hda_fallbacks_non_stock`, BAT's answer,
USD's `unresolved`), a folder of files that it lists, and Houdini's expressions that we evaluate: it lists stored paths only. A `.mb` is shown and not scored: its truth is strings found in the file.
"""

from __future__ import annotations

import os
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conductor_core.report import Dependency, Missing, ScanReport

_WORDS_BEFORE = re.compile(r"\A[a-z][a-z ,;]*: ")


@dataclass(frozen=True, slots=True)
class Score:
    """One scene, as somebody answered it."""

    who: str
    file: str
    true: int = 0
    found: int = 0
    #: of those not found, how many are told as unresolved, with a reason
    told: int = 0
    #: of those not found, how many are told as outputs or ignored, with a reason
    otherwise: int = 0
    false: int = 0
    unresolved: int = 0
    problem: str = ""
    crashed: bool = False
    #: whether it counts
    scored: bool = True
    seconds: float = 0.0
    megabytes: float = 0.0
    differences: tuple[str, ...] = ()


def own_score(
    case: dict[str, Any], scenes: Path, report: ScanReport | None, *, problem: str = "", crashed: bool = False
) -> Score:
    """Return the score of our own report; None where there is none."""
    binary = case["file"].endswith(".mb")
    who = f"{case['host']}{' .mb (not scored)' if binary else ''}"
    if report is None:
        true = len(truth_of(case, scenes))
        all_lost = tuple(f"lost        {text}" for text in truth_of(case, scenes))
        return Score(who, case["file"], true, problem=problem, crashed=crashed, scored=not binary, differences=all_lost)
    given = truth_of(case, scenes)
    lists = _usd_lists(report) if case["host"] == "usd" else _text_lists(report)
    right = {text: _place(dep, text, lists) for text, dep in given.items()}
    if case["host"] == "blender":
        right |= dict.fromkeys(_by_path(given, report), "found")
    lost = [text for text, place in right.items() if place not in ("found", "told")]
    false = _false(case, scenes, report, given)
    told = [text for text, place in right.items() if place == "told"]
    differences = (
        *(f"lost        {text}  ({_elsewhere(text, lists)})" for text in lost),
        *(f"unresolved  {text}" for text in told),
        *(f"false       {line}" for line in false),
    )
    found = sum(place == "found" for place in right.values())
    return Score(
        who,
        case["file"],
        true=len(given),
        found=found,
        told=len(told),
        otherwise=sum(text in lists["outputs"] or text in lists["ignored"] for text in lost),
        false=len(false),
        unresolved=len(report.unresolved),
        scored=not binary,
        differences=differences,
    )


def row_of(who: str, scores: Sequence[Score]) -> tuple[str, ...]:
    """Return the line of the table for one host or peer."""
    names = ("true", "found", "told", "otherwise", "false")
    true, found, told, otherwise, false = (sum(getattr(s, name) for s in scores) for name in names)
    read = [s for s in scores if s.seconds and s.megabytes]
    speed = 1000 * sum(s.seconds for s in read) / sum(s.megabytes for s in read) if read else 0.0
    crashes = sum(s.crashed for s in scores)
    not_read = sum(bool(s.problem) for s in scores) - crashes
    numbers = (len(scores), crashes, not_read, true, found, told, otherwise, true - found - told - otherwise)
    return (
        who,
        *map(str, numbers),
        f"{100 * found / true:.1f}" if true else "–",
        str(false),
        f"{100 * found / (found + false):.1f}" if found + false else "–",
        str(sum(s.unresolved for s in scores)),
        f"{speed:.1f}" if speed else "–",
        f"{1000 * statistics.median(s.seconds for s in read):.1f}" if read else "–",
    )


def canonical(text: str) -> str:
    """Return a stored text without its escapes, so that both ways to quote it compare equal."""
    return text.replace("\\", "").strip()


def truth_of(case: dict[str, Any], scenes: Path) -> dict[str, dict[str, Any]]:
    """Return the true dependencies by what they are compared by."""
    if case["host"] == "usd":
        return {os.path.realpath(scenes / d["path"].partition("[")[0]): d for d in case["deps"]}
    return {canonical(d["path"]): d for d in case["deps"]}


def _text_lists(report: ScanReport) -> dict[str, set[str]]:
    names = ("dependencies", "missing", "unresolved", "outputs", "ignored")
    return {name: {canonical(e.as_written) for e in getattr(report, name)} for name in names}


def _usd_lists(report: ScanReport) -> dict[str, set[str]]:
    lists = _text_lists(report)
    lists["dependencies"] = {os.path.realpath(f.partition("[")[0]) for d in report.dependencies for f in (*d.files, d.path)}
    lists["dependencies"].add(os.path.realpath(report.scene))
    lists["missing"] = {os.path.realpath(m.path) for m in report.missing}
    return lists


def _place(dep: dict[str, Any], text: str, lists: dict[str, set[str]]) -> str:
    if text in lists["dependencies"] or text in lists["missing"]:
        return "found"
    own = dep.get("host_install") or text.startswith(("$HH/", "$HFS/", "<MAYA_RESOURCES>"))
    if text in lists["ignored"] and (own or dep.get("disabled") or "not needed to render" in str(dep.get("kind"))):
        return "found"
    if text in lists["outputs"] and "read or written" in dep.get("note", ""):
        return "found"
    return "told" if text in lists["unresolved"] else "lost"


def _elsewhere(text: str, lists: dict[str, set[str]]) -> str:
    return ", ".join(name for name, texts in lists.items() if text in texts) or "in no list"


def _false(case: dict[str, Any], scenes: Path, report: ScanReport, given: Iterable[str]) -> list[str]:
    """Return what is told as a dependency and should not be."""
    outputs = {canonical(_path_of(o)) for o in case["outputs"]}
    traps = {canonical(_WORDS_BEFORE.sub("", t)) for t in case.get("traps", ())}
    fine = {*given, *_beside_the_list(case, scenes)}
    lines: dict[str, None] = {}
    entries: tuple[Dependency | Missing, ...] = (*report.dependencies, *report.missing)
    for entry in entries:
        if case["host"] == "usd":
            paths = [*entry.files] if isinstance(entry, Dependency) else [entry.path]
            wrong = [p for p in paths if os.path.realpath(p.partition("[")[0]) not in fine and p != report.scene]
            lines.update(
                dict.fromkeys(f"{p}  ({entry.kind} of {entry.referrer} in {entry.within or 'the scene'})" for p in wrong)
            )
            continue
        text = canonical(entry.as_written)
        if entry.within or text in fine or "`" in text or any(f.startswith(f"{text.rstrip('/')}/") for f in fine):
            continue
        what = "OUTPUT " if text in outputs else "TRAP " if text in traps else ""
        lines[f"{what}{entry.as_written}  ({entry.kind} of {entry.referrer})"] = None
    return list(lines)


def _by_path(given: Mapping[str, dict[str, Any]], report: ScanReport) -> Iterable[str]:
    """Yield the texts whose file is told, if under another text: a strip's folder for its images, a library's for the scene's."""
    told = {f for d in report.dependencies for f in (*d.files, d.path)} | {m.path for m in report.missing}
    return (text for text, dep in given.items() if blend_place(dep["path"], report.scene) in told)


def blend_place(text: str, scene: str) -> str:
    """Return the path that a text in a .blend means."""
    slashed = text.replace("\\", "/")
    folder = os.path.dirname(scene)
    return os.path.normpath(os.path.join(folder, slashed[2:])) if slashed.startswith("//") else text


def _path_of(output: Any) -> str:
    return str(output["path"] if isinstance(output, dict) else output)


def _beside_the_list(case: dict[str, Any], scenes: Path) -> Iterable[str]:
    """Return what the manifest names elsewhere, and nobody can call wrong."""
    if case["host"] == "usd":
        for path in case["unresolved"]:
            yield os.path.realpath(scenes / "usd" / path)
            yield os.path.realpath(scenes / os.path.dirname(case["file"]) / path)
        return
    bat = case.get("bat_1_23", [])
    texts = [
        *case.get("builtin_or_embedded", ()),
        *case.get("hda_fallbacks_non_stock", ()),
        *(bat if isinstance(bat, list) else ()),
    ]
    yield from (canonical(text.removesuffix(" [seq]")) for text in texts)
