"""Every call that the adapter makes of Houdini's window."""

from __future__ import annotations

import hou

from conductor_houdini.bootstrap import add_packages
from conductor_houdini.palette import COLOURS
from conductor_houdini.trial_calls import Try, network


def of_the_window() -> list[Try]:
    """Panes, colours, messages: seen by whoever runs this."""
    editor = hou.ui.paneTabOfType(hou.paneTabType.NetworkEditor)
    beside = hou.ui.paneTabOfType(hou.paneTabType.Parm)

    def shown() -> object:
        if not isinstance(editor, hou.NetworkEditor):
            return "no network editor is open"
        editor.setPwd(network("/obj"))
        editor.setCurrentNode(network("/obj/smoke"))
        return editor.name()

    def with_panel(tab: hou.PaneTab) -> object:
        interface = hou.pypanel.interfaceByName("conductor")
        if not isinstance(tab, hou.PythonPanel) or interface is None:
            return "no interface"
        tab.setActiveInterface(interface)
        tab.showToolbar(False)
        tab.setIsCurrentTab()
        active = tab.activeInterface()
        return active.name() if active is not None else "no active interface"

    def floating() -> object:
        return with_panel(
            hou.ui.curDesktop().createFloatingPaneTab(hou.paneTabType.PythonPanel, size=(1000, 760), immediate=True)
        )

    def docked() -> object:
        home = beside.pane() if beside is not None else None
        return with_panel(home.createTab(hou.paneTabType.PythonPanel)) if home is not None else "no parameters are open"

    return [
        ("core, panel and qtpy are found", add_packages),
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
