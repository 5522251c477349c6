"""Exit: what regulars bought last before they left for good, each compared with their own earlier visits."""

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from regulars.analytics.corrections import q_values, two_sided
from regulars.analytics.estimate import Estimate, times
from regulars.analytics.findings import REPORTED_BELOW, Comparison, Evidence, Finding, Found, Ground
from regulars.analytics.intervals import mean_interval
from regulars.analytics.league_cases import column_of
from regulars.analytics.leagues import MOST_CANDIDATES, Floats, as_normal, shrink_sparse, spreads
from regulars.analytics.newcomers import REGULAR_VISITS
from regulars.analytics.rollup import YEAR_DAYS
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _

FEWEST_LEFT = 50  # regulars who left
FEWEST_EXPECTED = 5.0  # expected last visits with the thing
FEWEST_INFORMATIVE = 4.0
EARLIER_VISITS = 12  # of each customer, those just before: the further back, the more else has changed

GOODS = ("product", "category")
DIMENSIONS = (*GOODS, "staff", "store")

STAYING = ("regular", "won_back", "new")

_EXACT = 2**20


@dataclass(frozen=True, repr=False)
class Exits(Found):
    """What was met at last visits more often than at the same customers' earlier ones.

    - `levels`: one row per product, category, member of staff and store (`dimension`, `key`, `label`) that could be
      compared: `last`, regulars who left and met it at the last visit; `expected`, as many as their own earlier visits
      and the habits of those who stayed would make; `ratio`, how many times the odds of leaving differ (drawn towards
      1), with `low` and `high`; `p_value`, `q_value`, `reported`.
    - `left`: regulars who left for good; `stayed`: regulars who stayed, the standard.
    """

    left: int
    stayed: int
    levels: ir.Table


def exits(ground: Ground) -> Exits:
    """Compare the last visits of regulars who left with their own earlier visits, and with visits of those who stayed.

    A regular has made at least three visits. Those in the state "lost" have left; the last visits of all others are
    left out, because nobody knows yet that they are last. Each customer's last visit is compared with up to twelve
    visits just before it (case-crossover, Maclure 1991: each person is their own standard, so taste, income and
    distance cancel out), summed over customers by the score of the conditional
    logistic model (odds by Mantel & Haenszel 1959). What simply becomes more
    usual with time or with the number of visits would look like an exit: so the same is done for customers who stayed,
    at one earlier visit of each, weighted to the same months, and the difference of the two is tested
    (case-time-control, Suissa 1995). Dimensions with many levels are judged against
    their own spread (Spiegelhalter 2005); false discoveries are held at 5 % over everything compared; odds are drawn
    towards 1. Of two that go together, only the one that still stands out where the other is absent is reported.

    Money: last visits of the last 12 months that met it, the share of them that is its doing (1 - 1 / odds), times the
    money that a regular who stays is expected to bring over 12 months.

    Raises `NotEnoughData` without any of the columns, or with fewer than 50 regulars on either side.
    """
    rollup = ground.rollup
    dimensions = [name for name in DIMENSIONS if column_of(rollup, name)]
    if not dimensions:
        raise NotEnoughData(_("Needs a column with the product, category, member of staff or store."))
    strata = _strata(ground).cache()
    counted = strata.aggregate(
        left=strata.is_case.sum().fill_null(0), stayed=(~strata.is_case).sum().fill_null(0)
    ).to_pyarrow()
    left, stayed = (int(counted[name][0].as_py()) for name in ("left", "stayed"))
    if min(left, stayed) < FEWEST_LEFT:
        raise NotEnoughData(
            _(
                "Needs at least {need} regulars who left for good, and as many who stayed; {left} left and "
                "{stayed} stayed."
            ).format(need=FEWEST_LEFT, left=left, stayed=stayed)
        )
    return _Comparing(ground, strata, dimensions).exits(left, stayed)


