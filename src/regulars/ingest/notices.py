"""What a person should know about the rows that were accepted, counted in one scan of each part."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from regulars.analytics.purchases import Notice
from regulars.core.money import to_units
from regulars.ingest.convert import NOT_DATA
from regulars.ingest.engine import Engine
from regulars.ingest.parts import Part

# a quantity is extreme when it is above this and this many times the median of its column
_MANY, _TIMES = 1000, 100


@dataclass(frozen=True)
class Counts:
    """The rows of one part by reason ("" = accepted), and what is worth telling about the accepted ones."""

    by_reason: Counter[str]
    without_customer: int
    returns: int
    lowest: int | None
    zeros: int
    zero_at: dt.datetime | None
    odd: int
    odd_value: str | None
    first: dt.datetime | None
    last: dt.datetime | None
    total_value: str | None

    @property
    def accepted(self) -> int:
        """Rows that are purchases."""
        return self.by_reason[""]

    @property
    def read(self) -> int:
        """Rows that are data."""
        return sum(rows for reason, rows in self.by_reason.items() if reason not in NOT_DATA)


_AGGREGATES = """coalesce(reject, '') AS reason, count(*) AS rows,
    count(*) - count(customer_id) AS without_customer,
    count_if(amount < 0) AS returns, min(amount) AS lowest,
    count_if(amount = 0) AS zeros, min(purchased_at) FILTER (amount = 0) AS zero_at,
    count(odd) AS odd, min(odd) AS odd_value, min(purchased_at) AS first, max(purchased_at) AS last,
    min(left(value, 60)) AS blamed"""


def count(engine: Engine, part: Part, label: str) -> Counts:
    """Scan the part once."""
    rows = engine.records(f"SELECT {_AGGREGATES} FROM ({part.rows}) GROUP BY 1", part.table.label, label)
    by_reason: Counter[str] = Counter({row["reason"]: int(row["rows"]) for row in rows})
    good: dict[str, Any] = next((row for row in rows if row["reason"] == ""), {})
    by_reason["blank_row"] += part.broken_not_data
    by_reason["wrong_cells"] += len(part.broken)
    return Counts(
        by_reason=by_reason,
        without_customer=int(good.get("without_customer") or 0),
        returns=int(good.get("returns") or 0),
        lowest=good.get("lowest"),
        zeros=int(good.get("zeros") or 0),
        zero_at=good.get("zero_at"),
        odd=int(good.get("odd") or 0),
        odd_value=good.get("odd_value"),
        first=good.get("first"),
        last=good.get("last"),
        total_value=next((row["blamed"] for row in rows if row["reason"] == "total_row"), None),
    )


def value_notices(counts: Sequence[Counts], currency: str) -> list[Notice]:
    """Notices about values, summed over all parts."""
    found = []
    lowest = min((each.lowest for each in counts if each.lowest is not None), default=0)
    zero_at = min((each.zero_at for each in counts if each.zero_at is not None), default=None)
    odd = min((each.odd_value for each in counts if each.odd_value is not None), default=None)
    found.append(Notice("without_customer", sum(each.without_customer for each in counts)))
    found.append(Notice("returns", sum(each.returns for each in counts), f"{to_units(lowest, currency)} {currency}"))
    found.append(Notice("zero_amounts", sum(each.zeros for each in counts), str(zero_at)))
    found.append(Notice("unread_values", sum(each.odd for each in counts), odd))
    found.append(Notice("total_rows", sum(each.by_reason["total_row"] for each in counts)))
    found.append(Notice("header_rows", sum(each.by_reason["header_row"] for each in counts)))
    return [notice for notice in found if notice.rows]


def extreme_quantities(engine: Engine, lines: str) -> Notice | None:
    """Quantities over 1000 and over a hundred times the median: grams among kilograms, millilitres among litres."""
    top = engine.rows(f"SELECT max(abs(quantity)) FROM ({lines})")[0][0]
    if top is None or top <= _MANY:
        return None
    limit = f"greatest({_MANY}, {_TIMES} * (SELECT median(abs(quantity)) FROM ({lines}) WHERE quantity <> 0))"
    rows, example = engine.rows(
        f"SELECT count(*), max(abs(quantity)) FROM ({lines}) WHERE abs(quantity) > {limit}"
    )[0]
    return Notice("extreme_quantities", int(rows), f"{example:.15g}") if rows else None
