"""Every call that the adapter makes of Houdini without its window, by itself, with the answer to look at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import hou

#: what is tried, and the call
Try = tuple[str, Callable[[], object]]


def network(path: str) -> hou.OpNode:
    """Return a node that every scene of the trial has."""
    found = hou.node(path)
    if not isinstance(found, hou.OpNode):
        raise LookupError(f"there is no {path}")
    return found


def make(parent: str, type_: str, name: str) -> hou.OpNode:
    """Make a node."""
    made = network(parent).createNode(type_, name)
    if not isinstance(made, hou.OpNode):
        raise TypeError(f"{parent}/{name} is no operator")
    return made


def parm_of(node: hou.OpNode, name: str) -> hou.Parm:
    """Return a parameter that its type has."""
    found = node.parm(name)
    if found is None:
        raise LookupError(f"{node.path()} has no parameter {name}")
    return found


def make_scene() -> hou.OpNode:
    """Make a geometry that is read, a render node with an input, and a stage; return the node that reads."""
    make("/obj", "geo", "smoke")
    reading = make("/obj/smoke", "file", "reading")
    parm_of(reading, "file").set("$HIP/geo/wood.$F4.bgeo.sc")
    writing = make("/out", "geometry", "writing")
    parm_of(writing, "sopoutput").set("$HIP/geo/out.$F4.bgeo.sc")
    parm_of(writing, "trange").set(1)
    after = make("/out", "geometry", "after")
    after.setInput(0, writing)
    parm_of(after, "f1").setExpression("$FSTART", language=hou.exprLanguage.Hscript)
    stage = make("/stage", "null", "smoke")
    if isinstance(stage, hou.LopNode):
        stage.setDisplayFlag(True)
    return reading


def of_the_scene() -> list[Try]:
    """What is asked of the session."""
    return [
        ("hou.applicationVersionString()", hou.applicationVersionString),
        ("hou.isUIAvailable()", hou.isUIAvailable),
        ("hou.hipFile.path()", hou.hipFile.path),
        ("hou.hipFile.isNewFile(), of a new scene: True", hou.hipFile.isNewFile),
        ("hou.hipFile.hasUnsavedChanges()", hou.hipFile.hasUnsavedChanges),
        ("hou.playbar.playbackRange()", lambda: tuple(hou.playbar.playbackRange())),
        ("hou.playbar.frameRange()", lambda: tuple(hou.playbar.frameRange())),
        ("hou.intFrame()", hou.intFrame),
        ("hou.fps()", hou.fps),
        ("hou.getenv('JOB'), 'HFS', 'HIP'", lambda: [hou.getenv(name) for name in ("JOB", "HFS", "HIP")]),
        ("hou.houdiniPath()", hou.houdiniPath),
        ("hou.root().children()", lambda: [node.path() for node in hou.root().children()]),
        ("hou.nodeTypeCategories()", lambda: sorted(hou.nodeTypeCategories())),
        ("hou.NodeTypeCategory of Driver", lambda: isinstance(hou.nodeTypeCategories()["Driver"], hou.NodeTypeCategory)),
        ("hou.ropNodeTypeCategory().nodeTypes()", lambda: len(hou.ropNodeTypeCategory().nodeTypes())),
    ]


def of_nodes(node: hou.OpNode) -> list[Try]:
    """What is asked of a node and its parameters."""
    parm = parm_of(node, "file")
    after = network("/out/after")
    of_the_node: list[Try] = [
        ("hou.node, isinstance hou.OpNode, hou.Node", lambda: (isinstance(node, hou.OpNode), isinstance(node, hou.Node))),
        ("path(), name(), parent()", lambda: (node.path(), node.name(), node.parent())),
        ("type().name(), category().name()", lambda: (node.type().name(), node.type().category().name())),
        ("type().definition(), of a built-in type: None", lambda: node.type().definition()),
        ("libraryFilePath()", lambda: _library()),
        ("isinstance hou.OpNodeType, instances()", lambda: (isinstance(node.type(), hou.OpNodeType), node.type().instances())),
        ("inputs()", lambda: [one and one.name() for one in after.inputs()]),
        ("isBypassed() of hou.RopNode, hou.SopNode, hou.LopNode, hou.TopNode", lambda: _bypassed(after)),
        (
            "isLockedHDA(), isInsideLockedHDA(), isEditableInsideLockedHDA()",
            lambda: (node.isLockedHDA(), node.isInsideLockedHDA(), node.isEditableInsideLockedHDA()),
        ),
        ("parmTuples()", lambda: len(node.parmTuples())),
        (
            "parms(), isinstance hou.Parm, hou.ParmTuple",
            lambda: isinstance(node.parms()[0], hou.Parm) and isinstance(parm.tuple(), hou.ParmTuple),
        ),
        (
            "parmTuple('file')[0].name(), tuple().name(), node()",
            lambda: (_first(node), parm.tuple().name(), parm.node()),
        ),
        ("hou.ObjectWasDeleted", _deleted),
        (
            "fileReferences(recurse=False)",
            lambda: [(one and one.name(), text) for one, text in node.fileReferences(recurse=False)],
        ),
        ("hou.LopNode: isDisplayFlagSet(), needsToCook(), stage()", _stage),
    ]
    return [*of_the_node, *_of_declarations(parm), *_of_values(parm, parm_of(node, "filemode"), parm_of(after, "f1"))]


def _of_declarations(parm: hou.Parm) -> list[Try]:
    """How a parameter is declared."""
    template = parm.parmTemplate()
    string = template if isinstance(template, hou.StringParmTemplate) else None
    return [
        ("parmTemplate().type() == hou.parmTemplateType.String", lambda: template.type() == hou.parmTemplateType.String),
        (
            "Int, Float, Toggle, Menu of hou.parmTemplateType",
            lambda: [
                hou.parmTemplateType.Int,
                hou.parmTemplateType.Float,
                hou.parmTemplateType.Toggle,
                hou.parmTemplateType.Menu,
            ],
        ),
        (
            "stringType() == hou.stringParmType.FileReference",
            lambda: string and string.stringType() == hou.stringParmType.FileReference,
        ),
        ("fileType().name()", lambda: string and string.fileType().name()),
        ("tags()", lambda: template.tags()),
        ("conditionals(), hou.parmCondType.DisableWhen", lambda: template.conditionals().get(hou.parmCondType.DisableWhen)),
        ("isSpare()", lambda: parm.tuple().isSpare()),
    ]


def _of_values(parm: hou.Parm, mode: hou.Parm, driven: hou.Parm) -> list[Try]:
    """What a text, a menu and a parameter with an expression say."""
    switch = hou.exprLanguage.Python
    return [
        ("unexpandedString(): with $HIP and $F4", parm.unexpandedString),
        ("rawValue()", parm.rawValue),
        ("evalAsString()", parm.evalAsString),
        ("evalAsStringAtFrame(7): with 0007", lambda: parm.evalAsStringAtFrame(7)),
        ("evalAsString() of File Mode: a token", mode.evalAsString),
        ("evalAsInt(), evalAsFloat()", lambda: (mode.evalAsInt(), driven.evalAsFloat())),
        ("keyframes(), expression(): $FSTART", lambda: (len(driven.keyframes()), driven.expression())),
        ("expressionLanguage() == hou.exprLanguage.Python: False", lambda: driven.expressionLanguage() == switch),
        ("hou.OperationFailed of expression() without one", lambda: _raised(parm.expression, hou.OperationFailed)),
        ("instanceMessage() of hou.Error", lambda: _message(parm.expression)),
    ]


def _bypassed(node: hou.OpNode) -> bool:
    kinds = (hou.RopNode, hou.SopNode, hou.LopNode, hou.TopNode)
    return isinstance(node, kinds) and node.isBypassed()


def _first(node: hou.OpNode) -> str:
    one = node.parmTuple("file")
    return one[0].name() if one is not None and len(one) else "no parameter"


def _library() -> str:
    types = hou.nodeTypeCategories()["Sop"].nodeTypes().values()
    found = (one.definition() for one in types if isinstance(one, hou.OpNodeType))
    return next((one.libraryFilePath() for one in found if one is not None), "no asset is installed")


def _raised(call: Callable[[], object], kind: type[Exception]) -> str:
    try:
        call()
    except kind as exc:
        return f"raises {type(exc).__name__}"
    return "raises nothing"


def _message(call: Callable[[], object]) -> str:
    try:
        call()
    except hou.Error as exc:
        return exc.instanceMessage()
    return "raises nothing"


def _deleted() -> str:
    node = make("/obj", "null", "gone")
    node.destroy()
    return _raised(node.path, hou.ObjectWasDeleted)


def _stage() -> object:
    node = hou.node("/stage/smoke")
    if not isinstance(node, hou.LopNode):
        raise TypeError("/stage/smoke is no LOP")
    stage = node.stage()
    layers = stage.GetUsedLayers() if stage is not None else []
    return node.isDisplayFlagSet(), node.needsToCook(), [(one.identifier, one.realPath, one.anonymous) for one in layers][:3]


def of_saving(folder: Path, file: str) -> list[Try]:
    """Saving and the copy that must leave no trace."""
    copy = folder / "a folder with 'quotes' $HIP `x`" / "copy.hip"
    copy.parent.mkdir()

    def snapshot() -> object:
        from conductor_houdini import saving

        before = (hou.hipFile.path(), hou.hipFile.hasUnsavedChanges(), hou.getenv("HIP"))
        saving.snapshot(str(copy))
        after = (hou.hipFile.path(), hou.hipFile.hasUnsavedChanges(), hou.getenv("HIP"))
        return {"written": copy.is_file(), "the scene is as it was": before == after, "before": before, "after": after}

    return [
        ("hou.hipFile.isNewFile(), of a saved scene: False", hou.hipFile.isNewFile),
        ("hou.hipFile.hasUnsavedChanges(), just saved: False with a window", hou.hipFile.hasUnsavedChanges),
        ("mwrite -n (hou.hscript), unchanged", snapshot),
        ("a change", lambda: make("/obj", "null", "change").path()),
        ("mwrite -n, changed", snapshot),
        ("hou.hipFile.save()", hou.hipFile.save),
        ("hou.hipFile.setName(), to the same", lambda: hou.hipFile.setName(file)),
        ("hou.hscript", lambda: hou.hscript("echo $HIP")),
        ("hou.hipFile events", _events),
    ]


def _events() -> object:
    seen: list[object] = []

    def note(event: hou.EnumValue) -> None:
        kinds = (hou.hipFileEventType.AfterSave, hou.hipFileEventType.AfterLoad, hou.hipFileEventType.AfterClear)
        seen.append((event, event in kinds))

    hou.hipFile.addEventCallback(note)
    listed = note in hou.hipFile.eventCallbacks()
    hou.hipFile.save()
    hou.hipFile.removeEventCallback(note)
    return listed, seen


def of_settings() -> list[Try]:
    """User data at /obj."""
    keeper = network("/obj")

    def kept() -> object:
        with hou.undos.disabler():
            keeper.setUserData("conductor.smoke", "x" * 200_000)
        file = hou.hipFile.path()
        hou.hipFile.save()
        hou.hipFile.load(file, suppress_save_prompt=True, ignore_load_warnings=True)
        text = network("/obj").userData("conductor.smoke") or ""
        network("/obj").destroyUserData("conductor.smoke")
        return f"{len(text)} of 200000 characters after saving and loading"

    return [("setUserData, userData, destroyUserData at /obj, hou.undos.disabler()", kept)]


def of_the_adapter() -> list[Try]:
    """The adapter's own answers, with what they cost."""
    from conductor_houdini.host import HoudiniHost

    host = HoudiniHost()
    return [
        ("scene()", host.scene),
        ("steps()", lambda: [(step.name, step.frames, step.after, step.problem) for step in host.steps()]),
        ("dependencies()", lambda: [finding.as_written for piece in host.dependencies(()) for finding in piece]),
        ("environment()", lambda: len(host.environment())),
        ("setSelected(); hou.PermissionError is an error", lambda: (_selected(), issubclass(hou.PermissionError, hou.Error))),
        ("reveal()", lambda: host.reveal("/obj/smoke/reading/file")),
    ]


def _selected() -> bool:
    node = network("/obj/smoke")
    with hou.undos.disabler():
        node.setSelected(True, clear_all_selected=True)
    return node.isSelected()
