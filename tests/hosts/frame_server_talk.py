"""A frame server of a host, asked many things in one session; what it said is sorted by what it was asked."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Event = dict[str, Any]
REPO = Path(__file__).resolve().parents[2]


@dataclass
class Session:
    """Everything that one frame server was asked and said."""

    hello: Event = field(default_factory=dict)
    #: name of a request → the events up to its end
    said: dict[str, list[Event]] = field(default_factory=dict)
    log: str = ""
    exit_code: int = -1

    def end(self, name: str) -> Event:
        """Return how a request ended."""
        return self.said[name][-1]

    def outputs(self, name: str) -> list[str]:
        """Return the names of the files that a frame wrote."""
        done = self.end(name)
        assert done["event"] == "done", (done, self.log[-3000:])
        return [Path(path).name for path in done["outputs"]]


def load(scene: Path | str, *, rules: Mapping[str, str] | None = None, startup: Sequence[str] = (), **step: Any) -> Event:
    """Return a request to load."""
    outputs = [path if isinstance(path, dict) else {"path": path} for path in step.pop("outputs", ())]
    whole = {"name": step.pop("name", "s"), "frames": step.pop("frames", "1-10"), "outputs": outputs}
    whole |= {"chunk_size": step.pop("chunk_size", 1), "parameters": step}
    path_map = [{"source": source, "target": target} for source, target in (rules or {}).items()]
    return {"do": "load", "scene": str(scene), "step": whole, "path_map": path_map, "startup": list(startup)}


def render(frame: int) -> Event:
    """Return a request to render."""
    return {"do": "render", "frame": frame}


def talk(command: Sequence[str], asked: Sequence[tuple[str, Event]], folder: Path, **variables: str) -> Session:
    """Ask a new server everything at once; return what it said. It is started as the runner starts it: in a bare environment."""
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "LANG": "C.UTF-8", **variables}
    for name in ("SYSTEMROOT",):
        environment |= {name: os.environ[name]} if name in os.environ else {}
    # of this clone, whichever the environment of the fake's Python was installed from
    environment["PYTHONPATH"] = os.pathsep.join(str(REPO / folder) for folder in ("core", "plugins"))
    words = "".join(json.dumps(request) + "\n" for _, request in asked) + '\n{"do":"quit"}\n{"do":"render","frame":1}\n'
    done = subprocess.run(
        list(command), input=words.encode(), capture_output=True, timeout=240, check=False, cwd=folder, env=environment
    )
    session = Session(log=done.stderr.decode(errors="replace"), exit_code=done.returncode)
    events = [json.loads(line) for line in done.stdout.decode().splitlines() if line.startswith("{")]
    assert events, session.log[-3000:]
    session.hello, names = events[0], iter(name for name, _ in asked)
    current: list[Event] = []
    for event in events[1:]:
        current.append(event)
        if event["event"] != "progress":
            session.said[next(names)] = current
            current = []
    assert not current
    assert next(names, None) is None, session.log[-3000:]
    return session
