"""What the fake Maya writes as mayaBinary: groups with pointers of eight bytes, as real scenes of Maya 2014 and later have them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from fakes.maya_graph import Node
from fakes.maya_types import CAMERAS, CREATED, DEFAULT_NODES, TAGS

if TYPE_CHECKING:
    from fakes.maya_session import Session

_TAG_OF = {type_: tag for tag, type_ in TAGS.items()}


class CannotWrite(Exception):
    """No real binary scene was there to tell how this is written."""


def scene_bytes(session: Session, info: dict[str, str]) -> bytes:
    """Return the bytes of the whole scene.

    Raises:
        CannotWrite: it has a reference, or a node of a type whose four letters nobody has seen.
    """
    if session.references:
        raise CannotWrite("No test scene in binary had a reference.")
    session.graph.one("time1").values["outTime"] = session.time
    head = _leaf(b"VERS", session.version.encode()) + _leaf(b"TUNI", session.time_unit.encode())
    head += b"".join(_leaf(b"FINF", _words(key, value)) for key, value in info.items())
    head += b"".join(_leaf(b"PLUG", _words(name, version)) for name, version in session.plugins.items())
    body = _group(b"FOR8", b"HEAD", head) + b"".join(map(_node, session.graph.nodes))
    links = b"".join(
        _leaf(b"CWFL", b"\0" + _words(f"{source.name}.{there}", f"{node.name}.{plug}"))
        for node in session.graph.nodes
        for plug, (source, there) in node.inputs.items()
    )
    return _group(b"FOR8", b"Maya", body + _group(b"LIS8", b"CONS", _group(b"FOR8", b"CONN", links)))


def _group(tag: bytes, kind: bytes, body: bytes) -> bytes:
    return tag + bytes(4) + struct.pack(">Q", len(body) + 4) + kind + body


def _leaf(tag: bytes, data: bytes) -> bytes:
    return tag + bytes(4) + struct.pack(">Q", len(data)) + data + bytes(-len(data) % 8)


def _words(*words: str) -> bytes:
    return b"".join(word.encode("utf-8") + b"\0" for word in words)


def _node(node: Node) -> bytes:
    values = b"".join(_leaf(*one) for key, value in node.values.items() if (one := _value(node, key, value)))
    added = b"".join(_leaf(b"ATTR", _added(a.long, a.short, a.kind)) for a in node.added.values())
    if node.name in DEFAULT_NODES and node.name not in CREATED:
        return _group(b"FOR8", b"SLCT", _leaf(b"SLCT", f":{node.name}".encode()) + added + values) if values or added else b""
    if node.type not in _TAG_OF:
        raise CannotWrite(f"Nobody has seen how binary scenes call the type {node.type}.")
    flags = (1 if node.name.removesuffix("Shape") in CAMERAS else 0) | (4 if node.parent else 0) | (8 if node.in_dag else 0)
    parent = node.parent.name + "\0" if node.parent else ""
    created = bytes([flags]) + f"{node.name}\0{parent}".encode() + bytes.fromhex(node.uuid.replace("-", ""))
    return _group(b"FOR8", _TAG_OF[node.type].encode("latin-1"), _leaf(b"CREA", created) + added + values)


def _added(long: str, short: str, kind: str) -> bytes:
    text = kind in ("string", "filename")
    return b"aTYP\xf8\0\0\0\0\0\0\1" + (b"STR " if text else b"DBLE") + _words(long, short) + bytes(4)


def _value(node: Node, key: str, value: object) -> tuple[bytes, bytes] | None:
    parts = []
    for part in key.split("."):
        name, bracket, index = part.partition("[")
        found = node.find(name)
        parts.append((found.short if found else name) + bracket + index)
    head = ".".join(parts).encode() + b"\0 "
    if isinstance(value, str):
        return b"STR ", head + value.encode("utf-8") + b"\0"
    if isinstance(value, (bool, int, float)):
        return b"DBLE", head + struct.pack(">d", float(value))
    if isinstance(value, tuple) and all(isinstance(one, (int, float)) for one in value):
        return b"DBL3", head + struct.pack(f">{len(value)}d", *value)
    return None
