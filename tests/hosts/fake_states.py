"""Leave what a faked host says in the states of `host_states.py`, as JSON: `python fake_states.py WORLD FOLDER ANSWER`.

A process of its own for each host: what one has imported or set, no other sees.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from hosts.host_states import states

WORLDS = {"maya": "MayaWorld", "nuke": "NukeWorld", "houdini": "HoudiniWorld"}


def main(host: str, folder: str, answer: str) -> None:
    """Write the answer."""
    if host == "houdini":
        sys.modules["hou"] = importlib.import_module("fakes.houdini_fake").hou()
    world = getattr(importlib.import_module(f"hosts.{host}_world"), WORLDS[host])(Path(folder))
    Path(answer).write_text(json.dumps(states(world)), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
