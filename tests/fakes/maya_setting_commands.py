"""Commands of `maya.cmds` about settings, units, folders, scripts and what files the scene names, as https://help.autodesk.com/cloudhelp/2023/ENU/Maya-Tech-Docs/CommandsPython/ has them."""

# ruff: noqa: N803 - commands and flags are named by Maya
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fakes.maya_asking import raise_unknown
from fakes.maya_graph import Node
from fakes.maya_time_commands import TimeCommands
from fakes.maya_types import inherited

_EXTENSION = {"mayaAscii": ".ma", "mayaBinary": ".mb"}
#: plug-ins in Maya's own folder (https://help.autodesk.com/cloudhelp/2023/ENU/Maya-Customizing/, Plug-in Manager)
WITH_MAYA = {"stereoCamera", "renderSetup.py", "AbcImport", "AbcExport", "gpuCache", "dx11Shader", "glslShader", "shaderFXPlugin"}
WITH_MAYA |= {"fbxmaya", "objExport", "ATFPlugin", "modelingToolkit", "Type", "MASH"}
#: what the file path editor looks at before anybody registers more
_EDITOR_TYPES = ("file.fileTextureName", "imagePlane.imageName", "audio.filename", "reference", "gpuCache.cacheFileName")


def escaped(text: str) -> str:
    """Return a text as `fileInfo` answers it: with escapes, as it stands in a file (pipelines undo them by unicode_escape)."""
    for plain, code in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r")):
        text = text.replace(plain, code)
    return text


