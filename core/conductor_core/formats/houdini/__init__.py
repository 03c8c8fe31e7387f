"""Houdini scenes and asset libraries, read without Houdini.

* `stream`: bytes in order, with bounded memory; `containers`: from a file to its named parts; `library`: INDX libraries
* `parameters`, `dialog_script`: the texts of those parts; `network`: the nodes that they make
* `scope`: what expressions may ask of the nodes; `asking`: Houdini's rules from a parameter to places on disk
* `unknown`: parameters that no table names; `libraries_used`: the .hda files behind a scene
* `scene`, `asset`: the formats; `steps`: what can be rendered
"""

from conductor_core.formats.houdini import asset, scene

__all__ = ["asset", "scene"]
