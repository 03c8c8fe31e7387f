"""Fakes of a host's modules that refuse whatever the published stub of the host does not have.

A fake's author writes behaviour; the engine stands in front of it:

- a name, flag, argument, number of arguments or clearly wrong kind of value that the stub does not have is refused as the host would
  (`NotInStub` is an AttributeError, `WrongCall` a TypeError) with the words what was asked and which stub refused;
- what the stub has and nobody wrote a behaviour for raises `UnknownToFake`: a fake that accepted it would prove nothing;
- a fake cannot offer more than the stub: behaviour for an unknown name is refused when the fake is made.

    stubs = Stubs.installed("maya-stubs")
    record = Record()
    cmds = fake_module(stubs, "maya.cmds", {"ls": world.ls, "file": world.file}, record)

    @fake_class(stubs, "nuke.Node", record)
    class Node(Fake): ...                 # methods by the stub's names; names with _ are the fake's own

`bare(Node)` makes an object without the guard of the constructor. `Record` keeps every refusal, so that a test can demand that there
was none even where the caller caught it.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fakes.stub_reading import Constant, Function, StubClass, StubModule, Stubs

F = TypeVar("F", bound="Fake")

#: names that every Python object has or that Python itself asks for
_PYTHON = set(dir(object)) | {
    "__dict__",
    "__weakref__",
    "__module__",
    "__annotations__",
    "__slots__",
    "__getattr__",
    "__match_args__",
}
_PYTHON |= {
    "__stub_class__",
    "__stub_name__",
    "__stub_record__",
    "__file__",
    "__path__",
    "__spec__",
    "__loader__",
    "__package__",
    "__wrapped__",
    "__del__",
    "__bool__",
}
_PYTHON |= {"__orig_bases__", "__parameters__", "__class_getitem__", "__qualname__", "__static_attributes__", "__firstlineno__"}


class NotInStub(AttributeError):
    """The stub has no such name."""


class WrongCall(TypeError):
    """The stub has no such call of a function that it has."""


class UnknownToFake(Exception):
    """The stub has it, and no behaviour was written for it."""


@dataclass(slots=True)
class Record:
    """What the fakes of one host refused so far."""

    refused: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    #: names of functions that were called, with their module or class
    called: set[str] = field(default_factory=set)

    def no_name(self, asked: str, stub: StubModule) -> NotInStub:
        """Return the refusal of a name."""
        return NotInStub(self._kept(f"There is no {asked} ({_source(stub)})."))

    def no_call(self, asked: str, problem: str, stub: StubModule) -> WrongCall:
        """Return the refusal of a call."""
        return WrongCall(self._kept(f"{asked} cannot be called like this: {problem} ({_source(stub)})."))

    def no_behaviour(self, asked: str, why: str = "") -> UnknownToFake:
        """Return the refusal of what the fake does not know."""
        message = f"{asked} exists, and the fake has no behaviour for it{': ' + why if why else ''}."
        self.unknown.append(message)
        return UnknownToFake(message)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Keep what a behaviour itself says that it does not know."""
        try:
            yield
        except UnknownToFake as exc:
            if str(exc) not in self.unknown:
                self.unknown.append(str(exc))
            raise

    def _kept(self, message: str) -> str:
        self.refused.append(message)
        return message


def fake_module(
    stubs: Stubs, name: str, behaviours: Mapping[str, object], record: Record, *, any_values: Mapping[str, str] = {}
) -> types.ModuleType:
    """Return a module that has what the stub has, with these behaviours.

    `any_values`: functions whose argument types the stub has wrong, with the reason and its source; names and numbers of their
    arguments are still checked.

    Raises:
        NotInStub: a behaviour that the stub has no name for.
    """
    stub = stubs.module(name)
    made: dict[str, object] = {}
    for key, behaviour in behaviours.items():
        member = stub.member(key)
        if member is None and stubs.find(f"{name}.{key}") is None:
            raise record.no_name(f"{name}.{key}", stub)
        if isinstance(member, Function) and not isinstance(behaviour, types.ModuleType):
            made[key] = _guarded(f"{name}.{key}", member, behaviour, record, stub, loose=key in any_values)
        else:
            made[key] = behaviour
    return _FakeModule(stub, made, record)


