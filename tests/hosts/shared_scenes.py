"""The real scenes from public repositories that lie beside a clone, with the list of what each needs (`shared/scenes/manifest.json`)."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

_REPO = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class SceneCase:
    """A scene, and what a person's reading says that it needs."""

    file: Path
    name: str
    #: `path`, `kind`, `nodes`, `attr`, … of each dependency
    needs: tuple[dict[str, Any], ...]
    outputs: tuple[dict[str, Any], ...]
    traps: tuple[Any, ...]


@lru_cache
def scenes_folder() -> Path | None:
    """Return where the scenes lie: what CONDUCTOR_SCENES says, or beside the clone or a folder above; None: nowhere."""
    said = os.environ.get("CONDUCTOR_SCENES")
    places = [Path(said)] if said else [above / "shared" / "scenes" for above in _REPO.parents]
    return next((place for place in places if (place / "manifest.json").is_file()), None)


@lru_cache
def cases(host: str) -> tuple[SceneCase, ...]:
    """Return the cases of a host; none where the scenes are not there."""
    folder = scenes_folder()
    if folder is None:
        return ()
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return tuple(
        SceneCase(
            folder / case["file"], case["file"], tuple(case["deps"]), tuple(case["outputs"]), tuple(case.get("traps") or ())
        )
        for case in manifest["cases"]
        if case["host"] == host
    )
