"""Our reading of USD beside the library's own, where that is right: the same files, in text and in crates of each version."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from conductor_core.discovery.survey import Survey
from conductor_core.formats import scan_file

sdf = pytest.importorskip("pxr.Sdf")
usd_utils = pytest.importorskip("pxr.UsdUtils")

FORMS = ("usda", "usdc")


def ours(file: Path) -> tuple[set[str], set[str]]:
    """Return the files that we find and those that we miss."""
    report = scan_file(Survey(str(file))).report
    return {f for d in report.dependencies for f in d.files} - {str(file)}, {m.path for m in report.missing}


def theirs(file: Path) -> tuple[set[str], set[str]]:
    """Return what the library finds and misses."""
    layers, assets, missing = usd_utils.ComputeAllDependencies(str(file))
    found = {layer.realPath for layer in layers} | set(assets)
    return found - {str(file)}, {os.path.normpath(os.path.join(file.parent, m)) for m in missing}


def attribute(layer: object, path: str, type_: object) -> object:
    """Make an attribute."""
    prim, _, name = path.rpartition(".")
    spec = sdf.CreatePrimInLayer(layer, prim)
    return sdf.AttributeSpec(spec, name, type_)


def build(folder: Path, seed: int, form: str) -> Path:
    """Make a tree of layers that point to each other and to files, some of which lack, and return its top."""
    chance = random.Random(seed)
    names = [f"{chance.choice(['', 'a/', 'a/b/'])}l{i}.{chance.choice(['usd', form])}" for i in range(12)]
    files = [f"tex/t{i}.png" for i in range(10)]
    for name in files[:7]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    for tile in (1001, 1002, 1015):
        (folder / f"tex/u.{tile}.exr").write_text("")
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        layer = sdf.Layer.CreateNew(str(path), args={"format": form} if name.endswith(".usd") else {})

        def to(target: str, start: Path = path.parent) -> str:
            text = os.path.relpath(folder / target, start)
            return text if text.startswith("..") else "./" + text

        later = [*names[number + 1 :], "lost.usd"]
        fill(
            layer,
            chance,
            lambda later=later, to=to: to(chance.choice(later)),
            lambda to=to: to(chance.choice([*files, "tex/u.<UDIM>.exr"])),
        )
        layer.Save()
    return folder / names[0]


def fill(layer: object, chance: random.Random, other: object, file: object) -> None:
    """Let a layer point to others and to files in ways that chance picks."""
    layer.subLayerPaths.append(other())  # type: ignore[attr-defined,operator]
    prim = sdf.CreatePrimInLayer(layer, "/World/geo")
    lists = ("prependedItems", "appendedItems", "addedItems")
    for _ in range(chance.randrange(3)):
        reference = sdf.Reference(other(), "/World", sdf.LayerOffset(chance.randrange(3), 2))  # type: ignore[operator]
        payload = sdf.Payload(other())  # type: ignore[operator]
        for items, item in ((prim.referenceList, reference), (prim.payloadList, payload)):
            where = getattr(items, chance.choice(lists))
            if item not in where:
                where.append(item)
    for i in range(chance.randrange(1, 4)):
        attribute(layer, f"/World/mat/shader{i}.inputs:file", sdf.ValueTypeNames.Asset).default = sdf.AssetPath(file())  # type: ignore[attr-defined,operator]
        many = attribute(layer, f"/World/mat/shader{i}.many", sdf.ValueTypeNames.AssetArray)
        many.default = sdf.AssetPathArray([sdf.AssetPath(file()) for _ in range(3)])  # type: ignore[attr-defined,operator]
        attribute(layer, f"/World/mat/shader{i}.points", sdf.ValueTypeNames.FloatArray).default = [float(n) for n in range(50)]  # type: ignore[attr-defined]
        attribute(layer, f"/World/mat/shader{i}.anim", sdf.ValueTypeNames.Asset)
        for time in range(chance.randrange(4)):
            layer.SetTimeSample(f"/World/mat/shader{i}.anim", time, sdf.AssetPath(file()))  # type: ignore[attr-defined,operator]
    variants = sdf.VariantSetSpec(prim, "look")
    for name in ("red", "blue"):
        variant = sdf.VariantSpec(variants, name)
        variant.primSpec.referenceList.explicitItems = [sdf.Reference(other())]  # type: ignore[operator]
        sdf.AttributeSpec(variant.primSpec, "tex", sdf.ValueTypeNames.Asset).default = sdf.AssetPath(file())  # type: ignore[operator]
    prim.customData = {"deep": {"deeper": sdf.AssetPath(file())}, "number": 1, "text": "no/path"}  # type: ignore[operator]
    layer.customLayerData = {"meta": sdf.AssetPath(file())}  # type: ignore[attr-defined,operator]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("seed", range(6))
def test_the_same_files_as_the_library(tmp_path: Path, seed: int, form: str) -> None:
    """Layers that USD has written come to the same files, found and missing, as the library says."""
    top = build(tmp_path, seed, form)
    found, missing = ours(top)
    their_files, their_missing = theirs(top)
    assert found == their_files
    assert {os.path.relpath(m, tmp_path) for m in missing} == {os.path.relpath(m, tmp_path) for m in their_missing}


@pytest.mark.parametrize("version", ["0.4.0", "0.5.0", "0.6.0", "0.7.0", "0.8.0", "0.9.0", "0.10.0", "0.13.0"])
def test_crates_of_every_version_that_can_be_written(tmp_path: Path, version: str) -> None:
    """Crates of older versions say the same as that of today."""
    top = build(tmp_path, 3, "usda")
    target = tmp_path / top.relative_to(tmp_path).parent / "old.usdc"
    code = "import sys; from pxr import Sdf; assert Sdf.Layer.FindOrOpen(sys.argv[1]).Export(sys.argv[2])"
    environment = os.environ | {"USD_WRITE_NEW_USDC_FILES_AS_VERSION": version}
    subprocess.run([sys.executable, "-c", code, str(top), str(target)], env=environment, check=True)
    with open(target, "rb") as file:
        assert [*file.read(11)[8:]] == [int(n) for n in version.split(".")]
    assert ours(target) == (ours(top)[0], ours(top)[1])


def test_many_layers(tmp_path: Path) -> None:
    """A thousand layers are read once each."""
    count = 1000
    for i in range(count):
        (tmp_path / f"l{i}.usda").write_text('#usda 1.0\ndef "a" { asset t = @./t.png@\n}\n')
    top = tmp_path / "top.usda"
    top.write_text("#usda 1.0\n(\n subLayers = [" + ", ".join(f"@./l{i}.usda@" for i in range(count)) + "]\n)\n")
    assert ours(top)[0] == theirs(top)[0]
