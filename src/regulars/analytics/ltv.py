"""LTV: what customers have brought, what they will bring, and what a new one may cost."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
from numpy.typing import NDArray

from regulars.analytics.backtest import counted_of
from regulars.analytics.clv import MbgNbd, fit_mbg_nbd
from regulars.analytics.clv.fit import MINIMUM_CUSTOMERS
from regulars.analytics.distinct import with_computed
from regulars.analytics.estimate import Estimate
from regulars.analytics.intervals import bootstrap_sum, mean_interval
from regulars.analytics.models import Models, counted_customers
from regulars.analytics.readable import Readable
from regulars.analytics.rhythm import Rhythm
from regulars.analytics.rollup import Rollup
from regulars.analytics.scores import UNIT_DAYS
from regulars.analytics.snapshot import TUPLE, Past
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _

Floats = NDArray[np.float64]

HORIZONS_MONTHS = (12, 24, 36)
MONTH_DAYS = 365.25 / 12
FIRST_DAYS = (365, 182, 91)  # what a newcomer brings is observed over the longest of these that the data allow
FEWEST_NEWCOMERS = 30  # of a segment, observed that long
MOST_SEGMENTS = 15  # of a dimension, the largest


@dataclass(frozen=True)
class Holdout:
    """Predicted against actual visits in the last window, by the model fitted before it (of those sampled)."""

    customers: int
    predicted: float
    actual: int


@dataclass(frozen=True, repr=False)
class Ltv(Readable):
    """Historic and expected value of customers.

    Money is in minor units: margin when `basis` is "margin" (cost or share known), else revenue. Expected
    values are discounted at `discount_rate` a year, each year's money at its middle.

    `newcomer` and `payback` are about customers first seen after the first window of the history, and their
    model is fitted on them alone: those who were there from the start are regulars of long standing, and a
    newcomer is not worth what they are.

    - `payback`: one row per month since the first visit, 0 to 36: `month`, `observed` and `modelled`
      cumulative value per newcomer, the first purchase included; null where not observed.
    - `segments`: one row per segment of a `dimension` (first_store, first_channel, first_product,
      first_category, rfm_segment, state): `segment`, `customers`, `historic_mean`, `expected_12`, and
      `value_first`, `low`, `high`: what its newcomers brought in their first `first_days` days, with its
      interval, where at least 30 were observed that long. No correction for many comparisons is made.
    - `customers`: one row per customer: `customer_id`, `p_alive`, `expected_visits_12`,
      `expected_value_12`, `expected_value_24`, `expected_value_36`; null without a model.
    """

    discount_rate: float
    basis: str
    historic_mean: Estimate
    expected: dict[int, Estimate] | None  # horizon in months -> mean value of an existing customer
    expected_total: dict[int, float] | None
    newcomer: dict[int, Estimate] | None  # horizon -> what a new customer brings: the most that winning one may cost
    newcomer_reason: str | None  # why there is no forecast for newcomers
    payback: ir.Table | None
    first_days: int | None
    segments: ir.Table | None
    holdout: Holdout | None
    reason: str | None  # why there is no forecast
    customers: ir.Table


def ltv(
    rollup: Rollup,
    models: Models,
    rhythm: Rhythm,
    profile: ir.Table,
    *,
    window_days: int,
    pasts: tuple[Past, ...] = (),
    margin_share: float | None = None,
    discount_rate: float = 0.1,
) -> Ltv:
    """Value of customers so far and over the next 12, 24 and 36 months.

    Visits to come by MBG/NBD (Batislam, Denizel & Filiztekin 2007), value per visit by Gamma-Gamma (Fader
    & Hardie 2013). `profile` has one row per customer with the segment columns. Intervals of means come
    from the spread between customers; the doubt about the model itself shows in `holdout`.
    """
    share = 1.0 if margin_share is None else margin_share
    money = _Money(rhythm, share, discount_rate)
    model = models.visits
    customers = _expected(rollup, model, money).cache()
    historic = _amounts(rollup.customers.amount, share)
    newcomers = _newcomers(rollup, window_days).cache()
    fresh, newcomer_reason = _newcomer_model(newcomers)
    first_days = _first_days(newcomers)
    expected = {h: _amounts(customers[f"expected_value_{h}"]) for h in HORIZONS_MONTHS} if model else {}
    return Ltv(
        discount_rate=discount_rate,
        basis="revenue" if margin_share is None else "margin",
        historic_mean=_mean(historic),
        expected={h: _mean(values) for h, values in expected.items()} or None,
        expected_total={h: float(values.sum()) for h, values in expected.items()} or None,
        newcomer=_newcomer(fresh, newcomers, money) if fresh else None,
        newcomer_reason=newcomer_reason,
        payback=_payback(rollup, newcomers, fresh, money),
        first_days=first_days,
        segments=_segments(rollup, newcomers, customers, profile, first_days, share),
        holdout=_holdout(pasts, window_days),
        reason=models.reasons.get("mbg_nbd"),
        customers=customers,
    )


@dataclass(frozen=True)
class _Money:
    """How visits become value."""

    rhythm: Rhythm
    share: float  # of margin, or 1
    discount_rate: float  # a year


def _discounted(cumulative: list[Floats], rate: float) -> list[Floats]:
    """Cumulative visits at the ends of years 1, 2, 3 -> the same with each year's visits discounted at mid-year."""
    total = np.zeros_like(cumulative[0])
    before = np.zeros_like(cumulative[0])
    found = []
    for year, visits in enumerate(cumulative):
        total = total + (visits - before) / (1 + rate) ** (year + 0.5)
        before = visits
        found.append(total)
    return found


