"""The history scanned once: lines -> receipts -> customer-days -> customers, cut off at `as_of`.

Every analysis works on the smallest of these tables that serves it. They are cached in the engine,
so the expensive scan of the lines happens once, however many analyses follow.
"""

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

import ibis
import ibis.expr.types as ir

from regulars.analytics.purchases import History
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _
from regulars.core.i18n import said_date

YEAR_DAYS = 365  # "the last 12 months": the 365 days that end with as_of
LOG_STEPS = 2**20


@dataclass(frozen=True)
class Rollup:
    """A history up to and including the day `as_of`, at four levels of detail.

    - `lines`: the purchase contract, plus `purchased_on`; not cached, a scan.
    - `receipts`: one row per receipt. `amount` net of returns, `gross` without them, both in minor
      units; `lines` counts positions sold, those given for nothing too. Lines without a receipt number are
      one receipt when they are of one customer, at one moment, in one store.
    - `days`: one row per known customer and day. `is_visit` says that something was bought that day;
      days of returns alone carry money and are not visits. `gap_days` is the time since the customer's
      previous visit, null at the first one.
    - `customers`: one row per known customer with at least one visit. `age_days` counts from the first
      visit to `as_of`, `recency_days` from the last one, `last_purchase_age_days` between the two;
      `amount` is net of returns, `amount_year` and `visits_year` cover the last 365 days.
    """

    history: History
    as_of: dt.date
    first_day: dt.date
    lines: ir.Table
    receipts: ir.Table
    days: ir.Table
    customers: ir.Table

    @cached_property
    def visits(self) -> ir.Table:
        """Customer-days on which something was bought."""
        return self.days.filter(self.days.is_visit)

    @property
    def span_days(self) -> int:
        """Days from the first line to `as_of`, both counted."""
        return (self.as_of - self.first_day).days + 1

    def has(self, *columns: str) -> bool:
        """Whether the history carries all of these optional columns."""
        return self.history.has(*columns)


def roll_up(history: History, *, as_of: dt.date) -> Rollup:
    """Build the four levels once. Lines after `as_of` are left out.

    Raises `NotEnoughData` when no line is left, or none has a customer who bought something.
    """
    lines = known_until(history, as_of)
    receipts = _receipts(lines).cache()
    first_day = receipts.purchased_on.min().to_pyarrow().as_py()
    if first_day is None:
        raise NotEnoughData(_("There are no purchases on or before {day}.").format(day=said_date(as_of)))
    days = _days(receipts).cache()
    customers = _customers(days, as_of).cache()
    if not _any_row(customers):
        raise NotEnoughData(
            _(
                "No line names a customer who bought something. "
                'If a column does, name it: --map customer_id="heading of the column".'
            )
        )
    return Rollup(history, as_of, first_day, lines, receipts, days, customers)


def _any_row(table: ir.Table) -> bool:
    return int(table.limit(1).count().to_pyarrow().as_py()) > 0


def known_until(history: History, as_of: dt.date) -> ir.Table:
    """The lines up to the end of the day `as_of`, with `purchased_on`."""
    lines = history.lines
    end = dt.datetime.combine(as_of + dt.timedelta(days=1), dt.time())
    return lines.filter(lines.purchased_at < ibis.literal(end)).mutate(purchased_on=lines.purchased_at.date())


