"""Every call that the adapter makes of Houdini's window."""

from __future__ import annotations

import hou

from conductor_houdini.palette import COLOURS
from conductor_houdini.trial_calls import Try, network


def of_the_window() -> list[Try]:
    """Panes, colours, messages: seen by whoever runs this."""
    editor = hou.ui.paneTabOfType(hou.paneTabType.NetworkEditor)
    beside = hou.ui.paneTabOfType(hou.paneTabType.Parm)
    tabs: list[hou.PaneTab] = []

    def shown() -> object:
        if not isinstance(editor, hou.NetworkEditor):
            return "no network editor is open"
        editor.setPwd(network("/obj"))
        editor.setCurrentNode(network("/obj/smoke"))
        return editor.name()

    def floating() -> object:
        tab = hou.ui.curDesktop().createFloatingPaneTab(hou.paneTabType.PythonPanel, size=(1000, 760), immediate=True)
        interface = hou.pypanel.interfaceByName("conductor")
        if isinstance(tab, hou.PythonPanel) and interface is not None:
            tab.setActiveInterface(interface)
            tab.showToolbar(False)
            tab.setIsCurrentTab()
            tabs.append(tab)
        active = tab.activeInterface() if isinstance(tab, hou.PythonPanel) else None
        return active.name() if active is not None else "no interface"

    def docked() -> object:
        home = beside.pane() if beside is not None else None
        return home.createTab(hou.paneTabType.PythonPanel, "conductor").name() if home is not None else "no parameters are open"

    return [
        ("hou.pypanel.interfaceByName('conductor')", lambda: hou.pypanel.interfaceByName("conductor")),
        ("the network editor shows the node", shown),
        ("Conductor in a floating pane tab", floating),
        ("Conductor beside the parameters", docked),
        ("hou.ui.paneTabs()", lambda: [tab.name() for tab in hou.ui.paneTabs()]),
        ("hou.ui.colorFromName", _colours),
        (
            "hou.ui.displayMessage",
            lambda: hou.ui.displayMessage(
                "This is Conductor's trial. Did the panel open twice, in Houdini's colours?",
                buttons=("Yes", "No"),
                severity=hou.severityType.Message,
                title="Conductor",
            ),
        ),
        ("hou.severityType.Warning", lambda: hou.severityType.Warning),
    ]


def _colours() -> object:
    def known(name: str) -> object:
        try:
            return tuple(round(part, 2) for part in hou.ui.colorFromName(name).rgb())
        except (hou.Error, ValueError) as exc:
            return type(exc).__name__

    return {name: known(name) for names in COLOURS.values() for name in names}