def _horizons_in_units() -> list[float]:
    return [months * MONTH_DAYS / UNIT_DAYS for months in HORIZONS_MONTHS]


def _expected(rollup: Rollup, model: MbgNbd | None, money: _Money) -> ir.Table:
    customers = rollup.customers.mutate(frequency=rollup.customers.visits - 1)
    names = [f"expected_value_{h}" for h in HORIZONS_MONTHS]
    if model is None:
        absent = ibis.null("float64")
        return customers.select(
            "customer_id", p_alive=absent, expected_visits_12=absent, **dict.fromkeys(names, ibis.null("int64"))
        )

    def compute(x: Floats, t_x: Floats, t: Floats) -> dict[str, NDArray[Any]]:
        history = (x, t_x / UNIT_DAYS, t / UNIT_DAYS)
        visits = [model.expected_purchases_given(*history, horizon) for horizon in _horizons_in_units()]
        found = dict(zip(names, _discounted(visits, money.discount_rate), strict=True))
        return {"p_alive": model.p_alive(*history), "expected_visits_12": visits[0], **found}

    found = with_computed(customers, TUPLE, compute)
    check = money.rhythm.check(found.amount, found.visits) * money.share
    values = {name: (found[name] * check).round().cast("int64") for name in names}
    return found.select("customer_id", "p_alive", "expected_visits_12", **values)


def _amounts(column: ir.NumericColumn, share: float = 1.0) -> Floats:
    return np.asarray(column.fill_null(0).to_pyarrow().to_numpy(), dtype=np.float64) * share


def _mean(amounts: Floats) -> Estimate:
    total = bootstrap_sum(amounts)
    return Estimate(total.value / amounts.size, total.low / amounts.size, total.high / amounts.size)


def _newcomers(rollup: Rollup, window_days: int) -> ir.Table:
    """Customers first seen after the first window: those before had mostly bought before the history began."""
    customers = rollup.customers
    seen_after = rollup.first_day + dt.timedelta(days=window_days)
    return customers.filter(customers.first_on >= ibis.literal(seen_after))


