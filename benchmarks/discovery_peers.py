"""What peers find in the same scenes: each as a process of its own, in an environment of its own under .conductor/peers.

* BAT (blender-asset-tracer 1.23, GPL): its command line, which names the files that are on disk; what it says of files that
  are not is in the manifest (`bat_1_23`).
* UsdUtils.ComputeAllDependencies (usd-core).
* What other submitters' own tests expect (`asset_references.yaml` beside the scenes); compared by the names of files, since
  their folders are rewritten.

Nothing of these is imported by Conductor.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml
from discovery_score import Score, blend_place, canonical, truth_of

BAT = "blender-asset-tracer==1.23"
USD = "usd-core==26.11"
#: one scene, seconds
PATIENCE = 120

_USD_DRIVER = """
import json, sys
from pxr import UsdUtils
layers, assets, unresolved = UsdUtils.ComputeAllDependencies(sys.argv[1])
print(json.dumps([layer.realPath for layer in layers] + list(assets)))
"""


class Peer(Protocol):
    """Somebody else who finds dependencies."""

    def takes(self, case: Mapping[str, Any]) -> bool:
        """Tell whether this peer has an answer to a scene."""
        ...

    def score(self, case: Mapping[str, Any], scenes: Path) -> Score:
        """Return its answer, scored as ours is."""
        ...


def peers_of(folder: Path) -> Iterator[Peer]:
    """Yield the peers that can be run here, installing them under `folder`."""
    bat = environment(folder / "bat", BAT, "zstandard")
    if bat:
        yield Bat(bat)
    usd = environment(folder / "usd", USD)
    if usd:
        yield UsdUtils(usd)
    yield Expected()


@dataclass(frozen=True, slots=True)
class Bat:
    """Blender Asset Tracer."""

    python: Path
    name: str = "blender: BAT 1.23"

    def takes(self, case: Mapping[str, Any]) -> bool:
        """Tell whether it reads such scenes."""
        return bool(case["host"] == "blender")

    def score(self, case: Mapping[str, Any], scenes: Path) -> Score:
        """Return what it lists; a text is found where it lists the text, or the file that the text means."""
        scene = scenes / case["file"]
        said, seconds = _run([str(self.python.with_name("bat")), "-q", "list", "--json", str(scene)])
        answer = _json(said)
        if not isinstance(answer, dict):
            return _failed(self.name, case, scenes, said, seconds)
        listed = {os.path.normpath(file) for files in answer.values() for file in files}
        told = case.get("bat_1_23", [])
        texts = {canonical(text.removesuffix(" [seq]")) for text in (told if isinstance(told, list) else ())}
        truth = truth_of(dict(case), scenes)
        lost = [t for t, dep in truth.items() if t not in texts and blend_place(dep["path"], str(scene)) not in listed]
        return _scored(self.name, case, truth, lost, (), seconds)


@dataclass(frozen=True, slots=True)
class UsdUtils:
    """USD's own function."""

    python: Path
    name: str = f"usd: UsdUtils {USD.partition('==')[2]}"

    def takes(self, case: Mapping[str, Any]) -> bool:
        """Tell whether it reads such scenes."""
        return bool(case["host"] == "usd")

    def score(self, case: Mapping[str, Any], scenes: Path) -> Score:
        """Return the layers and assets that it lists."""
        said, seconds = _run([str(self.python), "-c", _USD_DRIVER, str(scenes / case["file"])])
        answer = _json(said)
        if not isinstance(answer, list):
            return _failed(self.name, case, scenes, said, seconds)
        listed = {os.path.realpath(file.partition("[")[0]) for file in answer if file}
        truth = truth_of(dict(case), scenes)
        false = sorted(listed - set(truth) - {os.path.realpath(scenes / case["file"])})
        return _scored(self.name, case, truth, [t for t in truth if t not in listed], false, seconds)


@dataclass(frozen=True, slots=True)
class Expected:
    """The answers that other submitters' own tests expect."""

    name: str = "deadline-cloud's own tests"

    def takes(self, case: Mapping[str, Any]) -> bool:
        """Tell whether the answer is for this scene, not only for one that it is referenced by."""
        scene = Path(case["file"])
        return str(case.get("peer_expected", "")).endswith("asset_references.yaml") and scene.stem in scene.parts[:-1]

    def score(self, case: Mapping[str, Any], scenes: Path) -> Score:
        """Return what the file lists, compared by name."""
        inputs = yaml.safe_load((scenes / case["peer_expected"]).read_text("utf-8"))["assetReferences"]["inputs"]
        listed = {os.path.basename(file) for file in inputs["filenames"]} - {os.path.basename(case["file"])}
        truth = truth_of(dict(case), scenes)
        fitting = {text: _names(dep["path"]) for text, dep in truth.items()}
        lost = [t for t, dep in truth.items() if not (dep.get("host_install") or any(map(fitting[t].fullmatch, listed)))]
        false = sorted(name for name in listed if not any(regex.fullmatch(name) for regex in fitting.values()))
        return _scored(f"{case['host']}: {self.name}", case, truth, lost, false, 0.0)


def _names(path: str) -> re.Pattern[str]:
    """Return what fits the names of the files that a stored path may mean."""
    name = re.split(r"[\\/]", path)[-1]
    return re.compile(re.sub(r"(?:\\#)+|%0?[0-9]*d", "[0-9]+", re.escape(name)))


def _scored(who: str, case: Mapping[str, Any], truth: Mapping[str, Any], lost: list[str], false: Any, seconds: float) -> Score:
    differences = (*(f"lost        {text}" for text in lost), *(f"false       {text}" for text in false))
    return Score(
        who,
        case["file"],
        true=len(truth),
        found=len(truth) - len(lost),
        false=len(false),
        seconds=seconds,
        megabytes=case["size"] / 1e6 if seconds else 0.0,
        differences=differences,
    )


def _failed(who: str, case: Mapping[str, Any], scenes: Path, said: str, seconds: float) -> Score:
    lines = [line for line in said.splitlines() if line.strip()]
    return Score(
        who, case["file"], true=len(truth_of(dict(case), scenes)), problem=lines[-1] if lines else "no answer", seconds=seconds
    )


def environment(folder: Path, *packages: str) -> Path | None:
    """Return the Python of an environment with some packages, made if it is not there; None where that fails."""
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    done = folder / "packages"
    if done.is_file() and done.read_text() == "\n".join(packages):
        return python
    venv.create(folder, with_pip=True, clear=True, symlinks=sys.platform != "win32")
    installed = subprocess.run([str(python), "-m", "pip", "install", "-q", *packages], check=False, stdin=subprocess.DEVNULL)
    if installed.returncode:
        print(f"{', '.join(packages)} could not be installed, so it is not measured.", file=sys.stderr)
        return None
    done.write_text("\n".join(packages))
    return python


def _run(command: list[str]) -> tuple[str, float]:
    """Return what a peer printed, and how long it took with its own start."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    began = time.perf_counter()
    try:
        ran = subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {PATIENCE} s", PATIENCE
    return (ran.stdout if ran.returncode == 0 else ran.stderr or f"exit code {ran.returncode}"), time.perf_counter() - began


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
