"""A published stub package, read: which modules, functions, classes and constants a host has, and how they are called.

Only what the `.pyi` files say counts, read by `ast`: nothing of the host is imported. A module's text is parsed once, a signature is
made when it is first asked for.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from fakes.stub_types import Type, type_of

ROOT = Path(__file__).resolve().parents[2]


class StubsAbsent(Exception):
    """The stub package of a host is not installed here."""


@dataclass(frozen=True, slots=True)
class Call:
    """One signature of a function: how its arguments are bound, and what each may be."""

    signature: inspect.Signature
    types: dict[str, Type]
    #: whether arguments can be bound hangs on their number and names alone, and is asked very often
    _shapes: dict[tuple[int, tuple[str, ...]], str | list[tuple[int | str, str, Type]]] = field(default_factory=dict)

    def problem(self, args: tuple[object, ...], named: dict[str, object]) -> str:
        """Return why the stub does not have this call; "": it has."""
        shape = (len(args), tuple(named))
        if shape not in self._shapes:
            self._shapes[shape] = self._checks(args, named)
        checks = self._shapes[shape]
        if isinstance(checks, str):
            return checks
        for key, which, wanted in checks:
            item = args[key] if isinstance(key, int) else named[key]
            if not wanted.takes(item):
                return f"{which} must be {wanted.text}, not {item!r}"
        return ""

    def _checks(self, args: tuple[object, ...], named: dict[str, object]) -> str | list[tuple[int | str, str, Type]]:
        """Return what is checked of calls of this shape: argument, its name in words, its type; or why there is no such call."""
        numbers: tuple[object, ...] = tuple(range(len(args)))
        try:
            bound = self.signature.bind(*numbers, **{name: name for name in named})
        except TypeError as exc:
            return str(exc)
        found: list[tuple[int | str, str, Type]] = []
        for name, value in bound.arguments.items():
            wanted = self.types.get(name)
            kind = self.signature.parameters[name].kind
            if wanted is None:
                continue
            if kind is inspect.Parameter.VAR_POSITIONAL:
                found += [(key, f"argument {number + 1}", wanted) for number, key in enumerate(value)]
            elif kind is inspect.Parameter.VAR_KEYWORD:
                found += [(key, key, wanted) for key in value]
            else:
                found.append((value, name, wanted))
        return found


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method, with its overloads."""

    calls: tuple[Call, ...]
    #: "": of a module or an object; staticmethod, classmethod, property
    kind: str = ""

    def problem(self, args: tuple[object, ...], named: dict[str, object]) -> str:
        """Return why no signature has this call; "": one has."""
        problems = []
        for call in self.calls:
            problem = call.problem(args, named)
            if not problem:
                return ""
            problems.append(problem)
        return " / ".join(dict.fromkeys(problems))


@dataclass(frozen=True, slots=True)
class Constant:
    """A name with a type; its value too, where the stub tells it."""

    annotation: str
    value: object = ...


class StubClass:
    """A class of a stub."""

    def __init__(self, module: StubModule, node: ast.ClassDef) -> None:
        self.module, self.name = module, node.name
        self._names = _index(node.body)
        self._bases = [ast.unparse(base) for base in node.bases]
        self._made: dict[str, Function | Constant | StubClass] = {}

    def bases(self) -> Iterator[StubClass]:
        """Yield the classes of the same package that it stands on."""
        for base in self._bases:
            found = self.module.member(base.partition("[")[0].rpartition(".")[2])
            if isinstance(found, StubClass):
                yield found

    def own(self) -> list[str]:
        """Return the names that it adds itself."""
        return list(self._names)

    def member(self, name: str) -> Function | Constant | StubClass | None:
        """Return what it has by a name, its own or of a class that it stands on; None: nothing."""
        if name in self._names and name not in self._made:
            self._made[name] = _made(self.module, name, self._names[name], method=True)
        if name in self._made:
            return self._made[name]
        return next((found for base in self.bases() if (found := base.member(name)) is not None), None)

    def is_a(self, name: str) -> bool:
        """Tell whether it is a class of that name or stands on one."""
        return self.name == name or any(base.is_a(name) for base in self.bases())


class StubModule:
    """A module of a stub package."""

    def __init__(self, package: Stubs, name: str, file: Path) -> None:
        self.package, self.name, self.file = package, name, file
        self._made: dict[str, Function | Constant | StubClass] = {}

    @cached_property
    def _body(self) -> list[ast.stmt]:
        return ast.parse(self.file.read_text(encoding="utf-8")).body

    @cached_property
    def _names(self) -> dict[str, list[ast.stmt]]:
        return _index(self._body)

    @cached_property
    def aliases(self) -> dict[str, ast.expr]:
        """What the stub's own type names stand for (`Queryable = Union[bool, _T]`)."""
        found: dict[str, ast.expr] = {}
        for node in self._body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                found[node.targets[0].id] = node.value
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
                found |= {node.target.id: node.value} if ast.unparse(node.annotation) == "TypeAlias" else {}
        return found

    @cached_property
    def _others(self) -> list[tuple[StubModule, str, str]]:
        """Modules of the package that it imports from: the module, the name there, the name here (`*` for all)."""
        found = []
        for node in self._body:
            if isinstance(node, ast.ImportFrom) and node.level:
                other = self.package.find(f"{self._home}.{node.module}" if node.module else self._home)
                if other is not None and other is not self:
                    found += [(other, alias.name, alias.asname or alias.name) for alias in node.names]
        return found

    @property
    def _home(self) -> str:
        return self.name if self.file.name == "__init__.pyi" else self.name.rpartition(".")[0]

    def own(self) -> list[str]:
        """Return the names that it has, those that it takes over from others of the package included."""
        names = [name for name in self._names if name not in self.aliases]
        for other, there, here in self._others:
            names += [n for n in other.own() if not n.startswith("_")] if there == "*" else [here]
        return list(dict.fromkeys(names))

    def member(self, name: str) -> Function | Constant | StubClass | None:
        """Return what it has by a name; None: nothing."""
        if name in self._names and name not in self.aliases:
            if name not in self._made:
                self._made[name] = _made(self, name, self._names[name], method=False)
            return self._made[name]
        for other, there, here in self._others:
            if (there == "*" and not name.startswith("_")) or here == name:
                found = other.member(name if there == "*" else there)
                if found is not None:
                    return found
        return None


