"""The dashboard: static files without a build step, and the one function that mounts them."""

from __future__ import annotations

from conductor_service.web.pages import mount_dashboard

__all__ = ["mount_dashboard"]
