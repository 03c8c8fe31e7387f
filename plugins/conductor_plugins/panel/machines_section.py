"""The section Machines."""

from __future__ import annotations

from conductor_plugins.panel.section import Section


class MachinesSection(Section):
    """The fields of Machines."""

    title = "Machines"