def _newcomer_model(newcomers: ir.Table) -> tuple[MbgNbd | None, str | None]:
    counted = counted_customers(newcomers)
    if counted.n_customers < MINIMUM_CUSTOMERS:
        # of newcomers, not of the customers whose number the reader has just seen
        return None, _(
            "A model of newcomers needs about {minimum} of them, there are {count}. "
            "Load a longer history or more stores."
        ).format(minimum=MINIMUM_CUSTOMERS, count=counted.n_customers)
    try:
        return fit_mbg_nbd(counted), None
    except NotEnoughData as refusal:
        return None, str(refusal)


def _newcomer(model: MbgNbd, newcomers: ir.Table, money: _Money) -> dict[int, Estimate]:
    check = _newcomer_check(newcomers) * money.share
    relative = _relative_error(_amounts(newcomers.amount))
    visits = [model.expected_purchases(np.array([horizon])) for horizon in _horizons_in_units()]
    found = {}
    for months, repeats in zip(HORIZONS_MONTHS, _discounted(visits, money.discount_rate), strict=True):
        value = check * (1 + float(repeats[0]))
        found[months] = Estimate(value, value * (1 - relative), value * (1 + relative))
    return found


def _newcomer_check(newcomers: ir.Table) -> float:
    """Money per visit of newcomers, minor units."""
    sums = newcomers.aggregate(amount=newcomers.amount.sum(), visits=newcomers.visits.sum()).to_pyarrow().to_pylist()
    return max(sums[0]["amount"] or 0, 0) / (sums[0]["visits"] or 1)


def _relative_error(amounts: Floats) -> float:
    """Half the width of the mean's interval, relative to the mean."""
    if amounts.size < 2 or amounts.mean() <= 0:
        return 0.0
    interval = mean_interval(float(amounts.mean()), float(amounts.var(ddof=1)), amounts.size)
    return (interval.high - interval.value) / interval.value


def _first_days(newcomers: ir.Table) -> int | None:
    counts = newcomers.aggregate(**{f"d{days}": (newcomers.age_days >= days).sum() for days in FIRST_DAYS})
    row = counts.to_pyarrow().to_pylist()[0]
    return next((days for days in FIRST_DAYS if (row[f"d{days}"] or 0) >= FEWEST_NEWCOMERS), None)


def _payback(rollup: Rollup, newcomers: ir.Table, model: MbgNbd | None, money: _Money) -> ir.Table | None:
    last = HORIZONS_MONTHS[-1]
    observed = _observed_payback(rollup, newcomers, money)
    if not observed and model is None:
        return None
    rows = {
        "month": list(range(last + 1)),
        "observed": [observed[month] if month < len(observed) else None for month in range(last + 1)],
        "modelled": [None] * (last + 1) if model is None else _modelled_payback(model, newcomers, money),
    }
    return ibis.memtable(rows, schema={"month": "int64", "observed": "float64", "modelled": "float64"})


def _modelled_payback(model: MbgNbd, newcomers: ir.Table, money: _Money) -> list[float]:
    months = np.arange(HORIZONS_MONTHS[-1] + 1, dtype=np.float64)
    visits = model.expected_purchases(months * MONTH_DAYS / UNIT_DAYS)
    steps = np.diff(visits, prepend=0.0) / (1 + money.discount_rate) ** (months / 12)
    value = _newcomer_check(newcomers) * money.share * (1 + np.cumsum(steps))
    return [float(one) for one in value]


def _observed_payback(rollup: Rollup, newcomers: ir.Table, money: _Money) -> list[float]:
    """Cumulative value per newcomer at the end of each month of life, among those observed to its end."""
    ages = newcomers.group_by(months=(newcomers.age_days / MONTH_DAYS).floor().cast("int64")).aggregate(
        n=ibis._.count()
    )
    observed_to = {row["months"]: row["n"] for row in ages.to_pyarrow().to_pylist()}
    days = rollup.days.inner_join(newcomers.select("customer_id", "first_on", "age_days"), "customer_id")
    life = days.purchased_on.delta(days.first_on, unit="day")
    lived = (days.age_days / MONTH_DAYS).floor().cast("int64")
    days = days.mutate(month=ibis.ifelse(life == 0, 0, (life / MONTH_DAYS).floor().cast("int64") + 1), lived=lived)
    spent = days.filter(days.month <= days.lived).group_by("month").aggregate(amount=ibis._.amount.sum())
    by_month = {row["month"]: row["amount"] for row in spent.to_pyarrow().to_pylist()}
    total, curve = 0.0, []
    for month in range(HORIZONS_MONTHS[-1] + 1):
        observed = sum(n for lived_months, n in observed_to.items() if lived_months >= month)
        if observed < FEWEST_NEWCOMERS:
            break
        total += by_month.get(month, 0) * money.share / observed / (1 + money.discount_rate) ** (month / 12)
        curve.append(total)
    return curve


