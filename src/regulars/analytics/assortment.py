"""The assortment of the best customers: rare goods that they come for, and goods that were missing from the shelf."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import scipy
from numpy.typing import NDArray

from regulars.analytics.base import abc_cuts
from regulars.analytics.corrections import q_values, shrink
from regulars.analytics.estimate import Estimate
from regulars.analytics.findings import REPORTED_BELOW, Comparison, Evidence, Finding, Found, Ground
from regulars.analytics.intervals import bootstrap_sum
from regulars.analytics.price_response import product_key, product_names
from regulars.analytics.rollup import YEAR_DAYS, Rollup
from regulars.analytics.sold import Sold
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _

Floats = NDArray[np.float64]

BEST_SHARE = 0.1  # of the customers: those who spent most. Class A buys so much that hardly anything stands out
FEWEST_BUYERS = 8
MUCH_MORE = 1.25  # times the expected purchases: a product that the best merely like a little more is no reason
FEWEST_BEST = 20
DEVOTED_SHARE = 0.5  # of a customer's visits
DEVOTED_VISITS = 5
LEAVE_SHARE = 0.2  # assumed: of the devoted who would leave if their product were gone
MOST_PRODUCTS = 5_000  # small ones compared, those with most buyers
_SAMPLE = 50_000

FEWEST_SALES = 40  # receipts with the product in one store
FEWEST_SHELF_BUYERS = 15
_ALIKE = 0.5  # of a buyer's purchases
SHORTEST_GAP_DAYS = 7
FEWEST_GAP_WEEKS = 12
MOST_SHELVES = 3_000  # product x store compared, those that sell most
_AROUND_DAYS = 28
_STEADY_AROUND = 0.5  # of the usual pace, on both sides of a gap: what fades out was not missing, it was out of season
WEEK_DAYS = 7


@dataclass(frozen=True, repr=False)
class Assortment(Found):
    """What the best customers come for, and what was missing.

    - `products`, one row per product of small sales with eight buyers or more: `product_id`, `product`, `buyers`,
      `best_buyers` (of the top tenth by money), `purchases`, `best_purchases` (customer-days with it),
      `expected_purchases` (of the best, had they taken to it as to everything else), `concentration` (the ratio of
      the two, drawn towards 1), `q_value`, `devoted` (of the top tenth, with the product in at least half of their
      visits), `devoted_value` (minor units expected of these in 12 months), `amount` (sales, minor units).
    - `gaps`, one row per product and store whose longest gap was longer than chance allows: `product_id`,
      `product`, `store` (null without stores), `gap_from`, `gap_to` (first and last day without a sale),
      `expected_sales` (receipts that would have had it), `missed_amount` (minor units), `q_value`.
    - `shelf`: products that bring most money from the top tenth: `product_id`, `product`, `best_buyers`,
      `best_share` (of all the top tenth), `amount_best` (minor units); the most money first.
    """

    products: ir.Table
    gaps: ir.Table
    shelf: ir.Table
    best_customers: int
    gaps_compared: int


def assortment(ground: Ground) -> Assortment:
    """Find rare goods that the best customers come for, and goods that ran out for too long.

    **Concentration.** Best is the tenth of the customers who spent most. Whoever buys one dear thing is rich by it,
    so for each product a customer is best only by the money spent on everything else. A product is small when it is
    not in class A of products. Their purchases of it (customer-days) are set against their share of the purchases
    of everything by Student's one-sided test of Pearson residuals, one per best customer: a single devoted buyer
    proves nothing. All products are corrected together (Benjamini & Hochberg 1995), log ratios are drawn towards
    zero, and a quarter more than expected is reported. Customers who buy more are thus expected to buy more of
    anything: what is found is what they prefer beyond that.

    **At risk.** Devoted are best customers with five visits or more and the product in at least half of them. The
    money is a fifth (assumption) of what they are expected to bring in 12 months, with a bootstrap over them; none
    when nobody is devoted.

    **Gaps.** The clock of a shelf is the receipts of its store, so closed days, seasons of the whole shop and
    weekdays take no time. For each product and store with 40 receipts or more the longest ended gap, a part g of
    the product's time there, is set against chance: n sales thrown on the clock at random leave a spacing so wide
    with the chance n (1 - g) ** (n - 1) at most (David & Nagaraja 2003, section 6.4). n is the number of sales
    divided by phi the dispersion of the weeks outside the gap (McCullagh & Nelder 1989, section 6.2), and no less
    than half of what one buyer usually takes in all, corrected over all shelves with 15 buyers. A gap counts when
    it took a week or more and the four weeks on both sides sold at half of the usual pace or more: what fades in
    and out is seasonal. Goods that never came back are not told from goods that were delisted, and left out.

    Raises `NotEnoughData` without products or with fewer than 20 customers in the top tenth.
    """
    rollup = ground.rollup
    if not (rollup.has("product_id") or rollup.has("product")):
        raise NotEnoughData(_("The assortment of the best customers needs a column with the product."))
    key = product_key(rollup)
    cut = _best_from(rollup)
    best = int((rollup.customers.amount >= cut).sum().to_pyarrow().as_py())
    if best < FEWEST_BEST:
        raise NotEnoughData(
            _("The top tenth of the customers are {count} people; {need} are needed.").format(
                count=best, need=FEWEST_BEST
            )
        )
    counted = _pairs(ground.sold, key, cut).cache()
    names_of = ground.sold.keys(key).names
    pairs = _named(rollup, counted, names_of)
    products = _concentration(counted, names_of)
    gaps, compared, raw = _gaps(rollup, key)
    shelf = _shelf_counts(counted, names_of)
    wanted = {row["product_id"] for row in (*products, *gaps)} | {row["key"] for row in shelf}
    names = product_names(rollup, key, sorted(wanted)) if wanted else {}
    for row in (*products, *gaps):
        row["product"] = names.get(row["product_id"], row["product_id"])
    findings = (
        *_product_findings(ground, pairs, products),
        *_gap_findings(rollup, pairs, gaps),
    )
    found = sum(one.chapter == "assortment" for one in findings)
    return Assortment(
        findings=findings,
        comparisons=(
            Comparison("assortment:product", len(products), sum(row["p_value"] < 0.05 for row in products), found),
            Comparison("assortment:gap", compared, raw, len(gaps)),
        ),
        products=ibis.memtable(pa.Table.from_pylist(products, _PRODUCTS)),
        gaps=ibis.memtable(pa.Table.from_pylist(gaps, _GAPS)),
        shelf=_shelf(shelf, names, best),
        best_customers=best,
        gaps_compared=compared,
    )


_PRODUCTS = pa.schema(
    [
        ("product_id", pa.string()),
        ("product", pa.string()),
        ("buyers", pa.int64()),
        ("best_buyers", pa.int64()),
        ("purchases", pa.int64()),
        ("best_purchases", pa.int64()),
        ("expected_purchases", pa.float64()),
        ("concentration", pa.float64()),
        ("q_value", pa.float64()),
        ("devoted", pa.int64()),
        ("devoted_value", pa.int64()),
        ("amount", pa.int64()),
    ]
)
_GAPS = pa.schema(
    [
        ("product_id", pa.string()),
        ("product", pa.string()),
        ("store", pa.string()),
        ("gap_from", pa.date32()),
        ("gap_to", pa.date32()),
        ("expected_sales", pa.float64()),
        ("missed_amount", pa.float64()),
        ("q_value", pa.float64()),
    ]
)


def _best_from(rollup: Rollup) -> int:
    amount = rollup.customers.amount.quantile([1 - BEST_SHARE]).to_pyarrow().as_py()
    edge: int = max(round(amount[0]), 1)
    return edge


def _pairs(sold: Sold, key: str, cut: int) -> ir.Table:
    """One row per customer and product, in numbers: `visits`, `amount`, whether the customer is best by all else."""
    days = sold.by_key(key)
    pairs = days.group_by("customer_no", "key_no").aggregate(visits=days.count(), amount=days.amount.sum())
    whole = sold.rollup.customers
    whole = whole.select(customer_no=whole.customer_no.cast("int32"), spent="amount", all_visits="visits")
    pairs = pairs.inner_join(whole, "customer_no")
    return pairs.select(
        "customer_no",
        "key_no",
        "amount",
        visits=pairs.visits.cast("int32"),
        all_visits=pairs.all_visits.cast("int32"),
        is_best=pairs.spent - pairs.amount >= cut,
        in_top=pairs.spent >= cut,
    )


def _named(rollup: Rollup, pairs: ir.Table, names: ir.Table) -> ir.Table:
    """The pairs with `key` and `customer_id`, for a few of them: strings for all would take most of the memory."""
    customers = rollup.customers.select("customer_id", "customer_no")
    return pairs.inner_join(names, "key_no").inner_join(customers, "customer_no")


def _concentration(pairs: ir.Table, names: ir.Table) -> list[dict[str, Any]]:
    """Small products with buyers enough, those that the best prefer most first."""
    people = pairs.group_by("customer_no").aggregate(bought=pairs.visits.sum(), best=pairs.in_top.any())
    pairs = pairs.inner_join(people.select("customer_no", "bought"), "customer_no")
    mine, visits, size = pairs.is_best, pairs.visits.cast("float64"), pairs.bought.cast("float64")
    sums = (
        pairs.group_by("key_no")
        .aggregate(
            buyers=pairs.count(),
            best_buyers=mine.sum(),
            purchases=pairs.visits.sum(),
            best_purchases=pairs.visits.sum(where=mine).fill_null(0),
            squares=(visits * visits / size).sum(where=mine).fill_null(0.0).round(9),
            rooted=(visits / size.sqrt()).sum(where=mine).fill_null(0.0).round(9),
            amount=pairs.amount.sum(),
            devoted=_devoted(pairs).sum().fill_null(0),
        )
        .cache()
    )
    money = sums.select("amount").to_pyarrow()["amount"].to_numpy()
    small = sums.filter((sums.amount < abc_cuts(money)[0]) & (sums.buyers >= FEWEST_BUYERS))
    small = small.inner_join(names, "key_no").drop("key_no")
    rows = small.order_by([small.buyers.desc(), small.key]).limit(MOST_PRODUCTS).to_pyarrow().to_pylist()
    total = people.aggregate(
        all=people.bought.sum(),
        best=people.bought.sum(where=people.best),
        rooted=people.bought.cast("float64").sqrt().sum(where=people.best).round(9),
        people=people.best.sum(),
    )
    return _tested(rows, total.to_pyarrow().to_pylist()[0]) if rows else []


def _tested(rows: list[dict[str, Any]], total: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows with expectation, shrunk ratio, p and q (Student's test of the residuals of the best)."""

    def column(name: str) -> Floats:
        return np.array([row[name] for row in rows], dtype=np.float64)

    rate = column("purchases") / float(total["all"])
    expected = rate * float(total["best"])
    # Pearson residuals of each of the best, (v - r L) / sqrt(r L), so that nobody counts for more by buying more
    count = int(total["people"])
    residual = column("rooted") / np.sqrt(rate) - np.sqrt(rate) * float(total["rooted"])
    squares = column("squares") / rate - 2 * column("best_purchases") + expected
    spread = np.maximum((squares - residual**2 / count) / max(count - 1, 1), 1.0)
    p = scipy.stats.t.sf(residual / np.sqrt(spread * count), max(count - 1, 1))
    # half a purchase on both sides keeps the logarithm of none finite
    ratio = np.log((column("best_purchases") + 0.5) / (expected + 0.5))
    drawn, _posterior = shrink(ratio, spread / (expected + 0.5))
    q = q_values(p)
    for place, row in enumerate(rows):
        row |= {
            "product_id": row.pop("key"),
            "expected_purchases": float(expected[place]),
            "concentration": float(np.exp(drawn[place])),
            "p_value": float(p[place]),
            "q_value": float(q[place]),
            "devoted_value": 0,
        }
    return sorted(rows, key=lambda row: (row["p_value"], row["product_id"]))


