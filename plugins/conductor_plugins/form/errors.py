"""The errors of the form.

ConductorError
└── FormError   a field of the form that no submission can be made of
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
