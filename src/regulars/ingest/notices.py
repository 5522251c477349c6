"""What a person should know about the rows that were accepted, counted in one scan of each part."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from regulars.analytics.purchases import Notice
from regulars.core.i18n import gettext as _
from regulars.core.money import to_units
from regulars.ingest.convert import NOT_DATA
from regulars.ingest.engine import Engine
from regulars.ingest.parts import Part, accepted
from regulars.ingest.table import cell

# a quantity is extreme when it is above this and this many times the median of its column
_MANY, _TIMES = 1000, 100

# above so many lines equal ones are counted among one sixteenth of them
_EXACT_UP_TO, _SHARE = 5_000_000, 16


@dataclass(frozen=True)
class Values:
    """What is worth telling about accepted rows."""

    rows: int = 0
    without_customer: int = 0
    returns: int = 0
    lowest: int | None = None
    zeros: int = 0
    zero_at: dt.datetime | None = None
    odd: int = 0
    odd_value: str | None = None
    top: float = 0.0  # the largest quantity

    def __add__(self, other: "Values") -> "Values":
        return Values(
            self.rows + other.rows,
            self.without_customer + other.without_customer,
            self.returns + other.returns,
            _least(self.lowest, other.lowest),
            self.zeros + other.zeros,
            _least(self.zero_at, other.zero_at),
            self.odd + other.odd,
            _least(self.odd_value, other.odd_value),
            max(self.top, other.top),
        )

    def notices(self, currency: str) -> list[Notice]:
        """One notice for each kind that occurs."""
        lowest = f"{to_units(self.lowest, currency)} {currency}" if self.lowest is not None else None
        found = [
            Notice("without_customer", self.without_customer),
            Notice("returns", self.returns, lowest),
            Notice("zero_amounts", self.zeros, str(self.zero_at)),
            Notice("unread_values", self.odd, self.odd_value),
        ]
        return [notice for notice in found if notice.rows]


def _least(first: Any, second: Any) -> Any:
    known = [each for each in (first, second) if each is not None]
    return min(known, default=None)


@dataclass(frozen=True)
class Counts:
    """The rows of one part by reason ("" = accepted), and what is worth telling about the accepted ones."""

    by_reason: Counter[str]
    values: Values = field(default_factory=Values)
    total_value: str | None = None  # a row with a total, as an example
    uncut: int = 0  # rows of `blank_row` that have another number of cells
    keys_as_written: bool = False  # no customer's key needs a change

    @property
    def scanned(self) -> int:
        """Rows that the reader could cut into cells, of whatever kind."""
        return self.by_reason.total() - self.by_reason["wrong_cells"] - self.uncut

    @property
    def read(self) -> int:
        """Rows that are data."""
        return sum(rows for reason, rows in self.by_reason.items() if reason not in NOT_DATA)


_VALUES = """count(*) AS rows, count(*) - count(customer_id) AS without_customer,
    count_if(amount < 0) AS returns, min(amount) AS lowest,
    count_if(amount = 0) AS zeros, min(purchased_at) FILTER (amount = 0) AS zero_at"""


def count(engine: Engine, part: Part, label: str) -> Counts:
    """Scan the part; a second time, by reason, only when some row was rejected or some cell could not be read."""
    top = ", max(abs(quantity)) AS top" if "quantity" in part.columns else ", NULL AS top"
    odd = ", 0 AS odd" if part.is_raw else ", count(odd) AS odd"
    changed = "0" if part.plain is None else "count_if(customer_id IS DISTINCT FROM written)"
    whole = engine.row(
        f"""SELECT {_VALUES}{top}{odd}, NULL AS odd_value, {changed} AS changed,
            count(*) - count_if({part.condition}) AS rejected
        FROM ({part.lines})""",
        part.table.label,
        label,
    )
    broken = Counter({"blank_row": part.broken_not_data, "wrong_cells": len(part.broken)})
    as_written = not whole["changed"]
    if not whole["rejected"] and not whole["odd"] and not _may_be_odd(part):
        return Counts(
            Counter({"": int(whole["rows"])}) + broken,
            _values(whole),
            uncut=part.broken_not_data,
            keys_as_written=as_written,
        )
    rows = engine.records(
        f"""SELECT coalesce(reject, '') AS reason, {_VALUES}{top}, count(odd) AS odd, min(odd) AS odd_value,
            min(left(value, 60)) AS blamed FROM ({part.rows}) GROUP BY 1""",
        part.table.label,
        label,
    )
    by_reason: Counter[str] = Counter({row["reason"]: int(row["rows"]) for row in rows})
    good = next((row for row in rows if row["reason"] == ""), None)
    total = next((row["blamed"] for row in rows if row["reason"] == "total_row"), None)
    return Counts(by_reason + broken, _values(good) if good else Values(), total, part.broken_not_data, as_written)


def _may_be_odd(part: Part) -> bool:
    """Whether optional numbers of a file that was not copied are written as text."""
    roles = part.style.roles
    return part.is_raw and any(
        part.table.type_of(roles[role]) == "VARCHAR" for role in ("quantity", "discount", "cost") if role in roles
    )


def count_values(engine: Engine, lines: str, *, quantity: bool) -> Values:
    """The same for rows that are accepted for good."""
    top = "max(abs(quantity))" if quantity else "NULL"
    return _values(engine.row(f"SELECT {_VALUES}, {top} AS top, 0 AS odd, NULL AS odd_value FROM {lines}"))


def _values(row: dict[str, Any]) -> Values:
    returns = int(row["returns"] or 0)
    return Values(
        rows=int(row["rows"]),
        without_customer=int(row["without_customer"]),
        returns=returns,
        lowest=row["lowest"] if returns else None,
        zeros=int(row["zeros"] or 0),
        zero_at=row["zero_at"],
        odd=int(row["odd"]),
        odd_value=row["odd_value"],
        top=float(row["top"] or 0),
    )


def extreme_quantities(engine: Engine, lines: str, top: float) -> list[Notice]:
    """Quantities over 1000 and over a hundred times the median: grams among kilograms, millilitres among litres."""
    if top <= _MANY:
        return []
    median = engine.rows(f"SELECT approx_quantile(abs(quantity), 0.5) FROM {lines}")[0][0]
    limit = max(_MANY, _TIMES * median)
    rows = engine.rows(f"SELECT count(*) FROM {lines} WHERE abs(quantity) > {limit}")[0][0]
    return [Notice("extreme_quantities", int(rows), f"{top:.15g}")] if rows else []


def identical_lines(engine: Engine, parts: Sequence[Part], columns: Sequence[str], total: int) -> list[Notice]:
    """Lines that are equal in every column to another line of the same file.

    They are kept: two equal units scanned one after the other are two lines. Above 5 million lines an estimate from
    one sixteenth of the lines.
    """
    share = 1 if total <= _EXACT_UP_TO else _SHARE
    rows = sum(
        engine.rows(
            f"""SELECT coalesce(sum(copies - 1), 0)::BIGINT FROM (
                SELECT count(*) AS copies FROM ({_identities(part, columns, share)})
                GROUP BY key, file HAVING copies > 1)""",
            part.table.label,
            _("Looking for equal lines"),
        )[0][0]
        for part in parts
    )
    return [Notice("identical_lines", int(rows) * share, estimated=share > 1)] if rows else []


def _identities(part: Part, columns: Sequence[str], share: int) -> str:
    """A hash of each line, and its file. Of Parquet the cells as they are: five times quicker than what they mean.

    Of `share` customers and moments one is looked at: equal lines have both in common.
    """
    if part.is_raw and not part.has_rejects:
        roles = part.style.roles
        cells = ", ".join(sorted({cell(column) for column in roles.values()}))
        some = f"hash({cell(roles['purchased_at'])}, {cell(roles['customer_id'])}) % {share} = 0"
        return f"SELECT hash({cells}) AS key, file FROM ({part.table.relation}) WHERE {some}"
    some = f"hash(purchased_at, customer_id) % {share} = 0"
    lines = accepted(part, columns, extra=", file")
    return f"SELECT hash({', '.join(columns)}) AS key, file FROM ({lines}) WHERE {some}"


def repeated_totals(engine: Engine, part: Part, heading_is_weak: bool) -> list[Notice]:
    """Receipts of several lines that all have one amount: the sum of the receipt, perhaps, written on each line.

    Looked at only where the heading of the amount may mean the whole receipt ("Total", "Сумма чека").
    """
    if not heading_is_weak or "receipt_id" not in part.columns:
        return []
    lines = accepted(part, ["receipt_id", "purchased_at", "amount"])
    receipts, alike, rows = engine.rows(
        f"""SELECT count(*), count_if(low = high), coalesce(sum(n) FILTER (low = high), 0)::BIGINT FROM (
            SELECT count(*) AS n, min(amount) AS low, max(amount) AS high FROM ({lines})
            WHERE receipt_id IS NOT NULL GROUP BY receipt_id, purchased_at HAVING n > 1)"""
    )[0]
    return [Notice("repeated_totals", int(rows))] if receipts >= 5 and alike > receipts * 0.95 else []
