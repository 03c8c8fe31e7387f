"""The two calls of `nukescripts` and the pane, for which no stubs are published.

https://learn.foundry.com/nuke/developers/latest/pythondevguide/_autosummary/nukescripts.panels.registerWidgetAsPanel.html and
https://learn.foundry.com/nuke/developers/latest/pythondevguide/custom_panels.html (`getPaneFor`, `addToPane`)
"""

from __future__ import annotations

import importlib

import nuke

#: where an artist looks for properties; one of Nuke's own layouts has it
_PANE = "Properties.1"


def register(widget: str, name: str, id_: str) -> None:
    """Offer a widget in the panes' menu, so that Nuke puts it back with its layout; `widget` is Python that gives what makes it."""
    importlib.import_module("nukescripts.panels").registerWidgetAsPanel(widget, name, id_)


def add(widget: str, name: str, id_: str) -> None:
    """Put the widget into a pane; by itself into a window where there is none."""
    panel = importlib.import_module("nukescripts.panels").registerWidgetAsPanel(widget, name, id_, True)
    pane = nuke.getPaneFor(_PANE)
    if pane is None:
        panel.show()
    else:
        panel.addToPane(pane)
