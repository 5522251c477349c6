"""What else is known of the customers, beside their purchases: a table of attributes, one row per customer."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir

from regulars.analytics.readable import Readable
from regulars.core.errors import ColumnProblem
from regulars.core.i18n import gettext as _

KEY = "customer_id"


@dataclass(frozen=True, repr=False)
class Attributes(Readable):
    """Attributes as they were given. `rows` may name a customer several times; `table` names each once.

    `headings` says, for each column of the tables, what its owner calls it.
    """

    rows: ir.Table
    headings: Mapping[str, str]
    key: str = KEY  # what the owner calls the column of customers
    phones: tuple[str, ...] = ()  # columns of contacts: they identify people and describe nobody
    emails: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())  # what was left out on the way, ready for a person

    @classmethod
    def of_table(cls, table: ir.Table) -> "Attributes":
        """Take an Ibis table with `customer_id` and any other columns; `ColumnProblem` without it."""
        if KEY not in table.columns:
            raise ColumnProblem(
                _("The table has no column {missing}. It has: {columns}.").format(
                    missing=KEY, columns=", ".join(table.columns)
                )
            )
        table = table.mutate(customer_id=table.customer_id.cast("string"))
        return cls(table, {name: name for name in table.columns if name != KEY})

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that describe people."""
        return tuple(name for name in self.headings if name not in (*self.phones, *self.emails))

    @property
    def table(self) -> ir.Table:
        """One row per customer. Where the rows of one customer contradict each other, nothing is known."""
        known = self.rows.filter(self.rows.customer_id.notnull())
        agreed = {name: _agreed(known[name]) for name in self.columns}
        return known.group_by(KEY).aggregate(given_rows=known.count(), **agreed)

    def beside(self, lines: ir.Table) -> "Attributes":
        """The same in the engine that holds `lines`."""
        if _engine_of(self.rows) is _engine_of(lines):
            return self
        moved = ibis.memtable(self.rows.to_pyarrow())
        return Attributes(moved, self.headings, self.key, self.phones, self.emails, self.notes)


def _agreed(column: ir.Column) -> ir.Value:
    return ibis.cases((column.min() == column.max(), column.max()), else_=ibis.null(column.type()))


def _engine_of(table: ir.Table) -> object:
    return table.get_backend()
