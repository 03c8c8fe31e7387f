"""Commands of `maya.cmds` about the window: menus, shelves, workspace controls, as far as an adapter has its entries there.

A batch Maya has none of them: there they raise, as the vendor's `about(batch=True)` tells callers to ask first.
"""

# ruff: noqa: N803 - commands and flags are named by Maya
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fakes.maya_asking import raise_unknown
from fakes.maya_rendering import Renderers
from fakes.maya_setting_commands import SettingCommands


@dataclass(slots=True)
class Widget:
    """A part of the window."""

    kind: str
    name: str
    parent: str = ""
    flags: dict[str, Any] = field(default_factory=dict)
    children: list[str] = field(default_factory=list)


class UiCommands(SettingCommands):
    """The commands, on one session and one window."""

    def __init__(self, session: Any) -> None:
        super().__init__(session)
        self.renderers = Renderers(session)
        self.widgets: dict[str, Widget] = {}
        #: by name: the address of the widget of Qt, where a test gives it one
        self.pointers: dict[str, int] = {}
        if not session.batch:
            self.widgets = {
                "MayaWindow": Widget("window", "MayaWindow"),
                "ShelfLayout": Widget("shelfTabLayout", "ShelfLayout", "MayaWindow", {"selectTab": "General"}, ["General"]),
                "General": Widget("shelfLayout", "General", "ShelfLayout"),
            }

    def _make(self, kind: str, name: str, flags: dict[str, Any]) -> str:
        if self.session.batch:
            raise RuntimeError(f"{kind}: there is no user interface in batch mode.")
        parent = str(flags.pop("parent", "") or "")
        if name in self.widgets:
            raise RuntimeError(f"Object's name '{name}' is not unique.")
        if parent and parent.rpartition("|")[2] not in self.widgets:
            raise RuntimeError(f"{kind}: Object '{parent}' not found.")
        name = name or f"{kind}{len(self.widgets)}"
        self.widgets[name] = Widget(kind, name, parent.rpartition("|")[2], {k: v for k, v in flags.items() if v is not None})
        if parent:
            self.widgets[parent.rpartition("|")[2]].children.append(name)
        return f"{parent}|{name}" if parent else name

    def _widget(self, kind: str, name: str) -> Widget:
        found = self.widgets.get(name.rpartition("|")[2])
        if found is None or (kind and found.kind != kind):
            raise RuntimeError(f"{kind or 'control'}: Object '{name}' not found.")
        return found

    def _is(self, kind: str, name: str) -> bool:
        found = self.widgets.get(name.rpartition("|")[2])
        return found is not None and (not kind or found.kind == kind)

    def window(self, name: str = "", *, exists: bool = False, query: bool = False, menuArray: bool = False) -> Any:
        """Ask about a window."""
        if exists:
            return self._is("window", name)
        if menuArray:
            return [c for c in self._widget("window", name).children if self.widgets[c].kind == "menu"]
        raise_unknown("window with these flags")

    def menu(
        self,
        name: str = "",
        *,
        exists: bool = False,
        query: bool = False,
        edit: bool = False,
        parent: str = "",
        label: str | bool | None = None,
        tearOff: bool | None = None,
        itemArray: bool = False,
        deleteAllItems: bool = False,
        postMenuCommand: Any = None,
        enable: bool | None = None,
    ) -> Any:
        """Make or ask about a menu."""
        if exists:
            return self._is("menu", name)
        if query or edit:
            found = self._widget("menu", name)
            if itemArray:
                return list(found.children) or None
            if deleteAllItems:
                for child in found.children:
                    self.widgets.pop(child, None)
                found.children.clear()
                return None
            return found.flags.get("label") if label else raise_unknown("menu with these flags")
        return self._make(
            "menu", name, {"parent": parent, "label": label, "tearOff": tearOff, "postMenuCommand": postMenuCommand}
        )

    def menuItem(
        self,
        name: str = "",
        *,
        exists: bool = False,
        query: bool = False,
        parent: str = "",
        label: str | bool | None = None,
        command: str | bool | Callable[..., Any] | None = None,
        annotation: str | None = None,
        image: str | None = None,
        sourceType: str | None = None,
        divider: bool | None = None,
        echoCommand: bool | None = None,
        version: str | None = None,
        enable: bool | None = None,
        subMenu: bool | None = None,
    ) -> Any:
        """Make or ask about an item."""
        if exists:
            return self._is("menuItem", name)
        if query:
            flags = self._widget("menuItem", name).flags
            return (
                flags.get("label") if label else flags.get("command") if command else raise_unknown("menuItem with these flags")
            )
        return self._make(
            "menuItem",
            name,
            {
                "parent": parent,
                "label": label,
                "command": command,
                "annotation": annotation,
                "image": image,
                "sourceType": sourceType,
            },
        )

    def shelfTabLayout(
        self,
        name: str = "",
        *,
        exists: bool = False,
        query: bool = False,
        edit: bool = False,
        selectTab: bool | str = False,
        childArray: bool = False,
    ) -> Any:
        """Ask about the shelves, or choose one (CommandsPython/shelfTabLayout.html, selectTab)."""
        if exists:
            return self._is("shelfTabLayout", name)
        found = self._widget("shelfTabLayout", name)
        if edit and isinstance(selectTab, str):
            shelf = selectTab.rpartition("|")[2]
            if shelf not in found.children:
                raise RuntimeError(f"shelfTabLayout: there is no tab '{selectTab}'.")
            found.flags["selectTab"] = shelf
            return None
        return found.flags["selectTab"] if selectTab else list(found.children) if childArray else raise_unknown("shelfTabLayout")

    def shelfLayout(
        self, name: str = "", *, exists: bool = False, query: bool = False, parent: str = "", childArray: bool = False
    ) -> Any:
        """Make or ask about a shelf."""
        if exists:
            return self._is("shelfLayout", name)
        if query:
            return list(self._widget("shelfLayout", name).children) or None
        return self._make("shelfLayout", name, {"parent": parent})

    def shelfButton(
        self,
        name: str = "",
        *,
        exists: bool = False,
        query: bool = False,
        edit: bool = False,
        parent: str = "",
        label: str | bool | None = None,
        command: str | bool | Callable[..., Any] | None = None,
        annotation: str | None = None,
        image: str | None = None,
        image1: str | None = None,
        imageOverlayLabel: str | None = None,
        sourceType: str | None = None,
        style: str | None = None,
        width: int | None = None,
        height: int | None = None,
        docTag: str | bool | None = None,
        enableCommandRepeat: bool | None = None,
    ) -> Any:
        """Make or ask about a button."""
        if exists:
            return self._is("shelfButton", name)
        if query:
            flags = self._widget("shelfButton", name).flags
            for key, asked in (("label", label), ("command", command), ("docTag", docTag)):
                if asked:
                    return flags.get(key)
            raise_unknown("shelfButton with these flags")
        return self._make(
            "shelfButton",
            name,
            {"parent": parent, "label": label, "command": command, "annotation": annotation, "image": image, "image1": image1}
            | {"sourceType": sourceType, "imageOverlayLabel": imageOverlayLabel, "docTag": docTag},
        )

    def workspaceControl(
        self,
        name: str = "",
        *,
        exists: bool = False,
        query: bool = False,
        edit: bool = False,
        label: str | bool | None = None,
        retain: bool | None = None,
        floating: bool | None = None,
        restore: bool = False,
        close: bool = False,
        visible: bool | None = None,
        uiScript: str | Callable[..., Any] | None = None,
        closeCommand: str | Callable[..., Any] | None = None,
        visibleChangeCommand: str | Callable[..., Any] | None = None,
        requiredPlugin: str | Sequence[str] | None = None,
        initialWidth: int | None = None,
        initialHeight: int | None = None,
        minimumWidth: int | bool | None = None,
        minimumHeight: int | bool | None = None,
        widthProperty: str | None = None,
        heightProperty: str | None = None,
        loadImmediately: bool | None = None,
        tabToControl: Sequence[Any] | None = None,
        dockToMainWindow: Sequence[Any] | None = None,
        dockToControl: Sequence[Any] | None = None,
        checksPlugins: bool | None = None,
        collapse: bool | None = None,
        actLikeMayaUIElement: bool | None = None,
    ) -> Any:
        """Make, show, close or ask about a dockable control."""
        if exists:
            return self._is("workspaceControl", name)
        if not (query or edit):
            return self._make(
                "workspaceControl", name, {"label": label, "uiScript": uiScript, "closeCommand": closeCommand, "visible": True}
            )
        found = self._widget("workspaceControl", name)
        if query:
            asked = {"floating": floating, "visible": visible, "label": label, "collapse": collapse}
            key = next((k for k, v in asked.items() if v), "") or raise_unknown("workspaceControl with these flags")
            return found.flags.get(key, False)
        if restore or visible:
            found.flags["visible"] = True
        if close or visible is False:
            found.flags["visible"] = False
            if callable(found.flags.get("closeCommand")):
                found.flags["closeCommand"]()
        for key, value in (("closeCommand", closeCommand), ("uiScript", uiScript), ("label", label)):
            if value is not None:
                found.flags[key] = value
        return name

    def deleteUI(
        self, *names: str, menu: bool = False, menuItem: bool = False, control: bool = False, window: bool = False
    ) -> None:
        """Delete parts of the window, with what is in them."""
        for name in names:
            found = self._widget("", name)
            for child in list(found.children):
                self.deleteUI(child)
            self.widgets.pop(found.name)
            if found.parent in self.widgets and found.name in self.widgets[found.parent].children:
                self.widgets[found.parent].children.remove(found.name)

    def render(
        self, camera: str = "", *, batch: bool = False, layer: str = "", xresolution: int = 0, yresolution: int = 0
    ) -> str:
        """Render by Maya Software: the frame at which the scene stands."""
        if layer and self.session.layer is not None and layer != self.session.layer.name:
            raise_unknown("render(layer) of another layer than the current one")
        return self.renderers.software(camera)

    def ogsRender(
        self, *, camera: str, layer: str = "", width: int = 0, height: int = 0, frame: float = 0, noRenderView: bool = False
    ) -> str:
        """Render by the viewport's renderer: one frame."""
        return self.renderers.software(camera, round(frame))

    def control(self, name: str = "", *, exists: bool = False) -> Any:
        """Tell whether a control is there."""
        return self._is("", name) if exists else raise_unknown("control with these flags")

    def setParent(self, name: str = "", *, query: bool = False, menu: bool = False) -> Any:
        """Make a layout or menu the one in which new parts are made."""
        if name:
            self._widget("", name)

    def confirmDialog(self, **_flags: Any) -> str:
        """Ask the artist."""
        raise_unknown("confirmDialog")