def _devoted(pairs: ir.Table) -> ir.BooleanValue:
    often = pairs.visits.cast("float64") >= DEVOTED_SHARE * pairs.all_visits
    devoted: ir.BooleanValue = pairs.in_top & (pairs.all_visits >= DEVOTED_VISITS) & often
    return devoted


def _product_findings(ground: Ground, pairs: ir.Table, products: list[dict[str, Any]]) -> list[Finding]:
    chosen = [
        row
        for row in products
        if row["q_value"] < REPORTED_BELOW and row["best_purchases"] >= MUCH_MORE * row["expected_purchases"]
    ]
    found = []
    for row in chosen:
        mine = pairs.filter(pairs.key == row["product_id"])
        devoted = mine.filter(_devoted(mine)).select("customer_id").inner_join(ground.values, "customer_id")
        money = None
        if row["devoted"]:
            values = devoted.order_by("customer_id").limit(_SAMPLE).expected_value_12.to_pyarrow().drop_null()
            if len(values):
                drawn = bootstrap_sum(np.asarray(values.to_numpy(), dtype=np.float64))
                row["devoted_value"] = round(drawn.value)
                money = Estimate(drawn.value * LEAVE_SHARE, max(drawn.low, 0.0) * LEAVE_SHARE, drawn.high * LEAVE_SHARE)
        people = mine.filter(mine.is_best).select("customer_id", "amount")
        found.append(
            Finding(
                id=f"assortment:product:{row['product_id']}",
                chapter="assortment",
                kind="assortment:product",
                about={
                    "product": row["product"],
                    "buyers": row["buyers"],
                    "best": row["best_buyers"],
                    "purchases": row["purchases"],
                    "best_purchases": row["best_purchases"],
                    "expected": row["expected_purchases"],
                    "devoted": row["devoted"],
                    "leave_share": LEAVE_SHARE,
                },
                customers=row["best_buyers"],
                money=money,
                evidence=Evidence.of_test(p_value=row["p_value"], q_value=row["q_value"], cases=row["buyers"]),
                people=people,
            )
        )
    return found