def _strata(ground: Ground) -> ir.Table:
    """One row per regular: `customer_id`, `is_case`, the number and the day of the (pseudo-)last visit, its weight.

    Of those who stayed one visit between the third and the one before the last is taken, as if by lot: not
    the last one, and at least a window before `as_of`, so that it is seen that they came again.
    """
    people = ground.rollup.customers.inner_join(
        ground.lifecycle.customers.select("customer_id", "state"), "customer_id"
    )
    regulars = people.filter(people.visits >= REGULAR_VISITS)
    left = regulars.filter(regulars.state == "lost").select("customer_id", is_case=ibis.literal(True), turn="visits")
    steady = regulars.filter(regulars.state.isin(STAYING) & (regulars.visits > REGULAR_VISITS))
    stayed = steady.select(
        "customer_id",
        is_case=ibis.literal(False),
        # a lot drawn from the days of the customer, because a name can be spelt in another way
        turn=REGULAR_VISITS
        + (steady.age_days * 7_919 + steady.last_purchase_age_days * 104_729) % (steady.visits - REGULAR_VISITS),
    )
    chosen = ibis.union(left, stayed)
    days = ground.rollup.visits.select("customer_id", "visit_no", "purchased_on")
    found = chosen.inner_join(days, [chosen.customer_id == days.customer_id, chosen.turn == days.visit_no])
    found = found.select("customer_id", "is_case", "turn", on="purchased_on", month=found.purchased_on.truncate("M"))
    waited = ground.rollup.as_of - dt.timedelta(days=ground.window_days)
    return _weighted(found.filter(found.is_case | (found.on <= ibis.literal(waited))))


def _weighted(strata: ir.Table) -> ir.Table:
    """Those who stayed are weighted to the months in which the others left; months with only one kind fall out."""
    by_month = strata.group_by("month").aggregate(cases=strata.is_case.sum(), controls=(~strata.is_case).sum())
    by_month = by_month.filter((by_month.cases > 0) & (by_month.controls > 0))
    found = strata.inner_join(by_month, "month")
    ratio = found.cases.cast("float64") / found.controls.cast("float64")
    return found.mutate(weight=ibis.ifelse(found.is_case, 1.0, ratio)).drop("cases", "controls", "month")


@dataclass(frozen=True)
class Level:
    """One thing that was met, with the score of its odds. Without `p_value` it could not be compared."""

    dimension: str
    key: str
    label: str
    last: int
    expected: float
    log: float  # of the odds ratio, before it is drawn
    variance: float
    deviate: float


@dataclass(frozen=True)
class Judged:
    """A level with the final word on it."""

    level: Level
    ratio: Estimate
    p_value: float
    q_value: float
    reported: bool

    def as_row(self) -> dict[str, Any]:
        """As a row of `levels`."""
        return {
            **{name: getattr(self.level, name) for name in ("dimension", "key", "label", "last", "expected")},
            "ratio": self.ratio.value,
            "low": self.ratio.low,
            "high": self.ratio.high,
            **{name: getattr(self, name) for name in ("p_value", "q_value", "reported")},
        }


_LEVELS = pa.schema(
    [
        *[(name, pa.string()) for name in ("dimension", "key", "label")],
        ("last", pa.int64()),
        *[(name, pa.float64()) for name in ("expected", "ratio", "low", "high", "p_value", "q_value")],
        ("reported", pa.bool_()),
    ]
)


