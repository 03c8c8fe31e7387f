"""The errors of the form.

ConductorError
├── FormError     a field of the form that no submission can be made of
└── PresetError   a field of a preset that does not fit the form
"""

from __future__ import annotations

from conductor_core.errors import ConductorError


class FormError(ConductorError):
    """Name the field of the form that is wrong.

    Attributes:
        field: as in `conductor_plugins.form.model.SECTIONS`; "": the scene itself.
    """

    def __init__(self, field: str, what: str, next_step: str = "") -> None:
        self.field = field
        super().__init__(what, next_step)


class PresetError(ConductorError):
    """Name the preset's file and the field that does not fit.

    Attributes:
        file: the preset's file, or words for the preset where it has none.
        field: the dotted place in it: `steps[0].chunk_size`.
    """

    def __init__(self, file: str, field: str, reason: str) -> None:
        self.file = file
        self.field = field
        super().__init__(f"{file}: {field} {reason}.", "Correct it there, or choose another preset.")
