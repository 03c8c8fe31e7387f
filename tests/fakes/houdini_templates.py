"""The templates of the fake's parameters: https://www.sidefx.com/docs/houdini/hom/hou/ParmTemplate.html."""

from __future__ import annotations

from typing import Any

from fakes import houdini_values as values
from fakes.houdini_session import RECORD, STUBS, enum
from fakes.houdini_words import Declared
from fakes.stub_modules import Fake, bare, fake_class


@fake_class(STUBS, "hou.ParmTemplate", RECORD)
class ParmTemplate(Fake):
    """How a parameter is made."""

    _one: Declared

    def name(self) -> str:
        """Return its name."""
        return self._one.name

    def label(self) -> str:
        """Return its label."""
        return self._one.label

    def type(self) -> Any:
        """Return its kind."""
        return enum("parmTemplateType", values.kind(self._one))

    def dataType(self) -> Any:
        """Return what its values are."""
        kind = values.kind(self._one)
        return enum("parmData", {"Float": "Float", "String": "String"}.get(kind, "Int"))

    def numComponents(self) -> int:
        """Return how many components it has."""
        return self._one.size

    def tags(self) -> dict[str, str]:
        """Return its tags."""
        return dict(self._one.tags)

    def isHidden(self) -> bool:
        """Tell whether it is hidden."""
        return self._one.hidden

    def conditionals(self) -> dict[Any, str]:
        """Return its conditions."""
        found = {"DisableWhen": self._one.disable_when, "HideWhen": self._one.hide_when}
        return {enum("parmCondType", name): text for name, text in found.items() if text}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ParmTemplate) and self._one is other._one

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return id(self._one)


@fake_class(STUBS, "hou.StringParmTemplate", RECORD)
class StringParmTemplate(ParmTemplate):
    """A text."""

    def stringType(self) -> Any:
        """Return what the text is."""
        if self._one.type in values.FILES:
            return enum("stringParmType", "FileReference")
        if self._one.type in ("oppath", "op"):
            return enum("stringParmType", "NodeReference")
        return enum("stringParmType", "NodeReferenceList" if self._one.type == "oplist" else "Regular")

    def fileType(self) -> Any:
        """Return what files it wants."""
        return enum("fileType", values.FILES.get(self._one.type, "Any"))

    def defaultValue(self) -> tuple[str, ...]:
        """Return its defaults."""
        return tuple(values.default(self._one, index).text for index in range(self._one.size))

    def menuItems(self) -> tuple[str, ...]:
        """Return its menu."""
        return tuple(token for token, _ in self._one.menu)


@fake_class(STUBS, "hou.IntParmTemplate", RECORD)
class IntParmTemplate(ParmTemplate):
    """A whole number."""


@fake_class(STUBS, "hou.FloatParmTemplate", RECORD)
class FloatParmTemplate(ParmTemplate):
    """A number."""


@fake_class(STUBS, "hou.ToggleParmTemplate", RECORD)
class ToggleParmTemplate(ParmTemplate):
    """On or off."""

    def defaultValue(self) -> bool:
        """Return its default."""
        return values.default(self._one, 0).text in ("1", "on")


@fake_class(STUBS, "hou.MenuParmTemplate", RECORD)
class MenuParmTemplate(ParmTemplate):
    """One of a list."""

    def menuItems(self) -> tuple[str, ...]:
        """Return its tokens."""
        return tuple(token for token, _ in self._one.menu)

    def menuLabels(self) -> tuple[str, ...]:
        """Return its labels."""
        return tuple(label for _, label in self._one.menu)


@fake_class(STUBS, "hou.ButtonParmTemplate", RECORD)
class ButtonParmTemplate(ParmTemplate):
    """A button."""


@fake_class(STUBS, "hou.SeparatorParmTemplate", RECORD)
class SeparatorParmTemplate(ParmTemplate):
    """A line."""


@fake_class(STUBS, "hou.LabelParmTemplate", RECORD)
class LabelParmTemplate(ParmTemplate):
    """A sentence."""


@fake_class(STUBS, "hou.RampParmTemplate", RECORD)
class RampParmTemplate(ParmTemplate):
    """A ramp."""


@fake_class(STUBS, "hou.DataParmTemplate", RECORD)
class DataParmTemplate(ParmTemplate):
    """Geometry or a table."""


@fake_class(STUBS, "hou.FolderParmTemplate", RECORD)
class FolderParmTemplate(ParmTemplate):
    """A folder, or a block that repeats."""

    def parmTemplates(self) -> tuple[ParmTemplate, ...]:
        """Return what is in it."""
        return tuple(template_of(child) for child in self._one.children)

    def folderType(self) -> Any:
        """Return what kind of folder it is."""
        return enum("folderType", "MultiparmBlock" if self._one.keyword == "multiparm" else "Tabs")


TEMPLATES: dict[str, type[ParmTemplate]] = {
    "String": StringParmTemplate,
    "Int": IntParmTemplate,
    "Float": FloatParmTemplate,
    "Toggle": ToggleParmTemplate,
    "Menu": MenuParmTemplate,
    "Button": ButtonParmTemplate,
    "Separator": SeparatorParmTemplate,
    "Label": LabelParmTemplate,
    "Ramp": RampParmTemplate,
    "Data": DataParmTemplate,
    "Folder": FolderParmTemplate,
}


def template_of(declared: Declared) -> ParmTemplate:
    """Return the template that a declaration is."""
    template = bare(TEMPLATES[values.kind(declared)])
    template._one = declared
    return template


@fake_class(STUBS, "hou.ParmTemplateGroup", RECORD)
class ParmTemplateGroup(Fake):
    """All templates of a node."""

    _templates: tuple[ParmTemplate, ...] = ()

    def entries(self) -> tuple[ParmTemplate, ...]:
        """Return them."""
        return self._templates

    def parmTemplates(self) -> tuple[ParmTemplate, ...]:
        """Return them."""
        return self._templates

    def find(self, name: str) -> ParmTemplate | None:
        """Return the one of a name."""
        return next((one for one in self._templates if one._one.name == name), None)
