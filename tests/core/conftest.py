"""How the property tests of the core run."""

from __future__ import annotations

from hypothesis import settings

# No time limit on one example: on a machine that is busy with a render it would fail a test that is right.
settings.register_profile("core", deadline=None)
settings.load_profile("core")
