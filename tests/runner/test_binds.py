"""The plan of what a task sees: a table of views and the mounts they come to."""

from __future__ import annotations

import pytest
from conductor_service.runner.binds import Mount, Node, NodeKind, View, plan_binds

#: what this machine has, as far as the plan asks
MACHINE: dict[str, tuple[Node, ...]] = {
    "/usr": (Node("bin", "folder"), Node("share", "folder"), Node("tmp", "link", "../var/tmp")),
    "/usr/share": (Node("fonts", "folder"), Node("icons", "folder")),
    "/usr/share/fonts": (Node("a.ttf", "file"), Node("b.ttf", "link", "/etc/b.ttf")),
    "/opt/soft": (Node("bin", "folder"), Node("lib", "folder")),
    "/opt/soft/lib": (Node("x.so", "file"),),
}

USR = Mount("read-only", "/usr", "/usr")
BIN = Mount("link", "/bin", "usr/bin")
SOFT = Mount("read-only", "/opt/soft", "/opt/soft")
TMP = Mount("writable", "/tmp", "/session/tmp")
BASE = (USR, BIN, SOFT, TMP)


def listing(folder: str) -> tuple[Node, ...]:
    return MACHINE.get(folder, ())


def staged(*paths: str, kinds: dict[str, NodeKind] | None = None, root: str = "/") -> dict[str, Node]:
    """Return the inputs of a view: files, with the folders above them."""
    result: dict[str, Node] = {}
    for path in paths:
        kind = (kinds or {}).get(path, "file")
        result[path] = Node(path, kind, "where/it/says" if kind == "link" else "")
        while (path := path.rpartition("/")[0]) and path != root.rstrip("/"):
            result.setdefault(path, Node(path, "folder"))
    return result


def plan(inputs: dict[str, Node], outputs: dict[str, str] | None = None, base: tuple[Mount, ...] = BASE) -> list[Mount]:
    """Return what the plan has beside an unchanged base."""
    view = View(base, ("/tmp", "/dev"), inputs, outputs or {}, "/stage")
    return [m for m in plan_binds(view, listing) if m not in BASE]


def ro(target: str, source: str = "") -> Mount:
    return Mount("read-only", target, source or "/stage" + target)


