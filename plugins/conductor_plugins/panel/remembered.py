"""What the panel keeps between two openings: its place on the screen and the section that was open.

It is in Conductor's own settings folder and in no host's registry or preferences: taking Conductor away leaves nothing behind,
and the panel has one place in all hosts.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from conductor_core.user_folders import user_folders, write_private


@dataclass(frozen=True)
class Remembered:
    """How the panel was left."""

    #: what `QWidget.saveGeometry` says, in hexadecimal; it is refused by Qt where it fits no screen
    geometry: str = ""
    section: str = ""


def _file() -> Path:
    return user_folders().config / "panel.json"


def recall() -> Remembered:
    """Return how the panel was left; a file that cannot be read is as none."""
    try:
        data = json.loads(_file().read_bytes())
    except (OSError, ValueError):
        return Remembered()
    if not isinstance(data, dict):
        return Remembered()
    return Remembered(str(data.get("geometry", "")), str(data.get("section", "")))


def keep(left: Remembered) -> None:
    """Note how the panel is left; where that cannot be written it opens in its first place again."""
    with contextlib.suppress(OSError):
        write_private(_file(), json.dumps(asdict(left), indent=1).encode())
