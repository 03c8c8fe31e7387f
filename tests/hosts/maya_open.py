"""A real scene, open in the fake Maya, and what the adapter and our reader of files say of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from conductor_core.discovery.finding import Facts, Finding, Usage
from conductor_core.discovery.survey import Survey
from conductor_core.formats import scan_file
from conductor_core.host import SceneStep
from conductor_core.report import Ignored, ScanOutput, Unresolved
from conductor_plugins.host import HostScene
from fakes.maya_fake import MayaFake
from hosts.maya_world import adapter

_LISTS = ("dependencies", "missing", "unresolved", "outputs", "ignored")


@dataclass(slots=True)
class OpenScene:
    """What both sides say."""

    fake: MayaFake
    findings: tuple[Finding, ...]
    scene: HostScene
    steps: tuple[SceneStep, ...]
    #: of the file itself, by our reader: text and referrer → the list
    read: dict[tuple[str, str], str]
    facts: Facts

    def reads(self) -> list[Usage | Unresolved | Ignored]:
        """Return what the adapter says that the scene reads, or could seem to."""
        return [f for f in self.findings if not isinstance(f, ScanOutput)]

    def came_by_reference(self, referrer: str) -> bool:
        """Tell whether a finding's node came from another scene, or is a reference of one."""
        node = referrer.partition(".")[0].rpartition("|")[2]
        found = self.fake.session.graph.matching(node)
        return bool(found) and found[0].reference is not None


def opened(file: Path, project: Path) -> OpenScene:
    """Open a file in a new fake Maya with this project, and ask."""
    fake = MayaFake(project.parent)
    fake.session.open_project(project)
    host = adapter(fake).MayaHost()
    fake.cmds.file(str(file), open=True, force=True)
    findings = tuple(found for piece in host.dependencies(()) for found in piece)
    scan = scan_file(Survey(str(file), project_root=str(project)))
    read = {(e.as_written, e.referrer): name for name in _LISTS for e in getattr(scan.report, name) if not e.within}
    assert scan.facts is not None
    return OpenScene(fake, findings, host.scene(), tuple(host.steps()), read, scan.facts)
