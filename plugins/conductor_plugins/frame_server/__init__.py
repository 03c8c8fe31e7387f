"""The frame server of docs/api.md, once for all hosts: what a host's `render.py` needs beside the host itself.

`serving.serve` speaks with the runner; a `renderer.Renderer` loads scenes and renders frames. Standard library and core only.
"""

from conductor_plugins.frame_server.renderer import Load, Loaded, Progress, Rendered, Renderer
from conductor_plugins.frame_server.serving import serve

__all__ = ["Load", "Loaded", "Progress", "Rendered", "Renderer", "serve"]
