"""One description for three things: the document, its JSON Schema, and its reference page cannot differ."""

import datetime as dt
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ibis.expr.types as ir

from regulars.core.money import to_units
from regulars.report.chapters.common import rows_of

MOST_ROWS = 5_000  # of one list

Json = Any
Get = Callable[[Any], Any]


@dataclass(frozen=True)
class Kind:
    """What a value looks like. `write` turns the audit's value into JSON, given the currency."""

    schema: Mapping[str, Json]
    write: Callable[[Any, str], Json]
    label: str


def _number(value: float, _currency: str) -> float | None:
    # parallel sums differ in the last bits from run to run; equal input has to give equal files
    return float(f"{value:.9g}") if math.isfinite(value) else None


def _money(minor: float, currency: str) -> Json:
    return to_units(minor, currency) if math.isfinite(minor) else None


def _date(day: dt.date, _currency: str) -> str:
    return day.isoformat()


INTEGER = Kind({"type": "integer"}, lambda value, _currency: int(value), "integer")
NUMBER = Kind({"type": "number"}, _number, "number")
SHARE = Kind({"type": "number", "minimum": 0, "maximum": 1}, _number, "share 0..1")
MONEY = Kind({"type": "number", "x-unit": "currency"}, _money, "money")
STRING = Kind({"type": "string"}, lambda value, _currency: str(value), "string")
BOOLEAN = Kind({"type": "boolean"}, lambda value, _currency: bool(value), "boolean")
DATE = Kind({"type": "string", "format": "date"}, _date, "date")


@dataclass(frozen=True)
class Field:
    """One member of an object: how it is found in the audit and what it means."""

    name: str
    kind: Kind
    text: str
    get: Get
    optional: bool = False

    def schema(self) -> dict[str, Json]:
        found = {**self.kind.schema, "description": self.text}
        if self.optional:
            found["type"] = [found["type"], "null"]
        return found

    def write(self, owner: Any, currency: str) -> Json:
        value = self.get(owner)
        return None if value is None else self.kind.write(value, currency)


def attribute(name: str, kind: Kind, text: str, *, optional: bool = False) -> Field:
    """A member with the name of the audit's own field, or of the column of a row."""
    return Field(name, kind, text, lambda owner: _member(owner, name), optional)


def _member(owner: Any, name: str) -> Any:
    return owner[name] if isinstance(owner, Mapping) else getattr(owner, name)


def estimate(name: str, kind: Kind, text: str, get: Get | None = None) -> tuple[Field, Field, Field]:
    """An estimate as three members: the value and both ends of its 95 % interval."""
    find = get or (lambda owner: _member(owner, name))

    def part(end: str) -> Get:
        def read(owner: Any) -> Any:
            found = find(owner)
            return None if found is None else getattr(found, end)

        return read

    # the ends of the amount itself are simply "low" and "high"
    low, high = ("low", "high") if name == "money" else (f"{name}_low", f"{name}_high")
    return (
        Field(name, kind, text, part("value"), optional=True),
        Field(low, kind, f"Lower end of the 95 % interval of `{name}`.", part("low"), optional=True),
        Field(high, kind, f"Upper end of the 95 % interval of `{name}`.", part("high"), optional=True),
    )


@dataclass(frozen=True)
class Object:
    """An object with these members, all of them always there."""

    fields: tuple[Field, ...] = field(default_factory=tuple)

    def kind(self) -> Kind:
        schema = {
            "type": "object",
            "properties": {member.name: member.schema() for member in self.fields},
            "required": [member.name for member in self.fields],
            "additionalProperties": False,
        }
        return Kind(schema, self.write, "object")

    def write(self, owner: Any, currency: str) -> Json:
        return {member.name: member.write(owner, currency) for member in self.fields}


def object_of(*fields: Field | tuple[Field, ...]) -> Kind:
    """The kind of an object; estimates come as groups of three members."""
    flat = [member for group in fields for member in (group if isinstance(group, tuple) else (group,))]
    return Object(tuple(flat)).kind()


def list_of(kind: Kind) -> Kind:
    """A list."""
    return Kind(
        {"type": "array", "items": dict(kind.schema)},
        lambda values, currency: [kind.write(value, currency) for value in values],
        f"list of {kind.label}s" if kind.label != "money" else "list of money",
    )


def map_of(kind: Kind) -> Kind:
    """An object with keys of the data."""
    value_schema = dict(kind.schema)
    if isinstance(value_schema["type"], str) and value_schema["type"] == "number":
        value_schema["type"] = ["number", "null"]
    return Kind(
        {"type": "object", "additionalProperties": value_schema},
        lambda values, currency: {str(key): kind.write(value, currency) for key, value in values.items()},
        f"map to {kind.label}",
    )


def sorted_rows(get: Get, *order: str, limit: int = MOST_ROWS) -> Get:
    """Rows of a small table in a fixed order; None stays None."""

    def read(owner: Any) -> list[dict[str, Any]] | None:
        table: ir.Table | None = get(owner)
        return None if table is None else rows_of(table.order_by(list(order)), limit=limit)

    return read