def _receipts(lines: ir.Table) -> ir.Table:
    # a till restarts its numbers: a receipt is its number within one day, store and customer
    keys = {key: lines[key] for key in ("customer_id", "purchased_on", "store") if key in lines.columns}
    numbered = "receipt_id" in lines.columns
    if numbered:
        keys["number"] = lines.receipt_id
        keys["moment"] = ibis.ifelse(lines.receipt_id.isnull(), lines.purchased_at, ibis.null("timestamp"))
    else:
        keys["purchased_at"] = lines.purchased_at
    # what was given for nothing was still fetched: CDNOW and its published figures count such orders too
    sold = lines.amount >= 0
    measures = {
        "amount": lines.amount.sum(),
        "gross": lines.amount.sum(where=sold).fill_null(0),
        "lines": sold.sum().fill_null(0),
    }
    if numbered:
        measures["purchased_at"] = lines.purchased_at.min()
    for column in ("discount", "cost"):
        if column in lines.columns:
            measures[column] = lines[column].sum().fill_null(0)
    if "cost" in lines.columns:
        measures["costed_amount"] = lines.amount.sum(where=lines.cost.notnull()).fill_null(0)
    for column in ("channel", "staff"):
        if column in lines.columns:
            measures[column] = lines[column].max()
    receipts = lines.group_by(**keys).aggregate(**measures)
    # the receipt's number has done its work: carrying it on would cost a fifth of this step
    return receipts.drop("number", "moment") if numbered else receipts


def _days(receipts: ir.Table) -> ir.Table:
    known = receipts.filter(receipts.customer_id.notnull())
    optional = [c for c in ("discount", "cost", "costed_amount") if c in receipts.columns]
    days = known.group_by(["customer_id", "purchased_on"]).aggregate(
        amount=known.amount.sum(),
        gross=known.gross.sum(),
        receipts=(known.lines > 0).sum(),
        lines=known.lines.sum(),
        **{column: known[column].sum() for column in optional},
    )
    days = days.mutate(is_visit=days.receipts > 0)
    by_customer = ibis.window(group_by=[days.customer_id, days.is_visit], order_by=days.purchased_on)
    previous = days.purchased_on.lag().over(by_customer)
    gap = days.purchased_on.delta(previous, unit="day")
    return days.mutate(
        gap_days=ibis.cases((days.is_visit, gap), else_=ibis.null("int64")),
        visit_no=ibis.cases((days.is_visit, ibis.row_number().over(by_customer) + 1), else_=ibis.null("int64")),
    )


def exact_sum_of_logs(gap_days: ir.NumericColumn, *, where: ir.BooleanValue | None = None) -> ir.FloatingValue:
    """The natural logarithms of the gaps, each rounded to 2^-20, summed; 0 without gaps.

    Sums of such numbers are exact, so neither row order nor the number of threads can change a model.
    """
    steps = (gap_days.cast("float64").ln() * LOG_STEPS).round().cast("int64")
    total: ir.FloatingValue = steps.sum(where=where).fill_null(0).cast("float64") / float(LOG_STEPS)
    return total


def _customers(days: ir.Table, as_of: dt.date) -> ir.Table:
    visit = days.is_visit
    this_year = days.purchased_on > ibis.literal(as_of - dt.timedelta(days=YEAR_DAYS))
    optional = [c for c in ("discount", "cost", "costed_amount") if c in days.columns]
    customers = days.group_by("customer_id").aggregate(
        first_on=days.purchased_on.min(where=visit),
        last_on=days.purchased_on.max(where=visit),
        visits=visit.sum(),
        receipts=days.receipts.sum(),
        lines=days.lines.sum(),
        amount=days.amount.sum(),
        gross=days.gross.sum(),
        amount_year=days.amount.sum(where=this_year).fill_null(0),
        visits_year=(visit & this_year).sum(),
        sum_log_gaps=exact_sum_of_logs(days.gap_days),
        **{column: days[column].sum() for column in optional},
    )
    customers = customers.filter(customers.visits > 0)
    today = ibis.literal(as_of)
    customers = customers.mutate(
        recency_days=today.delta(customers.last_on, unit="day"),
        age_days=today.delta(customers.first_on, unit="day"),
        last_purchase_age_days=customers.last_on.delta(customers.first_on, unit="day"),
    )
    # a stable number that does not depend on row order: samples are drawn by it
    return customers.mutate(customer_no=ibis.row_number().over(ibis.window(order_by=customers.customer_id)))
