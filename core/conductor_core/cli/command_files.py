"""What the words of a command read: files that must go along, those that lack, and folders that nobody sends by a word."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from conductor_core.discovery.reach import Frames
from conductor_core.paths import local_flavour
from conductor_core.report import Missing
from conductor_core.sequences import DirectoryListing, frame_path
from conductor_core.steps import is_of_the_system
from conductor_core.task_words import fill_words


@dataclass(frozen=True, slots=True)
class CommandFiles:
    """What was found of a command's words."""

    files: tuple[str, ...]
    missing: tuple[Missing, ...]
    #: words that are folders: named to the artist, since all of a disk might hang on one
    folders: tuple[str, ...]


def files_of_command(
    words: Sequence[str], tasks: Sequence[tuple[int, ...]], outputs: Sequence[str], *, place: str = "--command"
) -> CommandFiles:
    """Return the files that a command's words name, for all its tasks.

    A word counts that is a whole path, or has one behind its first `=`. What the command writes is no file that it reads,
    and what belongs to a system is there on every instance.

    Args:
        words: with placeholders.
        tasks: the frames of each task.
        outputs: absolute patterns of what it writes.
        place: where the words stand, for the sentences.
    """
    listing = DirectoryListing()
    files: dict[str, None] = {}
    missing: list[Missing] = []
    folders: dict[str, None] = {}
    for number, word in enumerate(words, 1):
        for path, frames in _paths(word, tasks):
            if _is_written(path, frames, outputs):
                continue
            if os.path.isdir(path):
                folders[path] = None
                continue
            found = Frames(frames).find(path, listing)
            files |= dict.fromkeys(found.files)
            reason = "there is no such file; if the command writes it, name it with --output"
            missing += [Missing(word, lacking, "other", f"word {number} of {place}", reason) for lacking in found.lacking]
    unique = {one.path: one for one in missing}
    return CommandFiles(tuple(files), tuple(unique.values()), tuple(folders))


def whole_words(words: Sequence[str]) -> tuple[str, ...]:
    """Return the words with whole paths for those that are files of this folder; a program only where it has a `/`."""
    return tuple(
        os.path.abspath(word) if os.path.isfile(word) and (number or os.path.basename(word) != word) else word
        for number, word in enumerate(words)
    )


def _paths(word: str, tasks: Sequence[tuple[int, ...]]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield each path that a word comes to, with the frames for which it does."""
    path = word if _is_ours(word) else word.partition("=")[2]
    if not _is_ours(path):
        return
    by_text: dict[str, dict[int, None]] = {}
    for frames in tasks:
        by_text.setdefault(fill_words([path], frames)[0], {}).update(dict.fromkeys(frames))
    for text, wanted in by_text.items():
        yield os.path.normpath(text), tuple(wanted)


def _is_ours(text: str) -> bool:
    return os.path.isabs(text) and not is_of_the_system(text, local_flavour())


def _is_written(path: str, frames: tuple[int, ...], outputs: Sequence[str]) -> bool:
    """Tell whether a path is what the command writes, or a folder that it writes into."""
    if any(output.startswith(os.path.join(path, "")) for output in outputs):
        return True
    return any(frame_path(path, frame) == frame_path(output, frame) for output in outputs for frame in frames)
