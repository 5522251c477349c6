"""People and places: whose customers come again, net of what they bought, when, and who they were."""

import datetime as dt
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from regulars.analytics.estimate import Estimate, times
from regulars.analytics.findings import Evidence, Finding, Found, Ground
from regulars.analytics.league_cases import (
    Groups,
    Row,
    as_table,
    bands,
    comparisons,
    every_nth,
    groups_by,
    levels,
    rows_of,
    steps,
)
from regulars.analytics.leagues import Cases, Floats, Ints, League, stand
from regulars.analytics.rollup import YEAR_DAYS, Rollup
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _

FEWEST_VISITS = 500
DIMENSIONS = ("staff", "shift", "channel", "store")
HOURS = (0, 11, 15, 19)  # a shift begins at one of these and ends before the next

_VISIT_NUMBERS = (1, 2, 3, 5, 10, 20)
_SIZES = (1, 2, 4, 8, 16)


@dataclass(frozen=True, repr=False)
class Service(Found):
    """Return after each visit, by who served, in which shift, channel and store.

    - `levels`: one row per member of staff, shift (`key` is "0:11" for Monday from 11 o'clock), channel and store with
      at least 30 visits: `cases` (visits), `returned`, `share`; `expected`, the share of comparable visits served by
      others; `difference` drawn towards zero with its interval; `p_value`, `q_value`, `reported`; `check`, the mean
      money of a visit in minor units. Null where a level cannot be told apart, such as the only seller of a store.
    - `visits`: visits compared; `of_visits`: all there are (a large base is sampled by customer).
    """

    visits: int
    of_visits: int
    returned_share: float
    value_of_return: Estimate | None  # minor units over 12 months, of a customer who stays against one who is lost
    levels: ir.Table


def service(ground: Ground) -> Service:
    """Compare staff, shifts, channels and stores by the share of visits after which the customer came again in time.

    A case is a visit (customer and day) at least one window before `as_of`; who served, when and where are those of the
    day's last receipt. The expected share comes from a logistic model on visit number, time since the previous visit,
    own pace so far, basket size, mean price, main category, month, and the other places (for staff: store, shift and
    channel). Visits of one customer are not independent: the variance takes their residuals together. A channel, shift
    or store is compared net of the members of staff that were reported before it. See `leagues` for the test, the
    funnel and the correction.

    Money of a bad place: visits a year times the (drawn) share that does not return because of it, times what a
    customer who stays is expected to bring over 12 months more than one who is lost. A finding says where to look, not
    who is to blame: what no column of the data knows (hard cases, other duties) is not taken out.

    Raises `NotEnoughData` without columns of staff, store, channel or time of day, or below 500 visits.
    """
    visits = _visits(ground).cache()
    dimensions = [name for name in DIMENSIONS if name in visits.columns]
    if not dimensions:
        raise NotEnoughData(_("Needs a column with the member of staff, store or channel, or the time of day."))
    waited = ground.rollup.as_of - dt.timedelta(days=ground.window_days)
    cases = visits.filter(visits.purchased_on <= ibis.literal(waited))
    number_of = int(cases.count().to_pyarrow().as_py())
    if number_of < FEWEST_VISITS:
        raise NotEnoughData(
            _("Needs at least {need} visits after which a return could be waited for; there are {n}.").format(
                need=FEWEST_VISITS, n=number_of
            )
        )
    return _Comparing(ground, visits, cases, number_of, dimensions).service()


def _visits(ground: Ground) -> ir.Table:
    """Visits with what is known of them, and whether the customer came again within the window."""
    rollup = ground.rollup
    visits = rollup.visits
    following = visits.purchased_on.lead().over(ibis.window(group_by=visits.customer_id, order_by=visits.purchased_on))
    numbered = visits.mutate(came_after=following.delta(visits.purchased_on, unit="day"))
    found = numbered.select(
        "customer_id",
        "purchased_on",
        "visit_no",
        "gap_days",
        "amount",
        size=numbered.lines,
        price=numbered.gross / ibis.greatest(numbered.lines, 1),
        returned=(numbered.came_after <= ground.window_days).fill_null(False),
    )
    people = rollup.customers.select("customer_id", "first_on", number=rollup.customers.customer_no)
    found = found.inner_join(people, "customer_id")
    found = found.mutate(age_days=found.purchased_on.delta(found.first_on, unit="day")).drop("first_on")
    return _with_places(rollup, found)


