"""Conductor in Maya: a thin adapter between the open scene and the panel, and the frame server that renders on the farm."""
