"""Thousands of values in one statement, as one parameter: a statement of a parameter each costs more than the question."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, String, bindparam, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session


def table_of(session: Session, values: Sequence[str] | Sequence[int], *, kind: type[String | BigInteger] = String) -> Any:
    """Return something to select from that has one row for each value, in its column `value`."""
    if session.get_bind().dialect.name == "postgresql":
        return func.unnest(bindparam(None, list(values), ARRAY(kind))).table_valued("value").render_derived()
    return func.json_each(json.dumps(list(values))).table_valued("value")


def named_table(dialect: str) -> Any:
    """Return what `table_of` does, for a statement that is made once; its values come with `told`."""
    if dialect == "postgresql":
        return func.unnest(bindparam("values", type_=ARRAY(String))).table_valued("value").render_derived()
    return func.json_each(bindparam("values", type_=String)).table_valued("value")


def told(dialect: str, values: Sequence[str]) -> dict[str, Any]:
    """Return the parameters of a statement with a `named_table`."""
    return {"values": list(values) if dialect == "postgresql" else json.dumps(list(values))}


def named_pairs(dialect: str) -> Any:
    """Return something to select from that has one row for each pair of `told_pairs`, in its columns `key` and `value`."""
    if dialect == "postgresql":
        keys, numbers = bindparam("keys", type_=ARRAY(String)), bindparam("numbers", type_=ARRAY(BigInteger))
        return func.unnest(keys, numbers).table_valued("key", "value").render_derived()
    return func.json_each(bindparam("pairs", type_=String)).table_valued("key", "value")


def told_pairs(dialect: str, pairs: Mapping[str, int]) -> dict[str, Any]:
    """Return the parameters of a statement with `named_pairs`."""
    if dialect == "postgresql":
        return {"keys": list(pairs), "numbers": list(pairs.values())}
    return {"pairs": json.dumps(pairs)}


def among(
    session: Session, column: InstrumentedAttribute[str] | InstrumentedAttribute[str | None], values: Sequence[str]
) -> ColumnElement[bool]:
    """Return the condition that a column has one of the values. In their order, keys are found several times as fast."""
    return column.in_(select(table_of(session, sorted(values)).c.value))


def among_numbers(session: Session, column: InstrumentedAttribute[int], values: Sequence[int]) -> ColumnElement[bool]:
    """Return the condition that a column has one of the numbers."""
    return column.in_(select(table_of(session, sorted(values), kind=BigInteger).c.value))
