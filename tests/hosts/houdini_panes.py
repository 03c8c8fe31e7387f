"""Houdini's panes with real Qt in them: pane tabs whose Python panels run the script of an interface, guarded by the stubs.

https://www.sidefx.com/docs/houdini/hom/hou/Pane.html, .../PythonPanel.html, .../Desktop.html
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from fakes.houdini_session import RECORD, STUBS
from fakes.stub_modules import Fake, bare, fake_class
from qtpy.QtWidgets import QVBoxLayout, QWidget


class Panes:
    """What is open in Houdini's window, and the interfaces that it knows."""

    def __init__(self) -> None:
        self.tabs: list[Any] = []
        self.scripts: dict[str, str] = {}
        self.messages: list[str] = []
        self.colours: dict[str, tuple[float, float, float]] = {}

    def install(self, file: Path) -> None:
        """Take in the interfaces of a `.pypanel`."""
        for interface in ElementTree.parse(file).getroot().findall("interface"):
            self.scripts[str(interface.get("name"))] = interface.findtext("script") or ""

    def module(self) -> dict[str, Any]:
        """Return what `hou` has of this."""
        panes = self

        @fake_class(STUBS, "hou.PythonPanelInterface", RECORD)
        class Interface(Fake):
            """An interface."""

            def name(self) -> str:
                """Return its name."""
                return str(self._name)

        @fake_class(STUBS, "hou.PaneTab", RECORD)
        class Tab(Fake):
            """A pane tab."""

            def name(self) -> str:
                """Return its name."""
                return str(self._name)

            def setIsCurrentTab(self) -> None:
                """Bring it to the front."""
                self._front = True

            def pane(self) -> Any:
                """Return the pane that it is in."""
                pane = bare(Pane)
                pane._tab = self
                return pane

        @fake_class(STUBS, "hou.PythonPanel", RECORD)
        class Python(Tab):
            """A Python panel: it has a widget for what its interface makes."""

            def activeInterface(self) -> Any:
                """Return what it shows."""
                return self._interface

            def setActiveInterface(self, interface: Any) -> None:
                """Run the interface's script in a namespace of its own and show what it makes."""
                self._interface = interface
                self._space: dict[str, Any] = {}
                exec(compile(panes.scripts[interface.name()], f"{interface.name()}.pypanel", "exec"), self._space)
                self._widget = QWidget()
                QVBoxLayout(self._widget).addWidget(self._space["onCreateInterface"]())
                self._widget.show()

            def showToolbar(self, show: bool) -> None:
                """Show the row above it, or hide that."""
                self._toolbar = show

        @fake_class(STUBS, "hou.Pane", RECORD)
        class Pane(Fake):
            """A pane."""

            def createTab(self, type: Any, python_panel_interface: str | None = None) -> Any:
                """Add a tab to it."""
                return opened(type, python_panel_interface)

        @fake_class(STUBS, "hou.Desktop", RECORD)
        class Desktop(Fake):
            """The window."""

            def createFloatingPaneTab(
                self,
                pane_tab_type: Any,
                position: Any = (),
                size: Any = (),
                python_panel_interface: Any = None,
                immediate: bool = False,
            ) -> Any:
                """Open a window with one tab."""
                return opened(pane_tab_type, None)

        @fake_class(STUBS, "hou.pypanel", RECORD)
        class PyPanel(Fake):
            """The interfaces."""

            @staticmethod
            def interfaceByName(name: str) -> Any:
                """Return one of them."""
                return known(name)

        @fake_class(STUBS, "hou.ui", RECORD)
        class Ui(Fake):
            """The window's parts."""

            @staticmethod
            def paneTabs() -> Any:
                """Return all tabs."""
                return tuple(panes.tabs)

            @staticmethod
            def paneTabOfType(type: Any, index: int = 0) -> Any:
                """Return a tab of a kind."""
                return next((tab for tab in panes.tabs if tab._type == type), None)

            @staticmethod
            def curDesktop() -> Any:
                """Return the window."""
                return bare(Desktop)

            @staticmethod
            def displayMessage(
                text: str, buttons: Any = ("OK",), severity: Any = None, title: str | None = None, **_more: Any
            ) -> int:
                """Show a message; the first button is pressed."""
                panes.messages.append(text)
                return 0

            @staticmethod
            def colorFromName(name: str) -> Any:
                """Return a colour of the scheme."""
                if name not in panes.colours:
                    raise ValueError(f"there is no colour {name}")
                colour = bare(Colour)
                colour._rgb = panes.colours[name]
                return colour

        @fake_class(STUBS, "hou.Color", RECORD)
        class Colour(Fake):
            """A colour."""

            def rgb(self) -> Any:
                """Return its channels."""
                return self._rgb

        def known(name: str) -> Any:
            if name not in panes.scripts:
                return None
            interface = bare(Interface)
            interface._name = name
            return interface

        def opened(type_: Any, name: str | None) -> Any:
            tab = bare(Python if type_.name() == "PythonPanel" else Tab)
            tab._type, tab._interface, tab._name, tab._front = type_, None, f"panetab{len(panes.tabs)}", False
            panes.tabs.append(tab)
            if name is not None:
                tab.setActiveInterface(known(name))
            return tab

        self.open = opened
        return {"ui": Ui, "pypanel": PyPanel, "PaneTab": Tab, "PythonPanel": Python, "Pane": Pane, "Desktop": Desktop}

    def close(self, tab: Any) -> None:
        """Close a tab: Houdini tells the interface, then takes its widget away."""
        tab._space["onDestroyInterface"]()
        self.tabs.remove(tab)
        tab._widget.close()
        tab._widget.deleteLater()
