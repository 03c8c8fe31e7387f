"""The harness in `road.chaos` is shared with benchmarks/chaos.py; it lies where neither has to look for it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
