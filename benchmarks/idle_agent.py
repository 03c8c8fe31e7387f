"""`conductor agent` on a machine that always counts as idle: a benchmark keeps it busy, and others may run beside it."""

from __future__ import annotations

from conductor_core.agent import idleness
from conductor_core.cli.program import main

if __name__ == "__main__":
    idleness.BUSY = 2.0  # of all processors; more than there are
    main()