@dataclass(frozen=True)
class _Comparing:
    ground: Ground
    strata: ir.Table
    dimensions: list[str]

    def exits(self, left: int, stayed: int) -> Exits:
        visits = self._visits().cache()
        met = {name: self._met(visits, name) for name in self.dimensions}
        levels = [level for name, table in met.items() for level in _levels(name, table)]
        judged = _judged(levels, met)
        return Exits(
            findings=tuple(self._finding(one, met[one.level.dimension]) for one in judged if one.reported),
            comparisons=_comparisons(judged, self.dimensions),
            left=left,
            stayed=stayed,
            levels=ibis.memtable(pa.Table.from_pylist([one.as_row() for one in judged], _LEVELS)),
        )

    def _visits(self) -> ir.Table:
        """The (pseudo-)last visit of each regular and up to twelve before it, with `others`, how many those are."""
        days = self.ground.rollup.visits.select("customer_id", "visit_no", "purchased_on")
        joined = days.inner_join(self.strata, "customer_id")
        joined = joined.filter((joined.visit_no <= joined.turn) & (joined.visit_no >= joined.turn - EARLIER_VISITS))
        return joined.select(
            "customer_id",
            "purchased_on",
            "is_case",
            "on",
            "weight",
            is_last=joined.visit_no == joined.turn,
            others=ibis.least(joined.turn - 1, EARLIER_VISITS),
        )

    def _met(self, visits: ir.Table, dimension: str) -> ir.Table:
        """One row per regular and thing met: whether at the last visit, and at how many `earlier` of `others`."""
        if dimension in GOODS:
            return self._met_goods(visits, dimension)
        met = self._source(dimension).semi_join(visits, ["customer_id", "purchased_on"])
        met = met.group_by(["customer_id", "purchased_on", "key"]).aggregate(label=met.label.max())
        pairs = visits.inner_join(met, ["customer_id", "purchased_on"])
        pairs = pairs.drop(*[name for name in pairs.columns if name.endswith("_right")])
        return (
            pairs.group_by(["customer_id", "is_case", "on", "weight", "others", "key"])
            .aggregate(label=pairs.label.max(), at_last=pairs.is_last.sum(), earlier=(~pairs.is_last).sum())
            .cache()
        )

    def _met_goods(self, visits: ir.Table, dimension: str) -> ir.Table:
        """The same of goods. So many pairs are kept in numbers, and get their names and people as they are read."""
        ground, column = self.ground, column_of(self.ground.rollup, dimension)
        assert column is not None
        label = "product" if dimension == "product" and ground.rollup.has("product") else column
        numbers = ground.rollup.customers.select("customer_id", "customer_no")
        visits = visits.inner_join(numbers, "customer_id")
        day_no = visits.purchased_on.delta(ibis.literal(ground.rollup.first_day), unit="day")
        days = visits.select("is_last", customer_no=visits.customer_no.cast("int32"), day_no=day_no.cast("int32"))
        met = ground.sold.met(days, column, label)
        met = met.group_by("customer_no", "key_no").aggregate(
            label_no=met.label_no.max(),
            at_last=met.is_last.sum().cast("int32"),
            earlier=(~met.is_last).sum().cast("int32"),
        )
        people = visits.filter(visits.is_last).select("customer_no", "customer_id", "is_case", "on", "weight", "others")
        found = (
            met.cache().inner_join(people.cache(), "customer_no").inner_join(ground.sold.keys(column).names, "key_no")
        )
        labels = ground.sold.keys(label).names.select(label_no="key_no", label="key")
        return found.left_join(labels, "label_no").drop("label_no_right")

    def _source(self, dimension: str) -> ir.Table:
        """Whom and where each customer met on which day, once or more."""
        rollup, column = self.ground.rollup, column_of(self.ground.rollup, dimension)
        assert column is not None
        rows = rollup.receipts.filter(rollup.receipts.lines > 0)
        rows = rows.filter(rows.customer_id.notnull() & rows[column].notnull())
        return rows.select("customer_id", "purchased_on", key=rows[column], label=rows[column])

    def _finding(self, one: Judged, met: ir.Table) -> Finding:
        level, customers = one.level, self.ground.rollup.customers
        last = met.filter((met.key == level.key) & met.is_case & (met.at_last == 1)).select("customer_id", "on")
        people = last.inner_join(customers.select("customer_id", "amount"), "customer_id")
        people = people.select("customer_id", "on", "amount").cache()
        year = self.ground.rollup.as_of - dt.timedelta(days=YEAR_DAYS)
        recent = people.filter(people.on > ibis.literal(year))
        return Finding(
            id=f"exit:{level.dimension}:{level.key}",
            chapter="exit",
            kind="exit",
            about={
                "dimension": level.dimension,
                "label": level.label or level.key,
                "last": level.last,
                "expected": level.expected,
                "ratio": one.ratio,
            },
            customers=_count(people),
            money=self._money(_count(recent), one.ratio),
            evidence=Evidence.of_test(p_value=one.p_value, q_value=one.q_value, cases=level.last),
            people=people.select("customer_id", "amount"),
        )

    def _money(self, last_visits: int, ratio: Estimate) -> Estimate | None:
        worth = _worth_of_a_regular(self.ground)
        if worth is None or not last_visits:
            return None
        doing = [max(1 - 1 / end, 0.0) for end in (ratio.value, ratio.low, ratio.high)]
        return times(Estimate(*doing), worth, last_visits)


