"""The section Job."""

from __future__ import annotations

from conductor_plugins.panel.section import Section


class JobSection(Section):
    """The fields of Job."""

    title = "Job"
