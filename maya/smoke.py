"""Five minutes for somebody who has Maya: try every question that Conductor asks it, and print a report to send back.

Without a window: `mayapy smoke.py`. Once with one, in a Python tab of the Script Editor (docs/hosts/maya.md says how).
It works in a folder of its own and opens new scenes: where yours has unsaved changes it does nothing.
"""

import os
import sys


def _here():
    found = globals().get("__file__") or os.environ.get("CONDUCTOR_MAYA", "")
    if not found:
        import conductor_entry  # on Maya's path where the module is installed

        found = os.path.dirname(conductor_entry.__file__)
    return os.path.dirname(os.path.abspath(found))


def _main():
    from maya import cmds

    ours = "about" not in vars(cmds)
    if ours:
        # without a window Maya has to be started: its commands are not there before
        import maya.standalone

        maya.standalone.initialize(name="python")
    if _here() not in sys.path:
        sys.path.append(_here())
    from conductor_maya import bootstrap

    # a clone has no qtpy: only the panel wants it, and says so in the report
    bootstrap.add_plugins()
    from conductor_maya.smoke.report import run

    code = run()
    if ours:
        sys.stdout.flush()
        # as farms do: mayapy can hang while it cleans up
        os._exit(code)


if __name__ == "__main__":
    _main()
