"""Commands of `maya.cmds` about plug-ins and Maya itself, as https://help.autodesk.com/cloudhelp/2023/ENU/Maya-Tech-Docs/CommandsPython/ has them."""

# ruff: noqa: N803 - commands and flags are named by Maya
from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

from fakes.maya_asking import raise_unknown
from fakes.maya_file_commands import FileCommands
from fakes.maya_types import types

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


class PlugInCommands(FileCommands):
    """The commands, on one session."""

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
