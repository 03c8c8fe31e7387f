"""The section Software."""

from __future__ import annotations

from conductor_plugins.panel.section import Section


class SoftwareSection(Section):
    """The fields of Software."""

    title = "Software"