# --- gaps on the shelf ---


def _gaps(rollup: Rollup, key: str) -> tuple[list[dict[str, Any]], int, int]:
    """Gaps that are longer than chance allows, how many shelves were compared, and how many had p < 5 %."""
    shelves, longest = _busiest(rollup, key)
    if not longest:
        return [], 0, 0
    dispersion = _dispersion(rollup, shelves, longest)
    p = np.array([_gap_p(row, dispersion[row["key"], row["store"]]) for row in longest])
    q = q_values(p)
    found = []
    for place, row in enumerate(longest):
        if not q[place] < REPORTED_BELOW:
            continue
        pace = _pace(row)
        found.append(
            {
                "product_id": row["key"],
                "store": row["store"],
                "gap_from": row["before"] + dt.timedelta(days=1),
                "gap_to": row["purchased_on"] - dt.timedelta(days=1),
                "expected_sales": pace * row["gap"],
                "missed_amount": pace * row["gap"] * row["amount"] / row["sales"],
                "p_value": float(p[place]),
                "q_value": float(q[place]),
                "sales": int(row["sales"]),
            }
        )
    return found, int((~np.isnan(p)).sum()), int((p < REPORTED_BELOW).sum())


def _busiest(rollup: Rollup, key: str) -> tuple[ir.Table, list[dict[str, Any]]]:
    """The days of the shelves that sell most, and the longest gap of each; the same as if all were looked at.

    A shelf has no more sales than lines. So when the last of those found sells more than any of the others has lines,
    none of the others belongs to them; else more are looked at.
    """
    sold = _of_shelves(rollup, key)
    counted = sold.group_by("key", "store").aggregate(lines=sold.count())
    counted = counted.filter(counted.lines >= FEWEST_SALES).cache()
    order = [counted.lines.desc(), counted.key, counted.store]
    looked_at, every = 2 * MOST_SHELVES, int(counted.count().to_pyarrow().as_py())
    while True:
        days = _shelf_days(rollup, sold.semi_join(counted.order_by(order).limit(looked_at), ["key", "store"]))
        longest = _longest(days).to_pyarrow().to_pylist()
        if looked_at >= every:
            return days, longest
        beyond = counted.order_by(order).limit(1, offset=looked_at).lines.to_pyarrow()[0].as_py()
        if len(longest) == MOST_SHELVES and min(row["sales"] for row in longest) > beyond:
            return days, longest
        looked_at *= 4


