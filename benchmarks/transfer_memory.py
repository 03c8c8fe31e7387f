"""What memory an agent takes, at its highest, while it sends very many files for the first time: the process that users have."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from conductor_service.embedded import embedded_service
from real_agent import SERVICE, RealAgent
from transfer_rows import Row

#: MB of the agent and of all that it starts, together
LIMIT = 300
SIZE = 1024


def rows(folder: Path, *, small: bool) -> Iterator[Row]:
    """Measure: 200,000 files, or a tenth of them; what is to be held grows with them, what Python and its modules are does not."""
    count = 20_000 if small else 200_000
    files = _make(folder / "files", count)
    with embedded_service(folder / "service", SERVICE) as service, RealAgent(folder / "home", service) as agent:
        idle = sum(most for _, most in agent.peaks())
        told = agent.submitted(agent.submit(files))
        peaks = agent.peaks()
    if told["files"] != count or told["bytes_sent"] != count * SIZE:
        raise AssertionError(f"not all was sent: {told}")
    whole = sum(most for _, most in peaks) / 1e6
    each = ", ".join(f"{name}: {most / 1e6:.0f} MB" for name, most in peaks)
    yield Row(
        f"{count:,} files of 1 KB for the first time: memory",
        f"{whole:.0f} MB at most ({each})",
        f"{idle / 1e6:.0f} MB (when it has just started)",
        whole,
        LIMIT,
    )


def _make(folder: Path, count: int) -> list[str]:
    """Write files of contents of their own, long before now, and return them as a scan lists them."""
    paths = []
    for number in range(count):
        path = folder / f"{number // 1000:03}" / f"texture_{number:06}.tx"
        if number % 1000 == 0:
            path.parent.mkdir(parents=True)
        path.write_bytes(os.urandom(SIZE))
        os.utime(path, (1_700_000_000, 1_700_000_000))
        paths.append(str(path))
    return paths
