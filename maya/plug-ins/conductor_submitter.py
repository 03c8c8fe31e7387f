"""The plug-in of Maya's Plug-in Manager: loaded, Maya has Conductor's menu.

https://help.autodesk.com/cloudhelp/2022/ENU/Maya-SDK/Maya-Python-API/PluginEntryPoints.html (initializePlugin …)
"""

import maya.api.OpenMaya as om


def maya_useNewAPI():  # noqa: N802 - Maya's name
    """Tell Maya that this is of Python API 2.0."""


def initializePlugin(plugin):  # noqa: N802 - Maya's name
    """Add menu and shelf, where Maya has a window."""
    om.MFnPlugin(plugin, "Conductor", "0.1", "Any")
    import conductor_entry

    if om.MGlobal.mayaState() in (om.MGlobal.kInteractive, om.MGlobal.kBaseUIMode):
        conductor_entry.add()


def uninitializePlugin(plugin):  # noqa: N802 - Maya's name
    """Take the menu away again."""
    om.MFnPlugin(plugin)
    import conductor_entry

    if om.MGlobal.mayaState() in (om.MGlobal.kInteractive, om.MGlobal.kBaseUIMode):
        conductor_entry.remove()
