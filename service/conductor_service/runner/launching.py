"""Which program a task starts, what of this machine it needs to see for that, and with which environment."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from conductor_core.environment import EnvironmentVariable, merge_environment
from conductor_core.paths import PathRule

from conductor_service.runner.assignment import Assignment, Package
from conductor_service.runner.errors import TaskFailed
from conductor_service.runner.places import OWN_FOLDER
from conductor_service.runner.system_view import HOME, SCRATCH
from conductor_service.search_paths import variable_layers, with_defaults

#: where the sandbox shows the hosts' folders
HOSTS = f"{OWN_FOLDER}/hosts"

#: launch kind → the folder of the host whose render.py it starts
_HOST = {"bpy-module": "blender", "blender-binary": "blender", "mayapy": "maya", "nuke": "nuke", "hython": "houdini"}
#: words between the program and the script
_OPTIONS = {
    "blender-binary": ("-b", "--factory-startup", "--python-exit-code", "1", "--python"),
    # terminal mode, a Python script as its argument, by a render licence
    # https://learn.foundry.com/nuke/content/comp_environment/configuring_nuke/command_line_operations.html
    "nuke": ("-t",),
}
#: programs that lie in `bin` of an installation that they need all of
_IN_BIN = ("mayapy", "hython")
#: what a render.py stands on beside the core
_PLUGINS = "plugins/conductor_plugins"

_PATH = "/usr/local/bin:/usr/bin:/bin"
#: links from an executable to the program itself that are followed
_HOPS = 10
#: of a script, as the kernel reads it
_FIRST_LINE = 256


@dataclass(frozen=True, slots=True)
class HostScripts:
    """The folder that holds `blender/render.py` and its like, here and as the software sees it."""

    here: Path
    seen: str
    #: the folder that holds `conductor_core`, as the software sees it
    core: str

    def of(self, host: str) -> str:
        """Return the path of a host's render.py as the software sees it."""
        return f"{self.seen}/{host}/render.py"


def hosts_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder of the hosts: `CONDUCTOR_HOSTS`, or the clone that this module lies in."""
    stated = environment.get("CONDUCTOR_HOSTS", "")
    return Path(stated) if stated else Path(__file__).resolve().parents[3]


def resolved(package: Package) -> Package:
    """Return the package with its executable as a whole path: a bare name (`blender`) is looked for on the PATH."""
    package = replace(package, start=_with_program(package)) if package.start else package
    if not package.executable or os.path.isabs(package.executable):
        return package
    found = shutil.which(package.executable, path=_PATH) or shutil.which(package.executable)
    if found is None:
        raise TaskFailed(
            "software-missing", f"{package.name} {package.version}: {package.executable} is not on this instance's PATH."
        )
    return replace(package, executable=found)


def _with_program(package: Package) -> tuple[str, ...]:
    program = package.start[0]
    found = program if os.path.isabs(program) else shutil.which(program, path=_PATH) or shutil.which(program)
    if found is None or not os.path.exists(found):
        raise TaskFailed(
            "software-missing",
            f"{package.name} {package.version} is started by {program}, which is not on this instance. Correct the catalogue, or install it.",
        )
    return (found, *package.start[1:])


def frame_server_argv(package: Package, scripts: HostScripts) -> tuple[str, ...]:
    """Return the command that starts a package's frame server.

    Raises:
        TaskFailed: the package has no frame server.
    """
    host = _HOST.get(package.launch)
    if host is None:
        raise TaskFailed(
            "software-missing", f"{package.name} {package.version} renders no frames: its catalogue entry has launch: command."
        )
    return (package.executable, *_OPTIONS.get(package.launch, ()), scripts.of(host))


def software_view(package: Package, scripts: HostScripts, hidden: Iterable[str] = ()) -> dict[str, str]:
    """Return what a package needs to see, target → source: its roots, its interpreter, and the hosts' scripts.

    Args:
        package: with its executable resolved.
        scripts: the hosts'.
        hidden: folders that no task may see whole, such as the runner's home and its work folder.

    Raises:
        TaskFailed: its executable or one of its roots is not on this instance, or would show a hidden folder.
    """
    name = f"{package.name} {package.version}"
    programs = [program for program in (package.executable, *package.start[:1]) if program]
    roots = [
        *package.roots,
        *program_roots(package),
        *(root for program in package.start[:1] for root in interpreter_roots(program)),
    ]
    for path in (*programs, *package.roots):
        if not os.path.exists(path):
            raise TaskFailed("software-missing", f"{name}: {path} is not on this instance. Correct the catalogue, or install it.")
    for root in roots:
        shown = next((folder for folder in hidden if _lies_in(folder, root)), None)
        if shown is not None:
            raise TaskFailed(
                "software-missing",
                f"{name}: it lies in {root}, which holds {shown}: no task may see that. Install it in a folder of its own.",
            )
    view = {root: root for root in roots}
    if package.launch != "command":
        ours = [_HOST[package.launch], *(p for p in (_PLUGINS,) if (scripts.here / p).is_dir())]
        view |= {f"{scripts.seen}/{folder}": str(scripts.here / folder) for folder in ours}
    return view


def program_roots(package: Package) -> list[str]:
    """Return the folders that a package's program runs from; of Maya and Houdini all of the installation, above `bin`."""
    if not package.executable:
        return []
    roots = interpreter_roots(package.executable)
    if package.launch in _IN_BIN:
        homes = {os.path.dirname(os.path.dirname(path)) for path in (package.executable, os.path.realpath(package.executable))}
        roots = [*roots, *sorted(homes - {"/", "/usr"})]
    return list(dict.fromkeys(roots))