class _FakeModule(types.ModuleType):
    """A module in front of behaviours."""

    def __init__(self, stub: StubModule, made: Mapping[str, object], record: Record) -> None:
        super().__init__(stub.name, f"A fake, by {_source(stub)}.")
        self.__dict__.update(made)
        self.__dict__["_stub"], self.__dict__["_record"] = stub, record
        if stub.file.name == "__init__.pyi":
            self.__dict__["__path__"] = []

    def __getattr__(self, name: str) -> Any:
        stub, record = self.__dict__["_stub"], self.__dict__["_record"]
        if name in _PYTHON or (name.startswith("__") and name.endswith("__")):
            raise AttributeError(name)
        full = f"{stub.name}.{name}"
        member = stub.member(name)
        if member is None:
            raise record.no_name(full, stub)
        if isinstance(member, Function):
            self.__dict__[name] = _guarded(full, member, None, record, stub)
            return self.__dict__[name]
        if isinstance(member, Constant) and member.value is not ...:
            return member.value
        if isinstance(member, StubClass):
            self.__dict__[name] = _class_without_behaviour(member, full, record)
            return self.__dict__[name]
        raise record.no_behaviour(full)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.__dict__["_stub"].own()]


class _GuardedClass(type):
    """The type of fake classes: what is asked of the class itself is refused like what is asked of its objects."""

    def __getattr__(cls, key: str) -> Any:
        raise _not_there(cls, key)


class Fake(metaclass=_GuardedClass):
    """What the classes of a fake stand on: names that the stub does not have can neither be asked nor set."""

    __stub_class__: StubClass
    __stub_name__: str
    __stub_record__: Record

    def __getattr__(self, key: str) -> Any:
        if not key.startswith("_") and self.__stub_class__.member("__getattr__") is not None:
            raise self.__stub_record__.no_behaviour(f"{self.__stub_name__}.{key}")
        raise _not_there(type(self), key)

    def __setattr__(self, key: str, value: object) -> None:
        of_the_fake = "__stub_class__" in vars(type(self))  # a class of the caller's that stands on it has what it likes
        if of_the_fake and not key.startswith("_") and self.__stub_class__.member(key) is None:
            raise _not_there(type(self), key, " to set")
        super().__setattr__(key, value)


def _not_there(cls: Any, key: str, more: str = "") -> AttributeError:
    if key.startswith("_") or "__stub_record__" not in dir(cls):
        return AttributeError(key)
    refusal: AttributeError = cls.__stub_record__.no_name(f"{cls.__stub_name__}.{key}{more}", cls.__stub_class__.module)
    return refusal


def fake_class(stubs: Stubs, name: str, record: Record) -> Callable[[type[F]], type[F]]:
    """Return a decorator that puts the guard before a class that was written for `module.Class` of the stub.

    Raises:
        NotInStub: the class has a public name that the stub has not.
    """
    module, _, short = name.rpartition(".")
    stub = stubs.module(module)
    found = stub.member(short)
    if not isinstance(found, StubClass):
        raise record.no_name(name, stub)

    def guard(cls: type[F]) -> type[F]:
        return _guard_class(cls, found, name, record)

    return guard


def bare(cls: type[F]) -> F:
    """Return an object of a fake class without its constructor: how the fake itself makes one."""
    return cls.__new__(cls)


def _guard_class(cls: type[F], stub: StubClass, name: str, record: Record) -> type[F]:
    for key, value in list(vars(cls).items()):
        if (key.startswith("_") and not key.startswith("__")) or (key in _PYTHON and key != "__init__"):
            continue
        member = stub.member(key)
        if member is None and key != "__init__":
            raise record.no_name(f"{name}.{key}", stub.module)
        if isinstance(member, Function):
            setattr(cls, key, _guarded_member(f"{name}.{key}", member, value, record, stub.module))
    for key in stub.own():
        if key not in _PYTHON and not any(key in vars(base) for base in cls.__mro__):
            setattr(cls, key, _missing(f"{name}.{key}", stub.member(key), record, stub.module))
    if not any("__init__" in vars(base) for base in cls.__mro__[:-1]):
        cls.__init__ = _without_constructor  # type: ignore[method-assign,assignment]
    cls.__stub_class__, cls.__stub_name__, cls.__stub_record__ = stub, name, record
    cls.__module__, cls.__qualname__, cls.__name__ = stub.module.name, stub.name, stub.name
    return cls