def _with_places(rollup: Rollup, visits: ir.Table) -> ir.Table:
    """Who served at the day's last receipt, and where; ties in time go to the names that sort last."""
    receipts = rollup.receipts.filter((rollup.receipts.lines > 0) & rollup.receipts.customer_id.notnull())
    names = [name for name in ("staff", "channel", "store") if rollup.has(name)]
    timed = _knows_hours(receipts)
    if not names and not timed:
        return visits
    places = {name: receipts[name] for name in names}
    if timed:
        places["shift"] = _shift(receipts)
    receipts = receipts.select("customer_id", "purchased_on", "purchased_at", **places)
    order = [receipts.purchased_at.desc(), *[receipts[name].desc() for name in places]]
    place = ibis.row_number().over(ibis.window(group_by=[receipts.customer_id, receipts.purchased_on], order_by=order))
    last = receipts.mutate(place=place).filter(ibis._.place == 0).drop("place", "purchased_at")
    joined = visits.left_join(last, ["customer_id", "purchased_on"])
    return joined.drop("customer_id_right", "purchased_on_right")


def _knows_hours(receipts: ir.Table) -> bool:
    """Whether the history has times of day: dates alone are all midnight."""
    timed = receipts.filter(receipts.purchased_at.hour() != 0)
    return int(timed.limit(1).count().to_pyarrow().as_py()) > 0


def _shift(receipts: ir.Table) -> ir.StringValue:
    hour = receipts.purchased_at.hour()
    begins = ibis.cases(*[(hour >= start, str(start)) for start in reversed(HOURS)], else_="0")
    shift: ir.StringValue = receipts.purchased_on.day_of_week.index().cast("string") + ":" + begins
    return shift


def _with_category(ground: Ground, visits: ir.Table) -> ir.Table:
    """The category with the most money of the day; ties go to the name that sorts first, to none last of all."""
    rollup, sold = ground.rollup, ground.sold
    if not rollup.has("category"):
        return visits
    keys = sold.keys("category")
    day_no = visits.purchased_on.delta(ibis.literal(rollup.first_day), unit="day").cast("int32")
    visits = visits.mutate(day_no=day_no)
    mine = visits.select("day_no", customer_no=visits.number.cast("int32"))
    items = sold.bought.semi_join(mine, ["customer_no", "day_no"]).left_join(keys.of_items, "item_no")
    summed = items.group_by("customer_no", "day_no", "key_no").aggregate(money=items.amount.sum())
    # keys are numbered by name
    place = ibis.row_number().over(
        ibis.window(group_by=[summed.customer_no, summed.day_no], order_by=[summed.money.desc(), summed.key_no])
    )
    main = summed.mutate(place=place).filter(ibis._.place == 0).left_join(keys.names, "key_no")
    main = main.select(number="customer_no", main_day="day_no", category="key")
    same = [visits.number == main.number, visits.day_no == main.main_day]
    return visits.left_join(main, same).drop("number_right", "main_day", "day_no")


