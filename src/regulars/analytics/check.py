"""Average check, honestly: median and trimmed mean beside the mean, each with its interval."""

import math
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from regulars.analytics.estimate import Estimate
from regulars.analytics.intervals import mean_interval, median_quantiles
from regulars.analytics.periods import Period, comparison_periods, month_number, month_of, months_between, within
from regulars.analytics.readable import Readable
from regulars.analytics.rollup import Rollup
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _

FEWEST_RECEIPTS = 10

TRIMMED = 0.1  # cut at each end

# Bins of the histogram up to the 99th percentile, at most.
_BINS = 40


@dataclass(frozen=True, repr=False)
class Check(Readable):
    receipts: int
    mean: Estimate  # minor units
    median: Estimate  # interval by order statistics
    trimmed: Estimate  # 10 % cut at each end; Yuen's standard error
    months: ir.Table  # month, receipts, mean, median
    histogram: ir.Table  # low, high (minor units), receipts; the top 1 % is in the last bin


@dataclass(frozen=True, repr=False)
class Pillars(Readable):
    """Frequency x check x breadth: purchase activity in the last and in the previous equal period."""

    table: ir.Table  # period ("previous", "last"), starts_on, ends_on, customers, visits_per_customer, receipts,
    # lines_per_receipt, amount_per_line, check, revenue (known customers, minor units)


def check(rollup: Rollup) -> Check:
    """The check of all buyers over the whole history.

    A check is the net amount of a receipt that brought money; receipts that come to zero or less (returns,
    exchanges in the buyer's favour) are left out. Intervals are at 95 % and take receipts as independent:

    - mean: Student's;
    - median: by order statistics (no assumption on the shape), see `intervals.median_ranks`;
    - trimmed mean: a tenth of the receipts cut at each end; standard error from the Winsorised variance
      (Tukey & McLaughlin 1963; Yuen 1974), degrees of freedom = receipts kept - 1.

    `months` has a row for every calendar month; mean and median are null where no receipt is. `NotEnoughData`
    below ten receipts.
    """
    receipts = rollup.receipts
    paid = receipts.filter(receipts.amount > 0)
    totals = _row(paid.aggregate(n=paid.count(), mean=paid.amount.mean(), variance=paid.amount.var(how="sample")))
    n = totals["n"]
    if n < FEWEST_RECEIPTS:
        raise NotEnoughData(
            _("An average check needs at least {need} receipts; there are {n}.").format(need=FEWEST_RECEIPTS, n=n)
        )
    cut = math.floor(TRIMMED * n)
    positions = [*median_quantiles(n), cut / (n - 1), (n - 1 - cut) / (n - 1), 0.99]
    middle, low, high, bottom, top, nearly_all = _row(paid.aggregate(q=paid.amount.quantile(positions)))["q"]
    return Check(
        receipts=n,
        mean=mean_interval(totals["mean"], totals["variance"], n),
        median=Estimate(middle, low, high),
        trimmed=_trimmed(paid, n, cut, round(bottom), round(top)),
        months=_months(rollup, paid),
        histogram=_histogram(paid, nearly_all),
    )


def pillars(rollup: Rollup) -> Pillars:
    """Purchase activity of known customers in two equal periods; see `periods.comparison_periods`.

    In each row customers x visits_per_customer = visits, and receipts x lines_per_receipt x amount_per_line
    = revenue = receipts x check. `customers` are those with a visit in the period. Revenue is net of all
    returns of the period, so `check` is a little below the mean of `check()`, which leaves returns out.
    Ratios are null in a period without visits. `NotEnoughData` below eight weeks of history.
    """
    previous, last = comparison_periods(rollup)
    rows = [_activity(rollup, "previous", previous), _activity(rollup, "last", last)]
    return Pillars(ibis.memtable(pa.Table.from_pylist(rows, _PILLARS)))


_PILLARS = pa.schema(
    [
        ("period", pa.string()),
        ("starts_on", pa.date32()),
        ("ends_on", pa.date32()),
        ("customers", pa.int64()),
        ("visits_per_customer", pa.float64()),
        ("receipts", pa.int64()),
        ("lines_per_receipt", pa.float64()),
        ("amount_per_line", pa.float64()),
        ("check", pa.float64()),
        ("revenue", pa.int64()),
    ]
)


