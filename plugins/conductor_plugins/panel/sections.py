"""Which sections there are, in their order. The code of each is loaded when it is shown, or when the window has nothing else to do:
a panel that loaded all of them before it opened would keep the artist waiting.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass

from conductor_plugins.desk import Desk
from conductor_plugins.form.situation import Situation
from conductor_plugins.panel.section import Section


@dataclass(frozen=True)
class Listed:
    """A section by its title; it is called like its class."""

    title: str
    #: of `conductor_plugins.panel`
    module: str
    name: str

    def load(self) -> type[Section]:
        """Return the section's class."""
        kind: type[Section] = getattr(importlib.import_module(f"conductor_plugins.panel.{self.module}"), self.name)
        return kind

    def is_loaded(self) -> bool:
        """Tell whether the section's code is there already."""
        return f"conductor_plugins.panel.{self.module}" in sys.modules

    def __call__(self, desk: Desk) -> Section:
        """Make the section."""
        return self.load()(desk)

    def summary(self, situation: Situation) -> str:
        """Return in a few words what is chosen there; nothing as long as the code is not loaded."""
        return self.load().summary(situation) if self.is_loaded() else ""


SECTIONS: tuple[Listed, ...] = (
    Listed("Job", "job_section", "JobSection"),
    Listed("Frames", "frames_section", "FramesSection"),
    Listed("Machines", "machines_section", "MachinesSection"),
    Listed("Software", "software_section", "SoftwareSection"),
    Listed("Files", "files_section", "FilesSection"),
    Listed("Environment", "environment_section", "EnvironmentSection"),
    Listed("Scripts", "scripts_section", "ScriptsSection"),
    Listed("Metadata", "metadata_section", "MetadataSection"),
    Listed("Notifications", "notifications_section", "NotificationsSection"),
    Listed("Preview", "preview_section", "PreviewSection"),
    Listed("Jobs", "jobs_view", "JobsView"),
)
