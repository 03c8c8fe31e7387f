"""Make scenes and edit them: run by an interpreter that has bpy.

    python benchmarks/edited_scene.py FOLDER ROWS NODES

Writes `before/shot.blend` and `before/cache.abc`, in which the meshes move; then opens the scene as an artist does, sculpts one of its four meshes of
ROWS × ROWS points, and writes `after/shot.blend` and `after/cache.abc`. The scenes are not compressed. Beside them lies
`rig.ma`, of NODES nodes as Maya writes them; afterwards it has one more near its top.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path

import bpy
import numpy as np

MESHES = 4
#: of the cache, in each of which all points lie elsewhere
FRAMES = 5


def make(rows: int) -> None:
    """Make meshes of rough ground."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    random = np.random.default_rng(1)
    corners = np.arange(rows * rows).reshape(rows, rows)
    faces = np.stack([corners[:-1, :-1], corners[:-1, 1:], corners[1:, 1:], corners[1:, :-1]], -1).reshape(-1, 4)
    for number in range(MESHES):
        x, y = np.meshgrid(np.arange(rows), np.arange(rows))
        points = np.stack([x.ravel(), y.ravel(), random.random(rows * rows)], -1).astype(np.float32)
        mesh = bpy.data.meshes.new(f"ground{number}")
        mesh.vertices.add(len(points))
        mesh.vertices.foreach_set("co", points.ravel())
        mesh.loops.add(faces.size)
        mesh.loops.foreach_set("vertex_index", faces.ravel().astype(np.int32))
        mesh.polygons.add(len(faces))
        mesh.polygons.foreach_set("loop_start", np.arange(0, faces.size, 4, dtype=np.int32))
        mesh.update(calc_edges=True)
        ground = bpy.data.objects.new(f"ground{number}", mesh)
        bpy.context.scene.collection.objects.link(ground)
        ground.modifiers.new("wave", "WAVE").height = 0.2


def sculpt(name: str, rows: int) -> None:
    """Smooth the middle of a mesh, a tenth of its width.

    A mesh that grows beyond its bounds has other generated coordinates at each of its points, and a cache has them all.
    """
    mesh = bpy.data.meshes[name]
    flat = np.empty(len(mesh.vertices) * 3, dtype=np.float32)
    mesh.vertices.foreach_get("co", flat)
    points = flat.reshape(-1, 3)
    away = np.hypot(points[:, 0] - rows / 2, points[:, 1] - rows / 2) / (rows * 0.05)
    points[:, 2] = np.where(away < 1, away * points[:, 2] + (1 - away) * 0.5, points[:, 2])
    mesh.vertices.foreach_set("co", points.ravel())
    mesh.update()


def save(folder: Path) -> None:
    """Save the scene, and export its meshes."""
    folder.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"), compress=False)
    bpy.ops.wm.alembic_export(filepath=str(folder / "cache.abc"), start=1, end=FRAMES)


def maya_lines(nodes: int) -> Iterator[str]:
    """Yield a Maya scene of 2 KB a node."""
    numbers = random.Random(9)  # noqa: S311
    yield '//Maya ASCII 2025 scene\nrequires maya "2025";\n'
    for node in range(nodes):
        yield f'createNode mesh -n "shape{node}";\n'
        for index in range(32):
            yield f'\tsetAttr ".pt[{index}]" -type "float3" {numbers.random():.8f} {numbers.random():.8f} 0;\n'


def write_maya(folder: Path, nodes: int) -> None:
    """Write a Maya scene, and the same with a node inserted."""
    with (folder / "before" / "rig.ma").open("w") as before, (folder / "after" / "rig.ma").open("w") as after:
        for number, line in enumerate(maya_lines(nodes)):
            before.write(line)
            after.write('createNode transform -n "late";\n' + line if number == 34 else line)


def main() -> None:
    """Make, save, open, sculpt, save."""
    folder, rows, nodes = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    make(rows)
    save(folder / "before")
    bpy.ops.wm.open_mainfile(filepath=str(folder / "before" / "shot.blend"))
    sculpt(f"ground{MESHES // 2}", rows)
    save(folder / "after")
    write_maya(folder, nodes)


main()
