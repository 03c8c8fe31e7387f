"""Conductor in Nuke: a thin adapter between the open script and the panel, and the frame server that renders on the farm."""
