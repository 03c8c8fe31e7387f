"""Nuke runs this at its start, with and without a window: make Conductor importable, and nothing else.

https://learn.foundry.com/nuke/developers/latest/pythondevguide/startup.html
"""

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
if _HERE not in sys.path:
    sys.path.append(_HERE)

import conductor_nuke.bootstrap  # noqa: E402  importable from here on

conductor_nuke.bootstrap.add_packages()
