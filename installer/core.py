"""What install.py uses of the core, before anything is installed: of its part that needs the standard library only."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(os.path.realpath(__file__)).parents[1] / "core"))

from conductor_core.applications import Application, Machine, find_applications, this_machine
from conductor_core.applications.user_places import pointer_file
from conductor_core.user_folders import installation_folder, user_folders

__all__ = ["Application", "Machine", "find_applications", "installation_folder", "pointer_file", "this_machine", "user_folders"]
