"""What of a scene can be rendered: its output nodes, where they write, over which frames, and what must be written before.

The same for a scene's file and for Houdini itself: https://www.sidefx.com/docs/houdini/render/rops.html (input dependencies, frame
ranges, takes).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from conductor_core.discovery.finding import Facts
from conductor_core.discovery.houdini_ask import HipAsk
from conductor_core.discovery.houdini_drivers import DRIVERS, PASSED_THROUGH, Driver, Export, OutputKind
from conductor_core.discovery.houdini_node import HipNode, Network
from conductor_core.discovery.houdini_settings import SceneSettings
from conductor_core.discovery.houdini_values import Value
from conductor_core.discovery.hscript_values import NeedsFrame, NotEvaluated
from conductor_core.discovery.tables.houdini import constructed_path, constructs_path
from conductor_core.host import SceneStep
from conductor_core.submission import Output, Software

_RENDER_NETWORKS = frozenset({"ropnet", "ropnetwork", "topnet"})
#: nodes between a render node and what tells where it writes
_DEEPEST = 500
_WINDOWS = ("ip", "md")
_WEDGE = re.compile(r"\$\{?WEDGE")


def scene_facts(network: Network, settings: SceneSettings, ask: HipAsk) -> Facts:
    """Return what a submission of the scene needs to know."""
    steps = scene_steps(network.ordered(), ask)
    return Facts(Software("houdini", settings.version), settings.frames, steps, saved_by=settings.version)


def scene_steps(nodes: Iterable[HipNode], ask: HipAsk) -> tuple[SceneStep, ...]:
    """Return the steps of those nodes that render or write, by path; `after` names such as are among them."""
    steps = [step for node in sorted(nodes, key=lambda n: n.path) for step in _Stepping(ask).steps_of(node)]
    names = {step.name for step in steps}
    return tuple(replace(step, after=tuple(name for name in step.after if name in names)) for step in steps)


def driver_of(node: HipNode, network: Network) -> Driver | None:
    """Return how a node renders or writes; None where it does not."""
    driver = DRIVERS.get(node.type.rpartition("::")[2])
    if driver is None or (driver.only_in_render_networks and not _in_render_network(node, network)):
        return None
    return None if driver.reads_when and node.number(driver.reads_when) else driver


@dataclass(slots=True)
class _Stepping:
    """The making of one node's steps."""

    ask: HipAsk

    def steps_of(self, node: HipNode) -> Iterator[SceneStep]:
        if node.type.rpartition("::")[2] == "wedge" and _in_render_network(node, self.ask.network):
            yield self._wedge(node)
        driver = driver_of(node, self.ask.network)
        if driver is None:
            return
        own = SceneStep(
            node.path,
            (),
            parameters={"node": node.path},
            enabled=not node.bypassed,
            frames=self._frames(node),
            after=self._after(node),
        )
        images, problem = self._images(node, driver)
        camera = self._camera_problem(node, driver)
        problem = problem or camera
        export = driver.export
        if export is None or (export.switch and not node.number(export.switch)):
            yield replace(own, outputs=images, problem=problem)
            return
        files, trouble = self._written(node, (export.file,), "other" if export.switch else "cache")
        yield replace(own, outputs=files, problem=trouble or camera)
        if files and images and not trouble:
            yield SceneStep(
                _render_of(node, export),
                images,
                enabled=own.enabled and bool(export.switch),
                problem=problem,
                frames=own.frames,
                after=(node.path,),
                command=export.command(files[0].path),
            )

    def _wedge(self, node: HipNode) -> SceneStep:
        """A wedge renders what it drives several times, and names the files by $WEDGE, which only it sets.

        https://www.sidefx.com/docs/houdini/nodes/out/wedge.html
        """
        driven = [one for one in map(self.ask.network.get, self._after(node)) if one is not None and not one.bypassed]
        found = [(self._images(one, driver), self._frames(one)) for one in driven if (driver := driver_of(one, self.ask.network))]
        outputs = tuple(output for (outputs, _), _ in found for output in outputs)
        problem = "" if outputs else "nothing that it drives names a file to write"
        if any(_WEDGE.search(posixpath.dirname(output.path.replace("\\", "/"))) for output in outputs):
            problem = "it writes to folders named by $WEDGE, which are only known while it renders"
        return SceneStep(
            node.path,
            outputs,
            parameters={"node": node.path},
            enabled=not node.bypassed,
            problem=problem,
            frames=next((frames for _, frames in found), ""),
        )

    def _images(self, node: HipNode, driver: Driver) -> tuple[tuple[Output, ...], str]:
        """Return what a node renders; a USD render node may leave that to the settings in its stage."""
        outputs, problem = self._written(node, driver.attributes, driver.kind)
        if outputs or not driver.stage:
            return outputs, problem
        for settings in self._upstream(node, driver.stage):
            found, trouble = self._written(settings, ("picture", "productName", "productname"), "image")
            if found:
                return found, trouble
        return outputs, problem

    def _written(self, node: HipNode, attributes: tuple[str, ...], kind: OutputKind) -> tuple[tuple[Output, ...], str]:
        for attribute in attributes:
            value = _value(node, attribute)
            if value is not None and value.stored.strip() and value.text not in _WINDOWS:
                output = Output(self.ask.output_path(node, attribute, value), kind)
                return (output,), self._cannot_be_told(node, attribute, value)
        return (), "it names no file to write"

    def _cannot_be_told(self, node: HipNode, attribute: str, value: Value) -> str:
        try:
            self.ask.scope(node).value_of(attribute, value)
        except NotEvaluated as exc:
            return "" if self.ask.known_pattern(node, attribute, exc) else f"where it writes cannot be told: {exc.reason}"
        except NeedsFrame as exc:
            return "" if self.ask.known_pattern(node, attribute, exc) else "where it writes is reckoned from the frame"
        return ""

    def _frames(self, node: HipNode) -> str:
        """Return a node's own range; "": that of the scene (`trange` is off, follows the stage, or its numbers are not plain).

        https://www.sidefx.com/docs/houdini/out/ifd.html#trange (Valid Frame Range)
        """
        if node.text("trange") not in ("normal", "on", "1", "2"):
            return ""
        numbers = [self._number(node, name) for name in ("f1", "f2", "f3")]
        first, last, by = numbers
        if first is None or last is None or first != int(first) or last != int(last):
            return ""
        step = 1 if by is None or by <= 0 or by != int(by) else int(by)
        if first == last:
            return str(int(first))
        low, high = sorted((int(first), int(last)))
        return f"{low}-{high}" + (f"x{step}" if step > 1 else "")

    def _number(self, node: HipNode, name: str) -> float | None:
        value = node.component(name)
        if value is None:
            return None
        try:
            return self.ask.scope(node).number_of(name, value)
        except (NotEvaluated, NeedsFrame):
            return None

    def _after(self, node: HipNode) -> tuple[str, ...]:
        """Return the steps that its inputs stand for, through nodes that only pass on (merges, switches, bypassed ones)."""
        found: dict[str, None] = {}
        seen: set[str] = set()
        waiting = self._inputs(node)
        while waiting and len(seen) < _DEEPEST:
            one = waiting.pop(0)
            if one.path in seen:
                continue
            seen.add(one.path)
            driver = driver_of(one, self.ask.network)
            if driver is not None:
                # a bypassed one counts if the artist renders it all the same; an export is followed by its picture
                found[one.path] = None
                if driver.export is not None:
                    found[_render_of(one, driver.export)] = None
            if driver is None or one.bypassed:
                waiting += self._inputs(one)
        return tuple(found)

    def _inputs(self, node: HipNode) -> list[HipNode]:
        near = [f"{node.parent.rstrip('/')}/{name}" for _, name in sorted(node.inputs.items())]
        attribute = PASSED_THROUGH.get(node.type.rpartition("::")[2], "")
        named = [node.text(attribute)] if attribute and node.text(attribute) else []
        found = [self.ask.network.get(path) for path in near] + [self.ask.network.at(path, node.path) for path in named]
        return [one for one in found if one is not None]

    def _upstream(self, node: HipNode, attribute: str) -> Iterator[HipNode]:
        """Yield the nodes above a LOP, or above the one that a render node names, nearest first."""
        named = self.ask.network.at(node.text(attribute), node.path) if node.text(attribute) else None
        waiting = [named] if named is not None else self._inputs(node)
        seen: set[str] = set()
        while waiting and len(seen) < _DEEPEST:
            one = waiting.pop(0)
            if one.path not in seen:
                seen.add(one.path)
                yield one
                waiting += self._inputs(one)

    def _camera_problem(self, node: HipNode, driver: Driver) -> str:
        """Say that the camera is gone; one within an asset is not in a file, so only what lies right below /obj is looked for."""
        text = node.text(driver.camera) if driver.camera else ""
        if not text.startswith("/obj/") or text.count("/") != 2 or any(c in text for c in "$`* "):
            return ""
        return "" if self.ask.network.get(text) is not None else f"its camera {text} is not in the scene"


def _render_of(node: HipNode, export: Export) -> str:
    """Return the name of the step in which the renderer's own program renders what a node has exported."""
    return f"{node.path} {export.program}"


def _value(node: HipNode, attribute: str) -> Value | None:
    """Return what a parameter says; a File Cache may make its path of others."""
    if attribute == "file" and node.type == "filecache" and constructs_path(node):
        return Value(constructed_path(node))
    return node.value(attribute)


def _in_render_network(node: HipNode, network: Network) -> bool:
    if node.parent == "/out":
        return True
    parent = network.get(node.parent)
    return parent is not None and parent.type.rpartition("::")[2] in _RENDER_NETWORKS