class SettingCommands(TimeCommands):
    """The commands, on one session."""

    def editRenderLayerGlobals(self, *, query: bool = False, currentRenderLayer: str | bool = "") -> Any:
        """Ask for or change the layer that is shown; a change modifies the scene."""
        if query:
            return self.session.layer.name if self.session.layer else ""
        assert isinstance(currentRenderLayer, str)
        node, before = self._one(currentRenderLayer), self.session.layer

        def put(value: Node | None) -> None:
            self.session.layer = value

        self.session.do("editRenderLayerGlobals", lambda: put(node), lambda: put(before))
        return currentRenderLayer

    def colorManagementPrefs(
        self,
        *,
        query: bool = False,
        edit: bool = False,
        cmEnabled: bool = False,
        cmConfigFileEnabled: bool = False,
        configFilePath: bool = False,
        renderingSpaceName: bool = False,
        viewTransformName: bool = False,
        policyFileName: bool = False,
    ) -> Any:
        """Ask for colour management; the configuration's path comes with Maya's own place filled in."""
        if not query:
            raise_unknown("colorManagementPrefs that changes something")
        node = self.graph.one("defaultColorMgtGlobals")

        def value(name: str) -> object:
            found = node.find(name)
            return node.values.get(name, found.default if found else None)

        if cmEnabled:
            return bool(value("cmEnabled"))
        if cmConfigFileEnabled:
            return bool(value("configFileEnabled"))
        if configFilePath:
            resources = f"/usr/autodesk/maya{self.session.version}/resources"
            return str(value("configFilePath") or "").replace("<MAYA_RESOURCES>", resources)
        if renderingSpaceName:
            return str(value("workingSpaceName") or "ACEScg")
        raise_unknown("colorManagementPrefs with these flags")

    def currentUnit(self, *, query: bool = False, time: str | bool = "", linear: bool = False, angle: bool = False) -> str:
        """Ask for units, or change that of time."""
        if query:
            return self.session.time_unit if time else "cm" if linear else "deg"
        self.session.time_unit = str(time)
        return self.session.time_unit

    def dirmap(
        self,
        text: str = "",
        /,
        *,
        query: bool = False,
        enable: bool | None = None,
        mapDirectory: Sequence[str] = (),
        getAllMappings: bool = False,
        getMappedDirectory: str = "",
        convertDirectory: str = "",
        unmapDirectory: str = "",
    ) -> Any:
        """Map folders: what a scene has in the first is looked for in the second, once it is enabled."""
        session = self.session
        if query:
            return session.mapping if enable else [t for pair in session.mapped for t in pair]
        if enable is not None:
            session.mapping = enable
        if mapDirectory:
            session.mapped.append((mapDirectory[0], mapDirectory[1]))
        if unmapDirectory:
            session.mapped = [pair for pair in session.mapped if pair[0] != unmapDirectory]
        if convertDirectory:
            on, session.mapping = session.mapping, True
            answer = session.expanded(convertDirectory)
            session.mapping = on
            return answer if on else convertDirectory
        return None

    def filePathEditor(
        self,
        *plugs: str,
        query: bool = False,
        refresh: bool = False,
        listDirectories: str | None = None,
        listFiles: str | None = None,
        withAttribute: bool = False,
        attributeOnly: bool = False,
        unresolved: bool = False,
        status: bool = False,
        byType: str = "",
        listRegisteredTypes: bool = False,
        relativeNames: bool = False,
        recursive: bool = False,
    ) -> Any:
        """Ask which files the registered types of attributes name; None where there is none."""
        if refresh:
            return None
        if listRegisteredTypes:
            return [t for t in _EDITOR_TYPES if t != "gpuCache.cacheFileName" or "gpuCache" in self.session.loaded]
        if relativeNames or status:
            raise_unknown("filePathEditor(relativeNames, status)")
        rows = [(path, plug) for path, plug, kind in self._editor_rows(unresolved) if not byType or kind == byType]
        folders = [path.rpartition("/")[0] or "/" for path, _ in rows]
        if listDirectories is not None:
            inside = [f for f in folders if not listDirectories or (f + "/").startswith(listDirectories.rstrip("/") + "/")]
            return list(dict.fromkeys(inside)) or None
        answer: list[str] = []
        for folder, (path, plug) in zip(folders, rows, strict=True):
            wanted = (listFiles or "").rstrip("/")
            if not wanted or folder == wanted or (recursive and folder.startswith(wanted + "/")):
                answer += [plug] if attributeOnly else [path.rpartition("/")[2], *([plug] if withAttribute else [])]
        return answer or None

    def _editor_rows(self, unresolved: bool) -> list[tuple[str, str, str]]:
        rows = []
        for node in self.graph.nodes:
            for kind in _EDITOR_TYPES:
                type_, _, attribute = kind.partition(".")
                if not attribute or type_ not in inherited(node.type):
                    continue
                value = node.values.get(attribute)
                if isinstance(value, str) and value:
                    rows.append(
                        (value if unresolved else self.session.expanded(value), f"{self.graph.short(node)}.{attribute}", kind)
                    )
        for node, place in self.session.resolved.items():
            rows.append((self.session.references[node].path if unresolved else place, node.name, "reference"))
        return rows

    def scriptJob(
        self,
        *,
        event: Sequence[Any] = (),
        kill: int | Sequence[int] = 0,
        exists: int = 0,
        force: bool = False,
        protected: bool = False,
        runOnce: bool = False,
        killWithScene: bool = False,
        listEvents: bool = False,
    ) -> Any:
        """Call something when an event comes."""
        jobs = self.session.jobs
        if exists:
            return exists in jobs
        if kill:
            for number in [kill] if isinstance(kill, int) else kill:
                jobs.pop(number, None)
            return None
        if not event or event[0] not in (
            "SceneOpened",
            "NewSceneOpened",
            "SceneSaved",
            "PreFileNewOrOpened",
            "quitApplication",
            "SelectionChanged",
        ):
            raise_unknown(f"scriptJob of {event!r}")
        number = max(jobs, default=0) + 1
        jobs[number] = (event[0], event[1])
        return number

    def optionVar(
        self,
        *,
        query: str = "",
        exists: str = "",
        stringValue: Sequence[str] = (),
        intValue: Sequence[Any] = (),
        remove: str = "",
    ) -> Any:
        """Keep settings of the user's."""
        options = self.session.options
        if exists:
            return exists in options
        if query:
            return options.get(query, 0)
        if remove:
            options.pop(remove, None)
        for pair in (stringValue, intValue):
            if pair:
                options[pair[0]] = pair[1]
        return None

    def evalDeferred(
        self, call: str | Callable[[], object], /, *, lowestPriority: bool = False, lowPriority: bool = False
    ) -> None:
        """Call something when Maya is idle; here at once where there is a window, and never in batch, as in Maya."""
        if not self.session.batch and callable(call):
            call()

    def namespaceInfo(
        self,
        name: str = "",
        /,
        *,
        currentNamespace: bool = False,
        listOnlyNamespaces: bool = False,
        recurse: bool = False,
        absoluteName: bool = False,
    ) -> Any:
        """Ask about namespaces."""
        if currentNamespace:
            return ":"
        spaces = {n.name.rpartition(":")[0] for n in self.graph.nodes if ":" in n.name}
        return sorted({"UI", "shared", *spaces}) if listOnlyNamespaces else raise_unknown("namespaceInfo with these flags")

    def warning(self, *texts: str, noContext: bool = False) -> None:
        """Say something."""

    def refresh(self, *, force: bool = False, currentView: bool = False, suspend: bool = False) -> None:
        """Draw the views."""

    def moduleInfo(
        self,
        *,
        listModules: bool = False,
        moduleName: str = "",
        path: bool = False,
        version: bool = False,
        definition: bool = False,
    ) -> Any:
        """Ask about modules."""
        raise_unknown("moduleInfo")

    def sequenceManager(self, **_flags: Any) -> None:
        """Ask about the camera sequencer."""
        raise_unknown("sequenceManager")
