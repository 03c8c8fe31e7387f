"""Commands of `maya.cmds` about files, projects, references, plug-ins, time, undo and settings, as the vendor's pages have them.

https://help.autodesk.com/cloudhelp/2023/ENU/Maya-Tech-Docs/CommandsPython/ (file, fileInfo, workspace, referenceQuery, pluginInfo, …).
"""

# ruff: noqa: N803 - commands and flags are named by Maya
from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from fakes.maya_graph import Node, Step
from fakes.maya_node_commands import NodeCommands, raise_unknown
from fakes.maya_session import OWN_INFO
from fakes.maya_types import inherited, types

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


class FileCommands(NodeCommands):
    """The commands, on one session."""

    def file(
        self,
        name: str = "",
        *,
        query: bool = False,
        edit: bool = False,
        open: bool = False,
        newFile: bool = False,
        save: bool = False,
        force: bool = False,
        rename: str = "",
        type: str | bool = "",
        exportAll: bool = False,
        preserveReferences: bool = False,
        modified: bool | None = None,
        sceneName: bool = False,
        shortName: bool = False,
        expandName: bool = False,
        location: bool = False,
        list: bool = False,
        reference: bool = False,
        unresolvedName: bool = False,
        withoutCopyNumber: bool = False,
        exists: bool = False,
        anyModified: bool = False,
        writable: bool = False,
        prompt: bool = False,
        ignoreVersion: bool = False,
        executeScriptNodes: bool = True,
        namespace: str = "",
        loadReference: str = "",
        unloadReference: str = "",
        referenceNode: str = "",
        options: str = "",
        lockReference: bool = False,
        loadNoReferences: bool = False,
        loadAllReferences: bool = False,
        loadReferenceDepth: str = "",
        defaultExtensions: bool = True,
        returnNewNodes: bool = False,
        saveTextures: str = "",
        compress: bool = False,
        constructionHistory: bool = True,
        channels: bool = True,
        expressions: bool = True,
        constraints: bool = True,
        shader: bool = True,
        exportUnloadedReferences: bool = False,
    ) -> Any:
        """Do or ask what the first of its flags says."""
        if query:
            return self._asked_file(
                name,
                modified=bool(modified) or anyModified,
                sceneName=sceneName or location,
                shortName=shortName,
                expandName=expandName,
                list_=list,
                reference=reference,
                unresolved=unresolvedName,
                type_=bool(type),
                exists=exists,
                writable=writable,
            )
        kind = type if isinstance(type, str) else ""
        session = self.session
        if reference:
            session.refer(self._absolute(name), name, namespace)
            return name
        if loadNoReferences or loadReferenceDepth or loadReference or unloadReference or lockReference:
            raise_unknown("file() that changes references")
        if modified is not None and not (open or save or newFile or exportAll or rename):
            session.modified = modified
            return ""
        if newFile or open:
            if session.modified and not force:
                raise RuntimeError("Unsaved changes.")
            if open:
                session.open(name)
            else:
                session.new()
            return session.name
        if rename:
            session.name = self._absolute(rename)
            return session.name
        if save:
            return session.save(kind)
        if exportAll:
            return self._export(name, kind, keep=preserveReferences)
        raise_unknown("file() with these flags")

    def _absolute(self, name: str) -> str:
        text = os.path.expandvars(name).replace("\\", "/")
        if "/" not in text:
            return (self.session.project / self.session.rule("scene") / text).as_posix()
        return self.session.expanded(text)

    def _export(self, name: str, kind: str, *, keep: bool) -> str:
        kind = kind or self.session.file_type
        place = self._absolute(name)
        if not place.endswith(_EXTENSION[kind]):  # -defaultExtensions
            place += _EXTENSION[kind]
        self.session.write(place, kind, keep=keep, own_info=self.session.export_has_file_info)
        return place

    def _asked_file(
        self,
        name: str,
        *,
        modified: bool,
        sceneName: bool,
        shortName: bool,
        expandName: bool,
        list_: bool,
        reference: bool,
        unresolved: bool,
        type_: bool,
        exists: bool,
        writable: bool,
    ) -> Any:
        session = self.session
        if modified:
            return session.modified
        if type_:
            return [session.file_type]
        if reference:
            return [
                saved.path if unresolved else session.resolved[node]
                for node, saved in session.references.items()
                if node.reference is None
            ]
        if exists:
            return os.path.isfile(session.expanded(name)) if name else os.path.isfile(session.name)
        if writable:
            return os.access(name or session.name, os.W_OK)
        if sceneName:
            return session.name.rpartition("/")[2] if shortName else session.name
        if expandName:
            return session.name or (session.project / "untitled").as_posix()
        if list_:
            return [session.name or (session.project / "untitled").as_posix(), *self._files()]
        raise_unknown("file(query=True) with these flags")

    def _files(self) -> list[str]:
        found = list(self.session.resolved.values())
        for node in self.graph.nodes:
            for attribute in node.all_attributes():
                if attribute.kind == "filename" and isinstance(value := node.values.get(attribute.long), str) and value:
                    found.append(self.session.expanded(value))
        return list(dict.fromkeys(found))

    def fileInfo(self, key: str = "", value: str = "", /, *, query: bool = False, remove: str = "") -> Any:
        """Keep a text by a keyword: it cannot be undone, and the scene does not count as modified by it."""
        info = self.session.file_info
        if query:
            return [escaped(info[key])] if key in info else [] if key else [t for k, v in info.items() for t in (k, escaped(v))]
        if remove:
            info.pop(remove, None)
        elif key in OWN_INFO[:5] and key != "license":
            raise_unknown(f"fileInfo that changes Maya's own {key!r}")
        else:
            info[key] = value
        return None

    def workspace(
        self,
        name: str = "",
        /,
        *,
        query: bool = False,
        rootDirectory: bool = False,
        directory: str | bool = "",
        fileRule: bool | Sequence[str] = False,
        fileRuleList: bool = False,
        fileRuleEntry: str = "",
        expandName: str = "",
        projectPath: str | bool = "",
        fullName: bool = False,
        openWorkspace: bool = False,
        active: bool = False,
    ) -> Any:
        """Ask for or change the project."""
        session = self.session
        if openWorkspace:
            session.open_project(Path(session.expanded(name)))
            return None
        rules = session.rules
        if not isinstance(fileRule, bool):
            rules[fileRule[0]] = fileRule[1]
            return None
        if fileRuleEntry:
            return rules.get(fileRuleEntry, "")
        if expandName and isinstance(expandName, str):
            return session.expanded(expandName)
        if projectPath and isinstance(projectPath, str):
            path = projectPath.replace("\\", "/")
            return path.removeprefix(session.root() + "/") if path.startswith(session.root() + "/") else path
        if query and rootDirectory:
            return session.root() + "/"
        if query and (fullName or active):
            return session.root()
        if query and fileRuleList:
            return list(rules)
        if query and fileRule:
            return [text for pair in rules.items() for text in pair]
        raise_unknown("workspace with these flags")

    def referenceQuery(
        self,
        name: str,
        *,
        filename: bool = False,
        unresolvedName: bool = False,
        isLoaded: bool = False,
        isNodeReferenced: bool = False,
        referenceNode: bool = False,
        topReference: bool = False,
        namespace: bool = False,
        nodes: bool = False,
        parent: bool = False,
        child: bool = False,
        withoutCopyNumber: bool = False,
        shortName: bool = False,
        dagPath: bool = False,
    ) -> Any:
        """Ask about a reference: by its node, its file, or a node that came by it."""
        if isNodeReferenced:
            return self.graph.plug(name)[0].reference is not None if "." in name else self.graph.one(name).reference is not None
        node = self._reference(name)
        saved = self.session.references[node]
        if filename:
            path = saved.path if unresolvedName else self.session.resolved[node]
            return path.rpartition("/")[2] if shortName else path
        if isLoaded:
            return self.session.is_loaded(node)
        if referenceNode:
            top = node
            while topReference and top.reference is not None:
                top = top.reference
            return top.name
        if namespace:
            return f":{saved.namespace}" if saved.namespace not in (":", "") else ":"
        if nodes:
            return [self.graph.short(n) for n in self.graph.nodes if n.reference is node] or None
        if parent:
            return node.reference.name if node.reference else None
        if child:
            return [n.name for n in self.session.references if n.reference is node] or None
        raise_unknown("referenceQuery with these flags")

    def _reference(self, name: str) -> Node:
        for node, place in self.session.resolved.items():
            if name in (node.name, place, self.session.references[node].path):
                return node
        found = self.graph.matching(name.partition(".")[0])
        if found and found[0].reference is not None:
            return found[0].reference
        if found and found[0].type == "reference":
            raise RuntimeError(f"Reference node '{name}' is not associated with a reference file.")
        raise RuntimeError(f"No reference matches: {name}")

    # ---- plug-ins and what Maya is

    def pluginInfo(
        self,
        name: str = "",
        /,
        *,
        query: bool = False,
        listPlugins: bool = False,
        version: bool = False,
        loaded: bool = False,
        pluginsInUse: bool = False,
        path: bool = False,
        dependNode: bool = False,
        vendor: bool = False,
        registered: bool = False,
        pluginForNodeType: str = "",
        autoload: bool = False,
    ) -> Any:
        """Ask about plug-ins."""
        session = self.session
        if listPlugins:
            return list(session.loaded) or None
        if pluginsInUse:  # pairs of name and version
            return [text for pair in session.plugins.items() for text in pair] or None
        if loaded or registered:
            return name in session.loaded
        if name not in session.loaded:
            raise RuntimeError(f"Plug-in, '{name}', is not registered.")
        if version:
            return session.loaded[name]
        if dependNode:
            own = [t for t, known in types().items() if known.plugin == name]
            return sorted({*own, *(t for t, p in session.plugin_types.items() if p == name)}) or None
        if vendor:
            return "Autodesk, Inc." if name == "stereoCamera" else "Made Up"
        if path:
            file = name if name.endswith(".py") else f"{name}.so"
            maya = f"/usr/autodesk/maya{session.version}/bin/plug-ins"
            return f"{maya}/{file}" if name in WITH_MAYA else f"/usr/autodesk/{name}/plug-ins/{file}"
        raise_unknown("pluginInfo with these flags")

    def loadPlugin(self, *names: str, quiet: bool = False) -> list[str]:
        """Load a plug-in; one that nobody installed is refused.

        One in Python is a file on MAYA_PLUG_IN_PATH, whose `initializePlugin` is called
        (https://help.autodesk.com/cloudhelp/2022/ENU/Maya-SDK/Maya-Python-API/PluginEntryPoints.html).
        """
        for name in names:
            here = os.environ.get("FAKE_MAYA_PLUGINS")
            if here is not None and name not in here.split(","):
                raise RuntimeError(f"Plug-in, '{name}', was not found on MAYA_PLUG_IN_PATH.")
            if name not in self.session.loaded and (file := _python_plug_in(name)) is not None:
                _run(file).initializePlugin(object())
                self.session.loaded[name] = "0.1"
            if name not in {known.plugin for known in types().values()} and name not in self.session.loaded:
                raise RuntimeError(f"Plug-in, '{name}', was not found on MAYA_PLUG_IN_PATH.")
            self.session.loaded.setdefault(name, "1.0")
        return list(names)

    def unknownPlugin(self, *, query: bool = False, list: bool = False) -> Any:
        """Return plug-ins that a scene asks for and that are not there."""
        return None

    def about(
        self,
        *,
        version: bool = False,
        installedVersion: bool = False,
        apiVersion: bool = False,
        majorVersion: bool = False,
        minorVersion: bool = False,
        patchVersion: bool = False,
        batch: bool = False,
        product: bool = False,
        application: bool = False,
        cutIdentifier: bool = False,
        operatingSystem: bool = False,
        qtVersion: bool = False,
        linux: bool = False,
        ntOS: bool = False,
        macOS: bool = False,
        windows: bool = False,
    ) -> Any:
        """Ask about Maya itself."""
        text = self.session.version
        answers: list[tuple[bool, Any]] = [
            (version, text),
            (installedVersion, f"Maya {text}.1"),
            (apiVersion, int(text) * 10000 + 100),
            (majorVersion, text),
            (minorVersion, "1"),
            (patchVersion, ""),
            (batch, self.session.batch),
            (product, f"Maya {text}"),
            (application, "maya"),
            (cutIdentifier, self.session.file_info["cutIdentifier"]),
            (operatingSystem, "linux"),
            (qtVersion, "6.5.3"),
            (linux, True),
            (ntOS or macOS or windows, False),
        ]
        return next((answer for asked, answer in answers if asked), None)

    def internalVar(
        self, *, userAppDir: bool = False, userShelfDir: bool = False, userPrefDir: bool = False, mayaInstallDir: bool = False
    ) -> str:
        """Return folders of the user and of the program, with a slash at the end."""
        home = self.session.project.parent.as_posix()
        if mayaInstallDir:
            return "/usr/autodesk/maya" + self.session.version
        return f"{home}/maya/{'' if userAppDir else self.session.version + '/prefs/'}{'shelves/' if userShelfDir else ''}"

    # ---- time and undo

    def currentTime(self, time: float | None = None, /, *, query: bool = False, edit: bool = False, update: bool = True) -> float:
        """Ask for or change the frame; a change can be undone, and does not modify the scene."""
        if query:
            return self.session.time
        assert time is not None
        before = self.session.time

        def put(value: float) -> None:
            self.session.time = value

        self.session.do("currentTime", lambda: put(float(time)), lambda: put(before), changes=False)
        return float(time)

    def playbackOptions(
        self,
        *,
        query: bool = False,
        edit: bool = False,
        minTime: float | bool | None = None,
        maxTime: float | bool | None = None,
        animationStartTime: float | bool | None = None,
        animationEndTime: float | bool | None = None,
        framesPerSecond: bool = False,
        by: float | bool | None = None,
    ) -> Any:
        """Ask for or change the ranges."""
        given = (minTime, maxTime, animationStartTime, animationEndTime)
        if query:
            for place, asked in enumerate(given):
                if asked:
                    return self.session.range[place]
            return 1.0 if by else 24.0 if framesPerSecond else raise_unknown("playbackOptions with these flags")
        for place, value in enumerate(given):
            if value is not None:
                self.session.range[place] = float(value)
        self.session.modified = True
        return None

    def undo(self) -> None:
        """Take a step back."""
        if not self.session.undo():
            raise RuntimeError("There are no more commands to undo.")

    def redo(self) -> None:
        """Take a step forward."""
        if not self.session.redo():
            raise RuntimeError("There are no more commands to redo.")

    def undoInfo(
        self,
        *,
        query: bool = False,
        state: bool | None = None,
        stateWithoutFlush: bool | None = None,
        openChunk: bool = False,
        closeChunk: bool = False,
        chunkName: str = "",
        length: bool | int = False,
        undoName: bool = False,
        redoName: bool = False,
        undoQueueEmpty: bool = False,
        redoQueueEmpty: bool = False,
        printQueue: bool = False,
        infinity: bool | None = None,
    ) -> Any:
        """Ask for or change the undo queue; `state` off empties it, `stateWithoutFlush` leaves it."""
        session = self.session
        if query:
            if undoName or redoName:
                queue = session.undone if undoName else session.redone
                return queue[-1].name if queue else ""
            if undoQueueEmpty or redoQueueEmpty:
                return not (session.undone if undoQueueEmpty else session.redone)
            if state or stateWithoutFlush:
                return session.undo_state
            raise_unknown("undoInfo(query=True) with these flags")
        if state is not None:
            session.undo_state = state
            if not state:
                session.undone.clear()
                session.redone.clear()
        if stateWithoutFlush is not None:
            session.undo_state = stateWithoutFlush
        if openChunk and session.chunk is None:
            session.chunk = []
        if closeChunk and session.chunk is not None:
            steps, session.chunk = session.chunk, None
            if steps:
                session.undone.append(
                    Step(chunkName or steps[-1].name, lambda: _all(reversed(steps), "undo"), lambda: _all(steps, "redo"))
                )
        return None

    def flushUndo(self) -> None:
        """Empty the undo queue."""
        self.session.undone.clear()
        self.session.redone.clear()

    # ---- settings

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


def _all(steps: Iterable[Step], what: str) -> None:
    for step in steps:
        getattr(step, what)()


def _python_plug_in(name: str) -> Path | None:
    folders = os.environ.get("MAYA_PLUG_IN_PATH", "").split(os.pathsep)
    return next((file for folder in folders if folder and name.endswith(".py") and (file := Path(folder) / name).is_file()), None)


def _run(file: Path) -> Any:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
