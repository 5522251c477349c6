"""Who the best customers are, by what is known of them beside their purchases, and what sets them apart."""

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import scipy
from numpy.typing import NDArray

from regulars.analytics.attributes import Attributes
from regulars.analytics.corrections import q_values, shrink
from regulars.analytics.estimate import Estimate
from regulars.analytics.findings import REPORTED_BELOW, Comparison, Evidence, Finding, Found, Ground
from regulars.analytics.lookalike import LookAlike, look_alike
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _

Floats = NDArray[np.float64]
Kind = Literal["number", "day", "text"]
Reason = Literal["empty", "one_value", "all_different", "no_common_value", "too_many_columns", "contacts", "unreadable"]

BEST_SHARE = 0.2
FEWEST_CUSTOMERS = 100
FEWEST_OF_EACH = 20  # among the best, and among the others
FEWEST_OF_LEVEL = 20  # customers with a value, for a comparison to be worth while
MOST_COLUMNS = 40
MOST_LEVELS = 12
FEW_NUMBERS = 6  # a number with no more values than that is a choice (rooms, children), not a measure
_BANDS = (0.2, 0.4, 0.6, 0.8)

_LEVELS = pa.schema(
    [
        ("column", pa.string()),
        ("heading", pa.string()),
        ("kind", pa.string()),
        ("level", pa.string()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("best", pa.int64()),
        ("others", pa.int64()),
        ("best_share", pa.float64()),
        ("others_share", pa.float64()),
        ("lift", pa.float64()),
        ("lift_low", pa.float64()),
        ("lift_high", pa.float64()),
        ("p_value", pa.float64()),
        ("q_value", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Level:
    """One value of an attribute, or one band of a number. `no` is its place in the column of places."""

    no: int
    text: str
    low: float | None = None  # bands: from `low` to below `high`; days by their ordinal numbers
    high: float | None = None


@dataclass(frozen=True)
class Divided:
    """A column cut into levels: `place` is the level's number, null where nothing is known."""

    column: str
    heading: str
    kind: Kind
    levels: tuple[Level, ...]
    place: ir.IntegerValue


@dataclass(frozen=True)
class Matched:
    """What became of the rows of attributes."""

    rows: int
    without_customer: int  # rows that name nobody
    repeated: int  # rows of a customer who has another row already
    unknown: int  # customers of the file who have bought nothing
    customers: int  # customers of the history with attributes
    without_attributes: int  # customers of the history without


@dataclass(frozen=True, repr=False)
class Profile(Found):
    """The best customers against the others.

    `levels` has one row per value or band compared: how many of the best and of the others have it, the shares of
    each, and `lift`, the ratio of the two shares drawn towards 1, with its interval.
    """

    matched: Matched
    by: Literal["expected_value_12", "amount"]  # what makes a customer one of the best
    best_from: int  # minor units of it
    best: int  # customers
    levels: ir.Table
    left_out: Mapping[str, Reason]  # heading -> why
    alike: LookAlike | None  # None: nothing to make a score of
    best_customers: ir.Table  # `customer_id`


def profile(ground: Ground) -> Profile:
    """What sets the best customers apart, among those whose attributes are known.

    The best: the fifth with the highest value expected over the next 12 months (money spent so far, where no value
    can be expected); equal values are on one side. Texts are compared value by value (up to 12 common ones), numbers
    and days by fifths. Unknown values are left out of their column; so are columns in which nearly everybody has a
    value of their own, contacts, and columns behind the fortieth. A column with two values is compared once.

    Tests: Fisher's exact test for each level, two-sided by doubling the smaller tail, corrected over all levels
    (Benjamini & Hochberg 1995). Lifts: the ratio of shares (Katz et al. 1978), drawn towards 1 by `shrink`.

    Raises `NotEnoughData` without attributes, below 100 customers with attributes, or with nothing to compare.
    """
    if ground.attributes is None:
        raise NotEnoughData(
            _(
                "What is known of customers beside their purchases (age, district, source) was not given; give it as a "
                "table (regulars audit FILES --attributes customers.csv)."
            )
        )
    attributes = ground.attributes.beside(ground.rollup.customers)
    people, matched = _people(ground, attributes)
    by, best_from, people = _with_best(people)
    people = people.cache()
    left_out: dict[str, Reason] = dict.fromkeys(
        (attributes.headings[name] for name in (*attributes.phones, *attributes.emails)), "contacts"
    )
    divided = _divide(attributes, people, ground.rollup.as_of, left_out)
    best = int(people.best.sum().to_pyarrow().as_py() or 0)
    if min(best, matched.customers - best) < FEWEST_OF_EACH or not divided:
        raise NotEnoughData(_("The attributes hold nothing to compare the best customers by."))
    rows = _levels(divided, people)
    alike = look_alike(people, {each.column: (each.place, len(each.levels)) for each in divided})
    findings = _findings(rows, divided, people) + _alike_found(alike, people)
    reported = sum(finding.kind != "profile:alike" for finding in findings)
    return Profile(
        findings=findings,
        comparisons=(Comparison("profile", len(rows), sum(row["p_value"] < 0.05 for row in rows), reported),),
        matched=matched,
        by=by,
        best_from=best_from,
        best=best,
        levels=ibis.memtable(pa.Table.from_pylist(rows, _LEVELS)),
        left_out=left_out,
        alike=alike,
        best_customers=people.filter(people.best).select("customer_id"),
    )


def _people(ground: Ground, attributes: Attributes) -> tuple[ir.Table, Matched]:
    """Customers with attributes, and how the rows were matched."""
    given = attributes.table
    customers = ground.rollup.customers
    known = customers.select("customer_id", "customer_no", "amount")
    known = known.inner_join(given.drop("given_rows"), "customer_id")
    known = known.left_join(ground.values, "customer_id").drop("customer_id_right").cache()
    rows = attributes.rows
    counted = rows.aggregate(rows=rows.count(), nobody=rows.customer_id.isnull().sum()).to_pyarrow().to_pylist()[0]
    named = given.count().to_pyarrow().as_py()
    both, everybody = known.count().to_pyarrow().as_py(), customers.count().to_pyarrow().as_py()
    nobody = int(counted["nobody"] or 0)
    matched = Matched(
        rows=counted["rows"],
        without_customer=nobody,
        repeated=counted["rows"] - nobody - named,
        unknown=named - both,
        customers=both,
        without_attributes=everybody - both,
    )
    if both < FEWEST_CUSTOMERS:
        raise NotEnoughData(
            _("The best can be compared with others from {need} customers with attributes on; there are {n}.").format(
                need=FEWEST_CUSTOMERS, n=both
            )
        )
    return known, matched


def _with_best(people: ir.Table) -> tuple[Literal["expected_value_12", "amount"], int, ir.Table]:
    """The people with `best`, by what they are expected to bring, else by what they have brought."""
    known = int(people.expected_value_12.count().to_pyarrow().as_py())
    by: Literal["expected_value_12", "amount"] = "expected_value_12" if known else "amount"
    value = people[by].fill_null(0)
    cut = float(people.aggregate(q=value.cast("float64").quantile(1 - BEST_SHARE)).to_pyarrow()["q"][0].as_py())
    at_least = people.aggregate(n=(value >= cut).sum(), all=people.count()).to_pyarrow().to_pylist()[0]
    # where very many are equal at the cut, those above it are the best
    best = value > cut if at_least["n"] > 2 * BEST_SHARE * at_least["all"] else value >= cut
    return by, round(cut), people.mutate(best=best)


# --- levels -----------------------------------------------------------------------------------------------------------


def _divide(attributes: Attributes, people: ir.Table, as_of: dt.date, left_out: dict[str, Reason]) -> list[Divided]:
    divided: list[Divided] = []
    for column in attributes.columns:
        heading = attributes.headings[column]
        if len(divided) == MOST_COLUMNS:
            left_out[heading] = "too_many_columns"
            continue
        found = _cut(column, heading, people, as_of)
        if isinstance(found, Divided):
            divided.append(found)
        else:
            left_out[heading] = found
    return divided


def _cut(column: str, heading: str, people: ir.Table, as_of: dt.date) -> Divided | Reason:
    values = people[column]
    kind = values.type()
    if kind.is_date() or kind.is_timestamp():
        ago = ibis.literal(as_of).delta(values.date() if kind.is_timestamp() else values, unit="day")
        return _bands(column, heading, "day", float(as_of.toordinal()) - ago.cast("float64"), people)
    if kind.is_numeric() and not kind.is_boolean():
        number = values.cast("float64")
        number = ibis.cases((number.isnan() | number.isinf(), ibis.null("float64")), else_=number)
        return _bands(column, heading, "number", number, people)
    if kind.is_string() or kind.is_boolean():
        return _choices(column, heading, "text", values.cast("string"), people)
    return "unreadable"


def _bands(column: str, heading: str, kind: Kind, number: ir.FloatingValue, people: ir.Table) -> Divided | Reason:
    row = people.aggregate(n=number.count(), values=number.nunique(), cuts=number.quantile(list(_BANDS)))
    found = row.to_pyarrow().to_pylist()[0]
    if not found["n"]:
        return "empty"
    if found["values"] <= FEW_NUMBERS and kind == "number":
        return _choices(column, heading, kind, number.cast("string"), people, number=number)
    # a band of days begins with a whole day
    edges = sorted({math.ceil(cut) if kind == "day" else float(cut) for cut in found["cuts"]})
    ends: list[float | None] = [None, *edges, None]
    levels = tuple(Level(no, _band_text(low, high, kind), low, high) for no, (low, high) in enumerate(pairwise(ends)))
    place = ibis.cases(
        (number.isnull(), ibis.null("int64")),
        *((number < edge, ibis.literal(no, "int64")) for no, edge in enumerate(edges)),
        else_=ibis.literal(len(edges), "int64"),
    )
    return Divided(column, heading, kind, levels, place)


def _band_text(low: float | None, high: float | None, kind: Kind) -> str:
    ends = ["" if end is None else f"{end:g}" if kind == "number" else _iso(end) for end in (low, high)]
    return "..".join(ends)


def _iso(ordinal: float) -> str:
    return dt.date.fromordinal(int(ordinal)).isoformat()


def _choices(
    column: str,
    heading: str,
    kind: Kind,
    text: ir.StringValue,
    people: ir.Table,
    *,
    number: ir.FloatingValue | None = None,
) -> Divided | Reason:
    value = text if number is None else number
    counted = people.select(value=value).group_by("value").aggregate(n=lambda t: t.count())
    counted = counted.filter(counted.value.notnull())
    totals = counted.aggregate(values=counted.count(), n=counted.n.sum()).to_pyarrow().to_pylist()[0]
    if not totals["n"]:
        return "empty"
    if totals["values"] == 1:
        return "one_value"
    common = counted.filter(counted.n >= FEWEST_OF_LEVEL).order_by([counted.n.desc(), counted.value])
    found = common.limit(MOST_LEVELS).to_pyarrow().to_pylist()
    if not found:
        return "all_different" if totals["values"] > totals["n"] / 2 else "no_common_value"
    names = [f"{row['value']:g}" if number is not None else str(row["value"]) for row in found]
    levels = tuple(Level(no, name) for no, name in enumerate(names))
    place = ibis.cases(
        (value.isnull(), ibis.null("int64")),
        *((value == ibis.literal(row["value"]), ibis.literal(no, "int64")) for no, row in enumerate(found)),
        # a rare value is compared with nothing, and still one of those without the common ones
        else_=ibis.literal(-1, "int64"),
    )
    return Divided(column, heading, kind, levels, place)


# --- comparisons ------------------------------------------------------------------------------------------------------


def _levels(divided: list[Divided], people: ir.Table) -> list[dict[str, Any]]:
    rows = [row for each in divided for row in _counts(each, people)]
    if not rows:
        return []
    with_best, best_all, with_other, other_all = (
        np.array([row[name] for row in rows], dtype=np.float64)
        for name in ("best", "best_known", "others", "others_known")
    )
    p = _fisher(with_best, best_all, with_other, other_all)
    q = q_values(p)
    log_lift, variance = _log_lift(with_best, best_all, with_other, other_all)
    kept, left = shrink(log_lift, variance)
    half = float(scipy.stats.norm.ppf(0.975)) * np.sqrt(left)
    for n, row in enumerate(rows):
        row |= {
            "best_share": float(with_best[n] / max(best_all[n], 1)),
            "others_share": float(with_other[n] / max(other_all[n], 1)),
            "lift": float(np.exp(kept[n])),
            "lift_low": float(np.exp(kept[n] - half[n])),
            "lift_high": float(np.exp(kept[n] + half[n])),
            "p_value": float(p[n]),
            "q_value": float(q[n]),
        }
    return rows


def _counts(each: Divided, people: ir.Table) -> list[dict[str, Any]]:
    placed = people.select(place=each.place, best=people.best)
    placed = placed.filter(placed.place.notnull())
    counted = placed.group_by("place").aggregate(best=placed.best.sum(), n=placed.count())
    found = {row["place"]: (int(row["best"] or 0), int(row["n"])) for row in counted.to_pyarrow().to_pylist()}
    best_known = sum(best for best, _n in found.values())
    others_known = sum(n - best for best, n in found.values())
    rows = [
        {
            "column": each.column,
            "heading": each.heading,
            "kind": each.kind,
            "level": level.text,
            "low": level.low,
            "high": level.high,
            "best": found[level.no][0],
            "others": found[level.no][1] - found[level.no][0],
            "best_known": best_known,
            "others_known": others_known,
            "place": level.no,
        }
        for level in each.levels
        if found.get(level.no, (0, 0))[1] >= FEWEST_OF_LEVEL and found[level.no][1] < best_known + others_known
    ]
    if len(rows) == len(found) == 2:
        # two halves of one comparison: the one that the best have more often
        return [max(rows, key=lambda row: (row["best"] / max(row["best"] + row["others"], 1), row["level"]))]
    return rows


def _fisher(a: Floats, best: Floats, c: Floats, others: Floats) -> Floats:
    table = scipy.stats.hypergeom(best + others, a + c, best)
    p: Floats = np.minimum(1.0, 2 * np.minimum(table.cdf(a), table.sf(a - 1)))
    return p


def _log_lift(a: Floats, best: Floats, c: Floats, others: Floats) -> tuple[Floats, Floats]:
    value = np.log((a + 0.5) / (best + 1)) - np.log((c + 0.5) / (others + 1))
    return value, 1 / (a + 0.5) - 1 / (best + 1) + 1 / (c + 0.5) - 1 / (others + 1)


# --- findings ---------------------------------------------------------------------------------------------------------


def _findings(rows: list[dict[str, Any]], divided: list[Divided], people: ir.Table) -> tuple[Finding, ...]:
    columns = {each.column: each for each in divided}
    sure = [row for row in rows if row["q_value"] < REPORTED_BELOW and (row["lift_low"] > 1 or row["lift_high"] < 1)]
    return tuple(_finding(row, columns[row["column"]], people) for row in sure)


def _finding(row: dict[str, Any], each: Divided, people: ir.Table) -> Finding:
    more = row["lift"] > 1
    those = people.filter((each.place == row["place"]) & ~people.best).select("customer_id", "amount")
    about = {name: row[name] for name in ("heading", "kind", "level", "low", "high", "best_share", "others_share")}
    return Finding(
        id=f"profile:{row['heading']}:{row['level']}",
        chapter="profile",
        kind="profile:more" if more else "profile:less",
        about={**about, "lift": Estimate(row["lift"], row["lift_low"], row["lift_high"])},
        customers=row["others"] if more else row["best"],
        money=None,
        evidence=Evidence.of_test(
            p_value=row["p_value"], q_value=row["q_value"], cases=row["best_known"] + row["others_known"]
        ),
        people=those if more else None,
    )


def _alike_found(alike: LookAlike | None, people: ir.Table) -> tuple[Finding, ...]:
    if alike is None or not alike.is_sure or not alike.customers:
        return ()
    those = alike.scores.filter(alike.scores.is_alike).inner_join(people.select("customer_id", "amount"), "customer_id")
    return (
        Finding(
            id="profile:alike",
            chapter="profile",
            kind="profile:alike",
            about={"auc": alike.auc, "best_share": alike.share_above, "base_share": alike.share},
            customers=alike.customers,
            money=None,
            evidence=Evidence("tested", cases=alike.tested),
            people=those.select("customer_id", "amount"),
        ),
    )
