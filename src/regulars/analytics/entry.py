"""Entry: with what, where and with whom newcomers began, against whether they came again."""

from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from regulars.analytics.estimate import Estimate, times
from regulars.analytics.findings import Evidence, Finding, Found, Ground
from regulars.analytics.league_cases import (
    Row,
    as_table,
    bands,
    column_of,
    comparisons,
    every_nth,
    groups_of,
    joined,
    levels,
    rows_of,
    steps,
)
from regulars.analytics.leagues import Cases, League, stand
from regulars.analytics.newcomers import first_visits
from regulars.analytics.rollup import YEAR_DAYS, Rollup
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _

FEWEST_NEWCOMERS = 100
GOODS = ("product", "category", "promotion")
PLACES = ("staff", "channel", "store")
DEPTHS = (0.0, 0.05, 0.15, 0.3)  # upper ends of the levels of discount depth

_SIZES = (1, 2, 4, 8, 16)  # upper ends of the bands of basket size


@dataclass(frozen=True, repr=False)
class Entry(Found):
    """What newcomers began with, and whether they returned within the window.

    - `levels`: one row per product, category, promotion, depth of discount (`discount`), member of staff, channel and
      store (`dimension`, `key`, `label`) of first visits, with at least 30 newcomers behind it: `cases`, `returned`,
      `share`; `expected`, the share of comparable newcomers who began with something else; `difference` drawn towards
      zero with its interval (`low`, `high`); `p_value`, `q_value`, `reported`. Null where a level cannot be told apart.
    - `newcomers`: first visits compared; `of_newcomers`: all there are (a large base is sampled).
    """

    newcomers: int
    of_newcomers: int
    returned_share: float
    value_of_return: Estimate | None  # minor units: what a newcomer who returned brought more in the year after
    levels: ir.Table


def entry(ground: Ground) -> Entry:
    """Compare what newcomers began with by the share that returned within the business's own window.

    Newcomers are those of `newcomers`: first seen after the first window of the history, and at least one window
    before `as_of`. Every product in the baskets of the first day counts; store, seller and channel are those of its
    first receipt; discount depth is the discount's share of the full price of that day. The expected share comes from
    a logistic model on basket size, mean price of a position, month and store (for stores: without the store); see
    `leagues` for the test, the funnel, and how what merely accompanies another is left out. False discoveries are
    held at 5 % over everything compared (Benjamini & Hochberg 1995); differences are drawn towards zero.

    Money of a bad beginning: newcomers a year who begin so, times the (drawn) share that fails to return because of
    it, times what a newcomer who returned brought more in the year after the first visit than one who did not. It
    assumes that whoever is kept is worth as much as those who came by themselves. A good beginning has no money: how
    many more could be led to it is not known. Ties and row order do not matter; lines without a name count nowhere.

    Raises `NotEnoughData` without any of the columns, or below 100 newcomers.
    """
    rollup = ground.rollup
    if not rollup.has("discount") and not any(column_of(rollup, name) for name in (*GOODS, *PLACES)):
        raise NotEnoughData(
            _("Needs a column with the product, category, store, staff, channel, promotion or discount.")
        )
    first = _first_days(ground).cache()
    number_of = int(first.count().to_pyarrow().as_py())
    if number_of < FEWEST_NEWCOMERS:
        raise NotEnoughData(
            _("Needs at least {need} newcomers whose return could be waited for; there are {n}.").format(
                need=FEWEST_NEWCOMERS, n=number_of
            )
        )
    nth = every_nth(number_of)
    return _Comparing(ground, first, number_of, nth).entry()


def _first_days(ground: Ground) -> ir.Table:
    """Newcomers with their first day: `number`, `in_window`, `size`, `price`, `depth` and its places."""
    rollup = ground.rollup
    people = first_visits(rollup, ground.window_days).select("customer_id", "first_on", "month", "in_window", "amount")
    numbers = rollup.customers.select("customer_id", number=rollup.customers.customer_no)
    days = rollup.days.rename(first_on="purchased_on", paid="gross").drop("amount")
    found = people.inner_join(numbers, "customer_id").inner_join(days, ["customer_id", "first_on"])
    found = found.mutate(size=found.lines, price=found.paid / ibis.greatest(found.lines, 1))
    if "discount" in found.columns:
        full = found.paid + found.discount
        found = found.mutate(depth=ibis.cases((full > 0, found.discount / ibis.greatest(full, 1)), else_=0.0))
    wanted = ["customer_id", "number", "first_on", "month", "in_window", "amount", "size", "price"]
    found = found.select(*wanted, *[name for name in ("depth",) if name in found.columns])
    places = [name for name in PLACES if rollup.has(name)]
    return _with_places(rollup, found, places) if places else found