def _count(table: ir.Table) -> int:
    return int(table.count().to_pyarrow().as_py())


def _levels(dimension: str, met: ir.Table) -> list[Level]:
    """What could be compared: log odds of those who left less those of who stayed, by one step of each score."""
    sides = {(row["key"], row["is_case"]): row for row in _sums(met).to_pylist()}
    pairs = []
    for (key, is_case), mine in sides.items():
        other = sides.get((key, False))
        if is_case and other is not None and min(mine["spread"], other["spread"]) >= FEWEST_INFORMATIVE * _EXACT:
            pairs.append((mine, other))
    scored = np.array([_score(*pair) for pair in pairs]).reshape(-1, 2)
    # all at once: a law's tail takes as long for one number as for a thousand
    deviates = as_normal(scored[:, 0], scored[:, 1])
    return [_level(dimension, *pair, float(deviate)) for pair, deviate in zip(pairs, deviates, strict=True)]


def _sums(met: ir.Table) -> pa.Table:
    """Per thing and side: observed, expected and variance of the last visits, in exact steps of 2^-20."""
    chance = (met.at_last + met.earlier).cast("float64") / (met.others + 1).cast("float64")
    spread = chance * (1 - chance)
    last, others = met.at_last.cast("float64"), met.others.cast("float64")
    earlier, visits = met.earlier.cast("float64"), others + 1
    # of the fourfold table of one customer: both sides of its odds, and its share of agreement
    for_it, against = last * (others - earlier) / visits, (1 - last) * earlier / visits
    alike = (last + others - earlier) / visits
    terms = {
        "gap": (last - chance) * met.weight,
        "null": chance * met.weight,
        "expected": earlier / others * met.weight,
        "for_it": for_it,
        "against": against,
        "alike_for": alike * for_it,
        "mixed": alike * against + (1 - alike) * for_it,
        "unlike_against": (1 - alike) * against,
        "spread": spread * met.weight,
        "squared": spread * met.weight * met.weight,
        "lean": spread * (1 - 2 * chance) * met.weight,
    }
    # integers, so that neither row order nor the number of threads can change a sum
    exact = {name: (term * _EXACT).round().cast("int64") for name, term in terms.items()}
    rows = met.select("key", "is_case", "label", "at_last", **exact)
    summed = rows.group_by(["key", "is_case"]).aggregate(
        label=rows.label.max(), last=rows.at_last.sum(), **{name: rows[name].sum() for name in terms}
    )
    return summed.filter(summed.null >= int(FEWEST_EXPECTED * _EXACT)).order_by(["key", "is_case"]).to_pyarrow()


def _score(left: dict[str, Any], stayed: dict[str, Any]) -> tuple[float, float]:
    """The standardised difference of the two sides, and its skewness."""
    own, habit = _EXACT / left["spread"], stayed["squared"] * _EXACT / stayed["spread"] ** 2
    # the standard is many visits, and hardly skewed
    skewness = left["lean"] / left["spread"] * math.sqrt(own) * (own / (own + habit)) ** 1.5
    return (left["gap"] / left["spread"] - stayed["gap"] / stayed["spread"]) / math.sqrt(own + habit), skewness


def _level(dimension: str, left: dict[str, Any], stayed: dict[str, Any], deviate: float) -> Level:
    drift, habit = stayed["gap"] / stayed["spread"], stayed["squared"] * _EXACT / stayed["spread"] ** 2
    log, variance = _log_odds(left)
    return Level(
        dimension,
        left["key"],
        left["label"] or left["key"],
        int(left["last"]),
        max((left["expected"] + drift * left["spread"]) / _EXACT, 0.0),
        log - drift,
        variance + habit,
        deviate,
    )


