"""Houdini scenes (.hip, .hiplc, .hipnc), in each of their containers: `conductor_core.formats.houdini.containers`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from conductor_core.discovery.finding import Facts, Finding
from conductor_core.discovery.houdini_ask import HipAsk
from conductor_core.discovery.houdini_findings import network_findings, node_findings
from conductor_core.discovery.houdini_libraries import installation_folders, library_findings
from conductor_core.discovery.houdini_node import Network
from conductor_core.discovery.houdini_outputs import scene_facts
from conductor_core.discovery.houdini_scope import ASSET_ROOT
from conductor_core.discovery.houdini_settings import SceneSettings, scene_variables
from conductor_core.discovery.survey import Survey
from conductor_core.formats.format import reads_format
from conductor_core.formats.houdini.asset import Asset, asset_findings, assets
from conductor_core.formats.houdini.containers import Damage, is_container, parts
from conductor_core.formats.houdini.network import take_overrides, take_part, wanted_of_node
from conductor_core.formats.houdini.settings import read_settings
from conductor_core.report import Unresolved

#: bytes of a library within a scene of which more is not held
_LIBRARY = 64 << 20
_TEXT = 4 << 20
_KEPT = frozenset({".variables", ".start", ".OPlibraries", ".OPpreferences", ".OPfallbacks", ".takes"})
_LIBRARIES = frozenset({".OPdummydefs", ".defotl"})


@dataclass(slots=True)
class _Content:
    """What a scene's parts say."""

    network: Network = field(default_factory=Network)
    texts: dict[str, str] = field(default_factory=dict)
    #: definitions that lie in the scene: their parameters, of those embedded their contents as well
    assets: list[Asset] = field(default_factory=list)
    problems: list[Unresolved] = field(default_factory=list)


@reads_format("houdini-scene", lambda head, _extension: is_container(head))
def read_scene(survey: Survey) -> Iterator[Finding | Facts]:
    """Yield what a scene reads and writes, the libraries behind it, and what can be rendered in it."""
    content = _content(survey)
    settings = read_settings(content.texts.get(".variables", ""), content.texts.get(".start", ""))
    fallbacks = content.texts.get(".OPfallbacks", "")
    network = content.network
    ask = HipAsk(
        survey,
        network,
        scene_variables(survey, settings),
        settings.frame_numbers(survey),
        installation_folders(fallbacks),
        asset="contents" if ASSET_ROOT in network.nodes else "",
    )
    if content.texts.get(".variables") is not None:
        yield scene_facts(network, settings, ask)
    declared = {asset.node_type: asset.declared for asset in content.assets}
    yield from network_findings(network, declared, ask)
    for node in take_overrides(content.texts.get(".takes", ""), network):
        yield from node_findings(node, declared, ask)
    yield from library_findings(content.texts.get(".OPlibraries", ""), content.texts.get(".OPpreferences", ""), fallbacks, ask)
    yield from _embedded(content, survey, settings)
    yield from content.problems


def _embedded(content: _Content, survey: Survey, settings: SceneSettings) -> Iterator[Finding]:
    for asset in content.assets:
        if asset.network.nodes or asset.problems:
            # the scene stores the values of its nodes, so defaults say nothing new
            yield from asset_findings(asset._replace(declared={}), survey, settings)


def _content(survey: Survey) -> _Content:
    content = _Content()
    name = os.path.basename(survey.file)
    with open(survey.content, "rb") as file:
        for part in parts(file, keep=_wanted):
            if isinstance(part, Damage):
                content.problems.append(Unresolved(survey.file, name, f"the file is damaged: {part.reason}"))
                continue
            if part.name in _KEPT:
                content.texts[part.name] = part.body.decode("utf-8", "surrogateescape")
            elif part.name in _LIBRARIES:
                content.assets += assets(part.body, survey)
            else:
                take_part(content.network, part.name, part.body)
            if not part.whole and 0 < _wanted(part.name) <= len(part.body):
                content.problems.append(Unresolved(part.name, name, f"only the first {len(part.body):,} bytes of it were read"))
    return content


def _wanted(name: str) -> int:
    """Return how many bytes of a part are wanted."""
    if name in _LIBRARIES:
        return _LIBRARY
    return _TEXT if name in _KEPT else wanted_of_node(name)