def _segments(
    rollup: Rollup,
    newcomers: ir.Table,
    expected: ir.Table,
    profile: ir.Table,
    first_days: int | None,
    share: float,
) -> ir.Table | None:
    dimensions = [name for name in profile.columns if name != "customer_id"]
    if not dimensions:
        return None
    people = rollup.customers.select("customer_id", "amount").inner_join(profile, "customer_id")
    people = people.inner_join(expected.select("customer_id", "expected_value_12"), "customer_id")
    people = _with_first_value(people, rollup, newcomers, first_days, share).cache()
    tables = [_segment_rows(people, dimension, share) for dimension in dimensions]
    return ibis.union(*tables, distinct=False).cache() if len(tables) > 1 else tables[0].cache()


def _with_first_value(
    people: ir.Table, rollup: Rollup, newcomers: ir.Table, first_days: int | None, share: float
) -> ir.Table:
    """Adds `value_first`: what a newcomer brought in the first days; null for all others."""
    if first_days is None:
        return people.mutate(value_first=ibis.null("float64"))
    observed = newcomers.filter(newcomers.age_days >= first_days).select("customer_id", "first_on")
    days = rollup.days.inner_join(observed, "customer_id")
    early = days.filter(days.purchased_on.delta(days.first_on, unit="day") < first_days)
    value = early.group_by("customer_id").aggregate(value_first=early.amount.sum().cast("float64") * share)
    return people.left_join(value, "customer_id").drop("customer_id_right")


def _segment_rows(people: ir.Table, dimension: str, share: float) -> ir.Table:
    rows = (
        people.filter(people[dimension].notnull())
        .group_by(segment=people[dimension])
        .aggregate(
            customers=ibis._.count(),
            historic_mean=ibis._.amount.mean() * share,
            expected_12=ibis._.expected_value_12.mean(),
            observed=ibis._.value_first.count(),
            mean=ibis._.value_first.mean(),
            spread=ibis._.value_first.std(how="sample"),
        )
    )
    rows = rows.order_by([rows.customers.desc(), rows.segment]).limit(MOST_SEGMENTS)
    enough = rows.observed >= FEWEST_NEWCOMERS
    half = 1.96 * rows.spread / rows.observed.cast("float64").sqrt()
    absent = ibis.null("float64")
    return rows.select(
        dimension=ibis.literal(dimension),
        segment=rows.segment,
        customers=rows.customers,
        historic_mean=rows.historic_mean,
        expected_12=rows.expected_12,
        value_first=ibis.ifelse(enough, rows["mean"], absent),
        low=ibis.ifelse(enough, rows["mean"] - half, absent),
        high=ibis.ifelse(enough, rows["mean"] + half, absent),
    )


def _holdout(pasts: tuple[Past, ...], window_days: int) -> Holdout | None:
    """The latest origin: fitted on what was known then, judged by the window that followed."""
    if not pasts:
        return None
    past = pasts[0]
    try:
        model = fit_mbg_nbd(counted_of(past))
    except NotEnoughData:
        return None
    predicted = model.expected_purchases_given(
        past.frequency, past.last_purchase_age / UNIT_DAYS, past.age / UNIT_DAYS, window_days / UNIT_DAYS
    )
    return Holdout(past.age.size, float(predicted.sum()), int(past.visits_after.sum()))
