"""The applications of this machine: which Mayas, Nukes, Houdinis and Blenders there are, and where each reads a user's own files.

Standard library only: install.py runs before anything is installed.
"""

from conductor_core.applications.finding import Application, find_applications
from conductor_core.applications.machine import Machine, this_machine

__all__ = ["Application", "Machine", "find_applications", "this_machine"]