def _with_places(rollup: Rollup, first: ir.Table, places: list[str]) -> ir.Table:
    """Where the first receipt of the first day was; ties in time go to the names that sort first."""
    receipts = rollup.receipts.filter(rollup.receipts.lines > 0)
    receipts = receipts.select("customer_id", "purchased_at", *places, first_on=receipts.purchased_on)
    receipts = receipts.semi_join(first, ["customer_id", "first_on"])
    order = [receipts.purchased_at, *[receipts[name] for name in places]]
    place = ibis.row_number().over(ibis.window(group_by=receipts.customer_id, order_by=order))
    receipts = receipts.mutate(place=place).filter(ibis._.place == 0).select("customer_id", *places)
    return first.left_join(receipts, "customer_id").drop("customer_id_right")


@dataclass(frozen=True)
class _Comparing:
    ground: Ground
    first: ir.Table
    newcomers: int
    nth: int

    def entry(self) -> Entry:
        sample = self.first.filter(self.first.number % self.nth == 0) if self.nth > 1 else self.first
        rows = sample.select([name for name in sample.columns if name != "customer_id"]).order_by("number").to_pyarrow()
        compared = self._compared(sample, rows)
        worth = value_of_return(self.ground, self.first)
        found = [row for row in compared if row.reported]
        return Entry(
            findings=tuple(self._finding(row, worth) for row in found),
            comparisons=comparisons("entry", compared),
            newcomers=rows.num_rows,
            of_newcomers=self.newcomers,
            returned_share=float(np.mean(_floats(rows["in_window"]))),
            value_of_return=worth,
            levels=as_table(compared),
        )

    def _compared(self, sample: ir.Table, rows: pa.Table) -> list[Row]:
        """Goods, discounts and people net of the store; then the stores."""
        numbers = rows["number"].to_numpy()
        found = [
            groups_of(name, self._pairs(sample, name).cache(), numbers)
            for name in (*GOODS, "discount", *PLACES)
            if name in self._dimensions
        ]
        leagues = []
        for inside, covariates in ((True, _covariates(rows, with_store=True)), (False, _covariates(rows))):
            mine = [one for one in found if one.key and (one.dimension[0] != "store") == inside]
            if mine:
                groups = joined(mine)
                cases = Cases(_floats(rows["in_window"]), covariates, np.arange(rows.num_rows))
                leagues.append((groups, League(cases, groups.members, groups.dimension)))
        standings = stand([league for _groups, league in leagues])
        return [row for (groups, _league), one in zip(leagues, standings, strict=True) for row in rows_of(groups, one)]

    @property
    def _dimensions(self) -> set[str]:
        rollup = self.ground.rollup
        known = {name for name in (*GOODS, *PLACES) if column_of(rollup, name)}
        return known | ({"discount"} if rollup.has("discount") else set())

    def _pairs(self, people: ir.Table, dimension: str) -> ir.Table:
        """Who began with what: `number`, `customer_id`, `key`, `label`, `in_window`, `amount`; each pair once."""
        if dimension == "promotion":
            return self._offers(people)
        if dimension in GOODS:
            return self._goods(people, dimension)
        key = _depth_level(people.depth) if dimension == "discount" else people[dimension]
        return people.select("number", "customer_id", "in_window", "amount", key=key, label=key)

    def _offers(self, people: ir.Table) -> ir.Table:
        lines = self.ground.rollup.lines
        bought = lines.filter((lines.amount >= 0) & lines.promotion.notnull())
        bought = bought.select("customer_id", first_on=bought.purchased_on, key=bought.promotion)
        mine = people.select("number", "customer_id", "first_on", "in_window", "amount")
        bought = bought.inner_join(mine, ["customer_id", "first_on"])
        bought = bought.select("number", "customer_id", "key", "in_window", "amount").distinct()
        return bought.mutate(label=bought.key)

    def _goods(self, people: ir.Table, dimension: str) -> ir.Table:
        rollup, sold, column = self.ground.rollup, self.ground.sold, column_of(self.ground.rollup, dimension)
        assert column is not None
        label = "product" if dimension == "product" and rollup.has("product") else column
        day_no = people.first_on.delta(ibis.literal(rollup.first_day), unit="day").cast("int32")
        met = sold.met(people.select(customer_no=people.number.cast("int32"), day_no=day_no), column, label)
        mine = people.select("number", "customer_id", "in_window", "amount")
        met = met.inner_join(mine, met.customer_no == mine.number).inner_join(sold.keys(column).names, "key_no")
        labels = sold.keys(label).names.select(label_no="key_no", label="key")
        return met.left_join(labels, "label_no").select("number", "customer_id", "key", "in_window", "amount", "label")

    def _finding(self, row: Row, worth: Estimate | None) -> Finding:
        assert row.difference is not None and row.p_value is not None and row.q_value is not None
        assert row.expected is not None and row.low is not None and row.high is not None
        worse = row.difference < 0
        pairs = self._pairs(self.first, row.dimension)
        mine = pairs.filter((pairs.key == row.key) & (pairs.in_window != worse))
        people = mine.select("customer_id", "amount").cache()
        difference = Estimate(row.difference, row.low, row.high)
        return Finding(
            id=f"entry:{row.dimension}:{row.key}",
            chapter="entry",
            kind="entry_worse" if worse else "entry_better",
            about={
                "dimension": row.dimension,
                "label": row.label or row.key,
                "cases": row.cases,
                "share": row.share,
                "expected": row.expected,
                "difference": difference,
                "window_days": self.ground.window_days,
            },
            customers=int(people.count().to_pyarrow().as_py()),
            money=self._money(row.cases, difference, worth) if worse and worth is not None else None,
            evidence=Evidence.of_test(p_value=row.p_value, q_value=row.q_value, cases=row.cases),
            people=people,
        )

    def _money(self, cases: int, difference: Estimate, worth: Estimate) -> Estimate:
        watched = max(self.ground.rollup.span_days - 2 * self.ground.window_days, 1)
        a_year = cases * self.nth * YEAR_DAYS / watched
        lost = Estimate(-difference.value, -difference.high, -difference.low)
        return times(lost, worth, a_year)


