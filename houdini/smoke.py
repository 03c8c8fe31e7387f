"""Try in the real Houdini every call that Conductor's adapter makes, and print a report to send back. Five minutes.

Nobody of Conductor has had a Houdini to try it in: the adapter was made by SideFX's documentation and type stubs alone.

    hython houdini/smoke.py                 in a terminal (Windows: "C:\\Program Files\\Side Effects Software\\Houdini …\\bin\\hython")

and once in Houdini with its window, a new scene open, in Windows > Python Shell:

    import runpy; runpy.run_path("/path/to/houdini/smoke.py", run_name="__main__")

It works in a new folder below the temporary one, and refuses to run where a scene has unsaved changes.
"""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Run the trial; it is a part of the package, so that the adapter's checks look at it too."""
    sys.path.append(os.path.dirname(os.path.abspath(__file__)))
    from conductor_houdini.bootstrap import add_plugins

    # a clone has no qtpy: only the panel wants it, and says so in the report
    add_plugins()
    from conductor_houdini.trial import run

    return run()


if __name__ == "__main__":
    code = main()
    import hou

    if not hou.isUIAvailable():
        sys.exit(code)
