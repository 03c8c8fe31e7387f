"""Where the panel lies in Houdini: a pane tab of the Python panel `conductor`, which docks wherever the artist drags it.

https://www.sidefx.com/docs/houdini/hom/hou/Pane.html#createTab, https://www.sidefx.com/docs/houdini/ref/windows/pythonpaneleditor.html
"""

from __future__ import annotations

import hou

from conductor_houdini import pane

#: the name of the interface in python_panels/conductor.pypanel
INTERFACE = "conductor"
_SIZE = (1000, 760)


def show(section: str = "") -> None:
    """Bring the panel to the front, with the scene read anew and a section shown if one is named.

    Where there is none, it comes up beside the parameters or in a window.
    """
    there = _tab()
    if there is not None:
        there.setIsCurrentTab()
        pane.read_scene()
    else:
        _make()
    if section:
        pane.show_section(section)


def _make() -> None:
    interface = hou.pypanel.interfaceByName(INTERFACE)
    if interface is None:
        raise LookupError("Houdini does not know the Python panel `conductor`: is HOUDINI_PATH without its folder?")
    beside = hou.ui.paneTabOfType(hou.paneTabType.Parm)
    home = beside.pane() if beside is not None else None
    kind = hou.paneTabType.PythonPanel
    if home is not None:
        tab = home.createTab(kind)
    else:
        tab = hou.ui.curDesktop().createFloatingPaneTab(kind, size=_SIZE, immediate=True)
    # not by the name that both take as an argument: older versions have none, and the pages differ on what it is
    if isinstance(tab, hou.PythonPanel):
        tab.setActiveInterface(interface)
        tab.showToolbar(False)


def _tab() -> hou.PaneTab | None:
    for tab in hou.ui.paneTabs():
        if isinstance(tab, hou.PythonPanel):
            interface = tab.activeInterface()
            if interface is not None and interface.name() == INTERFACE:
                return tab
    return None
