"""The one session of the fake Houdini: its stubs, what it refused so far, its world; enumerations and exceptions of `hou`."""

from __future__ import annotations

from typing import Any

from fakes.houdini_world import World
from fakes.stub_modules import Fake, Record, bare, fake_class
from fakes.stub_reading import Constant, StubClass, Stubs

STUBS = Stubs.installed("hou-stubs")
RECORD = Record()
WORLD = World()


@fake_class(STUBS, "hou.EnumValue", RECORD)
class EnumValue(Fake):
    """One value of an enumeration."""

    _name = ""
    _group = ""

    def name(self) -> str:
        """Return its name."""
        return self._name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EnumValue) and (self._group, self._name) == (other._group, other._name)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((self._group, self._name))

    def __lt__(self, other: object) -> bool:
        return isinstance(other, EnumValue) and self._name < other._name

    def __repr__(self) -> str:
        return f"{self._group}.{self._name}"


def _value(group: str, name: str) -> EnumValue:
    value = bare(EnumValue)
    value._group, value._name = group, name
    return value


def enumerations() -> dict[str, Any]:
    """Return every class of the stub that is nothing but values by name."""
    hou = STUBS.module("hou")
    found: dict[str, Any] = {}
    for name in hou.own():
        stub = hou.member(name)
        if isinstance(stub, StubClass):
            values = [key for key in stub.own() if _is_value(stub.member(key))]
            if values:
                found[name] = fake_class(STUBS, f"hou.{name}", RECORD)(
                    type(name, (Fake,), {key: _value(name, key) for key in values})
                )
    return found


def _is_value(member: object) -> bool:
    return isinstance(member, Constant) and member.annotation == "EnumValue"


ENUMS = enumerations()


def enum(group: str, name: str) -> EnumValue:
    """Return a value of an enumeration."""
    value: EnumValue = getattr(ENUMS[group], name)
    return value


@fake_class(STUBS, "hou.Error", RECORD)
class Error(Fake, Exception):
    """What Houdini raises: https://www.sidefx.com/docs/houdini/hom/hou/Error.html."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)

    def instanceMessage(self) -> str:
        """Return what happened."""
        return str(self.args[0]) if self.args else ""

    def description(self) -> str:
        """Return what kind of thing happened."""
        return type(self).__doc__ or ""

    def exceptionTypeName(self) -> str:
        """Return the name of its class."""
        return type(self).__name__

    def __str__(self) -> str:
        return f"{self.description()}\n{self.instanceMessage()}"


@fake_class(STUBS, "hou.OperationFailed", RECORD)
class OperationFailed(Error):
    """The attempted operation failed."""


@fake_class(STUBS, "hou.ObjectWasDeleted", RECORD)
class ObjectWasDeleted(Error):
    """Attempt to access an object that no longer exists in Houdini."""


@fake_class(STUBS, "hou.NotAvailable", RECORD)
class NotAvailable(Error):
    """Function not available."""


@fake_class(STUBS, "hou.LoadWarning", RECORD)
class LoadWarning(Error):
    """Warnings were generated during load."""


@fake_class(STUBS, "hou.PermissionError", RECORD)
class PermissionError(Error):
    """Failed to modify node or parameter because of a permission error."""


@fake_class(STUBS, "hou.InvalidInput", RECORD)
class InvalidInput(Error):
    """Invalid input."""


@fake_class(STUBS, "hou.LicenseError", RECORD)
class LicenseError(Error):
    """A licence is missing."""


ERRORS = {
    cls.__name__: cls
    for cls in (Error, OperationFailed, ObjectWasDeleted, NotAvailable, LoadWarning, PermissionError, InvalidInput, LicenseError)
}
