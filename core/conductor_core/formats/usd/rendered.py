"""What of a stage can be rendered: its render products, by husk, which comes with Houdini.

husk renders the products of the stage's own render settings, or of those that `--settings` names:
https://www.sidefx.com/docs/houdini/ref/utils/husk.html; the prims: https://openusd.org/release/api/usd_render_page_front.html.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from conductor_core.formats.usd.layer import Prim
from conductor_core.formats.usd.layer_reader import Context
from conductor_core.formats.usd.prims import outputs
from conductor_core.host import SceneStep
from conductor_core.submission import Output, Software

_SEVERAL = "the stage has several render products; render it by a command that names the settings (husk --settings)"


@dataclass(slots=True)
class Rendered:
    """The render products of a stage's own layer, as they are read."""

    #: product → what it writes
    products: dict[str, tuple[Output, ...]] = field(default_factory=dict)

    def note(self, prim: Prim, context: Context) -> None:
        """Take a prim of the scene itself; layers that it brings in have steps of their own, if they are submitted."""
        if prim.type != "RenderProduct" or context.survey.scene:
            return
        names = [p for p in prim.properties if p.name == "productName"]
        found = tuple(Output(o.path) for p in names for o in outputs(p, prim.path, context))
        if found:
            self.products[prim.path] = found

    def steps(self, scene: str) -> tuple[SceneStep, ...]:
        """Return a step for each product.

        husk is given render settings and never a product: where there are several, which settings make which is not read
        here, and a command of the artist's own has to say it.
        """
        if len(self.products) == 1:
            return tuple(SceneStep(path, found, command=_husk(scene)) for path, found in self.products.items())
        return tuple(SceneStep(path, found, problem=_SEVERAL) for path, found in self.products.items())

    @property
    def software(self) -> Software:
        """The software whose program renders the steps; any other may read the stage too."""
        return Software("houdini" if len(self.products) == 1 else "usd", "")


def _husk(scene: str) -> tuple[str, ...]:
    """Return argv that renders a frame of a stage."""
    return ("husk", "--verbose", "2a", "--frame", "{frame}", "--frame-count", "1", scene)
