"""The HTTP API of docs/api.md: thin routers by concern over the modules that do the work."""

from __future__ import annotations

from conductor_service.api.app import make_app

__all__ = ["make_app"]
