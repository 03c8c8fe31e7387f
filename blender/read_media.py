# SPDX-License-Identifier: GPL-3.0-or-later
"""Movie clips, sounds, fonts and the video sequencer.

https://docs.blender.org/api/current/bpy.types.MovieClip.html, Sound.html, VectorFont.html, ImageStrip.html (until 4.4:
ImageSequence.html)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conductor_core.discovery.blender_numbers import strip_stills
from conductor_core.discovery.blender_reach import Itself, TheseNames, clip_stills
from conductor_core.discovery.reach import Reach

from .readers import reads
from .survey import Survey, ignored
from .usage import Finding, Slot

_PROXY = "proxies are for the editor, renders read the original"


@reads("movieclips")
def movie_clip(survey: Survey, clip: Any) -> Iterator[Finding]:
    """Yield the movie, or the stills that the frames of the job show."""
    stills = clip.source == "SEQUENCE"
    yield from survey.read(Slot(clip, clip), "image" if stills else "movie", _stills(survey, clip) if stills else Itself())
    if clip.use_proxy and clip.use_proxy_custom_directory:
        yield from ignored(Slot(clip, clip.proxy, "directory", " proxy"), _PROXY)


@reads("sounds")
def sound(survey: Survey, sound: Any) -> Iterator[Finding]:
    """Yield the file of a sound."""
    if sound.packed_file is not None:
        yield from ignored(Slot(sound, sound), "the sound is packed into the .blend")
    else:
        yield from survey.read(Slot(sound, sound), "sound", Itself())


@reads("fonts")
def font(survey: Survey, font: Any) -> Iterator[Finding]:
    """Yield the file of a font; the one built into Blender has none."""
    slot = Slot(font, font)
    if font.filepath == "<builtin>":
        yield from ignored(slot, "the font is built into Blender")
    elif font.packed_file is not None:
        yield from ignored(slot, "the font is packed into the .blend")
    else:
        yield from survey.read(slot, "font", Itself())


@reads("scenes")
def sequencer(survey: Survey, scene: Any) -> Iterator[Finding]:
    """Yield what the strips of a scene's sequencer read (sounds are datablocks of their own)."""
    editor = scene.sequence_editor
    if editor is None:
        return
    yield from ignored(Slot(scene, editor, "proxy_dir", " sequencer"), _PROXY)
    # `strips_all` since 4.4, `sequences_all` before; both look into meta strips.
    strips = list(editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all)
    retimed = any(s.type == "SPEED" for s in strips)
    for strip in strips:
        within = f' strip "{strip.name}"'
        if strip.type == "MOVIE":
            yield from survey.read(Slot(scene, strip, "filepath", within), "movie", Itself())
        elif strip.type == "IMAGE":
            shown = _shown(survey, strip, all_of_them=retimed)
            reach = TheseNames(shown, tuple(e.filename for e in strip.elements if e.filename not in shown))
            yield from survey.read(Slot(scene, strip, "directory", within), "image", reach)
        if getattr(strip, "proxy", None) is not None:
            for attribute in ("directory", "filepath"):
                yield from ignored(Slot(scene, strip.proxy, attribute, f"{within} proxy"), _PROXY)


def _stills(survey: Survey, clip: Any) -> Reach:
    name = survey.numbered(Slot(clip, clip))
    if name is None:
        return Itself()
    return clip_stills(name, survey.frames, start=clip.frame_start, offset=clip.frame_offset, length=clip.frame_duration)


def _shown(survey: Survey, strip: Any, *, all_of_them: bool) -> tuple[str, ...]:
    names = [element.filename for element in strip.elements]
    plain = strip.strobe <= 1 and not strip.use_reverse_frames and not len(getattr(strip, "retiming_keys", ()))
    if all_of_them or not plain:
        return tuple(names)
    start = int(getattr(strip, "content_start", strip.frame_start))
    inside = (f for f in survey.frames if strip.frame_final_start <= f < strip.frame_final_end)
    shown = strip_stills(inside, start=start, length=strip.frame_duration, skipped=strip.animation_offset_start)
    return tuple(names[i] for i in shown if i < len(names)) or tuple(names[:1])
