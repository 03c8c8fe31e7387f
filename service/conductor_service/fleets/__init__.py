"""Where instances come from: the `Fleet` protocol, and local processes as the first of its kind.

Every fleet runs the conformance suite in tests/service/test_fleet_conformance.py.
"""

from __future__ import annotations

from conductor_service.fleets.interface import Fleet, LaunchFailed, LaunchOrder, ProviderInstance
from conductor_service.fleets.local import LocalProcessFleet

__all__ = ["Fleet", "LaunchFailed", "LaunchOrder", "LocalProcessFleet", "ProviderInstance"]
