"""Opportunities: what to do first, by money. One customer's money is counted in one of them only."""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np

from regulars.analytics.estimate import Estimate
from regulars.analytics.intervals import bootstrap_sum
from regulars.analytics.readable import Readable
from regulars.analytics.rhythm import Rhythm
from regulars.analytics.rollup import YEAR_DAYS, Rollup

# The share of people with whom each is assumed to work. Nobody knows it before a campaign with a control
# group has measured it, so the numbers are modest and round, and shown beside every result.
ASSUMED_SHARES = {
    "hold_slipping": 0.20,
    "win_back_lost": 0.05,
    "second_purchase": 0.10,
    "raise_frequency": 0.10,
    "raise_check": 0.10,
}
OPPORTUNITIES = tuple(ASSUMED_SHARES)

HIGH_CHECK = 0.75  # quantile of the mean check


@dataclass(frozen=True)
class Opportunity:
    """Money over the next 12 months, minor units: `money` = `at_stake` x `assumed_share`."""

    id: str  # one of OPPORTUNITIES
    customers: int
    at_stake: float  # if it worked with everybody
    assumed_share: float
    money: Estimate


@dataclass(frozen=True, repr=False)
class Opportunities(Readable):
    """The list, largest money first; those without people are left out.

    `people`: one row per customer with something at stake: `customer_id`, `opportunity` (an id),
    `opportunity_amount` (minor units, share applied).
    """

    items: tuple[Opportunity, ...]
    people: ir.Table
    reason: str | None = None  # why no money can be named at all; then there are no items


def no_opportunity_known(reason: str) -> Opportunities:
    """The answer when the base is too small to speak of money."""
    columns = {"customer_id": "string", "opportunity": "string", "opportunity_amount": "int64"}
    return Opportunities((), ibis.memtable([], schema=columns), reason)


def opportunities(rollup: Rollup, states: ir.Table, rhythm: Rhythm) -> Opportunities:
    """Put every customer into at most one opportunity, and sum the money.

    The stake of a customer, over 12 months at the own (shrunken) rhythm and check:

    - second_purchase: one visit so far; what one more customer of this age would spend, times the chance
      that no visit follows by itself within the window: most of yesterday's newcomers need no help;
    - win_back_lost: lost, two visits or more; the money of the former rhythm, times the chance that they
      have really left;
    - hold_slipping: slipping; the part of the money that the fallen chance to return endangers;
    - raise_frequency: in good standing, mean check in the top quarter, visits rarer than the median
      customer's; the visits missing to the median, at the own check;
    - raise_check: in good standing, mean check below the median; the missing money of each visit.

    Who could be in both of the last two stays where more money is. Customers without a stake are left out.
    Without a back-test no chance is known, and the whole money of the first three counts.
    """
    people = rollup.customers.inner_join(states, "customer_id")
    people = people.mutate(
        exposure=ibis.ifelse(
            (people.state == "lost") & (people.visits > 1), people.last_purchase_age_days, people.age_days
        )
    )
    people = people.mutate(
        yearly=rhythm.rate(people.visits - 1, people.exposure) * float(YEAR_DAYS),
        check=rhythm.check(people.amount, people.visits),
    ).cache()
    chosen = _choose(people).cache()
    return Opportunities(_items(chosen, rollup), chosen.select("customer_id", "opportunity", "opportunity_amount"))


def _choose(people: ir.Table) -> ir.Table:
    good = people.state.isin(["new", "regular", "won_back"]) & (people.visits > 1)
    usual = people.filter(good).aggregate(
        checks=ibis._.check.quantile([0.5, HIGH_CHECK]), yearly=ibis._.yearly.quantile([0.5])
    )
    row = usual.to_pyarrow().to_pylist()[0]
    median_check, high_check = row["checks"] or (0.0, float("inf"))
    median_yearly = (row["yearly"] or (0.0,))[0]
    has_left = (1.0 - people.standing).fill_null(1.0)
    stays_away = (1.0 - people.return_chance).fill_null(1.0)
    frequency = (
        ibis.ifelse(people.check >= high_check, (median_yearly - people.yearly).clip(lower=0.0), 0.0) * people.check
    )
    check = (median_check - people.check).clip(lower=0.0) * people.yearly
    by_frequency = frequency * ASSUMED_SHARES["raise_frequency"] >= check * ASSUMED_SHARES["raise_check"]
    cases = [
        (people.visits == 1, "second_purchase", people.yearly * people.check * stays_away),
        (people.state == "lost", "win_back_lost", people.yearly * people.check * has_left),
        (people.state == "slipping", "hold_slipping", people.yearly * people.check * has_left),
        (by_frequency, "raise_frequency", frequency),
        (~by_frequency, "raise_check", check),
    ]
    chosen = people.select(
        "customer_id",
        opportunity=ibis.cases(*[(when, name) for when, name, _stake in cases]),
        stake=ibis.cases(*[(when, stake) for when, _name, stake in cases]),
    )
    shares = ibis.cases(*[(chosen.opportunity == name, share) for name, share in ASSUMED_SHARES.items()])
    amount = (chosen.stake * shares).round().cast("int64")
    return chosen.mutate(opportunity_amount=amount).filter(ibis._.opportunity_amount > 0)


def _items(chosen: ir.Table, rollup: Rollup) -> tuple[Opportunity, ...]:
    everybody = int(rollup.customers.count().to_pyarrow().as_py())
    items = []
    for name, share in ASSUMED_SHARES.items():
        column = chosen.filter(chosen.opportunity == name).opportunity_amount.to_pyarrow()
        mine = np.asarray(column.to_numpy(), dtype=np.float64)
        if mine.size:
            # also those without a stake: how many have one is uncertain too
            drawn = bootstrap_sum(np.concatenate([mine, np.zeros(everybody - mine.size)]))
            money = Estimate(drawn.value, max(drawn.low, 0.0), drawn.high)
            items.append(Opportunity(name, mine.size, float(mine.sum()) / share, share, money))
    return tuple(sorted(items, key=lambda item: (-item.money.value, item.id)))
