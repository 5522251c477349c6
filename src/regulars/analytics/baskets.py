"""What is bought together, beyond what sizes of receipts and habits of customers make by chance."""

import math
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from regulars.analytics.estimate import Estimate
from regulars.analytics.findings import REPORTED_BELOW, Comparison, Evidence, Finding, Found, Ground
from regulars.analytics.goods import Goods
from regulars.analytics.itemsets import frequent_sets
from regulars.analytics.receipts_sample import Baskets, sample_baskets
from regulars.analytics.rollup import YEAR_DAYS
from regulars.analytics.together import Together, together
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _

Floats = NDArray[np.float64]

FEWEST_RECEIPTS = 20  # with a product, to be compared
FEWEST_SHARED = 500  # receipts with two products or more
FEWEST_CUSTOMERS = 10  # with both in one receipt, to be reported
WORTH_TIMES = 1.2  # a connection is worth a word from so many times chance on
WORTH_ACTING = 1.5  # and a recommendation, from so many times on
MOST_FINDINGS = 6
LARGEST_SET = 4
MOST_SETS = 10_000
SET_SUPPORTS = (0.002, 0.005, 0.01, 0.02, 0.05)  # the first that gives no more than MOST_SETS
USUAL = 3  # purchases in the year make a buyer of a product


@dataclass(frozen=True, repr=False)
class BoughtTogether(Found):
    """Pairs and larger sets in one receipt.

    - `pairs`: one row per reliable pair: `first` and `second` (more buyers first), `receipts` with both, `support`
      (share of all), `confidence` (of those with the first, share with the second) and `confidence_back`, `lift`
      (support over the product of both supports), `expected` (receipts by chance), `times` (observed over expected,
      cautious) with `low` and `high`, `q_value`, `customers`, and `margin` of the second per purchase (minor units;
      null where no cost is known).
    - `sets`: frequent sets of three or four products of which every pair is reliable: `products`, `receipts`,
      `support`, `lift`.
    """

    receipts: int  # looked at: those of known customers with one of the products compared
    sampled_every: int  # every n-th customer
    products: int  # compared
    set_support: float  # least share of the receipts that a larger set must be in
    pairs: ir.Table
    sets: ir.Table


def bought_together(ground: Ground) -> BoughtTogether:
    """Find products that the same receipt holds more often than chance puts them there.

    A pair of popular products, or of two that the same people like, or within one large receipt, proves nothing: so
    chance here keeps each customer's habits and receipt sizes, see `together`. Compared are all pairs among the 300
    products of the most buyers that 20 receipts hold. Reported: q-value (Benjamini-Hochberg over all pairs) below 5 %,
    at least 1.2 times chance at the lower end of the interval, ten customers or more. `lift` is the usual one, which
    knows nothing of habits and sizes.

    Receipts without a customer, returns and lines without a product are left out. Large bases are looked at through
    every n-th customer. `NotEnoughData` with fewer than 500 receipts of two products.

    Findings: for each of the pairs (from 1.5 times chance on) with the most money, the customers who bought the first
    product three times in the last year and never the second. Money, over 12 months: their purchases of the first
    times the confidence beyond chance times the usual amount of the second; as if all could be won, so at best. Its
    interval is that of `times`.
    """
    goods = ground.goods
    baskets = sample_baskets(goods)
    shared = int((baskets.sizes > 1).sum()) if baskets.receipts else 0
    if shared < FEWEST_SHARED:
        raise NotEnoughData(
            _("What goes together can be told from {need} receipts of several products; there are {n}.").format(
                need=FEWEST_SHARED, n=shared
            )
        )
    found = together(baskets, fewest=FEWEST_RECEIPTS)
    reliable = _reliable(found)
    support, sets = _larger_sets(baskets, reliable, goods.names)
    known = ~np.isnan(found.p)
    raw = int((found.p[known] < REPORTED_BELOW).sum())
    return BoughtTogether(
        findings=_findings(ground, baskets, found, reliable),
        comparisons=(Comparison("pair", int(known.sum()), raw, int(reliable.sum())),),
        receipts=baskets.receipts,
        sampled_every=baskets.step,
        products=int((found.alone >= FEWEST_RECEIPTS).sum()),
        set_support=support,
        pairs=_pairs(goods, baskets, found, reliable),
        sets=sets,
    )


