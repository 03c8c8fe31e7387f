"""Five minutes for somebody who has Nuke: try every question that Conductor asks it, and print a report to send back.

    Nuke15.1 -t /…/nuke/smoke.py                              without a window
    from conductor_nuke.smoke.report import run; run()        once in the Script Editor, with a new script open

It works in a folder of its own and closes the open script: where that has unsaved changes it does nothing.
"""

import os
import sys

_HERE = os.path.dirname(os.path.abspath(globals().get("__file__") or sys.argv[0]))
if _HERE not in sys.path:
    sys.path.append(_HERE)

import conductor_nuke.bootstrap  # noqa: E402  importable from here on

conductor_nuke.bootstrap.add_packages()

from conductor_nuke.smoke.report import run  # noqa: E402  core and plugins as well

if __name__ == "__main__":
    sys.exit(run())
