"""Menus, tool bars, panes and panels of the fake Nuke, and the little of `nukescripts` that a panel needs.

Sources: nuke.menu, nuke.Menu, nuke.MenuItem; nukescripts.panels: its source on
https://learn.foundry.com/nuke/developers/latest/pythondevguide/_modules/nukescripts/panels.html (`registerWidgetAsPanel(widget, name,
id, create=False)`, the widget's class as text). No stubs are published for nukescripts.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

from fakes.nuke_frames import node_class
from fakes.nuke_session import session
from fakes.stub_modules import Fake, bare

_OPTIONS = {"command", "shortcut", "icon", "tooltip", "index", "readonly", "shortcutContext", "node", "tag"}


@node_class
class MenuItem(Fake):
    """An entry of a menu."""

    _called: str
    _command: Any
    _shortcut: str
    _icon: str
    _enabled: bool

    def name(self) -> str:
        return self._called

    def script(self) -> Any:
        return self._command if isinstance(self._command, str) else ""

    def setScript(self, script: str) -> None:
        self._command = script

    def shortcut(self) -> str:
        return self._shortcut

    def setShortcut(self, keySequence: str) -> None:
        self._shortcut = keySequence

    def icon(self) -> str:
        return self._icon

    def setIcon(self, icon: str) -> None:
        self._icon = icon

    def setEnabled(self, enabled: bool, recursive: bool = False) -> None:
        self._enabled = enabled

    def invoke(self) -> Any:
        if callable(self._command):
            return self._command()
        return exec(self._command, {"nuke": sys.modules["nuke"], "nukescripts": sys.modules.get("nukescripts")})


def _item(cls: Any, name: str, command: object = "", shortcut: str = "", icon: str = "") -> Any:
    item = bare(cls)
    item._called, item._command, item._shortcut, item._icon, item._enabled = name, command, shortcut, icon, True
    if isinstance(item, Menu):
        item._entries = []
    return item


@node_class
class Menu(MenuItem):
    """A menu, and what is in it."""

    _entries: list[Any]

    def items(self) -> Any:
        return list(self._entries)

    def findItem(self, name: str) -> Any:
        first, _, rest = name.partition("/")
        found = next((one for one in self._entries if one is not None and one._called == first), None)
        return found.findItem(rest) if rest and isinstance(found, Menu) else (None if rest else found)

    def menu(self, name: str) -> Any:
        found = self.findItem(name)
        return found if isinstance(found, Menu) else None

    def addMenu(self, name: str, icon: str = "", tooltip: str = "", index: int = -1, **more: Any) -> Any:
        first, _, rest = name.partition("/")
        found = self.findItem(first)
        if not isinstance(found, Menu):
            found = _item(Menu, first, icon=icon)
            self._put(found, index)
        return found.addMenu(rest, icon=icon) if rest else found

    def addCommand(self, name: str, command: Any = "", shortcut: str = "", **options: Any) -> Any:
        unknown = set(options) - _OPTIONS
        if unknown:
            raise TypeError(f"{sorted(unknown)[0]} is no option of addCommand")
        if not isinstance(command, str) and not callable(command):
            raise TypeError("a command is a text or can be called")
        path, _, last = name.rpartition("/")
        menu = self.addMenu(path) if path else self
        found = menu.findItem(last)
        if found is None:
            found = _item(MenuItem, last, command, shortcut or "", options.get("icon", ""))
            menu._put(found, options.get("index", -1))
        found._command = command
        return found

    def addSeparator(self, **options: Any) -> None:
        self._put(None, options.get("index", -1))

    def removeItem(self, name: str) -> None:
        self._entries = [one for one in self._entries if one is None or one._called != name]

    def clearMenu(self) -> None:
        self._entries = []

    def _put(self, item: Any, index: int) -> None:
        self._entries.insert(index if index >= 0 else len(self._entries), item)


@node_class
class MenuBar(Fake):
    """A menu bar."""


@node_class
class ToolBar(Fake):
    """A tool bar."""


def menu(name: str) -> Any:
    """Return one of Nuke's own menus; without a window there is none.

    Raises:
        RuntimeError: there is no menu of this name.
    """
    if not session().gui:
        raise RuntimeError("Nuke has no menus without a window")
    if name not in {"Nuke", "Nodes", "Animation", "Axis", "Properties", "Node Graph", "Viewer", "Pane"}:
        raise RuntimeError(f"there is no menu {name}")
    if name not in session().menus:
        made = session().menus[name] = _item(Menu, name)
        for entry in ("File", "Edit", "Workspace", "Viewer", "Render", "Cache", "Help") if name == "Nuke" else ():
            made.addMenu(entry)
    return session().menus[name]


class Pane:
    """A pane of Nuke's window, as `getPaneFor` gives one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.panels: list[Any] = []


def pane_for(panelName: str) -> Pane | None:
    """Return the pane in which a panel is, or which has such a name; None: there is none."""
    if not session().gui:
        return None
    panes = session().panels.setdefault("panes", {"Properties.1": Pane("Properties.1"), "DAG.1": Pane("DAG.1")})
    found: Pane | None = panes.get(panelName)
    if found is not None:
        return found
    return next((pane for pane in panes.values() if any(panel.id == panelName for panel in pane.panels)), None)


class PythonPanel:
    """A panel; with a widget in it, it can be put in a pane."""

    def __init__(self, title: str = "", id: str = "") -> None:
        self.title, self.id = title, id
        self.widget: Any = None
        self._maker = ""

    def addToPane(self, pane: Pane | None = None) -> PythonPanel:
        """Put it in a pane, by itself in a window where there is none; its widget is made now."""
        if self.widget is None:
            self.widget = eval(self._maker, {"__import__": __import__, **_main()})()
        if pane is not None:
            pane.panels.append(self)
        session().panels.setdefault("shown", []).append(self)
        return self


def _main() -> dict[str, Any]:
    return vars(sys.modules["__main__"])


def nukescripts() -> dict[str, types.ModuleType]:
    """Return the modules `nukescripts` and `nukescripts.panels`."""
    top, panels = types.ModuleType("nukescripts"), types.ModuleType("nukescripts.panels")
    registered: dict[str, Callable[[], PythonPanel]] = {}

    def register_panel(id: str, command: Callable[[], PythonPanel]) -> None:
        registered[id] = command

    def unregister_panel(id: str, command: object = None) -> None:
        registered.pop(id, None)

    def restore_panel(id: str) -> Any:
        return registered[id]() if id in registered else None

    def register_widget(widget: str, name: str, id: str, create: bool = False) -> PythonPanel | None:
        if not isinstance(widget, str):
            raise TypeError("registerWidgetAsPanel takes the name of a class as text")

        def make() -> PythonPanel:
            panel = PythonPanel(name, id)
            panel._maker = widget
            return panel

        def add() -> PythonPanel:
            return make().addToPane()

        menu("Pane").addCommand(name, add)
        register_panel(id, add)
        return make() if create else None

    for module in (top, panels):
        vars(module).update(
            registerPanel=register_panel,
            unregisterPanel=unregister_panel,
            restorePanel=restore_panel,
            registerWidgetAsPanel=register_widget,
            PythonPanel=PythonPanel,
        )
    vars(top).update(panels=panels, __path__=[])
    return {"nukescripts": top, "nukescripts.panels": panels}