class Stubs:
    """A stub package: `Stubs.installed("maya-stubs")`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.name.removesuffix("-stubs")
        self._modules: dict[str, StubModule] = {}

    @staticmethod
    @lru_cache
    def installed(folder: str) -> Stubs:
        """Return the package as it is installed for the checker.

        Raises:
            StubsAbsent: it is not.
        """
        places = [Path(entry or ".") for entry in sys.path]
        places += [*sorted(ROOT.glob(".conductor/env/[Ll]ib/*/site-packages")), ROOT / ".conductor/env/Lib/site-packages"]
        for place in places:
            if (place / folder / "__init__.pyi").is_file():
                return Stubs(place / folder)
        raise StubsAbsent(f"The stubs {folder} are not installed; requirements/ names them.")

    def module(self, name: str) -> StubModule:
        """Return a module by its full name.

        Raises:
            ModuleNotFoundError: the package has none of that name.
        """
        found = self.find(name)
        if found is None:
            raise ModuleNotFoundError(f"{self.folder.name} has no module {name!r}", name=name)
        return found

    def find(self, name: str) -> StubModule | None:
        """Return a module by its full name, or None."""
        if name not in self._modules:
            top, *rest = name.split(".")
            base = self.folder.joinpath(*rest)
            files = [f for f in (base / "__init__.pyi", base.with_name(base.name + ".pyi")) if f.is_file()]
            if top != self.name or not files or (not rest and files[0].parent != self.folder):
                return None
            self._modules[name] = StubModule(self, name, files[0])
        return self._modules[name]


def _index(body: list[ast.stmt]) -> dict[str, list[ast.stmt]]:
    found: dict[str, list[ast.stmt]] = {}
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = [node]
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = [node]
    return found


def _made(module: StubModule, name: str, nodes: list[ast.stmt], *, method: bool) -> Function | Constant | StubClass:
    last = nodes[-1]
    if isinstance(last, ast.ClassDef):
        return StubClass(module, last)
    if isinstance(last, ast.FunctionDef):
        return _function(module, name, [n for n in nodes if isinstance(n, ast.FunctionDef)], method=method)
    value = getattr(last, "value", None)
    known = value.value if isinstance(value, ast.Constant) else ...
    return Constant(ast.unparse(last.annotation) if isinstance(last, ast.AnnAssign) else "", known)


def _function(module: StubModule, name: str, nodes: list[ast.FunctionDef], *, method: bool) -> Function:
    marks = {ast.unparse(mark) for mark in nodes[-1].decorator_list}
    kind = next((k for k in ("staticmethod", "classmethod", "property") if k in marks), "")
    if name == "__init__":  # types-nuke marks it as a class method, which nobody can call
        kind = ""
    overloads = [n for n in nodes if any(ast.unparse(m).endswith("overload") for m in n.decorator_list)]
    first = 1 if method and kind != "staticmethod" else 0
    return Function(tuple(_call(module, node, first) for node in overloads or nodes[-1:]), kind)


def _call(module: StubModule, node: ast.FunctionDef, skipped: int) -> Call:
    given = node.args
    placed = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(placed) - len(given.defaults)) + list(given.defaults)
    parameters, types = [], {}

    def add(arg: ast.arg, kind: inspect._ParameterKind, default: ast.expr | None) -> None:
        empty = inspect.Parameter.empty
        parameters.append(inspect.Parameter(arg.arg, kind, default=empty if default is None else ...))
        none = isinstance(default, ast.Constant) and default.value is None
        if arg.annotation is not None:
            types[arg.arg] = type_of(arg.annotation, module, none=none)

    for number, (arg, default) in enumerate(zip(placed, defaults, strict=True)):
        if number >= skipped:
            before = number < len(given.posonlyargs)
            add(arg, inspect.Parameter.POSITIONAL_ONLY if before else inspect.Parameter.POSITIONAL_OR_KEYWORD, default)
    if given.vararg:
        add(given.vararg, inspect.Parameter.VAR_POSITIONAL, None)
    for arg, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        add(arg, inspect.Parameter.KEYWORD_ONLY, default)
    if given.kwarg:
        add(given.kwarg, inspect.Parameter.VAR_KEYWORD, None)
    return Call(inspect.Signature(parameters), types)
