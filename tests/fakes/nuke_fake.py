"""The fake `nuke`: behaviours behind the guard of the published stubs (types-nuke), put together and installed.

    session = install(gui=True)     # `import nuke` is the fake from here on
    uninstall()

Written from the stubs and Foundry's pages alone, without a look at the adapter that it tests.
"""

from __future__ import annotations

import sys
import types
from typing import Any

from fakes import nuke_frames, nuke_groups, nuke_menus, nuke_nodes
from fakes.nuke_functions import CONSTANTS, functions
from fakes.nuke_knobs import KNOB_CLASSES
from fakes.nuke_objects import CancelledError, GlobalsEnvironment, Nodes, OutputContext, Undo
from fakes.nuke_session import RECORD, STUBS, Session, session, start
from fakes.stub_modules import bare, fake_module


def _classes() -> dict[str, object]:
    names = ("Group", "Gizmo", "Precomp", "LiveGroup", "Root", "Viewer", "BackdropNode")
    return {
        **KNOB_CLASSES,
        **{name: getattr(nuke_groups, name) for name in names},
        "Node": nuke_nodes.Node,
        "FrameRange": nuke_frames.FrameRange,
        "FrameRanges": nuke_frames.FrameRanges,
        "OutputContext": OutputContext,
        "Undo": Undo,
        "Menu": nuke_menus.Menu,
        "MenuItem": nuke_menus.MenuItem,
        "CancelledError": CancelledError,
        "GlobalsEnvironment": GlobalsEnvironment,
    }


def _version(text: str) -> dict[str, object]:
    major, _, rest = text.partition(".")
    minor, _, release = rest.partition("v")
    return {
        "NUKE_VERSION_STRING": text,
        "NUKE_VERSION_MAJOR": int(major),
        "NUKE_VERSION_MINOR": int(minor),
        "NUKE_VERSION_RELEASE": int(release),
    }


def make() -> types.ModuleType:
    """Return a fake `nuke` for the session that runs."""
    versions = _version(session().version)
    own = {
        "nuke": True,
        "gui": session().gui,
        "interactive": session().gui,
        "nukex": False,
        "studio": False,
        "hiero": False,
        "assist": False,
        "nc": False,
        "indie": False,
        "ple": False,
        "NukeVersionString": session().version,
        "NukeVersionMajor": versions["NUKE_VERSION_MAJOR"],
        "NukeVersionMinor": versions["NUKE_VERSION_MINOR"],
        "NukeVersionRelease": versions["NUKE_VERSION_RELEASE"],
        "ExecutablePath": "/usr/local/Nuke/Nuke",
        "PluginExt": "so",
        "LINUX": sys.platform == "linux",
        "WIN32": sys.platform == "win32",
        "MACOS": sys.platform == "darwin",
        "numCPUs": 8,
        "threads": 8,
    }
    session().env.update(own)
    constants = {**CONSTANTS, **versions, "GUI": session().gui, "INTERACTIVE": session().gui, "EXE_PATH": own["ExecutablePath"]}
    more = {"env": bare(GlobalsEnvironment), "nodes": bare(Nodes), "rawArgs": list(sys.argv)}
    return fake_module(STUBS, "nuke", {**functions(), **_classes(), **constants, **more}, RECORD)


_MODULES: dict[str, types.ModuleType] = {}


def install(**settings: Any) -> Session:
    """Start a Nuke and put it where `import nuke` finds it: the same module each time, as those who imported it hold it."""
    running = start(**settings)
    made = make()
    module = _MODULES.setdefault("nuke", made)
    vars(module).update(vars(made))
    sys.modules["nuke"] = module
    sys.modules.update(nuke_menus.nukescripts())
    return running


def uninstall() -> None:
    """Take the fake away, and the adapter's modules that hold it."""
    for name in list(sys.modules):
        if name in {"nuke", "nukescripts"} or name.startswith(("nukescripts.", "conductor_nuke")):
            del sys.modules[name]