CASES = {
    "a folder of its own is bound as a whole": (staged("/job/a.blend", "/job/tex/b.png"), {}, [ro("/job")]),
    "each top-level folder": (staged("/job/a", "/lib2/b"), {}, [ro("/job"), ro("/lib2")]),
    "a file in the root": (staged("/a.blend"), {}, [ro("/a.blend")]),
    "nothing": ({}, {}, []),
    "beside software": (staged("/opt/job/a"), {}, [ro("/opt/job")]),
    "a file that the software has is laid over it": (staged("/opt/soft/lib/x.so"), {}, [ro("/opt/soft/lib/x.so")]),
    "a new file in the software's folder splits it": (
        staged("/opt/soft/lib/y.so"),
        {},
        [
            Mount("folder", "/opt/soft"),
            ro("/opt/soft/bin", "/opt/soft/bin"),
            Mount("folder", "/opt/soft/lib"),
            ro("/opt/soft/lib/x.so", "/opt/soft/lib/x.so"),
            ro("/opt/soft/lib/y.so"),
        ],
    ),
    "a new folder in a system folder splits it, and is bound as a whole": (
        staged("/usr/share/fonts/studio/c.ttf", "/usr/share/fonts/studio/d.ttf"),
        {},
        [
            Mount("folder", "/usr"),
            ro("/usr/bin", "/usr/bin"),
            Mount("folder", "/usr/share"),
            Mount("folder", "/usr/share/fonts"),
            ro("/usr/share/fonts/a.ttf", "/usr/share/fonts/a.ttf"),
            Mount("link", "/usr/share/fonts/b.ttf", "/etc/b.ttf"),
            ro("/usr/share/fonts/studio"),
            ro("/usr/share/icons", "/usr/share/icons"),
            Mount("link", "/usr/tmp", "../var/tmp"),
        ],
    ),
    "a system file of that name is laid over": (staged("/usr/share/fonts/a.ttf"), {}, [ro("/usr/share/fonts/a.ttf")]),
    "through the system's own link": (staged("/bin/tool"), {}, None),
    "in /tmp": (staged("/tmp/a/b.png"), {}, [ro("/tmp/a")]),
    "a link of the job": (staged("/job", kinds={"/job": "link"}), {}, [Mount("link", "/job", "where/it/says")]),
    "a link in a bound folder is the stage's": (staged("/job/x", "/job/l", kinds={"/job/l": "link"}), {}, [ro("/job")]),
    "an output folder in an input folder": (
        staged("/job/a"),
        {"/job/render": "/out/0"},
        [ro("/job"), Mount("writable", "/job/render", "/out/0")],
    ),
    "inputs in an output folder are copies there": (
        staged("/job/render/old.png"),
        {"/job/render": "/out/0"},
        [ro("/job"), Mount("writable", "/job/render", "/out/0")],
    ),
    "the output folder is the input folder": (staged("/job/a"), {"/job": "/out/0"}, [Mount("writable", "/job", "/out/0")]),
    "an output folder of its own": ({}, {"/render": "/out/0"}, [Mount("writable", "/render", "/out/0")]),
    "an output folder in /tmp": ({}, {"/tmp/render": "/out/0"}, [Mount("writable", "/tmp/render", "/out/0")]),
    "an output folder above software": (
        staged("/opt/a"),
        {"/opt": "/out/0"},
        [Mount("writable", "/opt", "/out/0")],
    ),
    "an output folder in a system folder": (
        {},
        {"/opt/soft/out": "/out/0"},
        [
            Mount("folder", "/opt/soft"),
            ro("/opt/soft/bin", "/opt/soft/bin"),
            ro("/opt/soft/lib", "/opt/soft/lib"),
            Mount("writable", "/opt/soft/out", "/out/0"),
        ],
    ),
}


@pytest.mark.parametrize(("inputs", "outputs", "expected"), CASES.values(), ids=CASES.keys())
def test_plan(inputs: dict[str, Node], outputs: dict[str, str], expected: list[Mount] | None) -> None:
    """Every input is shown read-only, every output folder writable, the base stays, and mounts are as few as can be."""
    if expected is None:
        assert ro("/usr/bin/tool", "/stage/bin/tool") in plan(inputs, outputs)
        return
    assert plan(inputs, outputs) == expected


def test_a_parent_is_mounted_before_what_lies_in_it() -> None:
    """The order is by path, component by component, whatever kind a mount is."""
    inputs = staged("/opt/soft/lib/y.so", "/opt/soft-2/a", "/job/x")
    view = View(BASE, ("/tmp",), inputs, {"/opt": "/out/0", "/job/render": "/out/1"}, "/stage")
    targets = [m.target for m in plan_binds(view, listing)]
    for number, target in enumerate(targets):
        assert not [later for later in targets[number:] if target.startswith(later + "/")]


def test_what_a_root_shows_already_is_not_bound_again() -> None:
    """A software root within another one is left out, one with another source is kept."""
    twice = (*BASE, Mount("read-only", "/opt/soft/lib", "/opt/soft/lib"))
    assert plan({}, base=twice) == []
    other = Mount("read-only", "/opt/soft/lib", "/elsewhere")
    assert plan({}, base=(*BASE, other)) == [other]


def test_a_windows_client_s_files_lie_below_one_folder() -> None:
    """The stage stands for the folder of the drives; each drive is bound as a whole."""
    root = "/conductor/files"
    inputs = staged(f"{root}/C/job/a.blend", f"{root}/UNC/server/share/b.png", root=root)
    view = View(BASE, ("/tmp",), inputs, {f"{root}/C/render": "/out/0"}, "/stage", root)
    mounts = [m for m in plan_binds(view, listing) if m not in BASE]
    assert mounts == [
        ro(f"{root}/C", "/stage/C"),
        Mount("writable", f"{root}/C/render", "/out/0"),
        ro(f"{root}/UNC", "/stage/UNC"),
    ]
