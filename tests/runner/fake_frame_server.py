"""A frame server without a renderer (docs/api.md, "The frame server"); run by the runner's sandbox, in place of a host's.

What a frame does is said in the scene file, a Python text that is run with `frame`, `path` (of the output), `say`, `png`,
`answer` and `mapped` at hand.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import zlib
from typing import Any

out = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)


def say(**message: Any) -> None:
    """Tell the runner something."""
    out.write(json.dumps(message) + "\n")


def png(path: str, width: int = 8, height: int = 4, colour: tuple[int, int, int] = (200, 100, 50)) -> None:
    """Write a picture of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(colour) * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    with open(path, "wb") as stream:
        stream.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def mapped(path: str) -> str:
    """Return where a path of the artist lies here."""
    for rule in loaded["path_map"]:
        source = rule["source"].rstrip("/")
        if path == source or path.startswith(source + "/"):
            return str(rule["target"]) + path[len(source) :]
    return path


def load(order: dict[str, Any]) -> None:
    """Read the scene."""
    loaded.update(order)
    try:
        with open(order["scene"]) as stream:
            text = stream.read()
        if text.startswith("crash while loading"):
            os.abort()
        loaded["code"] = compile(text, order["scene"], "exec")
        for path in order.get("startup", ()):
            with open(path) as stream:
                exec(compile(stream.read(), path, "exec"), {"loaded": loaded})
    except Exception as exc:  # noqa: BLE001 - whatever a scene does wrong is told
        say(event="fail", cause="scene-load", message=f"{type(exc).__name__}: {exc}")
        return
    prints = order["step"]["parameters"].get("prints", "")
    say(event="loaded", seconds=0.5, **({"prints": prints, "parts": 2} if prints else {}))


def render(frame: int) -> None:
    """Do what the scene says of a frame."""
    path = ""
    if loaded["step"]["outputs"]:
        number = ("-" if frame < 0 else "") + f"{abs(frame):04d}"
        path = mapped(loaded["step"]["outputs"][0]["path"].replace("####", number))
    print(f"rendering {frame}", flush=True)
    say(event="progress", frame=frame, fraction=0.5, status="half")
    answer: dict[str, Any] = {"outputs": [path]}
    try:
        exec(loaded["code"], {"frame": frame, "path": path, "say": say, "png": png, "answer": answer, "mapped": mapped})
    except Exception as exc:  # noqa: BLE001 - whatever a scene does wrong is told
        say(event="fail", frame=frame, cause="internal", message=f"{type(exc).__name__}: {exc}")
        return
    say(event="done", frame=frame, seconds=0.1, **answer)


loaded: dict[str, Any] = {"path_map": []}
print("not in the protocol", flush=True)
say(event="hello", protocol=1, software="fake", version="1")
for line in sys.stdin:
    request = json.loads(line)
    if request["do"] == "quit":
        break
    if request["do"] == "load":
        load(request)
    if request["do"] == "render":
        render(request["frame"])
os._exit(0)
