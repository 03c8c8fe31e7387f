"""What Nuke itself makes of the texts in its knobs, for each frame and view that is asked of their node.

Sources: https://learn.foundry.com/nuke/developers/latest/pythondevguide/_autosummary/nuke.File_Knob.html (`getEvaluatedValue`
with an output context), nuke.EvalString_Knob.html (`evaluate`), nuke.OutputContext.html there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence

from conductor_core.discovery.nuke_ask import HostText, means
from conductor_core.discovery.nuke_unknown import CODE_AND_NOTES
from conductor_core.paths import ClientPath, local_flavour

import nuke
from conductor_nuke.live_node import EVALUATED, LiveNode
from conductor_nuke.script import GONE

#: is another in Nuke's window than where it renders, so that what it says here is not what is rendered there
_WINDOW_ONLY = re.compile(r"\$\{?gui\b|\bnuke\.GUI\b|\bnuke\.env\b", re.IGNORECASE)
#: frames × views for which one text is evaluated; of more only some of the frames are, the last among them
_MOST = 4000
#: frames at which it is looked whether Nuke and we agree
_FEW = 3


#: what we make of a text of a node's; None: we cannot evaluate it
Own = Callable[[LiveNode, str], "str | None"]


class HostTexts(dict[tuple[str, str], tuple[HostText, ...]]):
    """What Nuke has said, by a node's full name and its knob."""

    def ask(self, node: LiveNode, frames: Sequence[int], views: Sequence[str], own: Own = lambda *_: None) -> Iterator[None]:
        """Ask for the knobs of a node that have brackets in them; yields after each evaluation.

        `own` says what we make of a knob: where Nuke agrees at a few frames, the others are not asked for.
        """
        for name in tuple(node.knobs):
            plain = node.plain(name)
            if name in CODE_AND_NOTES or "[" not in plain or _WINDOW_ONLY.search(plain) or node.knob_class(name) not in EVALUATED:
                continue
            ours = own(node, plain)
            if ours is not None:
                yield from self._ask(node, name, _some(frames, _FEW), views)
                if all(means(ours, told.text) for told in self.get((node.full_name, name), ())):
                    continue
            yield from self._ask(node, name, _some(frames, max(1, _MOST // max(1, len(views)))), views)

    def _ask(self, node: LiveNode, name: str, frames: Sequence[int], views: Sequence[str]) -> Iterator[None]:
        found: dict[tuple[str, str], set[int]] = {}
        try:
            for view in views:
                for frame in frames:
                    found.setdefault((_evaluated(node, name, frame, view), view), set()).add(frame)
                    yield
        except GONE:  # it cannot be evaluated, or its node is gone
            return
        if not any(_is_local_copy(text) for text, _ in found):
            self[node.full_name, name] = tuple(_texts(found, len(frames), len(views)))


def _texts(found: dict[tuple[str, str], set[int]], frames: int, views: int) -> Iterator[HostText]:
    """Yield each text, with the frames and view for which it is; what is the same for all views comes once."""
    said: set[tuple[str, frozenset[int]]] = set()
    for (text, view), those in found.items():
        same = sum(1 for (other, _), others in found.items() if other == text and others == those)
        if not text or (text, frozenset(those)) in said:
            continue
        if same == views:
            said.add((text, frozenset(those)))
        yield HostText(text, None if len(those) == frames else frozenset(those), "" if same == views else view)


def _evaluated(node: LiveNode, name: str, frame: int, view: str) -> str:
    knob = node.host_knob(name)
    if isinstance(knob, nuke.File_Knob):
        context = nuke.OutputContext()
        context.setFrame(frame)
        if view:
            context.setView(context.viewFromName(view))
        return str(knob.getEvaluatedValue(context) or "")
    return str(knob.evaluate() or "") if isinstance(knob, nuke.EvalString_Knob) else ""


def _is_local_copy(text: str) -> bool:
    """Tell whether Nuke speaks of the copy that it keeps of a file on this machine, as it does where one is localized.

    https://learn.foundry.com/nuke/content/comp_environment/localization/localizing_files.html
    """
    if not os.path.isabs(text):
        return False
    preferences = nuke.toNode("preferences")
    knob = preferences.knob("localCachePath") if preferences is not None else None
    folder = str(knob.evaluate() or "") if isinstance(knob, nuke.EvalString_Knob) else ""
    flavour = local_flavour()
    return os.path.isabs(folder) and ClientPath.parse(text, flavour).is_within(ClientPath.parse(folder, flavour))


def _some(frames: Sequence[int], most: int) -> Sequence[int]:
    step = -(-len(frames) // most)
    return frames if step <= 1 else tuple(dict.fromkeys((*frames[::step], frames[-1])))
