"""Everything an audit says, as one flat mapping, so that two audits can be compared to the last figure."""

import dataclasses
import datetime as dt
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import ibis.expr.types as ir

from regulars.analytics.audit import Audit

Answers = dict[str, Any]


def answers(audit: Audit, *, undo: Callable[[Any], Any] = lambda value: value) -> Answers:
    """Path -> value; `undo` turns ids and dates back to what they were. What was read is no answer."""
    return dict(_flat("", dataclasses.replace(audit, reading=None), undo))


def _flat(path: str, value: Any, undo: Callable[[Any], Any]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, ir.Table):
        yield from _flat_table(path, value, undo)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _flat(f"{path}.{field.name}", getattr(value, field.name), undo)
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _flat(f"{path}[{key}]", one, undo)
    elif isinstance(value, tuple | list):
        for number, one in enumerate(value):
            yield from _flat(f"{path}[{number}]", one, undo)
    else:
        yield path, undo(value)


def _flat_table(path: str, table: ir.Table, undo: Callable[[Any], Any]) -> Iterator[tuple[str, Any]]:
    rows = [{name: undo(value) for name, value in row.items()} for row in table.to_pyarrow().to_pylist()]
    # floats may differ in their last digit, so they must not decide the order
    keys = [name for name in table.columns if not table[name].type().is_floating()]
    rows.sort(key=lambda row: [str(row[name]) for name in keys])
    yield f"{path}.rows", len(rows)
    for number, row in enumerate(rows):
        for name, value in row.items():
            yield f"{path}[{number}].{name}", value


def differences(one: Answers, other: Answers, *, within: float = 1e-9) -> list[str]:
    """Where the two differ: counts, money, names and dates at all, floats by more than `within` of their size."""
    found = [f"only in one of them: {path}" for path in one.keys() ^ other.keys()]
    found += [
        f"{path}: {one[path]!r} != {other[path]!r}"
        for path in one.keys() & other.keys()
        if not _same(one[path], other[path], within)
    ]
    return sorted(found)


def _same(one: Any, other: Any, within: float) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=within, abs_tol=within) or (math.isnan(one) and math.isnan(other))
    return type(one) is type(other) and one == other


def shifted(days: int) -> Callable[[Any], Any]:
    """Undo a shift of all dates."""

    def undo(value: Any) -> Any:
        return value - dt.timedelta(days=days) if isinstance(value, dt.date) else value

    return undo
