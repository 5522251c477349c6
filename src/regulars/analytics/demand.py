"""What will be bought: weekly demand by product and store, forecast, tested, and watched for a change of level."""

import datetime as dt
from dataclasses import dataclass, fields
from typing import Any, Literal

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from regulars.analytics.corrections import q_values, shrink
from regulars.analytics.estimate import Estimate
from regulars.analytics.findings import REPORTED_BELOW, Comparison, Evidence, Finding, Found, Ground
from regulars.analytics.forecasting import FEWEST_WEEKS, HORIZON, METHODS, SEASON, Forecasts, forecast
from regulars.analytics.level_shift import EDGE, FEWEST_A_WEEK, FEWEST_SERIES, find_shifts
from regulars.analytics.level_shift import FEWEST_WEEKS as FEWEST_WEEKS_FOR_SHIFTS
from regulars.analytics.price_response import MOST_UNITS
from regulars.analytics.rollup import Rollup
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Kind = Literal["all", "product", "store", "product_store", "rest"]

MOST_PRODUCTS = 200
MOST_STORES = 50
MOST_PAIRS = 200  # products in stores
GROUPS = 20  # of customers, to see whether a few of them make a change
_MONEY_WEEKS = 26  # what a product brings at its new level
_PART = 1000  # quantities are added up in thousandths: sums of fractions would depend on their order

IN_MONEY: tuple[Kind, ...] = ("all", "store", "rest")  # pieces of different goods do not add up, money does
_YEARS_SHOWN = 2

