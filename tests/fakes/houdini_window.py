"""`hou.qt` and `hou.ui` of the fake: of houdini, not of hython (https://www.sidefx.com/docs/houdini/hom/hou/ui.html)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fakes.houdini_session import RECORD, STUBS, WORLD, NotAvailable
from fakes.stub_modules import Fake, fake_class

#: what was posted to the event loop
POSTED: list[Callable[[], None]] = []
#: what artists were shown
MESSAGES: list[str] = []


@fake_class(STUBS, "hou.qt", RECORD)
class Qt(Fake):
    """What Houdini gives of its window."""

    @staticmethod
    def mainWindow() -> Any:
        """Return the main window."""
        _need_window("hou.qt.mainWindow")
        if WINDOW is None:
            raise RECORD.no_behaviour("hou.qt.mainWindow() before a test gave a window")
        return WINDOW

    @staticmethod
    def styleSheet(file_path: str | None = None) -> str:
        """Return the style sheet of Houdini's widgets."""
        _need_window("hou.qt.styleSheet")
        return "QWidget { background-color: #3a3a3a; color: #cccccc; }"


#: the main window, given by a test that has one
WINDOW: Any = None


def _need_window(what: str) -> None:
    if not WORLD.graphical:
        raise NotAvailable(f"{what} is not available without a user interface.")


@fake_class(STUBS, "hou.ui", RECORD)
class Ui(Fake):
    """The user interface: of houdini, not of hython."""

    @staticmethod
    def displayMessage(
        text: str,
        buttons: Sequence[str] = ("OK",),
        severity: Any = None,
        default_choice: int = 0,
        close_choice: int = -1,
        help: str | None = None,
        title: str | None = None,
        details: str | None = None,
        details_label: str | None = None,
        details_expanded: bool = False,
    ) -> int:
        """Show a message; the first button is pressed."""
        _need_window("hou.ui.displayMessage")
        MESSAGES.append(text)
        return 0

    @staticmethod
    def setStatusMessage(message: str, severity: Any = None) -> None:
        """Show a line below."""
        _need_window("hou.ui.setStatusMessage")
        MESSAGES.append(message)

    @staticmethod
    def postEventCallback(callback: Callable[[], None]) -> None:
        """Call this once from the event loop."""
        _need_window("hou.ui.postEventCallback")
        POSTED.append(callback)

    @staticmethod
    def globalScaleFactor() -> float:
        """Return how much larger the interface is drawn."""
        _need_window("hou.ui.globalScaleFactor")
        return 1.0

    @staticmethod
    def paneTabOfType(type: Any, index: int = 0) -> Any:
        """Return a pane: none is open."""
        _need_window("hou.ui.paneTabOfType")
        return None

    @staticmethod
    def paneTabs() -> tuple[Any, ...]:
        """Return the panes: none is open."""
        _need_window("hou.ui.paneTabs")
        return ()
