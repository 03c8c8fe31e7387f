"""Thousands of values in one statement, as one parameter: a statement of a parameter each costs more than the question."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, String, bindparam, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session


def table_of(session: Session, values: Sequence[str]) -> Any:
    """Return something to select from that has one row for each value, in its column `value`."""
    if session.get_bind().dialect.name == "postgresql":
        return func.unnest(bindparam(None, list(values), ARRAY(String))).table_valued("value").render_derived()
    return func.json_each(json.dumps(list(values))).table_valued("value")


def among(
    session: Session, column: InstrumentedAttribute[str] | InstrumentedAttribute[str | None], values: Sequence[str]
) -> ColumnElement[bool]:
    """Return the condition that a column has one of the values. In their order, keys are found several times as fast."""
    return column.in_(select(table_of(session, sorted(values)).c.value))
