"""What is bought after what, and how long after: order that habits of customers do not explain."""

import math
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import scipy
from numpy.typing import NDArray

from regulars.analytics.baskets import usual_amounts
from regulars.analytics.corrections import q_values, two_sided
from regulars.analytics.estimate import Estimate
from regulars.analytics.findings import REPORTED_BELOW, Comparison, Evidence, Finding, Found, Ground
from regulars.analytics.goods import Goods
from regulars.analytics.intervals import CONFIDENCE
from regulars.analytics.order_of_purchases import Order, Trips, order_of, waits
from regulars.analytics.rollup import YEAR_DAYS
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_PRODUCTS = 100
MOST_CUSTOMERS = 3_000
MOST_ROWS = 1_500_000
FEWEST_VISITS = 50  # with each product
FEWEST_TELLING = 20  # customers who tell one order from the other
FEWEST_PEOPLE = 5
FORWARD = 1.645  # standard deviations
WORTH_SHARE = 0.01  # one extra purchase per hundred is the least worth a word
MOST_FINDINGS = 6
WINDOWS = (0.25, 1.0)  # of the business's window
SHORTEST_DAYS = 7
LONGEST_DAYS = 365


@dataclass(frozen=True, repr=False)
class BoughtInSequence(Found):
    """Products of which the second follows the first.

    - `sequences`: one row per reliable sequence: `first`, `second`, `typical_days` (median wait for the next purchase
      of the second), `window_days`, `visits` (with the first), `followed_share` (of these, with the second within the
      window), `extra_share` (beyond what the other order shows) with `low` and `high`, `q_value`, `customers`.
    """

    sampled_every: int  # every n-th customer
    products: int
    windows: tuple[int, ...]  # days
    sequences: ir.Table


@dataclass(frozen=True)
class _Sequence:
    first: int
    second: int
    order: Order
    p_value: float
    q_value: float
    wide: float  # standard deviations on each side of its interval

    @property
    def extra(self) -> Estimate:
        """Purchases of the second per visit with the first, beyond chance."""
        visits = float(self.order.visits[self.first])
        # the mirror image lacks as much as this order has too much
        value = 2 * float(self.order.excess[self.first, self.second]) / visits
        half = value / abs(float(self.order.z[self.first, self.second])) * self.wide
        return Estimate(min(value, 1.0), max(value - half, 0.0), min(value + half, 1.0))


def bought_in_sequence(ground: Ground) -> BoughtInSequence:
    """Find products that are bought after others, within a quarter of the business's window and within all of it.

    See `order_of` for what chance is here: time turned round, within each customer. The test is two-sided for each
    pair of products and each window (at least 7 and at most 365 days), the correction (Benjamini-Hochberg) over all
    of them; of two windows that both show a sequence the surer one is reported, if at least one extra purchase per
    hundred is sure: the lower end of `extra_share` (an interval that holds for what was picked out of many).
    An order may also look right because the first is rare after the second: then something else comes before it. So
    the second must besides be bought more often after the first than after any visit (one-sided, 5 %).
    Compared are the 100 products of the most buyers with 50 visits or more, where 20 customers tell one order from the
    other. A connection that works both ways (b after a as often as a after b) is not seen: it is no order.

    Returns and lines without a product or customer are left out; what lies in one day has no order. Of large bases
    every n-th customer is looked at. `NotEnoughData` when fewer than two products have enough visits.

    Findings: customers who took the first within the window and not the second since. Money, over 12 months: purchases
    of the first in the last year that no second followed, times the extra share, times the usual amount of the second:
    as if a reminder did as much again as habit does. Its interval is that of the extra share.
    """
    goods = ground.goods
    trips = _trips(ground)
    days = [min(max(SHORTEST_DAYS, round(part * ground.window_days)), LONGEST_DAYS) for part in WINDOWS]
    windows = tuple(dict.fromkeys(days))
    orders = [order_of(trips, window) for window in windows]
    often = orders[0].visits >= FEWEST_VISITS
    if often.sum() < 2:
        raise NotEnoughData(
            _("What follows what can be told of products with {need} visits each; fewer than two have so many.").format(
                need=FEWEST_VISITS
            )
        )
    reliable, comparison = _tested(orders, often)
    typical = waits(trips, [(one.first, one.second) for one in reliable], max(windows))
    return BoughtInSequence(
        findings=_findings(ground, reliable, typical),
        comparisons=(comparison,),
        sampled_every=trips.step,
        products=int(often.sum()),
        windows=windows,
        sequences=_table(goods, reliable, typical),
    )


def _trips(ground: Ground) -> Trips:
    goods = ground.goods
    customers = int(ground.rollup.customers.count().to_pyarrow().as_py())
    rows = goods.bought.filter(goods.bought.product_no < MOST_PRODUCTS)
    count = int(rows.count().to_pyarrow().as_py())
    step = max(1, math.ceil(customers / MOST_CUSTOMERS), math.ceil(count / MOST_ROWS))
    rows = rows.filter(rows.customer_no % step == 0).select("customer_no", "day_no", "product_no")
    table = rows.order_by("customer_no", "day_no", "product_no").to_pyarrow()
    columns = [table[name].to_numpy().astype(np.int64) for name in ("customer_no", "day_no", "product_no")]
    return Trips(min(len(goods.names), MOST_PRODUCTS), step, *columns)


