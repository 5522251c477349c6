"""Why revenue changed between two equal periods: an exact decomposition that adds up to the difference."""

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis.expr.types as ir

from regulars.analytics.periods import Period, comparison_periods, within
from regulars.analytics.readable import Readable
from regulars.analytics.rollup import Rollup
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _
from regulars.core.i18n import said_date

FACTORS = ("frequency", "breadth", "check")


@dataclass(frozen=True, repr=False)
class RevenueChange(Readable):
    previous: tuple[dt.date, dt.date]  # first and last day, both included
    last: tuple[dt.date, dt.date]
    previous_revenue: int  # minor units, all buyers
    last_revenue: int
    # minor units; sums exactly to last_revenue - previous_revenue:
    # "won" (first ever purchase in the last period), "returned" (bought before the previous period, not in it),
    # "lost" (bought in the previous period only), for those who bought in both: "frequency", "breadth", "check"
    # (price of a position), and "without_customer", "returns_only" where not zero
    effects: dict[str, int]
    customers: dict[str, int]  # won, returned, lost, kept


def revenue_change(rollup: Rollup) -> RevenueChange:
    """Decompose the change of net revenue between the periods of `periods.comparison_periods`.

    A customer belongs to one group by the periods in which something was bought. The whole change of the
    group's net money (returns included) is its effect. For those who bought in both periods

        revenue = receipts x positions per receipt x money per position

    and the change is shared by the additive logarithmic mean Divisia index (LMDI-I: Ang 2004, Energy Policy
    32; Ang 2005, Energy Policy 33): an effect is L(last, previous) ln(factor_last / factor_previous) with
    L(x, y) = (x - y) / ln(x / y). It leaves no remainder and treats the periods alike. Where the kept
    customers' net revenue is zero or less in a period, a logarithm does not exist and their whole change
    stands under "check". Effects are whole minor units by largest remainder.

    `returns_only` are known customers who only brought goods back in these periods, `without_customer` the
    receipts of unknown buyers; both appear only where not zero. A history without much before the previous
    period cannot tell who returned: old customers who had not been seen yet count as won.

    `NotEnoughData` below eight weeks, or when one period has no receipt at all.
    """
    previous, last = comparison_periods(rollup)
    unknown = _unknown(rollup, previous, last)
    groups = _groups(rollup, previous, last)
    for period, receipts in (
        (previous, unknown["receipts_before"] + sum(group["receipts_before"] for group in groups.values())),
        (last, unknown["receipts_after"] + sum(group["receipts_after"] for group in groups.values())),
    ):
        _require_receipts(period, receipts)
    effects = {name: _difference(groups[name]) for name in ("won", "returned", "lost")}
    effects |= _kept(groups["kept"])
    others = {"without_customer": _difference(unknown), "returns_only": _difference(groups["returns_only"])}
    return RevenueChange(
        previous=previous,
        last=last,
        previous_revenue=unknown["amount_before"] + sum(group["amount_before"] for group in groups.values()),
        last_revenue=unknown["amount_after"] + sum(group["amount_after"] for group in groups.values()),
        effects=effects | {name: effect for name, effect in others.items() if effect},
        customers={name: groups[name]["customers"] for name in ("won", "returned", "lost", "kept")},
    )


def _require_receipts(period: Period, receipts: int) -> None:
    if receipts == 0:
        raise NotEnoughData(
            _("There is no purchase between {first} and {last}: no change of revenue can be explained.").format(
                first=said_date(period[0]), last=said_date(period[1])
            )
        )


def _sums(table: ir.Table, before: ir.BooleanValue, after: ir.BooleanValue) -> dict[str, ir.Value]:
    return {
        f"{column}_{when}": table[column].sum(where=inside).fill_null(0)
        for when, inside in (("before", before), ("after", after))
        for column in ("amount", "receipts", "lines")
    }


def _unknown(rollup: Rollup, previous: Period, last: Period) -> dict[str, int]:
    table = rollup.receipts.filter(rollup.receipts.customer_id.isnull())
    table = table.mutate(receipts=(table.lines > 0).cast("int64"))
    before, after = (within(table.purchased_on, period) for period in (previous, last))
    row: dict[str, int] = table.aggregate(**_sums(table, before, after)).to_pyarrow().to_pylist()[0]
    return row


_GROUPS = ("won", "returned", "lost", "kept", "returns_only")


def _groups(rollup: Rollup, previous: Period, last: Period) -> dict[str, dict[str, int]]:
    """Sums over the customers of each group; one row per group in the engine too."""
    days = rollup.days.filter(within(rollup.days.purchased_on, (previous[0], last[1])))
    before, after = (within(days.purchased_on, period) for period in (previous, last))
    people = days.group_by("customer_id").aggregate(
        **_sums(days, before, after), is_new=((days.visit_no == 1) & after).sum().fill_null(0) > 0
    )
    came_before, came_after = people.receipts_before > 0, people.receipts_after > 0
    groups = people.group_by(came_before=came_before, came_after=came_after, is_new=people.is_new).aggregate(
        customers=people.count(),
        **{name: people[name].sum() for name in people.columns if name not in ("customer_id", "is_new")},
    )
    rows = groups.to_pyarrow().to_pylist()
    names = [name for name in groups.columns if name not in ("came_before", "came_after", "is_new")]
    return {
        group: {name: sum(row[name] for row in rows if _group_of(row) == group) for name in names} for group in _GROUPS
    }


def _group_of(row: Mapping[str, Any]) -> str:
    if row["came_before"]:
        return "kept" if row["came_after"] else "lost"
    if row["came_after"]:
        return "won" if row["is_new"] else "returned"
    return "returns_only"


def _difference(sums: Mapping[str, int]) -> int:
    return sums["amount_after"] - sums["amount_before"]


def _kept(sums: Mapping[str, int]) -> dict[str, int]:
    difference = _difference(sums)
    before, after = sums["amount_before"], sums["amount_after"]
    if before <= 0 or after <= 0:
        return {"frequency": 0, "breadth": 0, "check": difference}
    receipts = math.log(sums["receipts_after"] / sums["receipts_before"])
    lines = math.log(sums["lines_after"] / sums["lines_before"])
    money = math.log(after / before)
    weight = _logarithmic_mean(after, before)
    shares = (receipts, lines - receipts, money - lines)
    return dict(zip(FACTORS, whole_parts([weight * share for share in shares], difference), strict=True))


def _logarithmic_mean(x: int, y: int) -> float:
    """(x - y) / ln(x / y), and x where they are equal; stable for neighbours."""
    return (x - y) / math.log1p((x - y) / y) if x != y else float(x)


def whole_parts(parts: list[float], total: int) -> list[int]:
    """`parts` as whole numbers that sum exactly to `total`, by largest remainder; ties go to the first.

    >>> whole_parts([1.4, 1.4, 1.2], 4)
    [2, 1, 1]
    """
    whole = [math.floor(part) for part in parts]
    left = total - sum(whole)
    order = sorted(range(len(parts)), key=lambda i: whole[i] - parts[i])
    for step in range(abs(left)):
        whole[order[step % len(parts)]] += 1 if left > 0 else -1
    return whole
