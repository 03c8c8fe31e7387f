"""What every host must pass: each promise of `conductor_plugins.host` as a check that the host's own means can run.

A host gives a `HostWorld` (how scenes are made in it), and `complied(make_world, folder)` runs every check in a scene of its own.
Plain functions, no pytest: they run wherever the host's Python does. docs/hosts.md says how to run them.
"""
