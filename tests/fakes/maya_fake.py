"""A fake Maya: its Python modules, guarded by the published stubs, on a session that behaves as the vendor documents.

`MayaFake(project)` makes one; `fake.installed()` puts its modules where `import maya.cmds` finds them. What the stubs do not have is
refused, what nobody wrote raises `UnknownToFake`; `fake.record` keeps both.
"""

from __future__ import annotations

import contextlib
import inspect
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fakes.maya_mel import Mel
from fakes.maya_renderman import renderman_modules
from fakes.maya_session import Session
from fakes.maya_ui_commands import UiCommands
from fakes.stub_modules import Fake, Record, fake_class, fake_module
from fakes.stub_reading import Stubs

#: where maya-stubs has a type too narrow, with what the vendor's page says
ANY_VALUES = {
    "setAttr": "values of any kind follow the name (CommandsPython/setAttr.html)",
    "getAttr": "time is a double or a time with its unit (CommandsPython/getAttr.html)",
    "currentTime": "takes a time, with fractions (CommandsPython/currentTime.html)",
    "playbackOptions": "times may have fractions (CommandsPython/playbackOptions.html)",
    "addAttr": "min, max and default are numbers (CommandsPython/addAttr.html)",
    "menuItem": "command is a script or a function (CommandsPython/menuItem.html)",
    "shelfButton": "command is a script or a function (CommandsPython/shelfButton.html)",
    "workspaceControl": "uiScript and closeCommand are scripts (CommandsPython/workspaceControl.html)",
    "evalDeferred": "takes a script or a function (CommandsPython/evalDeferred.html)",
    "scriptJob": "takes a script or a function (CommandsPython/scriptJob.html)",
    "select": "takes names and lists of names (CommandsPython/select.html)",
    "dirmap": "takes two folders (CommandsPython/dirmap.html)",
    "optionVar": "values of any kind (CommandsPython/optionVar.html)",
}
#: commands that behave as the session's, and those that are words of the fake's own
_OWN = {"graph", "session", "widgets", "renderers"}


class MayaFake:
    """One Maya."""

    def __init__(self, project: Path, *, batch: bool = True) -> None:
        self.session = Session(project, batch=batch)
        self.commands = UiCommands(self.session)
        self.record = Record()
        self.mel = Mel(self.session, self.commands)
        self.mel.procedures |= self.commands.renderers.procedures()
        self.modules = self._modules()
        self.cmds = self.modules["maya.cmds"]

    def _modules(self) -> dict[str, types.ModuleType]:
        stubs = Stubs.installed("maya-stubs")
        members = inspect.getmembers(self.commands, callable)
        commands = {name: call for name, call in members if not name.startswith("_") and name not in _OWN}
        made = {
            "maya.cmds": fake_module(stubs, "maya.cmds", commands, self.record, any_values=ANY_VALUES),
            "maya.mel": fake_module(stubs, "maya.mel", {"eval": self.mel.eval}, self.record),
            "maya.utils": fake_module(stubs, "maya.utils", self._utils(), self.record),
            "maya.standalone": fake_module(
                stubs, "maya.standalone", {"initialize": lambda name="python": None, "uninitialize": lambda: None}, self.record
            ),
            "maya.OpenMaya": fake_module(stubs, "maya.OpenMaya", self._open_maya(stubs, "maya.OpenMaya"), self.record),
            "maya.OpenMayaUI": fake_module(stubs, "maya.OpenMayaUI", self._open_maya_ui(stubs), self.record),
            "maya.api.OpenMaya": fake_module(
                stubs, "maya.api.OpenMaya", self._open_maya(stubs, "maya.api.OpenMaya"), self.record
            ),
        }
        made["maya.api"] = fake_module(stubs, "maya.api", {"OpenMaya": made["maya.api.OpenMaya"]}, self.record)
        inside = {name.removeprefix("maya."): module for name, module in made.items() if name.count(".") == 1}
        return {"maya": fake_module(stubs, "maya", inside, self.record), **made}

    def renderer_modules(self) -> dict[str, types.ModuleType]:
        """Return the Python modules that plug-ins of renderers bring; they work once the plug-in is loaded."""
        core = types.ModuleType("mtoa.core")
        core.createOptions = self.commands.renderers.arnold_options  # type: ignore[attr-defined]
        mtoa = types.ModuleType("mtoa")
        mtoa.core, mtoa.__path__ = core, []  # type: ignore[attr-defined]
        return {"mtoa": mtoa, "mtoa.core": core, **renderman_modules(self.commands.renderers)}

    def _utils(self) -> dict[str, object]:
        def now(call: str | Callable[..., Any], *args: Any, **named: Any) -> Any:
            if isinstance(call, str):
                exec(call, {})
                return None
            return call(*args, **named)

        return {"executeInMainThreadWithResult": now, "executeDeferred": now}

    def _open_maya(self, stubs: Stubs, name: str) -> dict[str, object]:
        session = self.session

        @fake_class(stubs, f"{name}.MGlobal", self.record)
        class MGlobal(Fake):
            @staticmethod
            def mayaState() -> int:
                return 1 if session.batch else 0

            @staticmethod
            def displayInfo(text: str) -> None:
                pass

            displayWarning = displayError = displayInfo  # noqa: N815

        if name == "maya.OpenMaya":
            return {"MGlobal": MGlobal}

        @fake_class(stubs, f"{name}.MFnPlugin", self.record)
        class MFnPlugin(Fake):
            def __init__(self, plugin: object, vendor: str = "", version: str = "", api: str = "Any") -> None:
                pass

        return {"MGlobal": MGlobal, "MFnPlugin": MFnPlugin}

    def _open_maya_ui(self, stubs: Stubs) -> dict[str, object]:
        commands = self.commands

        @fake_class(stubs, "maya.OpenMayaUI.MQtUtil", self.record)
        class MQtUtil(Fake):
            @staticmethod
            def mainWindow() -> int | None:
                return commands.pointers.get("MayaWindow") if not commands.session.batch else None

            @staticmethod
            def findControl(name: str) -> int | None:
                return commands.pointers.get(name) if name in commands.widgets else None

        return {"MQtUtil": MQtUtil}

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Put the modules in `sys.modules` for a while, and take out what was imported with them."""
        before = {n: m for n, m in sys.modules.items() if n == "maya" or n.startswith("maya.")}
        sys.modules.update(self.modules)
        try:
            yield
        finally:
            for name in self.modules:
                sys.modules.pop(name, None)
            sys.modules.update(before)
