"""Ask a host about a scene file, in a process of its own.

The contract: `<interpreter> <hosts>/blender/ask.py describe --scene PATH [--frames SPEC] --out FILE`, and for a `blender`
binary `blender -b --factory-startup --python ask.py -- describe …`. The answer is a SceneDescription as JSON in FILE, or
`{"error": {"what", "next_step"}}`. What the host prints is shown only when it failed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conductor_core.api.settings import HostSettings
from conductor_core.cli.exit_codes import Ended, ExitCode
from conductor_core.documents import from_json
from conductor_core.errors import InvalidDocument
from conductor_core.host import SceneDescription

#: file extension → the host that reads it
HOSTS = {".blend": "blender"}
#: name of a format, as our own reading tells it by content → the host that reads it
HOSTS_BY_FORMAT = {"blend": "blender"}
#: seconds; opening a heavy scene from a slow share takes minutes
ASK_TIMEOUT = 1800.0


@dataclass(frozen=True, slots=True)
class Asker:
    """How a host is asked."""

    #: the command before `describe`
    command: tuple[str, ...]
    #: those to ask next, in this order, where the scene is too new for the one before
    others: tuple[tuple[str, ...], ...] = ()


def has_host(scene: str, format_name: str = "") -> bool:
    """Tell whether there is a host that can be asked about such scenes, here or elsewhere."""
    return _host_of(scene, format_name) is not None


def _host_of(scene: str, format_name: str) -> str | None:
    return HOSTS_BY_FORMAT.get(format_name) or HOSTS.get(os.path.splitext(scene)[1].lower())


def find_asker(scene: str, settings: HostSettings, environ: Mapping[str, str] | None = None, *, format_name: str = "") -> Asker:
    """Return how to ask about `scene`.

    Raises:
        Ended: no host reads such files, or host or interpreter cannot be found.
    """
    environ = os.environ if environ is None else environ
    host = _host_of(scene, format_name)
    if host is None:
        extension = os.path.splitext(scene)[1].lower()
        known = ", ".join(sorted(HOSTS))
        raise Ended(ExitCode.USAGE, f"{scene}: no host is known that reads {extension or 'such'} files.", f"Known are: {known}.")
    script = _hosts_folder(settings, environ) / host / "ask.py"
    if not script.is_file():
        raise Ended(
            ExitCode.HOST_FAILED,
            f"{script} is not there, so {host.capitalize()} cannot be asked.",
            "Set CONDUCTOR_HOSTS (or hosts.folder in settings.yaml) to the clone of Conductor that holds blender/.",
        )
    commands = [_command(program, str(script)) for program in _programs(settings, environ)]
    return Asker(commands[0], tuple(commands[1:]))


def _command(program: str, script: str) -> tuple[str, ...]:
    if "python" in Path(program).name.lower():
        return (program, script)
    return (program, "-b", "--factory-startup", "--python-exit-code", "9", "--python", script, "--")


def describe_scene(
    asker: Asker,
    scene: str,
    frames: str = "",
    *,
    timeout: float = ASK_TIMEOUT,
    variables: Mapping[str, str] | None = None,
) -> SceneDescription:
    """Return what the host says of `scene`, its dependencies limited to `frames` (empty: the scene's own range).

    It is started with `variables` beside this process's environment.

    Raises:
        Ended: the host could not be started, took too long, or could not read the scene.
    """
    for command in (asker.command, *asker.others):
        answer = _ask(command, scene, frames, timeout, variables or {})
        error = answer.get("error") if isinstance(answer, dict) else None
        if not (isinstance(error, dict) and error.get("code") == "newer-scene"):
            break
    if isinstance(error, dict):
        raise Ended(ExitCode.HOST_FAILED, str(error.get("what", "")), str(error.get("next_step", "")))
    try:
        return from_json(SceneDescription, answer)
    except InvalidDocument as exc:
        raise Ended(
            ExitCode.HOST_FAILED,
            f"{command[0]} answered in a form that is not understood: {exc}",
            "Update both to one version.",
        ) from exc


def _ask(command: tuple[str, ...], scene: str, frames: str, timeout: float, variables: Mapping[str, str]) -> Any:
    with tempfile.TemporaryDirectory(prefix="conductor-scan-") as folder:
        out = Path(folder, "description.json")
        words = ["describe", "--scene", scene, "--out", str(out), *([f"--frames={frames}"] if frames else [])]
        said = _run([*command, *words], timeout, variables)
        try:
            return json.loads(out.read_bytes())
        except (OSError, ValueError):
            raise Ended(
                ExitCode.HOST_FAILED,
                f"{command[0]} did not answer about {scene}. {_tail(said)}",
                "Open it there to see why.",
            ) from None


def existing_scene(scene: str) -> str:
    """Return the absolute path of a scene file.

    Raises:
        Ended: there is no such file.
    """
    path = os.path.abspath(scene)
    if os.path.isdir(path):
        raise Ended(ExitCode.MISSING_FILES, f"{path} is a folder, not a scene.", "Name the scene in it.")
    if not os.path.isfile(path):
        raise Ended(ExitCode.MISSING_FILES, f"{path} is not there.", "Check the name of the scene.")
    return path


def _hosts_folder(settings: HostSettings, environ: Mapping[str, str]) -> Path:
    named = environ.get("CONDUCTOR_HOSTS") or settings.folder
    # core/conductor_core/cli/describe.py: the clone that this package was installed from
    return Path(named) if named else Path(__file__).resolve().parents[3]


def _programs(settings: HostSettings, environ: Mapping[str, str]) -> list[str]:
    """Return the Blenders to ask: the one that is named, or else all that are here, the oldest first.

    The oldest that can read a scene is the nearest to the one that saved it.
    """
    named = environ.get("CONDUCTOR_BLENDER") or settings.blender
    found = [shutil.which(named)] if named else [shutil.which("blender"), *_installed_in(_hosts_folder(settings, environ))]
    programs = [program for program in found if program]
    if programs:
        return programs
    what = f"{named} is not a program." if named else "There is no blender on the PATH."
    raise Ended(
        ExitCode.HOST_FAILED,
        what,
        "Set CONDUCTOR_BLENDER (or hosts.blender in settings.yaml) to a blender binary or to a Python that has bpy.",
    )


def _installed_in(clone: Path) -> list[str]:
    """Return the Pythons with the Blenders that install.py put into a clone, the oldest first."""
    installed = clone / ".conductor" / "blender"
    program = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
    pythons = [p for p in installed.glob(f"*/{program}") if p.exists()]
    return [
        str(p) for p in sorted(pythons, key=lambda p: [int(n) for n in re.findall(r"\d+", p.relative_to(installed).parts[0])])
    ]


def _run(command: list[str], timeout: float, variables: Mapping[str, str]) -> str:
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")} | dict(variables)
    with tempfile.TemporaryFile() as log:
        try:
            subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                timeout=timeout,
                check=False,
                # Ctrl-C is ours: we end the host ourselves
                start_new_session=sys.platform != "win32",
            )
        except subprocess.TimeoutExpired:
            raise Ended(
                ExitCode.HOST_FAILED, f"{command[0]} did not answer within {timeout:.0f} s.", "Open the scene there."
            ) from None
        except OSError as exc:
            raise Ended(ExitCode.HOST_FAILED, f"{command[0]} cannot be started ({exc}).", "Check CONDUCTOR_BLENDER.") from exc
        log.seek(0)
        return log.read().decode("utf-8", "replace")


def _tail(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "It said: " + " / ".join(lines[-3:]) if lines else "It said nothing."
