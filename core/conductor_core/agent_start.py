"""Start the agent as a process of its own, from whatever program this runs in.

Inside Maya or Nuke `sys.executable` is no Python of ours, so `conductor` notes how it was started itself; the note is
made by `conductor login` and by the installer.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from conductor_core.errors import AgentError
from conductor_core.user_folders import UserFolders, private_folder, write_private

COMMAND_FILE = "agent-command.json"
#: what the agent says of itself
LOG_FILE = "agent.log"
#: what Python says when the agent cannot even start; apart, because an open file cannot be rotated on Windows
START_LOG_FILE = "agent-start.log"

#: what a host sets for its own interpreter and libraries, and what would break ours
_HOST_VARIABLES = (
    *("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONEXECUTABLE", "__PYVENV_LAUNCHER__"),
    *("LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES", "DYLD_FRAMEWORK_PATH"),
)
_CREATE_NEW_PROCESS_GROUP = 0x00000200
_DETACHED_PROCESS = 0x00000008
_CREATE_BREAKAWAY_FROM_JOB = 0x01000000


def record_agent_command(folders: UserFolders) -> None:
    """Note how this very Python starts the agent, for hosts that have another one."""
    package = Path(__file__).resolve().parents[1]
    note = {"command": [sys.executable, "-m", "conductor_core.cli", "agent"], "python_path": str(package)}
    path = folders.config / COMMAND_FILE
    data = json.dumps(note, indent=1).encode()
    if not path.exists() or path.read_bytes() != data:
        write_private(path, data)


def agent_command(folders: UserFolders) -> tuple[list[str], Mapping[str, str]]:
    """Return the command that starts the agent, and the variables it needs.

    Raises:
        AgentError: no command was noted, and this Python cannot run the agent.
    """
    for file in (folders.config / COMMAND_FILE, *_beside_us()):
        try:
            note = json.loads(file.read_bytes())
            command, path = [str(word) for word in note["command"]], str(note.get("python_path", ""))
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if command and os.path.exists(command[0]):
            return command, _python_path(path)
    if importlib.util.find_spec("requests") is None or "python" not in Path(sys.executable).name.lower():
        raise AgentError("This program does not know where the agent is installed.", "Run once in a terminal: conductor login")
    own = str(Path(__file__).resolve().parents[1])
    return [sys.executable, "-m", "conductor_core.cli", "agent"], _python_path(own)


def _beside_us() -> list[Path]:
    """Return the note of the installation that this module is in (`<location>/versions/<one>/core/conductor_core`): a studio's."""
    above = Path(__file__).resolve().parents
    return [above[4] / COMMAND_FILE] if len(above) > 4 and above[3].name == "versions" else []


def own_program(folders: UserFolders) -> tuple[str, dict[str, str]]:
    """Return our own Python, and the environment in which a program of ours runs by it, whatever host this is.

    Beside a clone's or an installation's `core` lies what else is ours: `plugins`, and `site` with its packages.

    Raises:
        AgentError: see `agent_command`.
    """
    command, variables = agent_command(folders)
    environment = {k: v for k, v in os.environ.items() if k not in _HOST_VARIABLES}
    core = variables.get("PYTHONPATH", "")
    beside = [str(p) for name in ("plugins", "site") if core and (p := Path(core).parent / name).is_dir()]
    return command[0], {**environment, **variables, **({"PYTHONPATH": os.pathsep.join((core, *beside))} if core else {})}


def start_agent(folders: UserFolders) -> None:
    """Start the agent and return at once; it outlives this process, and a second one ends by itself.

    Raises:
        AgentError: there is no command to start it with, or the system refuses.
    """
    command, variables = agent_command(folders)
    environment = {k: v for k, v in os.environ.items() if k not in _HOST_VARIABLES}
    environment.update(variables)
    try:
        state = private_folder(folders.state)
        with open(state / START_LOG_FILE, "ab", opener=_private) as log:
            process = _spawn(command, environment, state, log.fileno())
    except OSError as exc:
        raise AgentError(f"The agent cannot be started ({exc}).", f"Try in a terminal: {' '.join(command)}") from exc
    # without somebody waiting for it, an agent that ends before this program would stay a zombie
    threading.Thread(target=process.wait, name="agent", daemon=True).start()


def _spawn(command: list[str], environment: Mapping[str, str], folder: Path, log: int) -> subprocess.Popen[bytes]:
    """Start `command` so that neither a closed terminal nor the end of this program takes it along."""
    if sys.platform != "win32":
        return subprocess.Popen(
            command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    flags = _CREATE_NEW_PROCESS_GROUP | _DETACHED_PROCESS
    # hosts often run in a job object that ends its children; some such jobs do not let them break away
    for extra in (_CREATE_BREAKAWAY_FROM_JOB, 0):
        try:
            return subprocess.Popen(
                command,
                env=environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                creationflags=flags | extra,
            )
        except PermissionError:
            if not extra:
                raise
    raise AssertionError("unreachable: the second attempt returns or raises")


def _python_path(package: str) -> dict[str, str]:
    """Return PYTHONPATH for a clone; in site-packages it would put other packages before the standard library."""
    installed = Path(package).name in ("site-packages", "dist-packages")
    return {"PYTHONPATH": package} if package and not installed else {}


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