def _tested(orders: list[Order], often: NDArray[np.bool_]) -> tuple[list[_Sequence], Comparison]:
    """The reliable ones, the surest first."""
    pairs = np.triu(often[:, None] & often[None, :], 1)
    places = [np.argwhere(pairs & (order.customers >= FEWEST_TELLING)) for order in orders]
    z = np.concatenate([order.z[tuple(place.T)] for order, place in zip(orders, places, strict=True)])
    p = two_sided(z)
    q = q_values(p)
    picked = max(int((q < REPORTED_BELOW).sum()), 1)
    wide = float(scipy.stats.norm.isf((1 - CONFIDENCE) / 2 * picked / max(q.size, 1)))
    owner = np.repeat(np.arange(len(orders)), [len(place) for place in places])
    every = np.concatenate(places)
    found: dict[tuple[int, int], _Sequence] = {}
    for at in np.lexsort((owner, p)):
        if q[at] >= REPORTED_BELOW:
            break
        a, b = (int(x) for x in every[at])
        order = orders[owner[at]]
        first, second = (a, b) if z[at] > 0 else (b, a)
        one = _Sequence(first, second, order, float(p[at]), float(q[at]), wide)
        if one.extra.low >= WORTH_SHARE and order.forward[first, second] > FORWARD:
            found.setdefault((a, b), one)
    raw = int((p < REPORTED_BELOW).sum())
    return list(found.values()), Comparison("sequence", int(p.size), raw, len(found))


_TABLE = pa.schema(
    [
        ("first", pa.string()),
        ("second", pa.string()),
        *((name, pa.int64()) for name in ("typical_days", "window_days", "visits", "customers")),
        *((name, pa.float64()) for name in ("followed_share", "extra_share", "low", "high", "q_value")),
    ]
)


def _table(goods: Goods, reliable: list[_Sequence], typical: dict[tuple[int, int], Ints]) -> ir.Table:
    rows = []
    for one in reliable:
        wait = typical[one.first, one.second]
        inside = wait[wait <= one.order.window_days]
        visits = int(one.order.visits[one.first])
        rows.append(
            {
                "first": goods.names[one.first],
                "second": goods.names[one.second],
                "typical_days": round(float(np.median(inside))) if len(inside) else None,
                "window_days": one.order.window_days,
                "visits": visits,
                "customers": int(one.order.customers[one.first, one.second]),
                "followed_share": len(inside) / visits,
                "extra_share": one.extra.value,
                "low": one.extra.low,
                "high": one.extra.high,
                "q_value": one.q_value,
            }
        )
    return ibis.memtable(pa.Table.from_pylist(rows, _TABLE))


# --- findings ---


def _findings(ground: Ground, reliable: list[_Sequence], typical: dict[tuple[int, int], Ints]) -> tuple[Finding, ...]:
    amounts = usual_amounts(ground.goods)
    worth = sorted(
        reliable, key=lambda one: (-one.extra.low * one.order.visits[one.first] * amounts[one.second], one.first)
    )
    made = [_finding(ground, one, typical[one.first, one.second], amounts) for one in worth[: 2 * MOST_FINDINGS]]
    return tuple(one for one in made if one is not None)[:MOST_FINDINGS]


def _finding(ground: Ground, one: _Sequence, wait: Ints, amounts: Floats) -> Finding | None:
    goods, names = ground.goods, ground.goods.names
    amount, extra, window = float(amounts[one.second]), one.extra, one.order.window_days
    people = _waiting(ground, one).mutate(amount=ibis.literal(round(amount * extra.value))).cache()
    customers = int(people.count().to_pyarrow().as_py())
    inside = wait[wait <= window]
    if customers < FEWEST_PEOPLE or not len(inside):
        return None
    followed = len(inside) / float(one.order.visits[one.first])
    open_purchases = _purchases_in_year(goods, one.first) * (1 - min(followed, 1.0))
    return Finding(
        id=f"sequence:{names[one.first]}>{names[one.second]}",
        chapter="sequence",
        kind="sequence_next",
        about={
            "first": names[one.first],
            "second": names[one.second],
            "days": round(float(np.median(inside))),
            "window": window,
            "followed": followed,
            "extra": extra,
        },
        customers=customers,
        money=Estimate(*(open_purchases * amount * share for share in (extra.value, extra.low, extra.high))),
        evidence=Evidence.of_test(
            p_value=one.p_value, q_value=one.q_value, cases=int(one.order.customers[one.first, one.second])
        ),
        people=people.select("customer_id", "amount"),
    )


def _purchases_in_year(goods: Goods, product: int) -> int:
    bought = goods.bought
    year = bought.filter((bought.product_no == product) & (bought.day_no > goods.last_day_no - YEAR_DAYS))
    return int(year.count().to_pyarrow().as_py())


def _waiting(ground: Ground, one: _Sequence) -> ir.Table:
    """Customers who took the first within the window, and the second neither that day nor later."""
    bought = ground.goods.bought
    since = ground.goods.last_day_no - one.order.window_days
    lately = bought.filter((bought.day_no > since) & bought.product_no.isin([one.first, one.second]))
    people = lately.group_by("customer_no").aggregate(
        first=lately.day_no.max(where=lately.product_no == one.first),
        second=lately.day_no.max(where=lately.product_no == one.second),
    )
    people = people.filter(people["first"].notnull() & (people.second.isnull() | (people.second < people["first"])))
    return people.inner_join(ground.rollup.customers.select("customer_no", "customer_id"), "customer_no")
