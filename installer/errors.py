"""Why an installation stops; each says in one sentence what is wrong and what to do."""

from __future__ import annotations


class InstallError(Exception):
    """One clear sentence for the person at the terminal."""