def _of_shelves(rollup: Rollup, key: str) -> ir.Table:
    lines = rollup.lines
    sold = lines.filter((lines.amount >= 0) & lines[key].notnull())
    return sold.select(
        "customer_id",
        "purchased_on",
        "amount",
        key=sold[key],
        store=(sold.store if rollup.has("store") else ibis.literal("")).fill_null(""),
        receipt=(sold.receipt_id if rollup.has("receipt_id") else sold.purchased_at.cast("string")).fill_null(""),
    )


def _shelf_days(rollup: Rollup, sold: ir.Table) -> ir.Table:
    """One row per product, store and day of sale: `sales` (receipts), and the store's clock at the day's two ends."""
    by_receipt = sold.group_by("key", "store", "purchased_on", "receipt", "customer_id").aggregate(
        amount=sold.amount.sum()
    )
    days = by_receipt.group_by("key", "store", "purchased_on").aggregate(
        sales=by_receipt.count(), amount=by_receipt.amount.sum()
    )
    days = days.inner_join(_clock(rollup), ["store", "purchased_on"])
    return days.inner_join(_clusters(by_receipt), ["key", "store"]).cache()


def _clusters(by_receipt: ir.Table) -> ir.Table:
    """Per shelf that sells enough: how many of its sales the same person makes (size-biased mean)."""
    people = by_receipt.group_by("key", "store", "customer_id").aggregate(n=by_receipt.count())
    named = people.customer_id.notnull()
    shelves = people.group_by("key", "store").aggregate(
        total=people.n.sum(),
        buyers=named.sum() + people.n.sum(where=~named).fill_null(0),
        repeated=ibis.ifelse(named, people.n * people.n, people.n).sum(),
    )
    shelves = shelves.filter((shelves.total >= FEWEST_SALES) & (shelves.buyers >= FEWEST_SHELF_BUYERS))
    return shelves.select("key", "store", cluster=shelves.repeated.cast("float64") / shelves.total.cast("float64"))