def value_of_return(ground: Ground, first: ir.Table) -> Estimate | None:
    """What newcomers who returned in the window brought more than the others in the 365 days after the first visit.

    From newcomers whose whole year is over; else from the money expected of each over the next 12 months. None when
    either side has fewer than 30, or the difference is not above zero.
    """
    rollup, days = ground.rollup, ground.rollup.days
    whole = first.select("customer_id", "first_on", "in_window")
    age = ibis.literal(rollup.as_of).delta(whole.first_on, unit="day")
    spent = whole.filter(age >= YEAR_DAYS).left_join(
        days.select("customer_id", "purchased_on", money=days.amount), "customer_id"
    )
    since = spent.purchased_on.delta(spent.first_on, unit="day")
    inside = (since > 0) & (since <= YEAR_DAYS)
    year = spent.group_by(["customer_id", "in_window"]).aggregate(money=spent.money.sum(where=inside).fill_null(0))
    expected = whole.inner_join(ground.values, "customer_id")
    expected = expected.filter(expected.expected_value_12.notnull())
    forecast = expected.select("customer_id", "in_window", money=expected.expected_value_12)
    return _difference(year) or _difference(forecast)


def _difference(people: ir.Table) -> Estimate | None:
    """Mean money of those who returned less that of the others, with Welch's standard error."""
    by = people.group_by("in_window").aggregate(
        n=people.count(), mean=people.money.mean(), variance=people.money.var(how="sample")
    )
    found: dict[bool, Any] = {row["in_window"]: row for row in by.to_pyarrow().to_pylist()}
    if set(found) != {True, False} or min(row["n"] for row in found.values()) < 30:
        return None
    gap = found[True]["mean"] - found[False]["mean"]
    half = 1.96 * float(np.sqrt(sum(row["variance"] / row["n"] for row in found.values())))
    return Estimate(gap, gap - half, gap + half) if gap > 0 else None


def _covariates(rows: pa.Table, *, with_store: bool = False) -> tuple[np.ndarray[Any, Any], ...]:
    found = [steps(_floats(rows["size"]), _SIZES), bands(_floats(rows["price"])), levels(rows["month"])]
    if with_store and "store" in rows.column_names:
        found.append(levels(rows["store"]))
    return tuple(found)


def _depth_level(depth: ir.NumericValue) -> ir.StringValue:
    """Keys of the levels of discount depth: the upper end in percent."""
    level: ir.StringValue = ibis.cases(
        *[(depth <= upper, f"{round(upper * 100)}") for upper in DEPTHS],
        else_="100",
    )
    return level


def _floats(column: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
