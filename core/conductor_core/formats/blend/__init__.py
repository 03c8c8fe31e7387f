"""`.blend` files, 2.5 to 5.x, read without Blender."""

from conductor_core.formats.blend.scene_file import read_scene

__all__ = ["read_scene"]
