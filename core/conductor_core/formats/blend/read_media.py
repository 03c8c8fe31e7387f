"""Movie clips, sounds, fonts and the video sequencer.

https://docs.blender.org/api/current/bpy.types.MovieClip.html, Sound.html, VectorFont.html, ImageStrip.html
"""

from __future__ import annotations

from collections.abc import Iterator

from conductor_core.discovery.blender_numbers import numbered, strip_stills
from conductor_core.discovery.blender_reach import Itself, clip_stills
from conductor_core.discovery.finding import Finding
from conductor_core.discovery.reach import Reach
from conductor_core.formats.blend.reading import Reading, Slot
from conductor_core.formats.blend.record import Record
from conductor_core.formats.blend.register import reads_datablock

_API = "https://docs.blender.org/api/current/bpy.types."
_PROXY = "proxies are for the editor, renders read the original"
_BROWSER = "it is where a file browser was last"
#: `MovieClip.source`, `MovieClip.flag` (DNA_movieclip_types.h)
_CLIP_SEQUENCE, _USE_PROXY, _PROXY_FOLDER = 1, 1 << 0, 1 << 1
#: `Strip.type`, `Strip.flag` (DNA_sequence_types.h)
_IMAGE, _MOVIE, _SPEED, _REVERSED = 0, 3, 29, 1 << 7


@reads_datablock(b"MC", source=f"{_API}MovieClip.html")
def movie_clip(reading: Reading, clip: Record) -> Iterator[Finding]:
    """Yield the movie, or the stills that the frames of the job show."""
    slot = Slot(clip.owner, clip.text("name", "filepath"))
    stills = clip.number("source") == _CLIP_SEQUENCE
    yield from reading.read(slot, "image" if stills else "movie", _stills(reading, clip, slot) if stills else None)
    proxy, flag = clip.part("proxy"), clip.number("flag")
    if proxy is not None and flag & _USE_PROXY and flag & _PROXY_FOLDER:
        yield from reading.ignore(Slot(clip.owner, proxy.text("dir"), "directory", " proxy"), _PROXY)


@reads_datablock(b"SO", source=f"{_API}Sound.html")
def sound(reading: Reading, sound: Record) -> Iterator[Finding]:
    """Yield the file of a sound."""
    slot = Slot(sound.owner, sound.text("name", "filepath"))
    if sound.points("packedfile") or sound.points("newpackedfile"):
        yield from reading.ignore(slot, "the sound is packed into the .blend")
    else:
        yield from reading.read(slot, "sound")


@reads_datablock(b"VF", source=f"{_API}VectorFont.html")
def font(reading: Reading, font: Record) -> Iterator[Finding]:
    """Yield the file of a font; the one built into Blender has none."""
    slot = Slot(font.owner, font.text("name", "filepath"))
    if slot.text == "<builtin>":
        yield from reading.ignore(slot, "the font is built into Blender")
    elif font.points("packedfile"):
        yield from reading.ignore(slot, "the font is packed into the .blend")
    else:
        yield from reading.read(slot, "font")


@reads_datablock(b"SC", source=f"{_API}SequenceEditor.html")
def sequencer(reading: Reading, scene: Record) -> Iterator[Finding]:
    """Yield what the strips of a scene's sequencer read (sounds are datablocks of their own)."""
    editor = scene.follow("ed")
    if editor is None:
        return
    yield from reading.ignore(Slot(scene.owner, editor.text("proxy_dir"), "proxy_dir", " sequencer"), _PROXY)
    for member in ("act_imagedir", "act_sounddir"):
        yield from reading.ignore(Slot(scene.owner, editor.text(member), member, " sequencer"), _BROWSER)
    every = list(strips(editor))
    retimed = any(s.number("type") == _SPEED for s in every)
    for strip in every:
        yield from _strip(reading, scene, strip, retimed=retimed)


def strips(editor: Record) -> Iterator[Record]:
    """Yield all strips, those in meta strips included."""
    waiting, seen = [editor], {editor.own}
    while waiting:
        for strip in waiting.pop().listed("seqbase"):
            if strip.own not in seen:
                seen.add(strip.own)
                waiting.append(strip)
                yield strip


def _strip(reading: Reading, scene: Record, strip: Record, *, retimed: bool) -> Iterator[Finding]:
    data = strip.follow("strip") or strip.follow("data")
    if data is None:
        return
    within = f' strip "{strip.text("name")[2:]}"'
    folder = data.text("dir", "dirpath")
    names = [e.text("name", "filename") for e in data.array("stripdata", "StripElem")]
    if strip.number("type") == _MOVIE and names:
        yield from reading.read(Slot(scene.owner, _joined(folder, names[0]), "filepath", within), "movie")
    elif strip.number("type") == _IMAGE:
        for name in dict.fromkeys(names if retimed else _shown(reading, strip, names)):
            yield from reading.read(Slot(scene.owner, _joined(folder, name), "directory", within), "image")
    proxy = data.follow("proxy")
    if proxy is not None:
        for attribute, members in (("directory", ("dir", "dirpath")), ("filepath", ("file", "filename"))):
            yield from reading.ignore(Slot(scene.owner, proxy.text(*members), attribute, f"{within} proxy"), _PROXY)


def _joined(folder: str, name: str) -> str:
    return folder + ("" if folder.endswith(("/", "\\")) or not folder else "/") + name


def _shown(reading: Reading, strip: Record, names: list[str]) -> tuple[str, ...]:
    """Return the names of the stills that the frames of the job show; all of them where time runs in another way."""
    plain = strip.real("strobe") <= 1 and not strip.number("flag") & _REVERSED and not strip.number("retiming_handle_num")
    if not plain or not names:
        return tuple(names)
    start, length, skipped = strip.real("start"), strip.number("len"), strip.number("anim_startofs")
    first = start + strip.real("startofs") - strip.real("startstill")
    end = start + length - strip.real("endofs") + strip.real("endstill")
    shown = strip_stills((f for f in reading.frames if first <= f < end), start=start, length=length, skipped=skipped)
    return tuple(names[i] for i in shown if 0 <= i < len(names)) or tuple(names[:1])


def _stills(reading: Reading, clip: Record, slot: Slot) -> Reach:
    path = reading.path(slot)
    name = numbered(path) if path else None
    if name is None:
        return Itself()
    start, offset, length = (clip.number(n) for n in ("start_frame", "frame_offset", "len"))
    return clip_stills(name, reading.frames, start=start, offset=offset, length=length)