def _clock(rollup: Rollup) -> ir.Table:
    """Per store and day: receipts of the day and receipts until its end."""
    receipts = rollup.receipts.filter(rollup.receipts.lines > 0)
    store = (receipts.store if "store" in receipts.columns else ibis.literal("")).fill_null("")
    days = receipts.group_by("purchased_on", store=store).aggregate(traffic=receipts.count())
    until = days.traffic.sum().over(ibis.window(group_by=days.store, order_by=days.purchased_on, following=0))
    return days.mutate(until=until)


def _longest(days: ir.Table) -> ir.Table:
    """The longest ended gap of each shelf that sells enough and has sold steadily around it."""
    one = ibis.window(group_by=[days.key, days.store], order_by=days.purchased_on)
    days = days.mutate(
        before=days.purchased_on.lag().over(one),
        gap=days.until - days.traffic - days.until.lag().over(one),
    )
    shelf = days.group_by("key", "store").aggregate(
        sales=days.sales.sum(),
        amount=days.amount.sum(),
        sale_days=days.count(),
        starts=(days.until - days.traffic).min(),
        ends=days.until.max(),
        longest=days.gap.max(),
        one_buyer=days.cluster.max(),
    )
    shelf = shelf.filter(shelf.longest > 0)
    shelf = shelf.order_by([shelf.sales.desc(), shelf.key, shelf.store]).limit(MOST_SHELVES)
    rows = days.inner_join(shelf, ["key", "store"], rname="shelf_{name}")
    rows = rows.filter(rows.gap == rows.longest)
    # of gaps equally long the latest
    latest = rows.group_by("key", "store").aggregate(purchased_on=rows.purchased_on.max())
    rows = rows.inner_join(latest, ["key", "store", "purchased_on"])
    rows = rows.select(
        "key", "store", "purchased_on", "before", "gap", "starts", "ends", "sale_days", "one_buyer",
        sales="shelf_sales", amount="shelf_amount",
    )  # fmt: skip
    around = days.select("key", "store", near_on="purchased_on", near_sales="sales", near_traffic="traffic")
    near = rows.inner_join(around, ["key", "store"])
    after = near.near_on.delta(near.purchased_on, unit="day")
    earlier = near.before.delta(near.near_on, unit="day")
    sides = near.group_by("key", "store").aggregate(
        sales_before=near.near_sales.sum(where=(earlier >= 0) & (earlier < _AROUND_DAYS)).fill_null(0),
        sales_after=near.near_sales.sum(where=(after >= 0) & (after < _AROUND_DAYS)).fill_null(0),
    )
    return rows.inner_join(sides, ["key", "store"]).order_by("key", "store")


