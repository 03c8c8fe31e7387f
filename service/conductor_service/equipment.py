"""What a job's tasks run with: the package of its software and those of its plug-ins, found in the catalogue when it was made."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from conductor_core.documents import canonical_bytes, to_json
from conductor_core.environment import merge_environment
from conductor_core.errors import EnvironmentConflict
from conductor_core.paths import Flavour
from conductor_core.submission import Submission

from conductor_service.catalogue import Catalogue, Package
from conductor_service.errors import Invalid
from conductor_service.search_paths import variable_layers


@dataclass(frozen=True, slots=True)
class Equipment:
    """The packages of a job."""

    software: Package
    plug_ins: tuple[Package, ...] = ()

    def to_text(self) -> str:
        """Return what is kept with the job; `kept_equipment` reads it."""
        kept = {**to_json(self.software), **({"plug_ins": to_json(self.plug_ins)} if self.plug_ins else {})}
        return canonical_bytes(kept).decode()


def kept_equipment(text: str) -> dict[str, Any]:
    """Return `software` and `plug_ins` of a job as JSON, from what was kept with it: the catalogue may have changed since."""
    software = json.loads(text)
    return {"plug_ins": software.pop("plug_ins", []), "software": software}


def equip(submission: Submission, catalogue: Catalogue) -> Equipment:
    """Return the packages that a submission asks for, once it is sure that their variables agree with each other and the job's.

    Raises:
        Invalid: the catalogue lacks one, or two of them want different values for a variable; the message names both.
    """
    _check_folders(submission)
    software = catalogue.resolve(submission.software)
    plug_ins = catalogue.resolve_plug_ins(submission.plug_ins, submission.software)
    layers = variable_layers((software, *plug_ins), submission.environment, submission.scripts.plug_in_folders)
    try:
        merge_environment(layers, separator=":")
    except EnvironmentConflict as exc:
        raise Invalid("environment", f"cannot be had: {exc.what}".rstrip("."), exc.next_step) from None
    return Equipment(software, plug_ins)


def _check_folders(submission: Submission) -> None:
    """Refuse a plug-in folder that would come apart in a variable that lists folders; no Windows folder has such a name."""
    for number, folder in enumerate(submission.scripts.plug_in_folders):
        if submission.flavour is Flavour.POSIX and ":" in folder:
            reason = f"{folder!r} has a ':' in it, which parts one folder from the next where software looks for plug-ins"
            raise Invalid(f"scripts.plug_in_folders[{number}]", reason, "Give the folder another name.")