@dataclass(frozen=True)
class _Comparing:
    ground: Ground
    visits: ir.Table
    cases: ir.Table
    of_visits: int
    dimensions: list[str]

    @property
    def nth(self) -> int:
        return every_nth(self.of_visits)

    def service(self) -> Service:
        cases = self.cases.filter(self.cases.number % self.nth == 0) if self.nth > 1 else self.cases
        cases = _with_category(self.ground, cases)
        rows = cases.drop("customer_id").order_by(["number", "purchased_on"]).to_pyarrow()
        compared, checks = self._compared(rows)
        worth = _value_of_return(self.ground)
        levels_table = as_table(compared)
        check_of = pa.table(
            {
                "dimension": [row.dimension for row in compared],
                "key": [row.key for row in compared],
                "check": pa.array(checks, pa.float64()),
            }
        )
        joined = levels_table.left_join(ibis.memtable(check_of), ["dimension", "key"])
        return Service(
            findings=tuple(self._finding(row, worth) for row in compared if row.reported),
            comparisons=comparisons("service", compared),
            visits=rows.num_rows,
            of_visits=self.of_visits,
            returned_share=float(_floats(rows["returned"]).mean()),
            value_of_return=worth,
            levels=joined.drop("dimension_right", "key_right"),
        )

    def _compared(self, rows: pa.Table) -> tuple[list[Row], list[float]]:
        _numbers, customer = np.unique(rows["number"].to_numpy(), return_inverse=True)
        returned, amount = _floats(rows["returned"]), _floats(rows["amount"])
        shared = _covariates(rows)
        leagues: list[tuple[Groups, League]] = []
        for name in self.dimensions:
            groups = groups_by(name, rows[name])
            # whoever serves is judged net of the place, a place net of the other places
            beside = [levels(rows[other]) for other in self.dimensions if other not in {name, "staff"}]
            if groups.key:
                league = League(Cases(returned, (*shared, *beside), customer), groups.members, groups.dimension)
                leagues.append((groups, league))
        standings = stand([league for _groups, league in leagues])
        found, checks = [], []
        for (groups, _league), standing in zip(leagues, standings, strict=True):
            found += rows_of(groups, standing)
            checks += list((groups.members.T @ amount) / np.maximum(standing.compared.cases, 1))
        return found, [float(check) for check in checks]

    def _finding(self, row: Row, worth: Estimate | None) -> Finding:
        assert row.difference is not None and row.p_value is not None and row.q_value is not None
        assert row.expected is not None and row.low is not None and row.high is not None
        worse = row.difference < 0
        people = self._people(row, came_again=not worse).cache()
        difference = Estimate(row.difference, row.low, row.high)
        return Finding(
            id=f"{row.dimension}:{row.key}",
            chapter="service",
            kind="service_worse" if worse else "service_better",
            about={
                "dimension": row.dimension,
                "label": row.label,
                "cases": row.cases,
                "share": row.share,
                "expected": row.expected,
                "difference": difference,
                "window_days": self.ground.window_days,
            },
            customers=int(people.count().to_pyarrow().as_py()),
            money=self._money(row, difference, worth) if worse and worth is not None else None,
            evidence=Evidence.of_test(p_value=row.p_value, q_value=row.q_value, cases=row.cases),
            people=people,
        )

    def _people(self, row: Row, *, came_again: bool) -> ir.Table:
        """Those whose last visit it was and who have not come for a window; or those who did come again after it."""
        visits = self.cases.filter(self.cases[row.dimension] == row.key)
        customers = self.ground.rollup.customers.select("customer_id", "last_on", spent="amount")
        met = visits.inner_join(customers, "customer_id")
        chosen = met.filter(met.returned) if came_again else met.filter(met.purchased_on == met.last_on)
        return chosen.group_by("customer_id").aggregate(amount=chosen.spent.max())

    def _money(self, row: Row, difference: Estimate, worth: Estimate) -> Estimate:
        year = self.ground.rollup.as_of - dt.timedelta(days=YEAR_DAYS)
        recent = self.visits.filter(
            (self.visits[row.dimension] == row.key) & (self.visits.purchased_on > ibis.literal(year))
        )
        lost = Estimate(-difference.value, -difference.high, -difference.low)
        return times(lost, worth, int(recent.count().to_pyarrow().as_py()))


def _value_of_return(ground: Ground) -> Estimate | None:
    """What a customer who is not lost is expected to bring over 12 months, less the same of a lost one."""
    states = ground.lifecycle.customers.select("customer_id", lost=ground.lifecycle.customers.state == "lost")
    people = ground.values.inner_join(states, "customer_id")
    people = people.filter(people.expected_value_12.notnull())
    by = people.group_by("lost").aggregate(
        n=people.count(), mean=people.expected_value_12.mean(), variance=people.expected_value_12.var(how="sample")
    )
    found = {row["lost"]: row for row in by.to_pyarrow().to_pylist()}
    if set(found) != {True, False} or min(row["n"] for row in found.values()) < 30:
        return None
    gap = found[False]["mean"] - found[True]["mean"]
    half = 1.96 * float(np.sqrt(sum(row["variance"] / row["n"] for row in found.values())))
    return Estimate(gap, gap - half, gap + half) if gap > 0 else None


def _covariates(rows: pa.Table) -> tuple[Ints, ...]:
    """Who the customer was, what was bought, and in which month."""
    visit_no = _floats(rows["visit_no"])
    repeated = visit_no > 1
    gap, pace = np.zeros(visit_no.size, dtype=np.int64), np.zeros(visit_no.size, dtype=np.int64)
    gap[repeated] = 1 + bands(_floats(rows["gap_days"].fill_null(0))[repeated], 8)
    # at least a week, or the second visit on the next day would be the briskest pace of all
    so_far = (visit_no - 1) / np.maximum(_floats(rows["age_days"]), 7)
    pace[repeated] = 1 + bands(so_far[repeated], 8)
    found = [steps(visit_no, _VISIT_NUMBERS), gap, pace, steps(_floats(rows["size"]), _SIZES)]
    found += [bands(_floats(rows["price"])), _months(rows["purchased_on"])]
    if "category" in rows.column_names:
        found.append(levels(rows["category"]))
    return tuple(found)


def _months(days: pa.ChunkedArray) -> Ints:
    months = days.to_numpy().astype("datetime64[M]").astype(np.int64)
    _known, code = np.unique(months, return_inverse=True)
    return np.asarray(code, dtype=np.int64)


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
