"""The section Frames."""

from __future__ import annotations

from conductor_plugins.panel.section import Section


class FramesSection(Section):
    """The fields of Frames."""

    title = "Frames"