_FORECASTS = pa.schema(
    [
        ("kind", pa.string()),
        ("measure", pa.string()),
        ("product_id", pa.string()),
        ("product", pa.string()),
        ("store", pa.string()),
        ("amount_year", pa.int64()),
        ("last", pa.float64()),
        ("forecast", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("enough", pa.float64()),
        ("method", pa.string()),
        ("mase", pa.float64()),
        ("naive_mase", pa.float64()),
    ]
)
_PAST = pa.schema([("starts_on", pa.date32()), ("ends_on", pa.date32()), ("amount", pa.int64())])
_SHIFTS = pa.schema(
    [
        ("kind", pa.string()),
        ("product_id", pa.string()),
        ("product", pa.string()),
        ("store", pa.string()),
        ("since", pa.date32()),
        ("change", pa.float64()),
        ("change_low", pa.float64()),
        ("change_high", pa.float64()),
        ("a_week", pa.float64()),
        ("p_value", pa.float64()),
        ("q_value", pa.float64()),
    ]
)


@dataclass(frozen=True, repr=False)
class Demand(Found):
    """Weekly demand; returns are no demand.

    A product, everywhere or in one store, is forecast in units sold (positions, where the lines carry no quantity):
    `measure` is "units". Different goods together (`kind` "all", "store", and "rest", the other products) are forecast
    in money, because kilograms and bottles do not add up: `measure` is "amount", in minor units.

    A week is seven days, the last one ends with `as_of`. The 200 products, 50 stores and 200 products in a store
    with the most money of the last year have series of their own; what remains of the products is one series.

    - `forecasts`: `last` four weeks, the `forecast` of the next four with its interval, `enough` (a stock that suffices
      in nine of ten cases), the `method` and its MASE beside that of the seasonal naive forecast;
    - `past`: sales of everything in each four weeks up to `as_of`, at most two years of them, oldest first:
      `starts_on`, `ends_on`, `amount` (minor units);
    - `shifts`: the largest step of each series that was watched: the week `since`, the `change` of its level
      (0.7: 30 % less) against the other products or stores, drawn towards 1, with its interval.
    """

    weeks: int
    series: int
    pooled: int  # products in the series of the rest
    counts_positions: bool  # no quantity: positions are counted
    origins: int
    mase: float | None  # mean over all series; below the next one is better
    naive_mase: float | None
    coverage: float | None  # of intervals that should hold 90 %
    forecasts: ir.Table
    past: ir.Table
    shifts: ir.Table
    watched: int  # series searched for a shift
    not_watched: str | None  # why none was


@dataclass(frozen=True)
class _Series:
    """One position per series in every array; a column per week."""

    kind: list[Kind]
    names: list[dict[str, str | None]]
    units: Floats
    lines: Floats
    amount: Floats

    @property
    def in_money(self) -> NDArray[np.bool_]:
        """Which series are of different goods together."""
        return np.array([kind in IN_MONEY for kind in self.kind])

    @property
    def demand(self) -> Floats:
        """What is forecast: money of different goods together, units of one product."""
        return np.where(self.in_money[:, None], self.amount, self.units)

    @property
    def started(self) -> Ints:
        sold = self.units > 0
        first: Ints = np.where(sold.any(axis=1), sold.argmax(axis=1), self.units.shape[1])
        return first


def demand(ground: Ground) -> Demand:
    """Forecast weekly demand by product and store, and look for shifts of its level.

    Forecasts, their test and their interval: see `forecasting.forecast`. Shifts: see `level_shift.find_shifts`; they
    are looked for in products (and in stores) with five sold positions a week, sold from the first weeks on, over two
    years and more; corrected over all of them (Benjamini & Hochberg 1995), sizes drawn towards none. The money of a
    fall is what the product would bring more in 12 months at its former level.

    Raises `NotEnoughData` below 42 full weeks, or when nothing was sold.
    """
    rollup = ground.rollup
    weeks = rollup.span_days // 7
    if weeks < FEWEST_WEEKS:
        raise NotEnoughData(
            _("Weekly demand can be forecast and tested from {need} weeks on; there are {n}.").format(
                need=FEWEST_WEEKS, n=weeks
            )
        )
    series, pooled = _all_series(_sold(rollup, weeks), weeks)
    found = _forecast(series)
    rows, findings, comparisons, reason = _shifts(rollup, series, weeks)
    own = np.array([kind != "rest" for kind in series.kind])
    return Demand(
        findings=findings,
        comparisons=comparisons,
        weeks=weeks,
        series=len(series.kind),
        pooled=pooled,
        counts_positions=not rollup.has("quantity"),
        origins=found.origins,
        mase=_mean(found.mase[own]),
        naive_mase=_mean(found.naive_mase[own]),
        coverage=found.coverage,
        forecasts=ibis.memtable(_forecast_rows(series, found)),
        past=ibis.memtable(_past(rollup.as_of, series.amount[0])),
        shifts=ibis.memtable(pa.Table.from_pylist(rows, _SHIFTS)),
        watched=len(rows),
        not_watched=reason,
    )


# --- series -----------------------------------------------------------------------------------------------------------


def _sold(rollup: Rollup, weeks: int) -> ir.Table:
    """The lines sold in the weeks that can be looked at, which count back from `as_of`."""
    lines = rollup.lines
    ago = ibis.literal(rollup.as_of).delta(lines.purchased_on, unit="day")
    units = _units(rollup)
    product_id = "product_id" if rollup.has("product_id") else "product"
    keys = {
        "product_id": lines[product_id] if rollup.has(product_id) else ibis.null("string"),
        "store": lines.store if rollup.has("store") else ibis.null("string"),
        "week": (weeks - 1 - (ago - ago % 7) / 7).round().cast("int64"),
    }
    name = lines.product if rollup.has("product") else keys["product_id"]
    sold = lines.mutate(
        **keys, name=name, thousandths=(units * _PART).round().cast("int64"), amount=lines.amount
    ).filter((lines.amount >= 0) & (units > 0))
    return sold.filter(sold.week >= 0).select("product_id", "store", "week", "name", "thousandths", "amount")


def _weekly(sold: ir.Table, keys: list[str]) -> ir.Table:
    """One row per combination of these keys and week in which something was sold."""
    return sold.group_by([*keys, "week"]).aggregate(
        name=sold.name.max(), units=sold.thousandths.sum(), lines=sold.count(), amount=sold.amount.sum()
    )


def _units(rollup: Rollup) -> ir.FloatingValue:
    """The quantity of a line, one where none is given; none where it is no number."""
    if not rollup.has("quantity"):
        return ibis.literal(1.0)
    given = rollup.lines.quantity.fill_null(1.0)
    # engines hold nan for larger than any number
    known: ir.FloatingValue = ibis.ifelse((given > 0) & (given < MOST_UNITS), given, 0.0)
    return known


def _all_series(sold: ir.Table, weeks: int) -> tuple[_Series, int]:
    """Everything together, then the largest products, stores and products in stores, then the other products."""
    # by product and by store apart: by both at once there would be nearly as many rows as lines
    by_product = _weekly(sold, ["product_id"]).cache()
    total = _read(by_product, [], weeks, "all")
    if not total.lines.any():
        raise NotEnoughData(_("Nothing was sold in the weeks that can be looked at."))
    found = [total]
    products = _largest(by_product, ["product_id"], weeks, MOST_PRODUCTS)
    if products is not None:
        found.append(_read(by_product.semi_join(products, "product_id"), ["product_id"], weeks, "product"))
    by_store = _weekly(sold, ["store"]).cache()
    stores = _largest(by_store, ["store"], weeks, MOST_STORES)
    if stores is not None and int(stores.count().to_pyarrow().as_py()) > 1:
        found.append(_read(by_store.semi_join(stores, "store"), ["store"], weeks, "store"))
        both = ["product_id", "store"]
        pairs = _largest(sold, both, weeks, MOST_PAIRS)
        if products is not None and pairs is not None:
            found.append(_read(_weekly(sold.semi_join(pairs, both), both), both, weeks, "product_store"))
    pooled = 0
    if products is not None:
        known = by_product.filter(by_product.product_id.notnull())
        pooled = int(known.product_id.nunique().to_pyarrow().as_py()) - len(found[1].kind)
        if pooled:
            found.append(_rest(total, found[1]))
    return _joined(found), pooled


def _largest(rows: ir.Table, keys: list[str], weeks: int, most: int) -> ir.Table | None:
    """The keys with the most money in the last year; None where nothing has such a key."""
    year = rows.filter(rows.week >= weeks - SEASON)
    for key in keys:
        year = year.filter(year[key].notnull())
    by_key = year.group_by(keys).aggregate(amount=year.amount.sum())
    top = by_key.order_by([by_key.amount.desc(), *keys]).limit(most).cache()
    return top.select(*keys) if int(top.count().to_pyarrow().as_py()) else None


def _read(rows: ir.Table, keys: list[str], weeks: int, kind: Kind) -> _Series:
    """A row of the matrix for each key, in the order of the keys."""
    found = rows.group_by([*keys, "week"]).aggregate(
        units=rows.units.sum(), lines=rows.lines.sum(), amount=rows.amount.sum(), name=rows.name.max()
    )
    table = found.order_by([*keys, "week"]).to_pyarrow().to_pylist()
    places: dict[tuple[str, ...], int] = {}
    names: list[dict[str, str | None]] = []
    for row in table:
        key = tuple(row[name] for name in keys)
        if key not in places:
            places[key] = len(places)
            names.append({name: row[name] for name in keys})
        if "product_id" in keys:
            names[places[key]]["product"] = max(row["name"] or "", names[places[key]].get("product") or "")
    filled = np.zeros((3, max(len(places), 1), weeks))
    for row in table:
        place = places[tuple(row[name] for name in keys)]
        filled[:, place, row["week"]] = row["units"] / _PART, row["lines"], row["amount"]
    return _Series([kind] * filled.shape[1], names or [{}], *filled)


def _rest(total: _Series, products: _Series) -> _Series:
    parts = [
        np.maximum(getattr(total, name).sum(axis=0) - getattr(products, name).sum(axis=0), 0)[None, :]
        for name in ("units", "lines", "amount")
    ]
    return _Series(["rest"], [{}], *parts)


def _joined(found: list[_Series]) -> _Series:
    return _Series(
        [kind for each in found for kind in each.kind],
        [name for each in found for name in each.names],
        *(np.vstack([getattr(each, part) for each in found]) for part in ("units", "lines", "amount")),
    )


def _forecast(series: _Series) -> Forecasts:
    """Money and pieces apart: what is usual for a series of its size is learnt from all series of one measure."""
    masks = [mask for mask in (series.in_money, ~series.in_money) if mask.any()]
    parts = [forecast(series.demand[mask], series.started[mask]) for mask in masks]
    places = np.argsort(np.concatenate([np.flatnonzero(mask) for mask in masks]))
    joined = {
        each.name: np.concatenate([getattr(part, each.name) for part in parts])[places]
        for each in fields(Forecasts)
        if isinstance(getattr(parts[0], each.name), np.ndarray)
    }
    kept = [(part.coverage, mask.sum()) for part, mask in zip(parts, masks, strict=True) if part.coverage is not None]
    coverage = sum(share * n for share, n in kept) / sum(n for _share, n in kept) if kept else None
    return Forecasts(**joined, origins=parts[0].origins, coverage=None if coverage is None else float(coverage))


def _past(as_of: dt.date, amount: Floats) -> pa.Table:
    """Everything sold, by four weeks counted back from `as_of`."""
    periods = min(amount.size, _YEARS_SHOWN * SEASON) // HORIZON
    sums = amount[amount.size - periods * HORIZON :].reshape(periods, HORIZON).sum(axis=1)
    ends = [as_of - dt.timedelta(days=7 * HORIZON * (periods - 1 - n)) for n in range(periods)]
    rows = [
        {"starts_on": end - dt.timedelta(days=7 * HORIZON - 1), "ends_on": end, "amount": int(total)}
        for end, total in zip(ends, sums, strict=True)
    ]
    return pa.Table.from_pylist(rows, _PAST)


def _forecast_rows(series: _Series, found: Forecasts) -> pa.Table:
    demanded = series.demand
    rows = [
        {
            "kind": series.kind[n],
            "measure": "amount" if series.kind[n] in IN_MONEY else "units",
            **series.names[n],
            "amount_year": int(series.amount[n, -SEASON:].sum()),
            "last": float(demanded[n, -HORIZON:].sum()),
            "forecast": float(found.total[n]),
            "low": float(found.low[n]),
            "high": float(found.high[n]),
            "enough": float(found.enough[n]),
            "method": METHODS[found.method[n]],
            "mase": _known(found.mase[n]),
            "naive_mase": _known(found.naive_mase[n]),
        }
        for n in range(len(series.kind))
    ]
    return pa.Table.from_pylist(rows, _FORECASTS)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _mean(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else None


# --- shifts -----------------------------------------------------------------------------------------------------------


def _shifts(
    rollup: Rollup, series: _Series, weeks: int
) -> tuple[list[dict[str, Any]], tuple[Finding, ...], tuple[Comparison, ...], str | None]:
    if weeks < FEWEST_WEEKS_FOR_SHIFTS:
        reason = _("A lasting change of demand can be told from a season from {need} weeks on; there are {n}.").format(
            need=FEWEST_WEEKS_FOR_SHIFTS, n=weeks
        )
        return [], (), (), reason
    rows: list[dict[str, Any]] = []
    for kind in ("product", "store"):
        rows += _watched(rollup, series, kind)
    if not rows:
        reason = _("No three products or stores sell {need} positions a week from the first weeks on.").format(
            need=round(FEWEST_A_WEEK)
        )
        return [], (), (), reason
    for row, q in zip(rows, q_values(np.array([row["p_value"] for row in rows])), strict=True):
        row["q_value"] = float(q)
    sure = [row for row in rows if row["q_value"] < REPORTED_BELOW and not row["change_low"] <= 1 <= row["change_high"]]
    findings = tuple(_finding(rollup, row) for row in sure)
    raw = sum(row["p_value"] < 0.05 for row in rows)
    return rows, findings, (Comparison("demand:shift", len(rows), raw, len(findings)),), None


def _watched(rollup: Rollup, series: _Series, kind: str) -> list[dict[str, Any]]:
    """The largest step of each product (or store) that sells enough to be watched."""
    enough = series.lines.mean(axis=1) >= FEWEST_A_WEEK
    chosen = np.flatnonzero((np.array(series.kind) == kind) & enough & (series.started <= EDGE))
    if chosen.size < FEWEST_SERIES:
        return []
    keys = [str(series.names[place]["product_id" if kind == "product" else "store"]) for place in chosen]
    found = find_shifts(series.lines[chosen], _by_group(rollup, kind, keys, series.lines.shape[1]))
    size, variance = shrink(found.size, found.variance)
    half = 1.96 * np.sqrt(variance)
    since = [rollup.as_of - dt.timedelta(days=7 * (series.lines.shape[1] - int(week)) - 1) for week in found.week]
    return [
        {
            "kind": kind,
            **series.names[place],
            "since": since[n],
            "change": float(np.exp(size[n])),
            "change_low": float(np.exp(size[n] - half[n])),
            "change_high": float(np.exp(size[n] + half[n])),
            "a_week": float(
                series.amount[place, max(int(found.week[n]), series.lines.shape[1] - _MONEY_WEEKS) :].mean()
            ),
            "p_value": float(found.p_value[n]),
        }
        for n, place in enumerate(chosen)
    ]


def _by_group(rollup: Rollup, kind: str, keys: list[str], weeks: int) -> Floats:
    """Positions sold by key, group of customers and week."""
    lines, column = rollup.lines, _key_of(rollup, kind)
    ago = ibis.literal(rollup.as_of).delta(lines.purchased_on, unit="day")
    sold = lines.amount >= 0
    sold &= _units(rollup) > 0
    lines = lines.mutate(key=lines[column], week=(weeks - 1 - (ago - ago % 7) / 7).round().cast("int64"))
    lines = lines.filter(sold & (lines.week >= 0)).semi_join(ibis.memtable(pa.table({"key": keys})), "key")
    known = lines.left_join(rollup.customers.select("customer_id", "customer_no"), "customer_id")
    # a buyer without a name is taken for another one each minute
    group = (known.customer_no.fill_null(known.purchased_at.minute().cast("int64")) % GROUPS).cast("int64")
    known = known.mutate(group=group)
    found = known.group_by(["key", "group", "week"]).aggregate(lines=known.count()).to_pyarrow()
    places = {key: n for n, key in enumerate(keys)}
    counts = np.zeros((len(keys), GROUPS, weeks))
    rows = np.array([places[key] for key in found["key"].to_pylist()], dtype=np.int64)
    counts[rows, found["group"].to_numpy(), found["week"].to_numpy()] = found["lines"].to_numpy()
    return counts


def _key_of(rollup: Rollup, kind: str) -> str:
    if kind == "store":
        return "store"
    return "product_id" if rollup.has("product_id") else "product"


def _finding(rollup: Rollup, row: dict[str, Any]) -> Finding:
    fallen = row["change"] < 1
    key = row["product_id"] if row["kind"] == "product" else row["store"]
    people = _people(rollup, row, fallen=fallen).cache()
    return Finding(
        id=f"demand:shift:{row['kind']}:{key}",
        chapter="demand",
        kind=f"demand:{row['kind']}:{'fall' if fallen else 'rise'}",
        about={
            "name": row.get("product") or key,
            "since": row["since"].isoformat(),
            "change": Estimate(row["change"], row["change_low"], row["change_high"]),
        },
        customers=int(people.count().to_pyarrow().as_py()),
        money=_money(row) if fallen else None,
        evidence=Evidence.of_test(p_value=row["p_value"], q_value=row["q_value"], cases=round(rollup.span_days / 7)),
        people=people,
    )


def _money(row: dict[str, Any]) -> Estimate:
    """What the product or store would bring more in 12 months at its former level."""
    year = SEASON * row["a_week"]
    ends = [year * (1 / row[name] - 1) for name in ("change", "change_high", "change_low")]
    return Estimate(*ends)


def _people(rollup: Rollup, row: dict[str, Any], *, fallen: bool) -> ir.Table:
    """A fall: who bought it before and not since. A rise: who has bought it since and not before."""
    lines = rollup.lines
    key = row["store"] if row["kind"] == "store" else row["product_id"]
    mine = lines[_key_of(rollup, row["kind"])] == key
    bought = lines.filter(mine & lines.customer_id.notnull() & (lines.amount >= 0))
    since = bought.purchased_on >= ibis.literal(row["since"])
    people = bought.group_by("customer_id").aggregate(
        amount=bought.amount.sum(), before=(~since).sum(), after=since.sum()
    )
    gone, came = (people.before > 0) & (people.after == 0), (people.before == 0) & (people.after > 0)
    return people.filter(gone if fallen else came).select("customer_id", "amount")
