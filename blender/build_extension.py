# SPDX-License-Identifier: GPL-3.0-or-later
"""Pack this folder as one zip: an extension for Blender 4.2 and later, and the same as a classic add-on for 3.4 to 4.1.

    python blender/build_extension.py [--out FOLDER]

What the panel stands on comes along as wheels, the only way that Blender allows an extension to bring modules of its own
(https://docs.blender.org/manual/en/latest/advanced/extensions/python_wheels.html): one of ours with `conductor_plugins` and what
of `conductor_core` a host imports, and those of `qtpy` and `packaging` as they are installed here. The same content gives the same
bytes: names sorted, times fixed.
"""

from __future__ import annotations

import argparse
import ast
import base64
import hashlib
import importlib.metadata
import io
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_REPO = _HERE.parent
#: pure-Python packages of others that the panel imports
OTHERS = ("qtpy", "packaging")
#: the earliest time that a zip can tell
_TIME = (1980, 1, 1, 0, 0, 0)
_NOT_PACKED = {"build_extension.py"}
_NOT_IN_A_WHEEL = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}


def main() -> int:
    """Write the zip and print where it lies."""
    parser = argparse.ArgumentParser(description="Pack the Blender extension.")
    parser.add_argument("--out", type=Path, default=Path("dist"), help="the folder to write to (default: dist)")
    print(build(parser.parse_args().out))
    return 0


def build(folder: Path) -> Path:
    """Write `conductor-VERSION.zip` into a folder and return its path."""
    manifest = (_HERE / "blender_manifest.toml").read_text(encoding="utf-8")
    version = _value(manifest, "version")
    wheels = dict(sorted([our_wheel(version), *(installed_wheel(name) for name in OTHERS)]))
    files = {path.name: path.read_bytes() for path in _HERE.iterdir() if path.suffix == ".py" and path.name not in _NOT_PACKED}
    files["LICENSE"] = (_HERE / "LICENSE").read_bytes()
    files["blender_manifest.toml"] = with_wheels(manifest, wheels).encode()
    files |= {f"wheels/{name}": content for name, content in wheels.items()}
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{_value(manifest, 'id')}-{version}.zip"
    # in a folder of its own: a classic add-on must have one in its zip, an extension may
    target.write_bytes(_zipped({f"conductor/{name}": content for name, content in files.items()}))
    return target


def our_wheel(version: str) -> tuple[str, bytes]:
    """Return name and content of the wheel with our own packages."""
    plugins = _REPO / "plugins" / "conductor_plugins"
    files = {
        f"conductor_plugins/{p.relative_to(plugins).as_posix()}": p.read_bytes()
        for p in plugins.rglob("*")
        if p.is_file() and "__pycache__" not in p.parts
    }
    files |= {p.relative_to(_REPO / "core").as_posix(): p.read_bytes() for p in host_layer()}
    information = f"conductor_host-{version}.dist-info"
    files[f"{information}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: conductor-host\nVersion: {version}\nLicense: Apache-2.0\nRequires-Python: >=3.10\n".encode()
    )
    files[f"{information}/LICENSE"] = (_REPO / "LICENSE").read_bytes()
    return _wheel("conductor_host", version, files)


def installed_wheel(name: str) -> tuple[str, bytes]:
    """Return name and content of a wheel with a package of others, from how it is installed in this Python."""
    distribution = importlib.metadata.distribution(name)
    paths = [p for p in distribution.files or () if ".." not in p.parts and "__pycache__" not in p.parts]
    files = {p.as_posix(): Path(str(p.locate())).read_bytes() for p in paths if p.name not in _NOT_IN_A_WHEEL}
    if any(p.endswith((".so", ".pyd", ".dll", ".dylib")) for p in files):
        raise SystemExit(f"{name} as it is installed is not pure Python.")
    return _wheel(re.sub(r"[-_.]+", "_", distribution.metadata["Name"]), distribution.version, files)


def host_layer() -> list[Path]:
    """Return the files of `conductor_core` that the add-on and the panel import, directly or not."""
    core = _REPO / "core"
    waiting = [p for folder in (_HERE, _REPO / "plugins" / "conductor_plugins") for p in folder.rglob("*.py")]
    found: set[Path] = set()
    while waiting:
        for module in _imports(waiting.pop()):
            for file in _files_of(core, module):
                if file not in found:
                    found.add(file)
                    waiting.append(file)
    return sorted(found)


def with_wheels(manifest: str, names: Iterable[str]) -> str:
    """Return the manifest with its wheels named, before its first table."""
    lines = "".join(f'  "./wheels/{name}",\n' for name in names)
    head, bracket, rest = manifest.partition("\n[")
    return f"{head}\nwheels = [\n{lines}]\n{bracket}{rest}"


def _imports(file: Path) -> Iterable[str]:
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _files_of(core: Path, module: str) -> Iterable[Path]:
    """Yield the file of a module of the core, and those of the packages it is in; nothing for any other name."""
    parts = module.split(".")
    if parts[0] != "conductor_core":
        return
    for count in range(1, len(parts) + 1):
        place = core.joinpath(*parts[:count])
        yield from (p for p in (place / "__init__.py", place.with_suffix(".py")) if p.is_file())


def _wheel(name: str, version: str, files: Mapping[str, bytes]) -> tuple[str, bytes]:
    """Return a wheel: https://packaging.python.org/en/latest/specifications/binary-distribution-format/."""
    information = next((p.split("/")[0] for p in files if p.split("/")[0].endswith(".dist-info")), f"{name}-{version}.dist-info")
    whole = dict(files)
    whole[f"{information}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: conductor\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    rows = [f"{path},sha256={_digest(content)},{len(content)}" for path, content in sorted(whole.items())]
    whole[f"{information}/RECORD"] = ("\n".join([*rows, f"{information}/RECORD,,"]) + "\n").encode()
    return f"{name}-{version}-py3-none-any.whl", _zipped(whole)


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def _zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            entry.create_system = 3
            archive.writestr(entry, content)
    return buffer.getvalue()


def _value(manifest: str, key: str) -> str:
    """Return a plain value of the manifest: this must run where Python has no TOML."""
    found = re.search(rf'(?m)^{key} = "([^"]*)"', manifest)
    if found is None:
        raise SystemExit(f"blender_manifest.toml has no {key}.")
    return found[1]


if __name__ == "__main__":
    raise SystemExit(main())
