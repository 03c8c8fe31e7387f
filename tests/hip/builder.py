"""Houdini scenes and asset libraries made by script, in each of the containers that Houdini saves."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

START = "fplayback -i on -r on\ntcur 0\nfps 24\ntset 0 0.16666666666666666\nfrange 1 4\n"


@dataclass
class Hip:
    """A scene in the making."""

    variables: dict[str, str] = field(default_factory=lambda: {"_HIP_SAVEVERSION": "20.5.332", "HIP": "/old/place"})
    start: str = START
    parts: list[tuple[str, bytes]] = field(default_factory=list)
    libraries: str = ""
    fallbacks: str = ""
    preferences: str = ""
    takes: str = ""

    def node(
        self,
        path: str,
        type_: str = "",
        parameters: dict[str, str] | None = None,
        *,
        channels: dict[str, str] | None = None,
        spare: str = "",
        bypass: bool = False,
        language: str = "hscript",
        inputs: str = "",
    ) -> Hip:
        """Add a node; values are as a `.parm` stores them, between its round brackets."""
        stem = path.strip("/")
        if type_:
            self.parts.append((f"{stem}.init", f"type = {type_}\nmatchesdef = 0\n".encode()))
        flags = f"flags =  lock off bypass {'on' if bypass else 'off'} display on"
        self.parts.append((f"{stem}.def", f"{flags}\ninputs\n{{\n{inputs}}}\nexprlanguage {language}\nend\n".encode()))
        if channels:
            blocks = "".join(
                f"    channel {name} {{\n      lefttype = extend\n      flags = 0\n      segment {{ length = 0 expr = {text} }}\n    }}\n"
                for name, text in channels.items()
            )
            self.parts.append((f"{stem}.chn", f"{{\n{blocks}  }}\n".encode()))
        if spare:
            self.parts.append((f"{stem}.spareparmdef", spare.encode()))
        self.parts.append((f"{stem}.parm", parm_text(parameters or {}).encode("utf-8", "surrogateescape")))
        return self

    def part(self, name: str, body: bytes) -> Hip:
        """Add any part."""
        self.parts.append((name, body))
        return self

    def all_parts(self) -> list[tuple[str, bytes]]:
        """Return the parts in Houdini's order."""
        variables = "".join(f"set -g {name} = '{value}'\n" for name, value in self.variables.items())
        head = [(".start", self.start), (".variables", variables), (".OPlibraries", self.libraries)]
        head += [(".OPpreferences", self.preferences), (".OPfallbacks", self.fallbacks)]
        tail = [(".takes", self.takes), (".cwd", "opcf /\n")]
        return [*((n, t.encode()) for n, t in head), *self.parts, *((n, t.encode()) for n, t in tail)]

    def save(self, container: str = "cpio") -> bytes:
        """Return the file in a container."""
        return CONTAINERS[container](self.all_parts())


def parm_text(parameters: dict[str, str]) -> str:
    """Return a `.parm`."""
    lines = "".join(f"{name}\t[ 0\tlocks=0 ]\t(\t{value}\t)\n" for name, value in parameters.items())
    return f"{{\nversion 0.8\n{lines}}}\n"


def cpio(parts: list[tuple[str, bytes]]) -> bytes:
    """Return an archive with octal headers."""
    result = b""
    for name, body in [*parts, ("TRAILER!!!", b"")]:
        label = name.encode() + b"\0"
        result += b"070707" + b"000001000000000666000000000000000001000000" + b"%011o%06o%011o" % (1, len(label), len(body))
        result += label + body
    return result


def newc(parts: list[tuple[str, bytes]]) -> bytes:
    """Return an archive with hexadecimal headers, padded to four bytes."""
    result = b""
    for name, body in [*parts, ("TRAILER!!!", b"")]:
        label = name.encode() + b"\0"
        fields = [0, 0o666, 0, 0, 1, 0, len(body), 0, 0, 0, 0, len(label), 0]
        head = b"070701" + b"".join(b"%08x" % f for f in fields) + label
        result += head + b"\0" * (-len(head) % 4) + body + b"\0" * (-len(body) % 4)
    return result


def non_commercial(parts: list[tuple[str, bytes]]) -> bytes:
    """Return a .hipnc."""
    result = b""
    for name, body in parts:
        result += (
            b"HouNC\x1a10336%05x064c84dba0" % (0xBAD ^ (len(name.encode()) + 1))
            + b"%08x" % (zlib.crc32(name.encode()) & 0xFFFFFFFF)
            + name.encode()
            + b"\0"
            + body
        )
    return result + b"HouNC\x1a1033600bba064c84dba08919230f" + b"NON_COMMERCIAL_FILE!!!\0"


def mime(parts: list[tuple[str, bytes]]) -> bytes:
    """Return a scene saved as text."""
    boundary = b"HOUDINIMIMEBOUNDARY0xD3ADD339-0x00000F49-0x56B122C9-0x00000001HOUDINIMIMEBOUNDARY"
    result = b'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="' + boundary + b'"\n\n'
    for name, body in parts:
        head = b'Content-Disposition: attachment; filename="' + name.encode() + b'"\nContent-Type: text/plain\n\n'
        result += b"--" + boundary + b"\n" + head + body + b"\n"
    return result + b"--" + boundary + b"--\n"


CONTAINERS: dict[str, Callable[[list[tuple[str, bytes]]], bytes]] = {
    "cpio": cpio,
    "newc": newc,
    "HouNC": non_commercial,
    "HouLC": lambda parts: non_commercial(parts).replace(b"HouNC\x1a", b"HouLC\x1a"),
    "MIME": mime,
    "gzip": lambda parts: gzip.compress(cpio(parts), mtime=0),
}


def library(definitions: dict[str, list[tuple[str, bytes]]], label: bytes = b"") -> bytes:
    """Return an asset library: definition → its sections."""
    return index([("INDEX_SECTION", b"\0" * 12), *((name, index(s)) for name, s in definitions.items())], label)


def index(sections: list[tuple[str, bytes]], label: bytes = b"") -> bytes:
    """Return an INDX container."""
    table, start = b"", 0
    for name, body in sections:
        table += struct.pack(">I", len(name)) + name.encode() + struct.pack(">III", start, len(body), 1)
        start += len(body)
    head = b"INDX" + struct.pack(">I", len(label)) + label + struct.pack(">II", 0, len(sections))
    return head + table + b"".join(body for _, body in sections)


def contents(parts: list[tuple[str, bytes]], container: str = "cpio") -> bytes:
    """Return the section Contents.gz."""
    plain = CONTAINERS[container]([("node_type", b"Sop\n"), *parts])
    return gzip.compress(struct.pack("<I", len(plain)) + plain, mtime=0)


def dialog_script(*parameters: str) -> bytes:
    """Return a DialogScript with these `parm` blocks."""
    body = "\n".join(f"    parm {{\n{p}\n    }}" for p in parameters)
    return f'# Dialog script for x automatically generated\n\n{{\n    name\tx\n    help {{\n\t""\n    }}\n{body}\n}}\n'.encode()
