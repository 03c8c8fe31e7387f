"""What Maya's menus, shelf, plug-in and layout of windows call: one import and one call each, so that all logic can be tested.

Maya puts the `scripts` folder of a module on `sys.path`; what it is to import lies in the folder above.
"""

import os
import sys


def start():
    """Load the plug-in that makes Conductor's menu, where Maya has a window; a farm's Maya is left alone."""
    from maya import cmds

    if not cmds.about(batch=True):
        _menu().start()


def submit():
    """Show the panel."""
    _menu().submit()


def check_files():
    """Say which files the scene needs, and which are missing."""
    _menu().check_files()


def fill():
    """Fill the part of Maya's window that is Conductor's: Maya calls it when it makes that anew, also at its start."""
    _menu().fill()


def leave():
    """Close the panel, since Maya closes the part of its window that is Conductor's."""
    _menu().leave()


def add():
    """Add menu and shelf."""
    _menu().add()


def remove():
    """Take the menu away, and close the panel."""
    _menu().remove()


def _menu():
    # behind all others: this folder must not shadow a module of the artist's
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if folder not in sys.path:
        sys.path.append(folder)
    from conductor_maya import bootstrap

    bootstrap.add_packages()
    from conductor_maya import menu

    return menu