def _log_odds(left: dict[str, Any]) -> tuple[float, float]:
    """Mantel-Haenszel's log odds over the customers, and its variance (Robins, Breslow & Greenland 1986)."""
    ours, theirs = left["for_it"] / _EXACT, left["against"] / _EXACT
    if min(ours, theirs) <= 0:
        return left["gap"] / left["spread"], _EXACT / left["spread"]
    variance = (left["alike_for"] / ours**2 + left["mixed"] / (ours * theirs) + left["unlike_against"] / theirs**2) / (
        2 * _EXACT
    )
    return math.log(ours / theirs), variance


def _judged(levels: list[Level], met: dict[str, ir.Table]) -> list[Judged]:
    """All things of all dimensions, corrected together."""
    if not levels:
        return []
    deviates = np.array([one.deviate for one in levels])
    narrowing = np.sqrt(spreads(deviates, np.array([one.dimension for one in levels])))
    p_values = two_sided(deviates / narrowing)
    q = q_values(p_values)
    log, deviate = np.array([one.log for one in levels]), deviates / narrowing
    # the interval that goes with the test (Miettinen 1976); where the score says nothing, that of the odds
    unit = np.where(np.abs(deviate) > 0.5, log / deviate, np.sqrt([one.variance for one in levels]))
    drawn, spread = shrink_sparse(deviate, np.ones(deviate.size))
    mean, half = drawn * unit, 1.96 * np.sqrt(spread) * np.abs(unit)
    reported = _reported(levels, narrowing, q, met)
    return [
        Judged(
            level,
            Estimate(*(math.exp(end) for end in (mean[i], mean[i] - half[i], mean[i] + half[i]))),
            float(p_values[i]),
            float(q[i]),
            i in reported,
        )
        for i, level in enumerate(levels)
    ]


def _reported(levels: list[Level], narrowing: Floats, q: Floats, met: dict[str, ir.Table]) -> list[int]:
    """Those that lead to leaving and still do where the surer ones were absent from the last visit."""
    passed = np.flatnonzero(q < REPORTED_BELOW)
    critical = REPORTED_BELOW * passed.size / len(levels)
    order = sorted(passed.tolist(), key=lambda i: (-abs(levels[i].deviate), i))
    kept: list[int] = []
    for i in order[:MOST_CANDIDATES]:
        level = levels[i]
        if level.log > 0 and (not kept or _stands_alone(level, narrowing[i], critical, [levels[k] for k in kept], met)):
            kept.append(i)
    return kept


def _stands_alone(
    level: Level, narrowing: float, critical: float, others: list[Level], met: dict[str, ir.Table]
) -> bool:
    mine = met[level.dimension]
    mine = mine.filter(mine.key == level.key)
    for other in others:
        beside = met[other.dimension]
        taken = beside.filter((beside.key == other.key) & (beside.at_last == 1)).select("customer_id")
        mine = mine.anti_join(taken, "customer_id")
    again = _levels(level.dimension, mine)
    return any(one.log > 0 and two_sided(np.array([one.deviate / narrowing]))[0] <= critical for one in again)


def _comparisons(judged: list[Judged], dimensions: list[str]) -> tuple[Comparison, ...]:
    found = []
    for name in dimensions:
        mine = [one for one in judged if one.level.dimension == name]
        raw = sum(one.p_value < REPORTED_BELOW for one in mine)
        found.append(Comparison(f"exit:{name}", len(mine), raw, sum(one.reported for one in mine)))
    return tuple(found)


def _worth_of_a_regular(ground: Ground) -> Estimate | None:
    """What a regular who has not left is expected to bring over 12 months, on average."""
    states, visits = ground.lifecycle.customers, ground.rollup.customers
    staying = states.filter(states.state.isin(STAYING)).select("customer_id")
    regulars = visits.filter(visits.visits >= REGULAR_VISITS).select("customer_id")
    people = ground.values.semi_join(staying, "customer_id").semi_join(regulars, "customer_id")
    people = people.filter(people.expected_value_12.notnull())
    row = (
        people.aggregate(
            n=people.count(), mean=people.expected_value_12.mean(), variance=people.expected_value_12.var(how="sample")
        )
        .to_pyarrow()
        .to_pylist()[0]
    )
    return mean_interval(row["mean"], row["variance"], row["n"]) if row["n"] >= 30 else None
