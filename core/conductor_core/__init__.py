"""What every part of Conductor shares.

Two layers live here, and import-linter keeps them apart:

* what a **host** imports (Maya, Nuke, Houdini, Blender): the modules directly in this package. They need the
  standard library only, so that importing them in an application costs milliseconds and pulls in nothing compiled;
* what the **agent**, the **CLI** and the **service** import: the sub-packages `transfer`, `api`, `agent` and `cli`,
  which may use requests, pyyaml, click and rich.
"""

__version__ = "0.1.0"
