"""Commands of `maya.cmds` about files, projects and references, as https://help.autodesk.com/cloudhelp/2023/ENU/Maya-Tech-Docs/CommandsPython/ has them."""

# ruff: noqa: N803 - commands and flags are named by Maya
from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fakes.maya_asking import raise_unknown
from fakes.maya_graph import Node
from fakes.maya_node_commands import NodeCommands
from fakes.maya_session import OWN_INFO

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
