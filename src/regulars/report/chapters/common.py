"""What all chapters share: the audit, its currency, and how rows become tables and bars."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis.expr.types as ir

from regulars.analytics.audit import Audit
from regulars.analytics.estimate import Estimate
from regulars.analytics.findings import Finding
from regulars.core.i18n import gettext as _
from regulars.report import names, words
from regulars.report.blocks import Cell, Column, Missing, People, Table
from regulars.report.people import people_behind

# a chart of more months than this shows stripes, not columns
MONTHS_SHOWN = 36
_LONGEST_CODE = 20


@dataclass(frozen=True)
class Context:
    """The audit that a page tells about."""

    audit: Audit
    purse: words.Purse

    @classmethod
    def of(cls, audit: Audit) -> "Context":
        return cls(audit, words.Purse(audit.currency))

    def people(self, list_id: str, count: int) -> People | None:
        """The richest of a list."""
        return people_behind(self.audit, list_id, self.purse, count=count)

    def people_found(self, finding: Finding) -> People | None:
        """The customers that a finding is about."""
        if finding.people is None:
            return None
        return people_behind(self.audit, f"finding:{finding.id}", self.purse, count=finding.customers)

    def missing(self, analysis: str) -> Missing:
        """The answer "not enough data" with its reason."""
        reason = self.audit.skipped.get(analysis) or _("There is not enough data for an answer.")
        return Missing(reason, title=names.analysis(analysis))

    @property
    def unfinished_month(self) -> bool:
        """Whether the last month of the history is not over."""
        return (self.audit.as_of + dt.timedelta(days=1)).day != 1


def rows_of(table: ir.Table, *, limit: int = 1000) -> list[dict[str, Any]]:
    """The rows of a small table; the limit keeps a surprise from filling the memory."""
    found: list[dict[str, Any]] = table.limit(limit).to_pyarrow().to_pylist()
    return found


def last_months(table: ir.Table, column: str = "month", limit: int = MONTHS_SHOWN) -> list[dict[str, Any]]:
    """The latest rows by month, in order of time."""
    return rows_of(table.order_by(table[column].desc()), limit=limit)[::-1]


def table(caption: str, columns: Sequence[Column], rows: Iterable[Sequence[str | Cell]], note: str = "") -> Table:
    """A table of ready strings."""
    cells = tuple(tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in row) for row in rows)
    return Table(caption, tuple(columns), cells, note)


@dataclass(frozen=True)
class Products:
    """Names of the products that stand in one table; those that share a name are told apart by their code."""

    repeated: frozenset[str]

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> "Products":
        """The products of `rows`, each once however often it is there; columns `product` and `product_id`."""
        names: dict[str, set[str]] = {}
        for row in rows:
            names.setdefault(words.name(row["product"] or row["product_id"]), set()).add(str(row["product_id"]))
        return cls(frozenset(name for name, codes in names.items() if len(codes) > 1))

    def name(self, row: Mapping[str, Any]) -> str:
        """What a person calls the product."""
        return words.name(row["product"] or row["product_id"])

    def code(self, row: Mapping[str, Any]) -> str:
        """Its code where the name does not tell it apart."""
        name, code = self.name(row), words.name(row["product_id"], _LONGEST_CODE)
        return code if name in self.repeated and code != name else ""

    def cell(self, row: Mapping[str, Any]) -> Cell:
        """The heading of its row."""
        return Cell(self.name(row), user=True, code=self.code(row))


def people(count: int, list_id: str, text: str = "") -> Cell:
    """A number of customers, and the list of them; `text` where a share is shown instead."""
    return Cell(text or words.count(count), list_id=list_id, count=count)


def in_month(day: dt.date) -> str:
    """The days of a month, for the id of a list: 2026-02-01:2026-02-28."""
    following = (day.replace(day=28) + dt.timedelta(days=4)).replace(day=1)
    return f"{day.replace(day=1).isoformat()}:{(following - dt.timedelta(days=1)).isoformat()}"


def number(title: str, *, secondary: bool = False) -> Column:
    """A column of numbers."""
    return Column(title, number=True, secondary=secondary)


def likely(text: str) -> str:
    """An interval, said so that everybody understands it."""
    return _("likely {range}").format(range=text)


def share(part: float, whole: float) -> float:
    """`part` of `whole` within 0..1; 0 where there is no whole."""
    return min(max(part / whole, 0.0), 1.0) if whole > 0 else 0.0


def whisker(estimate: Estimate, widest: float) -> tuple[float, float]:
    """Both ends of an interval as shares of the widest bar."""
    return share(estimate.low, widest), share(estimate.high, widest)
