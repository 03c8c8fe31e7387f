"""Render frames on an instance: the frame server of docs/api.md, JSON lines on stdin and stdout, by `hython render.py`."""

import os
import sys
import traceback

_HERE = os.path.dirname(os.path.abspath(__file__))


def main() -> int:
    """Serve the runner; return the exit code."""
    if _HERE not in sys.path:
        sys.path.insert(0, _HERE)
    from conductor_houdini.bootstrap import add_plugins

    add_plugins()
    from conductor_houdini.frame_server import main as serve

    return serve()


if __name__ == "__main__":
    try:
        code = main()
    except BaseException:  # noqa: BLE001  the outermost border: os._exit would swallow the traceback
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    # Houdini's own clean-up can hang once plug-ins are loaded; whatever was rendered is on disk.
    os._exit(code)
