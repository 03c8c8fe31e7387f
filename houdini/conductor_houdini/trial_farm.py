"""Every call that rendering on the farm makes of Houdini: one frame by `render`, one by a button, values that are set for it."""

from __future__ import annotations

from pathlib import Path

import hou

from conductor_houdini.trial_calls import Try, make, network, parm_of


def of_the_farm(folder: Path) -> list[Try]:
    """Rendering, without a window as on an instance and with one."""
    return [
        ("hou.setFrame(), hou.intFrame()", _frame),
        ("hou.RopNode.render() of one frame, errors()", lambda: _rendered(folder)),
        ("pressButton() of a ROP Geometry, errors()", lambda: _pressed(folder)),
        ("deleteAllKeyframes(), set()", _set),
        ("hou.fileReferences()", lambda: [(one and one.path(), text) for one, text in hou.fileReferences()]),
        ("type().nameComponents()", lambda: network("/out/writing").type().nameComponents()),
        (
            "hou.LicenseError, hou.LoadWarning are errors",
            lambda: all(issubclass(e, hou.Error) for e in (hou.LicenseError, hou.LoadWarning)),
        ),
    ]


def _frame() -> int:
    hou.setFrame(3)
    return hou.intFrame()


def _rendered(folder: Path) -> object:
    make("/obj/smoke", "null", "ball")
    node = network("/out/writing")
    if not isinstance(node, hou.RopNode):
        raise TypeError("/out/writing is no ROP")
    parm_of(node, "soppath").set("/obj/smoke/ball")
    node.render(
        (3, 3, 1), ignore_inputs=True, ignore_bypass_flags=True, ignore_lock_flags=True, verbose=True, output_progress=True
    )
    return {"written": (folder / "geo" / "out.0003.bgeo.sc").is_file(), "errors": node.errors()}


def _pressed(folder: Path) -> object:
    node = make("/obj/smoke", "rop_geometry", "button")
    node.setInput(0, network("/obj/smoke/ball"))
    parm_of(node, "sopoutput").set("$HIP/geo/button.$F4.bgeo.sc")
    parm_of(node, "trange").set(1)
    for name, value in (("f1", 4), ("f2", 4), ("f3", 1)):
        parm = parm_of(node, name)
        parm.deleteAllKeyframes()
        parm.set(value)
    parm_of(node, "execute").pressButton()
    return {"written": (folder / "geo" / "button.0004.bgeo.sc").is_file(), "errors": node.errors()}


def _set() -> object:
    parm = parm_of(network("/out/after"), "f1")
    parm.deleteAllKeyframes()
    parm.set(7)
    return parm.evalAsFloat()
