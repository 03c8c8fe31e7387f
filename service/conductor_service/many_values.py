"""Thousands of values in one statement, as one parameter: a statement of a parameter each costs more than the question."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, String, bindparam, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session


def table_of(session: Session, values: Sequence[str]) -> Any:
    """Return something to select from that has one row for each value, in its column `value`."""
    if session.get_bind().dialect.name == "postgresql":
        return func.unnest(bindparam(None, list(values), ARRAY(String))).table_valued("value").render_derived()
    return func.json_each(json.dumps(list(values))).table_valued("value")


def pairs_table(session: Session, pairs: Mapping[str, int]) -> Any:
    """Return something to select from that has one row for each pair, in its columns `key` and `value`."""
    if session.get_bind().dialect.name == "postgresql":
        keys, numbers = bindparam(None, list(pairs), ARRAY(String)), bindparam(None, list(pairs.values()), ARRAY(BigInteger))
        return func.unnest(keys, numbers).table_valued("key", "value").render_derived()
    return func.json_each(json.dumps(pairs)).table_valued("key", "value")


def among(
    session: Session, column: InstrumentedAttribute[str] | InstrumentedAttribute[str | None], values: Sequence[str]
) -> ColumnElement[bool]:
    """Return the condition that a column has one of the values. In their order, keys are found several times as fast."""
    return column.in_(select(table_of(session, sorted(values)).c.value))
