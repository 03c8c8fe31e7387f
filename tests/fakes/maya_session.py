"""One Maya: the open scene, its references, the project, undo, what a save writes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from fakes import maya_binary_writing, maya_files, maya_writing
from fakes.maya_files import Quoted, statements
from fakes.maya_graph import Graph, Node, Step
from fakes.maya_saved import SavedNode, SavedReference, SavedScene
from fakes.maya_types import CAMERAS, CREATED, DEFAULT_NODES, Attribute, types

#: what a project without rules of its own has (https://help.autodesk.com/cloudhelp/2022/ENU/Maya-Tech-Docs/Commands/workspace.html)
DEFAULT_RULES = {
    "scene": "scenes",
    "mayaAscii": "scenes",
    "mayaBinary": "scenes",
    "images": "images",
    "sourceImages": "sourceimages",
    "fileCache": "cache/nCache",
    "particles": "cache/particles",
    "sound": "sound",
    "movie": "movies",
    "alembicCache": "cache/alembic",
    "diskCache": "data",
    "depth": "renderData/depth",
    "templates": "assets",
}
_RULE = re.compile(r'workspace\s+-fr\s+"([^"]*)"\s+"([^"]*)"')
#: what `fileInfo` has of Maya's own
OWN_INFO = ("application", "product", "version", "cutIdentifier", "osv", "license", "UUID")


class Session:
    """A Maya with a scene open in it."""

    version = "2025"

    def __init__(self, project: Path, *, batch: bool = True) -> None:
        self.batch = batch
        self.project = project
        self.rules: dict[str, str] = dict(DEFAULT_RULES)
        self.loaded: dict[str, str] = {}
        self.jobs: dict[int, tuple[str, Callable[[], object]]] = {}
        self.options: dict[str, object] = {}
        #: from → to, as `dirmap` has them
        self.mapped: list[tuple[str, str]] = []
        self.mapping = False
        #: whether an export has the scene's own fileInfo too: the documentation promises it for saving only
        self.export_has_file_info = False
        self.new()

    def new(self) -> None:
        """Open an empty scene."""
        self.graph = Graph()
        self.name, self.modified, self.file_type = "", False, "mayaBinary"
        self.file_info: dict[str, str] = {
            "application": "maya",
            "product": f"Maya {self.version}",
            "version": self.version,
            "cutIdentifier": "202404120000-000000",
            "osv": "Linux",
        }
        self.plugins: dict[str, str] = {}
        self.plugin_types: dict[str, str] = {}
        self.references: dict[Node, SavedReference] = {}
        self.resolved: dict[Node, str] = {}
        self.time_unit, self.time, self.range = "film", 1.0, [1.0, 24.0, 1.0, 48.0]
        self.layer: Node | None = None
        self.selected: list[Node] = []
        self.undo_state, self.undone, self.redone = True, list[Step](), list[Step]()
        self.chunk: list[Step] | None = None
        for name, type_ in DEFAULT_NODES.items():
            self.graph.add(Node(name, type_, default=name not in CREATED))
        for name in CAMERAS:
            shape = Node(f"{name}Shape", "camera")
            self.graph.add(shape, self.graph.add(Node(name, "transform")))
            shape.values |= {"renderable": name == "persp", "visibility": False, "orthographic": name != "persp"}
        self.layer = self.graph.one("defaultRenderLayer")
        self.graph.one("defaultRenderLayer").values["global"] = True

    # ---- undo

    def do(self, name: str, redo: Callable[[], None], undo: Callable[[], None], *, changes: bool = True) -> None:
        """Do something that can be undone; `changes`: the scene counts as modified."""
        redo()
        self.modified |= changes
        if self.undo_state:
            step = Step(name, undo, redo)
            (self.undone if self.chunk is None else self.chunk).append(step)
            self.redone.clear()

    def undo(self) -> bool:
        """Take a step back."""
        if not self.undone:
            return False
        step = self.undone.pop()
        step.undo()
        self.redone.append(step)
        self.modified = True
        return True

    def redo(self) -> bool:
        """Take a step forward again."""
        if not self.redone:
            return False
        step = self.redone.pop()
        step.redo()
        self.undone.append(step)
        self.modified = True
        return True

    # ---- places

    def root(self) -> str:
        """Return the project's folder."""
        return self.project.as_posix()

    def open_project(self, folder: Path) -> None:
        """Make a folder the project, with the rules of its workspace.mel."""
        self.project, self.rules = folder, dict(DEFAULT_RULES)
        workspace = folder / "workspace.mel"
        if workspace.is_file():
            self.rules = dict(_RULE.findall(workspace.read_text(encoding="utf-8")))

    def rule(self, name: str) -> str:
        """Return the folder of a file rule as it is written; "" where there is none."""
        return self.rules.get(name, "")

    def expanded(self, text: str) -> str:
        """Return a path with variables filled in and made absolute at the project's folder."""
        text = os.path.expandvars(text).replace("\\", "/")
        if self.mapping:
            for old, new in self.mapped:
                if text == old or text.startswith(old.rstrip("/") + "/"):
                    text = new.rstrip("/") + text[len(old.rstrip("/")) :]
                    break
        if os.path.isabs(text) or re.match(r"^[A-Za-z]:", text):
            return text
        return (self.project / text).as_posix()

    def found(self, text: str, scene: str, rule: str) -> str:
        """Return where a file is found: as it stands, at the project, at the rule's folder, beside the scene; else where it should be.

        https://help.autodesk.com/cloudhelp/2023/ENU/Maya-ManagingScenes/files/GUID-F3D4A7B8.htm (how references are looked for)
        """
        first = self.expanded(text)
        name = re.split(r"[/\\]", text)[-1]
        beside = [f"{os.path.dirname(scene)}/{text}", f"{os.path.dirname(scene)}/{name}"] if scene else []
        folder = self.rule(rule)
        for place in (first, *([(self.project / folder / text).as_posix()] if folder else []), *beside):
            if os.path.isfile(place):
                return os.path.normpath(place).replace("\\", "/")
        return first

    # ---- files

    def open(self, file: str) -> None:
        """Open a scene.

        Raises:
            RuntimeError: it cannot be read, in Maya's words.
        """
        place = self.expanded(file)
        if not os.path.isfile(place):
            raise RuntimeError(f"Could not find file: {file}")
        try:
            saved = maya_files.load(Path(place))
        except maya_files.NotLoaded as exc:
            raise RuntimeError(f"Error reading file: {exc}") from exc
        self._fire("PreFileNewOrOpened")
        self.new()
        self.name = os.path.normpath(place).replace("\\", "/")
        self.file_type = "mayaBinary" if place.endswith(".mb") else "mayaAscii"
        self.file_info |= dict(saved.file_info)
        self.time_unit = saved.time_unit
        self._take(saved, "", None, self.name)
        self.apply_edits(saved)
        self._after_loading()
        self.modified = False
        self.undone.clear()
        self._fire("SceneOpened")

    def _after_loading(self) -> None:
        time = self.graph.one("time1").values.get("outTime")
        self.time = float(time) if isinstance(time, (int, float)) else 1.0
        configuration = self.graph.named.get("sceneConfigurationScriptNode")
        for words in statements(str(configuration[0].values.get("before") or "")) if configuration else ():
            if words[0] == "playbackOptions":
                for place, name in enumerate(("-min", "-max", "-ast", "-aet")):
                    self.range[place] = float(maya_files.flag(words, name, default=str(self.range[place])))

    def _take(self, saved: SavedScene, prefix: str, reference: Node | None, file: str) -> None:
        """Bring in what a file says; `prefix` is the namespace, with its colon."""
        self.plugins |= saved.plugins
        self.plugin_types |= saved.plugin_types
        for name, version in saved.plugins.items():
            self.loaded.setdefault(name, version)
        names: dict[str, Node] = {}
        for node in saved.nodes:
            made = self._take_node(node, prefix, reference, names)
            if made is not None:
                names[node.name] = made
        for one in saved.references:
            self._refer(one, names.get(one.node), prefix, reference, file)
        for source, destination, next_one in saved.connections:
            self._connect(names, prefix, source, destination, next_one)

    def _take_node(self, node: SavedNode, prefix: str, reference: Node | None, names: dict[str, Node]) -> Node | None:
        if node.selected:
            made = next(iter(self.graph.named.get(node.name, [])), None)
            if made is None or reference is not None:  # a reference does not change the scene's settings
                return made
        elif (found := self.graph.named.get(node.name)) and (node.shared or (reference is None and node.name in DEFAULT_NODES)):
            made = found[0]
            if reference is not None:  # shared nodes are there once, and the scene's own values count
                return made
        elif reference is not None and node.name in (*CAMERAS, *(f"{c}Shape" for c in CAMERAS)) and node.shared:
            return next(iter(self.graph.named.get(node.name, [])), None)  # shared nodes are there once
        else:
            parent = self._named(names, prefix, node.parent) if node.parent else None
            name = prefix + node.name
            name = (
                name
                if name not in self.graph.named or not self.graph.named[name]
                else self.graph.free_name(name, parent, node.type)
            )
            made = self.graph.add(Node(name, node.type, reference=reference), parent)
        made.uuid = node.uuid or made.uuid
        for added in node.added:
            kind = "filename" if added.filename and added.kind == "string" else added.kind
            made.added[added.long] = Attribute(added.long, added.short, kind, None, added.multi)
        for key, value in node.values.items():
            self._value(made, key, value)
        return made

    def _value(self, node: Node, key: str, value: object) -> None:
        for part in key.split("."):
            name = part.partition("[")[0]
            if node.find(name) is None:
                kind = "string" if isinstance(value, str) else "stringArray" if isinstance(value, list) else "double"
                node.added[name] = Attribute(name, name, kind, None, "[" in part)
        plug = node.plug(key)
        assert plug is not None, key
        kind = node.attribute(plug).kind
        if kind == "bool" and isinstance(value, (int, float)):
            value = bool(value)
        elif kind in ("long", "short", "enum") and isinstance(value, float):
            value = int(value)
        node.values[plug] = value

    def _named(self, names: dict[str, Node], prefix: str, text: str) -> Node | None:
        last = text.rpartition("|")[2]
        if text in names:
            return names[text]
        if last.removeprefix(":") in names:
            return names[last.removeprefix(":")]
        found = self.graph.matching(last.removeprefix(":")) or self.graph.matching(prefix + last)
        return found[0] if found else None

    def _connect(self, names: dict[str, Node], prefix: str, source: str, destination: str, next_one: bool) -> None:
        ends = []
        for text in (source, destination):
            name, _, plug = text.partition(".")
            node = self._named(names, prefix, name)
            if node is None:
                return
            for part in plug.split("."):
                if node.find(part.partition("[")[0]) is None:
                    bare = part.partition("[")[0]
                    node.added[bare] = Attribute(bare, bare, "double", None, "[" in part)
            ends.append((node, node.plug(plug) or plug))
        (from_node, from_plug), (to_node, to_plug) = ends
        if next_one or to_plug in to_node.inputs:
            number = len([k for k in to_node.inputs if k.startswith(to_plug)])
            to_plug = f"{to_plug}[{number}]"
        to_node.inputs[to_plug] = (from_node, from_plug)

    def _refer(self, saved: SavedReference, node: Node | None, prefix: str, parent: Node | None, file: str) -> None:
        if node is None:
            node = self.graph.add(Node(prefix + saved.node, "reference", reference=parent))
        self.references[node] = saved
        self.resolved[node] = place = self.found(saved.path, file, "scene")
        if saved.deferred or not os.path.isfile(place) or not place.endswith((".ma", ".mb")):
            return
        namespace = saved.namespace if saved.namespace not in (":", "") else ""
        inside = f"{prefix}{namespace}:" if namespace else prefix
        self._take(maya_files.load(Path(place)), inside, node, place)

    def refer(self, place: str, written: str, namespace: str) -> Node:
        """Refer to another scene, as an artist does; its nodes get a namespace.

        Raises:
            RuntimeError: there is no such file.
        """
        if not os.path.isfile(place):
            raise RuntimeError(f"Could not find file: {written}")
        stem = namespace or os.path.splitext(os.path.basename(place))[0]
        name, number = stem, 0
        while any(saved.namespace == name for saved in self.references.values()):
            number += 1
            name = f"{stem}{number}"
        kind = "mayaBinary" if place.endswith(".mb") else "mayaAscii"
        node = self.graph.add(Node(f"{name}RN", "reference"))
        self._refer(SavedReference(written, node.name, name, kind), node, "", None, self.name)
        self.modified = True
        return node

    def apply_edits(self, saved: SavedScene) -> None:
        """Set what the scene's own file has changed on nodes that came by reference."""
        for one in saved.nodes:
            for name, attribute, text in one.edits:
                found = self.graph.matching(name.rpartition("|")[2])
                words = list(statements(text))
                if found and words:
                    kind = maya_files.flag(words[0], "-type")
                    values = [w for w in words[0] if w not in ("-type", kind)]
                    if values and (kind in ("string", "") and len(values) == 1):
                        value = str(values[0]) if isinstance(values[0], Quoted) else maya_files.number(values[0])
                        self._value(found[0], attribute, value)
                        found[0].edited.add(found[0].plug(attribute) or attribute)

    def is_loaded(self, node: Node) -> bool:
        """Tell whether a reference's nodes are there."""
        return any(n.reference is node for n in self.graph.nodes)

    def save(self, type_: str = "") -> str:
        """Save under the scene's name.

        Raises:
            RuntimeError: it has none, or the file cannot be written.
        """
        if not self.name:
            raise RuntimeError("No file name specified: the scene was never saved.")
        self._fire("before saving")
        self.file_type = type_ or self.file_type
        self.write(self.name, self.file_type, keep=True, own_info=True)
        self.modified = False
        self._fire("SceneSaved")
        return self.name

    def write(self, file: str, type_: str, *, keep: bool, own_info: bool) -> None:
        """Write the scene; `keep`: references stay references; `own_info`: with all of fileInfo.

        Raises:
            RuntimeError: the file cannot be written.
        """
        info = {k: v for k, v in self.file_info.items() if own_info or k in OWN_INFO}
        if type_ == "mayaBinary":
            data = maya_binary_writing.scene_bytes(self, info)
        else:
            data = maya_writing.scene_text(self, info, keep_references=keep).encode("utf-8")
        try:
            Path(file).write_bytes(data)
        except OSError as exc:
            raise RuntimeError(f"Could not save file: {file} ({exc.strerror})") from exc

    def plugin_of(self, type_: str) -> str:
        """Return the plug-in that brings a type; "": Maya itself."""
        return self.plugin_types.get(type_) or (types()[type_].plugin if type_ in types() else "")

    def _fire(self, event: str) -> None:
        for name, call in list(self.jobs.values()):
            if name == event:
                call()
