"""Where software looks for scripts and plug-ins: the variables that an artist's own folders are put on.

A table per software, each row with the page that it rests on. Software that is not in it gets what any program understands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from conductor_core.environment import EnvironmentVariable

#: of what `search_variables` makes, for people who read of a conflict
SOURCE = "the job's plug-in folders"
#: our own: Blender's frame server reads it, since what Blender itself reads differs from version to version and replaces its
#: own scripts in some (BLENDER_SYSTEM_SCRIPTS is all of them in 3.4, one folder more in 4.2, several in 4.5)
BLENDER_PLUG_INS = "CONDUCTOR_BLENDER_PLUG_INS"


@dataclass(frozen=True, slots=True)
class SearchPath:
    """The variables of one software."""

    variables: tuple[str, ...]
    #: what stands for the software's own default in such a variable, which would be lost without it
    default: str = ""


_TABLE = {
    # Help, "File path variables": MAYA_PLUG_IN_PATH, MAYA_SCRIPT_PATH (MEL), PYTHONPATH, MAYA_MODULE_PATH (.mod files)
    # https://download.autodesk.com/global/docs/maya2014/en_us/files/Environment_Variables_File_path_variables.htm
    "maya": SearchPath(("MAYA_PLUG_IN_PATH", "MAYA_SCRIPT_PATH", "MAYA_MODULE_PATH", "PYTHONPATH")),
    # plug-ins, gizmos, init.py; Nuke puts these folders on sys.path itself
    # https://learn.foundry.com/nuke/15.0/content/comp_environment/configuring_nuke/defining_nuke_plugin_path.html
    "nuke": SearchPath(("NUKE_PATH",)),
    # HOUDINI_PATH finds `otls`, `dso`, `scripts`, `python3.11libs` in a folder, the other two what lies in it loosely;
    # `&` is Houdini's own: https://www.sidefx.com/docs/houdini/basics/houdinipath.html
    "houdini": SearchPath(("HOUDINI_PATH", "HOUDINI_DSO_PATH", "HOUDINI_OTLSCAN_PATH"), "&"),
    # docs/service.md, "Plug-ins": add-ons in these folders, or in `addons` of theirs, are enabled
    "blender": SearchPath((BLENDER_PLUG_INS,)),
}
_ANY = SearchPath(("PYTHONPATH", "PATH"))


def search_path(software: str) -> SearchPath:
    """Return the variables of a software, by its catalogue name."""
    return _TABLE.get(software, _ANY)


class Equipped(Protocol):
    """A package, as catalogue and runner know it."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def environment(self) -> tuple[EnvironmentVariable, ...]: ...


def variable_layers(
    packages: Sequence[Equipped], job: Sequence[EnvironmentVariable], folders: Sequence[str]
) -> list[tuple[EnvironmentVariable, ...]]:
    """Return the layers that a task's environment is merged from: software, its plug-ins, the job, its plug-in folders.

    Each variable names who wants it, so that a conflict names both. `packages` has the software first.
    """
    named = (tuple(replace(v, source=v.source or f"{p.name} {p.version}") for v in p.environment) for p in packages)
    own = tuple(replace(v, source=v.source or "the job") for v in job)
    return [*named, own, search_variables(packages[0].name, folders)]


def search_variables(software: str, folders: Sequence[str]) -> tuple[EnvironmentVariable, ...]:
    """Return the variables that have a software look into these folders first, in their order."""
    return tuple(
        EnvironmentVariable(name, folder, "prepend", SOURCE)
        for name in search_path(software).variables
        for folder in reversed(folders)
    )


def with_defaults(software: str, environment: dict[str, str]) -> dict[str, str]:
    """Return the environment with the software's own places kept in its path variables that are set."""
    path = search_path(software)
    if not path.default:
        return environment
    lacking = {n: v for n in path.variables if (v := environment.get(n)) and path.default not in v.split(":")}
    return {**environment, **{name: f"{value}:{path.default}" for name, value in lacking.items()}}