def interpreter_roots(executable: str) -> list[str]:
    """Return the folders that an executable runs from: its own, those of its symlinks, a Python's libraries, and what its
    `#!` line names.

    A folder above is given only where it is a Python's: a program linked from `~/bin` must not show all of the home.
    """
    roots = []
    path = executable
    interpreter = _interpreter_of(executable)
    for _ in range(_HOPS):
        folder = os.path.dirname(path)
        home = os.path.dirname(folder)
        is_bin = os.path.basename(folder) in ("bin", "Scripts")
        roots.append(home if is_bin and _is_python_home(home) else folder)
        config = Path(home, "pyvenv.cfg")
        if config.is_file():
            bases = [value for key, value in _settings(config) if key == "home"]
            roots += [os.path.dirname(base) if _is_python_home(os.path.dirname(base)) else base for base in bases]
        if not os.path.islink(path):
            break
        path = os.path.normpath(os.path.join(folder, os.readlink(path)))
    roots += interpreter_roots(interpreter) if interpreter and interpreter != executable else []
    return [root for root in dict.fromkeys(roots) if root not in ("/", "/usr", "/usr/bin", "/bin")]


def _interpreter_of(program: str) -> str:
    """Return the program that a script's first line names (execve(2), "Interpreter scripts"); "" where it is no script."""
    try:
        with open(program, "rb") as file:
            head = file.read(_FIRST_LINE).split(b"\n")[0]
    except OSError:
        return ""
    words = os.fsdecode(head[2:]).split(None, 1) if head.startswith(b"#!") else []
    return words[0] if words and os.path.isabs(words[0]) else ""


def _is_python_home(folder: str) -> bool:
    """Tell whether a folder is a Python's prefix (sys.prefix): a virtual environment, or one with its standard library."""
    return os.path.isfile(os.path.join(folder, "pyvenv.cfg")) or any(Path(folder).glob("lib/python[0-9]*/os.py"))


def _lies_in(path: str, folder: str) -> bool:
    """Tell whether `path` is `folder`, or lies in it, symlinks followed."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def task_environment(
    assignment: Assignment, scripts: HostScripts, folders: Sequence[str] = (), rules: Sequence[PathRule] = ()
) -> dict[str, str]:
    """Return the environment of a task: a clean one, the packages' variables, then the job's; plug-in `folders` come first.

    By `rules` software that maps paths itself is told to.

    Raises:
        EnvironmentConflict: two of them disagree on an exclusive variable.
    """
    layers = variable_layers((assignment.software, *assignment.plug_ins), assignment.environment, folders)
    merged = merge_environment(layers, separator=":")
    if folders:
        merged = with_defaults(assignment.software.name, merged)
    folders = [os.path.dirname(assignment.software.executable)] if assignment.software.executable else []
    path = ":".join(dict.fromkeys([*folders, *_PATH.split(":")]))
    own = {"PATH": path, "HOME": HOME, "TMPDIR": SCRATCH, "USER": "artist", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    identity = {
        "CONDUCTOR_CORE": scripts.core,
        "CONDUCTOR_JOB": str(assignment.job.number),
        "CONDUCTOR_STEP": assignment.step.name,
    }
    if "PATH" in merged and not _is_exclusive("PATH", [variable for layer in layers for variable in layer]):
        merged["PATH"] = f"{merged['PATH']}:{path}"
    return {**own, **identity, **_path_map(assignment.software, rules), **merged}


def _path_map(software: Package, rules: Sequence[PathRule]) -> dict[str, str]:
    """Return the variables by which software itself finds the artist's files where they lie here; it reads them at its start.

    HOUDINI_PATHMAP: https://www.sidefx.com/docs/houdini/ref/env.html; Mantra and Karma go by it too. Folders end in a slash, so that
    `/show` is not taken for the beginning of `/showreel`.
    """
    if software.launch != "hython" or not rules:
        return {}
    folders = {f"{rule.source.slashed.rstrip('/')}/": f"{rule.target.slashed.rstrip('/')}/" for rule in rules}
    return {"HOUDINI_PATHMAP": json.dumps(folders)}


def _is_exclusive(name: str, variables: Iterable[EnvironmentVariable]) -> bool:
    return any(v.name == name and v.policy == "exclusive" for v in variables)


def _settings(config: Path) -> list[tuple[str, str]]:
    lines = (line.partition("=") for line in config.read_text(encoding="utf-8").splitlines())
    return [(key.strip(), value.strip()) for key, _, value in lines]