def _reliable(found: Together) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        sure: NDArray[np.bool_] = (found.q < REPORTED_BELOW) & (found.low >= WORTH_TIMES)
    return sure & (found.customers >= FEWEST_CUSTOMERS)


_PAIRS = pa.schema(
    [
        ("first", pa.string()),
        ("second", pa.string()),
        *((name, pa.int64()) for name in ("receipts", "customers")),
        *((name, pa.float64()) for name in ("support", "confidence", "confidence_back", "lift", "expected")),
        *((name, pa.float64()) for name in ("times", "low", "high", "q_value")),
        ("margin", pa.int64()),
    ]
)


def _pairs(goods: Goods, baskets: Baskets, found: Together, reliable: NDArray[np.bool_]) -> ir.Table:
    names, margins = goods.names, _margins(goods)
    n = baskets.receipts
    rows = []
    for first, second in np.argwhere(reliable).tolist():
        both, a, b = (int(x) for x in (found.both[first, second], found.alone[first], found.alone[second]))
        rows.append(
            {
                "first": names[first],
                "second": names[second],
                "receipts": both,
                "customers": int(found.customers[first, second]),
                "support": both / n,
                "confidence": both / a,
                "confidence_back": both / b,
                "lift": both * n / (a * b),
                "expected": float(found.expected[first, second]),
                "times": float(found.times[first, second]),
                "low": float(found.low[first, second]),
                "high": float(found.high[first, second]),
                "q_value": float(found.q[first, second]),
                "margin": margins[second],
            }
        )
    return ibis.memtable(pa.Table.from_pylist(rows, _PAIRS))


def _margins(goods: Goods) -> list[int | None]:
    """The margin of a purchase of each product, in minor units."""
    rows = goods.products.select("product_no", "purchases", "margin").order_by("product_no").to_pyarrow().to_pylist()
    return [None if row["margin"] is None else round(row["margin"] / row["purchases"]) for row in rows]


def usual_amounts(goods: Goods) -> Floats:
    """The money of a purchase of each product, in minor units."""
    rows = goods.products.select("product_no", "purchases", "amount").order_by("product_no").to_pyarrow()
    amounts: Floats = rows["amount"].to_numpy() / rows["purchases"].to_numpy()
    return amounts


def _larger_sets(baskets: Baskets, reliable: NDArray[np.bool_], names: list[str]) -> tuple[float, ir.Table]:
    counts, support = None, 1.0
    for support in SET_SUPPORTS:
        fewest = max(math.ceil(support * baskets.receipts), FEWEST_RECEIPTS)
        counts = frequent_sets(baskets, fewest=fewest, largest=LARGEST_SET, allowed=reliable, most=MOST_SETS)
        if counts is not None:
            break
    counts = counts or {}
    rows = []
    for one, receipts in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if len(one) > 2:
            by_chance = math.prod(counts[product,] / baskets.receipts for product in one)
            share = receipts / baskets.receipts
            products = [names[product] for product in one]
            rows.append({"products": products, "receipts": receipts, "support": share, "lift": share / by_chance})
    schema = [("products", pa.list_(pa.string())), ("receipts", pa.int64()), ("support", pa.float64())]
    return support, ibis.memtable(pa.Table.from_pylist(rows, pa.schema([*schema, ("lift", pa.float64())])))


# --- findings ---


