"""What the fake Maya writes when it saves: text as Maya's own, with what differs from the defaults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fakes.maya_graph import Node
from fakes.maya_types import CAMERAS, CREATED, DEFAULT_NODES

if TYPE_CHECKING:
    from fakes.maya_session import Session


def quoted(text: str) -> str:
    """Return a text as MEL has it."""
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r")):
        text = text.replace(plain, escaped)
    return f'"{text}"'


def scene_text(session: Session, info: dict[str, str], *, keep_references: bool) -> str:
    """Return the text of the whole scene."""
    lines = [f"//Maya ASCII {session.version} scene", "//Codeset: UTF-8"]
    own = [n for n in session.graph.nodes if n.reference is None or not keep_references]
    references = [(n, r) for n, r in session.references.items() if keep_references and n.reference is None]
    for mark in ("-rdi 1", "-r"):
        for node, saved in references:
            deferred = " -dr 1" if mark == "-r" or not session.is_loaded(node) else ""
            lines.append(
                f"file {mark} -ns {quoted(saved.namespace)}{deferred} -rfn {quoted(node.name)} -op {quoted(saved.options or 'v=0;')}"
                f" -typ {quoted(saved.type)} {quoted(saved.path)};"
            )
    lines.append(f"requires maya {quoted(session.version)};")
    for plugin, version in session.plugins.items():
        kinds = "".join(f" -nodeType {quoted(t)}" for t, p in session.plugin_types.items() if p == plugin)
        lines.append(f"requires{kinds} {quoted(plugin)} {quoted(version)};")
    lines.append(f"currentUnit -l centimeter -a degree -t {session.time_unit};")
    lines += [f"fileInfo {quoted(k)} {quoted(v)};" for k, v in info.items()]
    session.graph.one("time1").values["outTime"] = session.time
    for node in own:
        if node.type == "reference" and not keep_references:
            continue
        lines += _node(session, node, references)
    lines += _connections(own)
    return "\n".join([*lines, f"// End of {session.name.rpartition('/')[2]}", ""])


def _node(session: Session, node: Node, references: Sequence[tuple[Node, object]]) -> list[str]:
    if node.name in DEFAULT_NODES and node.name not in CREATED:
        if not node.values and not node.added:
            return []
        lines = [f"select -ne :{node.name};"]
    else:
        parent = f" -p {quoted(session.graph.short(node.parent))}" if node.parent else ""
        shared = " -s" if node.name.removesuffix("Shape") in CAMERAS else ""
        lines = [f"createNode {node.type}{shared} -n {quoted(node.name)}{parent};", f'\trename -uid "{node.uuid}";']
    for attribute in node.added.values():
        if attribute.kind in ("string", "filename"):
            used = " -uaf" if attribute.kind == "filename" else ""
            lines.append(f'\taddAttr -ci true -sn "{attribute.short}" -ln "{attribute.long}"{used} -dt "string";')
    lines += [line for key, value in node.values.items() if (line := _value(node, key, value))]
    if any(node is one for one, _ in references):
        lines += _edits(session, node)
    return lines


def _value(node: Node, key: str, value: object) -> str:
    parts = []
    for part in key.split("."):
        name, bracket, index = part.partition("[")
        found = node.find(name)
        parts.append((found.short if found else name) + bracket + index)
    place = f'"{"." + ".".join(parts)}"'
    if isinstance(value, str):
        return f'\tsetAttr {place} -type "string" {quoted(value)};'
    if isinstance(value, bool):
        return f"\tsetAttr {place} {'yes' if value else 'no'};"
    if isinstance(value, (int, float)):
        return f"\tsetAttr {place} {value!r};"
    if isinstance(value, list):
        return f'\tsetAttr {place} -type "stringArray" {len(value)} {" ".join(map(quoted, value))};'
    if isinstance(value, tuple):
        return f'\tsetAttr {place} -type "double{len(value)}" {" ".join(map(repr, value))};' if len(value) < 5 else ""
    return ""


def _edits(session: Session, node: Node) -> list[str]:
    """Return what was changed on the nodes of a reference."""
    rows = []
    for other in session.graph.nodes:
        if other.reference is node:
            for plug in sorted(other.edited):
                value = other.values.get(plug)
                text = f' -type "string" {quoted(value)}' if isinstance(value, str) else f" {float(value or 0)!r}"  # type: ignore[arg-type]
                rows.append(f"\t\t2 {quoted(session.graph.short(other))} {quoted(plug)} {quoted(text)}")
    if not rows:
        return []
    return [
        f'\tsetAttr ".ed" -type "dataReferenceEdits"\n\t\t{quoted(node.name)}\n\t\t{quoted(node.name)} {len(rows)}',
        *rows,
        "\t;",
    ]


def _connections(own: list[Node]) -> list[str]:
    lines = []
    for node in own:
        for plug, (source, from_plug) in node.inputs.items():
            lines.append(f"connectAttr {quoted(f'{source.name}.{from_plug}')} {quoted(f'{node.name}.{plug}')};")
    return lines
