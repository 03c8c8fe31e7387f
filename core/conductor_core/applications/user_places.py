"""Where a user's own start-up files of each application are read, on each platform (sources: `places`)."""

from __future__ import annotations

from conductor_core.applications.finding import Application
from conductor_core.applications.machine import Machine


def pointer_file(application: Application, machine: Machine) -> str:
    """Return the file of this user by which an application is led to Conductor.

    Maya reads `*.mod` of its modules folders, Houdini `*.json` of its packages folder, Blender registers every Python file of
    `scripts/startup`: there it is a file of our own, by a name that no other client uses. Nuke runs `init.py` of `.nuke`, which is the user's.
    """
    place = {"maya": _maya, "nuke": _nuke, "houdini": _houdini, "blender": _blender}[application.host]
    return place(application, machine)


def _maya(application: Application, machine: Machine) -> str:
    if named := machine.environ.get("MAYA_APP_DIR", ""):
        folder = named
    elif machine.platform == "darwin":
        folder = machine.join(machine.home, "Library", "Preferences", "Autodesk", "maya")
    elif machine.platform == "win32":
        folder = machine.join(_documents(machine), "maya")
    else:
        folder = machine.join(machine.home, "maya")
    return machine.join(folder, application.series, "modules", "conductor_farm.mod")


def _nuke(_application: Application, machine: Machine) -> str:
    return machine.join(machine.home, ".nuke", "init.py")


def _houdini(application: Application, machine: Machine) -> str:
    named = machine.environ.get("HOUDINI_USER_PREF_DIR", "")
    if named:
        folder = named.replace("__HVER__", application.series)
    elif machine.platform == "darwin":
        folder = machine.join(machine.home, "Library", "Preferences", "houdini", application.series)
    elif machine.platform == "win32":
        folder = machine.join(_documents(machine), f"houdini{application.series}")
    else:
        folder = machine.join(machine.home, f"houdini{application.series}")
    return machine.join(folder, "packages", "conductor_farm.json")


def _blender(application: Application, machine: Machine) -> str:
    if scripts := machine.environ.get("BLENDER_USER_SCRIPTS", ""):
        return machine.join(scripts, "startup", "conductor_startup.py")
    if resources := machine.environ.get("BLENDER_USER_RESOURCES", ""):
        folder = resources
    elif machine.platform == "darwin":
        folder = machine.join(machine.home, "Library", "Application Support", "Blender", application.series)
    elif machine.platform == "win32":
        roaming = machine.environ.get("APPDATA") or machine.join(machine.home, "AppData", "Roaming")
        folder = machine.join(roaming, "Blender Foundation", "Blender", application.series)
    else:
        config = machine.environ.get("XDG_CONFIG_HOME") or machine.join(machine.home, ".config")
        folder = machine.join(config, "blender", application.series)
    return machine.join(folder, "scripts", "startup", "conductor_startup.py")


def _documents(machine: Machine) -> str:
    """Return the folder of documents, which Windows may keep in OneDrive."""
    moved = machine.environ.get("OneDrive", "")
    if moved and machine.exists(machine.join(moved, "Documents")):
        return machine.join(moved, "Documents")
    return machine.join(machine.home, "Documents")