def _findings(ground: Ground, baskets: Baskets, found: Together, reliable: NDArray[np.bool_]) -> tuple[Finding, ...]:
    amounts = usual_amounts(ground.goods)[: baskets.products]
    extra = _extra(found, reliable & (found.low >= WORTH_ACTING), amounts)
    # the sample says which pairs promise most; whom they are about comes from all customers
    worth = extra * _missing_purchases(baskets)
    order = np.argsort(-worth, axis=None, kind="stable")[: 4 * MOST_FINDINGS]
    pairs = [tuple(int(x) for x in np.unravel_index(place, worth.shape)) for place in order if worth.flat[place] > 0]
    chosen: dict[tuple[int, ...], tuple[int, ...]] = {}
    for pair in pairs:
        chosen.setdefault(tuple(sorted(pair)), pair)
    made = [_finding(ground, found, pair, float(extra[pair])) for pair in list(chosen.values())[:MOST_FINDINGS]]
    return tuple(one for one in made if one is not None)


def _extra(found: Together, reliable: NDArray[np.bool_], amounts: Floats) -> Floats:
    """Money per purchase of the row's product that its connection with the column's brings, beyond chance."""
    both = np.where(reliable, found.both * (1 - 1 / np.where(reliable, found.times, 1.0)), 0.0)
    both = both + both.T
    money: Floats = both / np.maximum(found.alone, 1)[:, None] * amounts[None, :]
    return money


def _missing_purchases(baskets: Baskets) -> Floats:
    """Receipts with the row's product of customers who never took the column's, in the sample."""
    numbers, customer = np.unique(baskets.customer, return_inverse=True)
    size = baskets.products
    total = np.zeros((size, size))
    for first in range(0, len(numbers), 2_000):
        part = (customer >= first) & (customer < first + 2_000)
        key = (customer[part] - first) * size + baskets.product[part]
        held = np.bincount(key, minlength=2_000 * size).reshape(-1, size).astype(np.float64)
        total += np.where(held >= USUAL, held, 0.0).T @ (held == 0)
    return total


def _finding(ground: Ground, found: Together, pair: tuple[int, ...], extra: float) -> Finding | None:
    goods, (given, then) = ground.goods, pair
    above = (min(pair), max(pair))
    people = _without(ground, given, then)
    people = people.mutate(amount=(people.purchases.cast("float64") * extra).round().cast("int64")).cache()
    row: dict[str, Any] = people.aggregate(n=people.count(), amount=people.amount.sum()).to_pyarrow().to_pylist()[0]
    if row["n"] < FEWEST_CUSTOMERS:
        return None
    times, low, high = (float(table[above]) for table in (found.times, found.low, found.high))
    part = {value: (1 - 1 / value) / (1 - 1 / times) for value in (low, high)}
    names = goods.names
    return Finding(
        id=f"pair:{names[given]}+{names[then]}",
        chapter="pair",
        kind="pair_together",
        about={
            "given": names[given],
            "then": names[then],
            "times": Estimate(times, low, high),
            "confidence": float(found.both[above] / found.alone[given]),
            "receipts": int(found.both[above]),
            "margin": _margins(goods)[then],
        },
        customers=row["n"],
        money=Estimate(row["amount"], row["amount"] * part[low], row["amount"] * part[high]),
        evidence=Evidence.of_test(
            p_value=float(found.p[above]), q_value=float(found.q[above]), cases=int(found.both[above])
        ),
        people=people.select("customer_id", "amount"),
    )


def _without(ground: Ground, given: int, then: int) -> ir.Table:
    """Customers, not lost, who bought `given` at least three times in the last year and never `then`."""
    goods = ground.goods
    bought = goods.bought
    year = bought.filter((bought.product_no == given) & (bought.day_no > goods.last_day_no - YEAR_DAYS))
    people = year.group_by("customer_no").aggregate(purchases=year.count())
    people = people.filter(people.purchases >= USUAL)
    people = people.anti_join(bought.filter(bought.product_no == then), "customer_no")
    people = people.inner_join(ground.rollup.customers.select("customer_no", "customer_id"), "customer_no")
    states = ground.lifecycle.customers
    return people.semi_join(states.filter(states.state != "lost"), "customer_id")
