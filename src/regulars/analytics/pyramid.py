"""The loyalty pyramid: how many customers stand on each stage, as far as purchases can show it."""

import datetime as dt
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from regulars.analytics.findings import Found, Ground
from regulars.analytics.rollup import YEAR_DAYS
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _

# from the bottom to the top; the stages add up: whoever stands on one stands on all below it
STAGES = ("knows_us", "knows_products", "buys", "satisfied", "prefers", "recommends")
SEEN_IN_PURCHASES = ("buys", "satisfied", "prefers")

FEWEST_VISITS = 3
STEADY_SHARE = 0.8  # of the returns of the year that came within the window
FEWEST_CATEGORIES = 2  # no more: that the first and the last differ tells no third

_TABLE = pa.schema(
    [
        ("stage", pa.string()),
        ("customers", pa.int64()),
        ("customers_here", pa.int64()),
        ("amount", pa.int64()),
        ("share_of_below", pa.float64()),
        ("customers_before", pa.int64()),
        ("share_of_below_before", pa.float64()),
    ]
)


@dataclass(frozen=True, repr=False)
class Pyramid(Found):
    """Stages of the 365 days up to `as_of`, and of the 365 days before where the history reaches that far.

    - `stages`: one row per stage of `STAGES`. `customers` on it or higher, `customers_here` of them no higher, `amount`
      (minor units, what `customers` spent in the year); `share_of_below`: of those one stage lower; `_before`: the same
      a year earlier. Null where purchases cannot show the stage: whoever knows the business or recommends it leaves no
      receipt for that.
    - `people`: one row per customer who bought in the year: `customer_id`, `loyalty_stage` (the highest).

    It compares nothing by tests and has no findings.
    """

    window_days: int
    uses_categories: bool
    stages: ir.Table
    people: ir.Table


def pyramid(ground: Ground) -> Pyramid:
    """Put every customer of the year on the highest stage that the purchases show.

    - buys: a visit in the year;
    - satisfied: and has come back within the business's window at least once in the year;
    - prefers us: and came three times or more, four of five returns within the window, the last visit no longer ago
      than the window, from two categories or more (where lines have categories).

    Each stage is part of the one below. Knowing the business, knowing its products and recommending it are stages too;
    they are left empty, because only a survey, a web counter or a referral can show them.

    Raises `NotEnoughData` when the history is shorter than two windows.
    """
    rollup = ground.rollup
    need = 2 * ground.window_days
    if rollup.span_days < need:
        raise NotEnoughData(
            _("The loyalty pyramid needs {need} days of history; there are {n}.").format(need=need, n=rollup.span_days)
        )
    people = _stages(ground, rollup.as_of).cache()
    before = None
    if rollup.span_days >= 2 * YEAR_DAYS:
        before = _count(_stages(ground, rollup.as_of - dt.timedelta(days=YEAR_DAYS)))
    return Pyramid(
        findings=(),
        comparisons=(),
        window_days=ground.window_days,
        uses_categories=rollup.has("category"),
        stages=ibis.memtable(pa.Table.from_pylist(_rows(_count(people), before), _TABLE)),
        people=people.select("customer_id", "loyalty_stage"),
    )


def _stages(ground: Ground, day: dt.date) -> ir.Table:
    """One row per customer with a visit in the year that ends with `day`."""
    rollup, window_days = ground.rollup, ground.window_days
    since = day - dt.timedelta(days=YEAR_DAYS)
    visits = rollup.visits
    visits = visits.filter((visits.purchased_on > ibis.literal(since)) & (visits.purchased_on <= ibis.literal(day)))
    people = visits.group_by("customer_id").aggregate(
        visits=visits.count(),
        returns=visits.gap_days.count(),
        in_window=(visits.gap_days <= window_days).sum().fill_null(0),
        last_on=visits.purchased_on.max(),
        amount=visits.amount.sum(),
    )
    steady = people.in_window.cast("float64") >= STEADY_SHARE * people.returns.cast("float64")
    here = ibis.literal(day).delta(people.last_on, unit="day") <= window_days
    prefers = (people.visits >= FEWEST_VISITS) & steady & here
    if rollup.has("category"):
        broad = _broad(ground, since, day)
        people = people.mutate(prefers=prefers).left_join(broad, "customer_id").drop("customer_id_right")
        people = people.mutate(prefers=people.prefers & people.is_broad.fill_null(False))
    else:
        people = people.mutate(prefers=prefers)
    satisfied = people.in_window > 0
    stage = ibis.cases((satisfied & people.prefers, "prefers"), (satisfied, "satisfied"), else_="buys")
    return people.select("customer_id", "amount", loyalty_stage=stage)


def _broad(ground: Ground, since: dt.date, day: dt.date) -> ir.Table:
    """Who bought from two categories or more: they differ between the first and the last by number."""
    rollup = ground.rollup
    first, last = ((on - rollup.first_day).days for on in (since, day))
    days = ground.sold.with_key("category")
    days = days.filter((days.day_no > first) & (days.day_no <= last))
    seen = days.group_by("customer_no").aggregate(is_broad=days.key_no.min() < days.key_no.max())
    numbers = rollup.customers.select("customer_id", "customer_no")
    return seen.inner_join(numbers, "customer_no").select("customer_id", "is_broad")


Counts = dict[str, tuple[int, int]]


def _count(people: ir.Table) -> Counts:
    """Customers and money of each seen stage with all stages above it."""
    found = people.group_by("loyalty_stage").aggregate(n=people.count(), amount=people.amount.sum())
    own = {row["loyalty_stage"]: (row["n"], row["amount"]) for row in found.to_pyarrow().to_pylist()}
    counts: Counts = {}
    customers = amount = 0
    for stage in reversed(SEEN_IN_PURCHASES):
        n, money = own.get(stage, (0, 0))
        customers, amount = customers + n, amount + money
        counts[stage] = customers, amount
    return counts


def _rows(now: Counts, before: Counts | None) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for stage in STAGES:
        row: dict[str, object] = {"stage": stage}
        if stage in SEEN_IN_PURCHASES:
            row |= {"customers": now[stage][0], "amount": now[stage][1], "share_of_below": _share(now, stage)}
            row["customers_here"] = now[stage][0] - now[above][0] if (above := _above(stage)) else now[stage][0]
            if before is not None:
                row |= {"customers_before": before[stage][0], "share_of_below_before": _share(before, stage)}
        rows.append(row)
    return rows


def _above(stage: str) -> str | None:
    place = SEEN_IN_PURCHASES.index(stage) + 1
    return SEEN_IN_PURCHASES[place] if place < len(SEEN_IN_PURCHASES) else None


def _share(counts: Counts, stage: str) -> float | None:
    """Of those one stage lower; nobody knows how many are below the buyers."""
    place = SEEN_IN_PURCHASES.index(stage)
    if place == 0 or not counts[SEEN_IN_PURCHASES[place - 1]][0]:
        return None
    return counts[stage][0] / counts[SEEN_IN_PURCHASES[place - 1]][0]
