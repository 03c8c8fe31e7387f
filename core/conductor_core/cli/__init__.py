"""The `conductor` command."""

from conductor_core.cli.program import main

__all__ = ["main"]
