"""Stands in for a host's render.py: tells the harness of each frame that is asked for, then lets the real script do it.

Runs in the sandbox. The way out is a named pipe in a folder of the software package: the folder is mounted read-only,
which stops nobody from writing to a pipe in it. What attempts log would not do: a killed runner takes its last words along.
"""

from __future__ import annotations

import json
import os
import runpy
import threading
import time


def _pass_on(source: int, target: int, pipe: int) -> None:
    """Pass the runner's orders on, line by line, and tell of those that ask for a frame."""
    rest = b""
    while data := os.read(source, 1 << 16):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            order = json.loads(line)
            if order["do"] == "render":
                names = ("CONDUCTOR_JOB", "CONDUCTOR_INSTANCE")
                told = {"at": time.time(), "frame": order["frame"], **{n: os.environ.get(n, "") for n in names}}
                os.write(pipe, json.dumps(told).encode() + b"\n")
            os.write(target, line + b"\n")
    os.close(target)


def main() -> None:
    """Put ourselves between the runner and the script."""
    pipe = os.open(os.environ["CHAOS_TOLD"], os.O_WRONLY | os.O_NONBLOCK)
    orders = os.dup(0)
    reading, writing = os.pipe()
    os.dup2(reading, 0)
    os.close(reading)
    threading.Thread(target=_pass_on, args=(orders, writing, pipe), daemon=True).start()
    runpy.run_path(os.environ["CHAOS_SCRIPT"], run_name="__main__")


main()
