"""Houdini scenes and asset libraries, read without Houdini.

* `stream`: bytes in order, with bounded memory; `containers`: from a file to its named parts; `library`: INDX libraries
* `parameters`, `dialog_script`, `settings`: the texts of those parts; `network`: the nodes that they make
* `scene`, `asset`: the formats

What the nodes mean is said in `conductor_core.discovery.houdini_*`, of which Houdini's own adapter makes use too: `houdini_node`,
`houdini_values`; `houdini_scope`: what expressions may ask of the nodes; `houdini_ask`: the rules from a parameter to places on
disk; `houdini_unknown`: parameters that no table names; `houdini_libraries`; `houdini_outputs`: what can be rendered.
"""

from conductor_core.formats.houdini import asset, scene

__all__ = ["asset", "scene"]