def _row(table: ir.Table) -> dict[str, Any]:
    row: dict[str, Any] = table.to_pyarrow().to_pylist()[0]
    return row


def _trimmed(paid: ir.Table, n: int, cut: int, bottom: int, top: int) -> Estimate:
    """The mean without `cut` receipts at each end; `bottom` and `top` are the first and last amount kept.

    Winsorising puts the cut receipts onto those two amounts, so taking them off its sum leaves the trimmed
    sum, ties included.
    """
    winsorised = paid.mutate(amount=paid.amount.clip(bottom, top)).amount
    row = _row(winsorised.as_table().aggregate(total=winsorised.sum(), variance=winsorised.var(how="sample")))
    kept = n - 2 * cut
    mean = (row["total"] - cut * (bottom + top)) / kept
    variance = row["variance"] * (n - 1) / (kept - 1)
    return mean_interval(mean, variance, kept)


def _months(rollup: Rollup, paid: ir.Table) -> ir.Table:
    by_month = paid.group_by(number=month_number(paid.purchased_on)).aggregate(
        receipts=paid.count(), mean=paid.amount.mean(), median=paid.amount.cast("float64").median()
    )
    found = {row["number"]: row for row in by_month.to_pyarrow().to_pylist()}
    numbers = months_between(rollup.first_day, rollup.as_of)
    rows = [{"receipts": 0, **found.get(number, {}), "month": month_of(number)} for number in numbers]
    schema = [("month", pa.date32()), ("receipts", pa.int64()), ("mean", pa.float64()), ("median", pa.float64())]
    return ibis.memtable(pa.Table.from_pylist(rows, pa.schema(schema)))


def _histogram(paid: ir.Table, nearly_all: float) -> ir.Table:
    """Equal bins of a round width up to the 99th percentile; everything above it is in the last bin."""
    width = _round_up(nearly_all / _BINS)
    bins = max(1, math.ceil(nearly_all / width))
    place = ibis.least((paid.amount - paid.amount % width) // width, bins)
    counted = paid.group_by(place=place.cast("int64")).aggregate(receipts=paid.count(), high=paid.amount.max())
    found = {row["place"]: row for row in counted.to_pyarrow().to_pylist()}
    rows = [
        {"low": i * width, "high": (i + 1) * width, "receipts": found.get(i, {}).get("receipts", 0)}
        for i in range(max(found) + 1)
    ]
    rows[-1]["high"] = max(rows[-1]["high"], found[max(found)]["high"])
    schema = pa.schema([("low", pa.int64()), ("high", pa.int64()), ("receipts", pa.int64())])
    return ibis.memtable(pa.Table.from_pylist(rows, schema))


def _round_up(width: float) -> int:
    """The next of 1, 2, 5, 10, 20, 50 ... : edges that a person can read."""
    power: int = 10 ** max(0, math.floor(math.log10(max(width, 1))))
    return next(power * step for step in (1, 2, 5, 10) if power * step >= width)


def _activity(rollup: Rollup, name: str, period: Period) -> dict[str, Any]:
    days = rollup.days.filter(within(rollup.days.purchased_on, period))
    before = days.purchased_on.delta(ibis.literal(period[0]), unit="day") < days.gap_days
    sums = days.aggregate(
        # the previous visit was before the period, or never: counts customers without a COUNT DISTINCT
        customers=(days.is_visit & (days.gap_days.isnull() | before)).sum().fill_null(0),
        visits=days.is_visit.sum().fill_null(0),
        receipts=days.receipts.sum().fill_null(0),
        lines=days.lines.sum().fill_null(0),
        revenue=days.amount.sum().fill_null(0),
    )
    row = _row(sums)
    return {
        "period": name,
        "starts_on": period[0],
        "ends_on": period[1],
        **row,
        "visits_per_customer": _ratio(row["visits"], row["customers"]),
        "lines_per_receipt": _ratio(row["lines"], row["receipts"]),
        "amount_per_line": _ratio(row["revenue"], row["lines"]),
        "check": _ratio(row["revenue"], row["receipts"]),
    }


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
