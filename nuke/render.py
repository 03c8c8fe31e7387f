"""Render frames on an instance: the frame server of docs/api.md, JSON lines on stdin and stdout, by `nuke -t render.py`."""

import os
import sys
import traceback


def main() -> int:
    """Serve the runner; return the exit code."""
    # Nuke runs a script's text, and does not everywhere tell it its file
    here = os.path.dirname(os.path.abspath(globals().get("__file__") or sys.argv[0]))
    if here not in sys.path:
        sys.path.insert(0, here)
    from conductor_nuke.bootstrap import add_packages

    add_packages()
    from conductor_nuke.frame_server import main as serve

    return serve()


if __name__ == "__main__":
    try:
        code = main()
    except BaseException:  # noqa: BLE001  the outermost border: os._exit would swallow the traceback
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