def _class_without_behaviour(stub: StubClass, name: str, record: Record) -> type:
    made = type(stub.name, (Fake,), {})
    return _guard_class(made, stub, name, record)


def _guarded(
    name: str, function: Function, behaviour: object, record: Record, stub: StubModule, *, loose: bool = False
) -> Callable[..., Any]:
    fits = _fitting(behaviour) if callable(behaviour) else None

    def call(*args: object, **named: object) -> Any:
        problem = function.problem(args, named)
        if problem and not (loose and " must be " in problem):
            raise record.no_call(name, problem, stub)
        if fits is None:
            raise record.no_behaviour(name)
        if lacking := fits(args, named):
            raise record.no_behaviour(name, lacking)
        record.called.add(name)
        with record.watching():
            return behaviour(*args, **named)  # type: ignore[operator]

    call.__name__ = call.__qualname__ = name.rpartition(".")[2]
    return call


def _fitting(behaviour: Callable[..., Any]) -> Callable[[tuple[object, ...], dict[str, object]], str]:
    """Return what tells why a behaviour does not take some arguments ("": it does), by their number and names alone."""
    signature = inspect.signature(behaviour)
    known: dict[tuple[int, tuple[str, ...]], str] = {}

    def problem(args: tuple[object, ...], named: dict[str, object]) -> str:
        shape = (len(args), tuple(named))
        if shape not in known:
            try:
                signature.bind(*args, **named)
                known[shape] = ""
            except TypeError as exc:
                known[shape] = str(exc)
        return known[shape]

    return problem


def _guarded_member(name: str, member: Function, value: object, record: Record, stub: StubModule) -> object:
    if isinstance(value, property):
        return value
    if isinstance(value, (staticmethod, classmethod)):
        return _static(name, member, value, record, stub)
    return _method(name, member, value, record, stub)


def _static(name: str, member: Function, value: Any, record: Record, stub: StubModule) -> object:
    if isinstance(value, staticmethod):
        return staticmethod(_guarded(name, member, value.__func__, record, stub))
    return classmethod(_method(name, member, value.__func__, record, stub))


def _method(name: str, member: Function, behaviour: Any, record: Record, stub: StubModule) -> Callable[..., Any]:
    fits = _fitting(behaviour)

    @functools.wraps(behaviour)
    def call(self: object, *args: object, **named: object) -> Any:
        problem = member.problem(args, named)
        if problem:
            raise record.no_call(name, problem, stub)
        if lacking := fits((self, *args), named):
            raise record.no_behaviour(name, lacking)
        record.called.add(name)
        with record.watching():
            return behaviour(self, *args, **named)

    return call


def _missing(name: str, member: object, record: Record, stub: StubModule) -> object:
    if isinstance(member, StubClass):
        return _class_without_behaviour(member, name, record)
    if isinstance(member, Function) and member.kind in ("staticmethod", "classmethod"):
        return staticmethod(_guarded(name, member, None, record, stub))
    if isinstance(member, Function) and member.kind != "property":

        def call(self: object, *args: object, **named: object) -> Any:
            problem = member.problem(args, named)
            raise record.no_call(name, problem, stub) if problem else record.no_behaviour(name)

        return call
    return member.value if isinstance(member, Constant) and member.value is not ... else _Unknown(name, record)


class _Unknown:
    """An attribute that the stub has and the fake has no value for: of the class and of its objects."""

    def __init__(self, name: str, record: Record) -> None:
        self._name, self._record = name, record

    def __get__(self, instance: object, owner: type) -> object:
        raise self._record.no_behaviour(self._name)


def _without_constructor(self: Fake, *args: object, **named: object) -> None:
    raise self.__stub_record__.no_behaviour(f"{self.__stub_name__}()")


def _source(stub: StubModule) -> str:
    inside = stub.file.relative_to(stub.package.folder.parent)
    return f"stub {inside.as_posix()}"