def _pace(row: dict[str, Any]) -> float:
    """Receipts with the product per receipt of the store, outside the gap."""
    return float(row["sales"]) / max(float(row["ends"] - row["starts"] - row["gap"]), 1.0)


def _dispersion(
    rollup: Rollup, days: ir.Table, longest: list[dict[str, Any]]
) -> dict[tuple[str, str], dict[str, float]]:
    """Per shelf: variance over mean of the weekly sales outside the gap (1 at least), and the traffic around it."""
    first = ibis.literal(rollup.first_day)
    places = {(row["key"], row["store"]): row for row in longest}
    week = days.purchased_on.delta(first, unit="day")
    weekly = days.mutate(week=(week - week % WEEK_DAYS) // WEEK_DAYS)
    keys = ibis.memtable(pa.table({"key": [key for key, _s in places], "store": [store for _k, store in places]}))
    weekly = (
        weekly.inner_join(keys, ["key", "store"]).group_by("key", "store", "week").aggregate(sales=weekly.sales.sum())
    )
    clock = _clock(rollup)
    at = clock.purchased_on.delta(first, unit="day")
    traffic = clock.select("store", "traffic", day=at).to_pyarrow().to_pydict()
    return _spread(weekly.order_by("key", "store", "week").to_pyarrow(), traffic, places, rollup.first_day)


def _spread(
    weekly: pa.Table, traffic: dict[str, list[Any]], places: dict[tuple[str, str], dict[str, Any]], first: dt.date
) -> dict[tuple[str, str], dict[str, float]]:
    days = max(traffic["day"], default=0) + 1
    by_store: dict[str, Floats] = {}
    for store, count, day in zip(traffic["store"], traffic["traffic"], traffic["day"], strict=True):
        by_store.setdefault(store, np.zeros(days))[day] += count
    sold: dict[tuple[str, str], Floats] = {}
    weeks = (days - 1) // WEEK_DAYS + 1
    for key, store, week, sales in zip(
        *(weekly[name].to_pylist() for name in ("key", "store", "week", "sales")), strict=True
    ):
        sold.setdefault((key, store), np.zeros(weeks))[week] += sales
    found = {}
    for place, row in places.items():
        visits = by_store[place[1]]
        gap_from, gap_to = (row["before"] - first).days, (row["purchased_on"] - first).days
        by_week = np.add.reduceat(visits, np.arange(0, days, WEEK_DAYS))
        number = np.arange(weeks)
        inside = sold[place] > 0
        life = (number >= np.argmax(inside)) & (number <= weeks - 1 - np.argmax(inside[::-1]))
        outside = life & ~((number >= gap_from // WEEK_DAYS) & (number <= gap_to // WEEK_DAYS)) & (by_week > 0)
        expected = _pace(row) * by_week[outside]
        pearson = ((sold[place][outside] - expected) ** 2 / np.maximum(expected, 1e-9)).sum()
        found[place] = {
            # a few loyal buyers away at one time leave a gap too: not all of their purchases are chances of their own
            "phi": max(float(pearson / max(outside.sum() - 1, 1)), _ALIKE * row["one_buyer"], 1.0),
            "weeks": float(outside.sum()),
            "before": float(visits[max(gap_from - _AROUND_DAYS + 1, 0) : gap_from + 1].sum()),
            "after": float(visits[gap_to : gap_to + _AROUND_DAYS].sum()),
        }
    return found


def _gap_p(row: dict[str, Any], around: dict[str, float]) -> float:
    """The chance that the longest of all gaps of this shelf is as long; nan where it cannot be judged."""
    if around["weeks"] < FEWEST_GAP_WEEKS:
        return float("nan")
    pace = _pace(row)
    # sales are points thrown on the clock, so many of them as are independent: a spacing so wide anywhere between them
    points = max(row["sales"] / around["phi"], 2.0)
    part = row["gap"] / max(row["ends"] - row["starts"], 1)
    p: float = min(points * (1 - part) ** (points - 1), 1.0)
    days = (row["purchased_on"] - row["before"]).days - 1
    steady = all(row[f"sales_{side}"] >= _STEADY_AROUND * pace * around[side] for side in ("before", "after"))
    # a gap of no consequence stays among the compared, and is never reported
    return p if steady and days >= SHORTEST_GAP_DAYS else max(p, 0.5)


def _gap_findings(rollup: Rollup, pairs: ir.Table, gaps: list[dict[str, Any]]) -> list[Finding]:
    many = rollup.has("store")
    found = []
    for row in gaps:
        mine = pairs.filter((pairs.key == row["product_id"]) & pairs.in_top & (pairs.visits > 1))
        people = mine.select("customer_id", "amount")
        missed = row["missed_amount"]
        # Poisson, of the number of sales that did not happen
        half = 1.96 * missed / max(row["expected_sales"], 1e-9) ** 0.5
        year = YEAR_DAYS / max(rollup.span_days, YEAR_DAYS)
        store = row["store"] or None
        found.append(
            Finding(
                id=f"gap:product:{row['product_id']}" + (f":{store}" if many and store else ""),
                chapter="gap",
                kind="gap:product",
                about={
                    "product": row["product"],
                    "store": store,
                    "from": row["gap_from"].toordinal(),
                    "to": row["gap_to"].toordinal(),
                    "expected": row["expected_sales"],
                    "missed": missed,
                },
                customers=int(people.count().to_pyarrow().as_py()),
                money=Estimate(missed * year, max(missed - half, 0.0) * year, (missed + half) * year),
                evidence=Evidence.of_test(p_value=row["p_value"], q_value=row["q_value"], cases=row["sales"]),
                people=people,
            )
        )
    return found


# --- the best shelf ---

_ON_SHELF = 10


def _shelf_counts(pairs: ir.Table, names: ir.Table) -> list[dict[str, Any]]:
    mine = pairs.filter(pairs.in_top)
    counted = mine.group_by("key_no").aggregate(best_buyers=mine.count(), amount_best=mine.amount.sum())
    counted = counted.inner_join(names, "key_no")
    found: list[dict[str, Any]] = (
        counted.order_by([counted.amount_best.desc(), counted.key]).limit(_ON_SHELF).to_pyarrow().to_pylist()
    )
    return found


def _shelf(rows: list[dict[str, Any]], names: dict[str, str], best: int) -> ir.Table:
    rows = [
        {
            "product_id": row["key"],
            "product": names.get(row["key"], row["key"]),
            "best_buyers": row["best_buyers"],
            "best_share": row["best_buyers"] / best,
            "amount_best": row["amount_best"],
        }
        for row in rows
    ]
    schema = pa.schema(
        [
            ("product_id", pa.string()),
            ("product", pa.string()),
            ("best_buyers", pa.int64()),
            ("best_share", pa.float64()),
            ("amount_best", pa.int64()),
        ]
    )
    return ibis.memtable(pa.Table.from_pylist(rows, schema))
