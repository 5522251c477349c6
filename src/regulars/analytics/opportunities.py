"""Opportunities: what to do first, by money. One customer's money is counted in one of them only."""

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
from numpy.typing import NDArray

from regulars.analytics.estimate import Estimate
from regulars.analytics.findings import Finding
from regulars.analytics.intervals import bootstrap_sum
from regulars.analytics.readable import Readable
from regulars.analytics.rhythm import Rhythm
from regulars.analytics.rollup import YEAR_DAYS, Rollup
from regulars.analytics.trial_size import control_group

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

# of what a finding names as possible at best; kinds that are not here are to be known, not to be acted upon one by one
FINDING_SHARES = {
    # a reminder or an offer to each of the people
    "need_due": 0.10,
    "pair_together": 0.05,
    "sequence_next": 0.05,
    "discount:wasted": 0.25,
    # the money of these is already that of a modest share, which their sentences name
    "trial_likely": 1.0,
    "slowing:high_check": 1.0,
    # a cause that is mended for all of them at once
    "entry_worse": 0.25,
    "exit": 0.25,
    "service_worse": 0.25,
    "gap:product": 0.50,
}

# of these nobody can be left out for comparison, and nobody has to be contacted
MENDED_FOR_ALL = frozenset({"entry_worse", "exit", "service_worse", "gap:product"})

# these are about whether people come at all; the others about how much they spend
_ABOUT_COMING = frozenset({"hold_slipping", "win_back_lost", "second_purchase"})

HIGH_CHECK = 0.75  # quantile of the mean check


@dataclass(frozen=True)
class Budget:
    """What may be spent on contacting customers, and what one contact costs. Minor units."""

    amount: int
    contact_cost: int


@dataclass(frozen=True)
class Opportunity:
    """Money over the next 12 months, minor units: `money` = `at_stake` x `assumed_share`.

    Customers who are in several opportunities are counted where they bring most.
    """

    id: str  # one of OPPORTUNITIES, or the id of a finding
    customers: int
    at_stake: float  # if it worked with everybody
    assumed_share: float
    money: Estimate
    profit: float | None  # money times the margin, less the contacts; None when no margin is known
    control_group: int | None  # people to leave alone, so that the result can be proved; None: there are too few
    within_budget: int | None  # customers whom the budget reaches; None without a budget, or without contacts
    finding: Finding | None = None


@dataclass(frozen=True, repr=False)
class Opportunities(Readable):
    """The list, largest profit first (largest money where no margin is known); those without people are left out.

    `people`: one row per customer with something at stake: `customer_id`, `opportunity` (an id),
    `opportunity_amount` (minor units, share applied), and with a budget `within_budget`.
    """

    items: tuple[Opportunity, ...]
    people: ir.Table
    budget: Budget | None = None
    reason: str | None = None  # why no money can be named at all; then there are no items


def no_opportunity_known(reason: str) -> Opportunities:
    """The answer when the base is too small to speak of money."""
    columns = {"customer_id": "string", "opportunity": "string", "opportunity_amount": "int64"}
    return Opportunities((), ibis.memtable([], schema=columns), reason=reason)


def opportunities(
    rollup: Rollup,
    states: ir.Table,
    rhythm: Rhythm,
    *,
    findings: Sequence[Finding] = (),
    margin_share: float | None = None,
    budget: Budget | None = None,
) -> Opportunities:
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

    Findings with money and people compete with these: a customer's stake is the part of the finding's money that the
    customer's `amount` has among its people. Who is in several is counted where most money is expected (ties: the id
    that sorts first), so no customer's money is counted twice.

    With a budget, contacts go to those who are expected to bring most, whatever opportunity they are in, and to nobody
    who is expected to bring less than the contact costs (in margin, where it is known). A cause that is mended for all
    at once takes no contacts.

    Who could be in both of the last two stays where more money is. Customers without a stake are left out.
    Without a back-test no chance is known, and the whole money of the first three counts.
    """
    own = _choose(_with_rhythm(rollup, states, rhythm))
    chosen = _best_of_each(own, findings).cache()
    if budget is not None:
        chosen = _within(chosen, budget, _without_contacts(findings), margin_share).cache()
    items = _Items(rollup, states, chosen, tuple(findings), margin_share, budget)
    return Opportunities(items.found(), chosen.drop("share"), budget)


def _with_rhythm(rollup: Rollup, states: ir.Table, rhythm: Rhythm) -> ir.Table:
    people = rollup.customers.inner_join(states, "customer_id")
    people = people.mutate(
        exposure=ibis.ifelse(
            (people.state == "lost") & (people.visits > 1), people.last_purchase_age_days, people.age_days
        )
    )
    # of the many columns of a customer as few as are asked for: all of them of ten million customers are gigabytes
    return people.select(
        "customer_id", "visits", "state", "standing", "return_chance",
        yearly=rhythm.rate(people.visits - 1, people.exposure) * float(YEAR_DAYS),
        check=rhythm.check(people.amount, people.visits),
    ).cache()  # fmt: skip


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
    return chosen.mutate(share=shares)


def _best_of_each(own: ir.Table, findings: Sequence[Finding]) -> ir.Table:
    """One row per customer: the opportunity with most expected money."""
    every = [own.select("customer_id", "opportunity", "stake", "share"), *_stakes(findings)]
    table = ibis.union(*every) if len(every) > 1 else every[0]
    amount = (table.stake * table.share).round().cast("int64")
    table = table.mutate(opportunity_amount=amount).filter(ibis._.opportunity_amount > 0)
    order = ibis.window(group_by=table.customer_id, order_by=[table.opportunity_amount.desc(), table.opportunity])
    best = table.mutate(place=ibis.row_number().over(order)).filter(ibis._.place == 0)
    return best.select("customer_id", "opportunity", "opportunity_amount", "share")


def _stakes(findings: Sequence[Finding]) -> list[ir.Table]:
    """For each finding that can be acted upon: its people, and each one's part of its money."""
    tables = []
    for one in findings:
        if one.people is None or one.money is None or one.kind not in FINDING_SHARES:
            continue
        # who has brought back more than was bought has no part, and must not make those of others larger
        people = one.people.mutate(amount=ibis.greatest(one.people.amount, 0))
        whole = people.amount.sum().over(ibis.window()).cast("float64")
        stake = ibis.cases((whole > 0, people.amount.cast("float64") / whole * one.money.value), else_=0.0)
        tables.append(
            people.select(
                "customer_id",
                opportunity=ibis.literal(one.id),
                stake=stake,
                share=ibis.literal(FINDING_SHARES[one.kind]),
            )
        )
    return tables


def _without_contacts(findings: Sequence[Finding]) -> list[str]:
    return [one.id for one in findings if one.kind in MENDED_FOR_ALL]


def _within(chosen: ir.Table, budget: Budget, without_contacts: list[str], margin_share: float | None) -> ir.Table:
    """`within_budget`: the contacts that the budget pays, most expected money first."""
    contacts = budget.amount // max(budget.contact_cost, 1)
    brings = chosen.opportunity_amount.cast("float64") * (1.0 if margin_share is None else margin_share)
    worth = brings > float(budget.contact_cost)
    if without_contacts:
        worth &= ~chosen.opportunity.isin(without_contacts)
    chosen = chosen.mutate(worth=worth)
    order = ibis.window(group_by=chosen.worth, order_by=[chosen.opportunity_amount.desc(), chosen.customer_id])
    chosen = chosen.mutate(within_budget=chosen.worth & (ibis.row_number().over(order) < contacts))
    return chosen.drop("worth")


@dataclass(frozen=True)
class _Items:
    """Builds the list from the customers, each in one opportunity."""

    rollup: Rollup
    states: ir.Table
    chosen: ir.Table
    findings: tuple[Finding, ...]
    margin_share: float | None
    budget: Budget | None

    def found(self) -> tuple[Opportunity, ...]:
        by_id = {one.id: one for one in self.findings}
        counted = self.chosen.group_by("opportunity").aggregate(customers=self.chosen.count())
        names = counted.order_by("opportunity").to_pyarrow()["opportunity"]
        items = [self._item(name, by_id.get(name)) for name in names.to_pylist()]
        return tuple(sorted(items, key=lambda item: (-self._rank(item), item.id)))

    @staticmethod
    def _rank(item: Opportunity) -> float:
        return item.money.value if item.profit is None else item.profit

    def _item(self, name: str, finding: Finding | None) -> Opportunity:
        people = self.chosen.filter(self.chosen.opportunity == name)
        column = people.opportunity_amount.to_pyarrow()
        mine = np.asarray(column.to_numpy(), dtype=np.float64)
        share = float(people.share.max().to_pyarrow().as_py())
        money = self._money(mine)
        for_all = finding is not None and finding.kind in MENDED_FOR_ALL
        cost = self.budget.contact_cost * mine.size if self.budget and not for_all else 0
        return Opportunity(
            id=name,
            customers=mine.size,
            at_stake=float(mine.sum()) / share,
            assumed_share=share,
            money=money,
            profit=None if self.margin_share is None else money.value * self.margin_share - cost,
            control_group=None if for_all else self._control_group(name, people, mine, share),
            within_budget=int(people.within_budget.sum().to_pyarrow().as_py()) if self.budget and not for_all else None,
            finding=finding,
        )

    def _money(self, mine: NDArray[np.float64]) -> Estimate:
        # also those without a stake: how many have one is uncertain too
        everybody = int(self.rollup.customers.count().to_pyarrow().as_py())
        drawn = bootstrap_sum(np.concatenate([mine, np.zeros(everybody - mine.size)]))
        return Estimate(drawn.value, max(drawn.low, 0.0), drawn.high)

    def _control_group(self, name: str, people: ir.Table, mine: NDArray[np.float64], share: float) -> int | None:
        if name not in _ABOUT_COMING:
            spent = people.inner_join(self.rollup.customers, "customer_id").amount_year.cast("float64")
            variance = float(spent.var(how="pop").to_pyarrow().as_py() or 0.0)
            return control_group(mine.size, gain=float(mine.mean()), variances=(variance, variance))
        back = people.inner_join(self.states, "customer_id").return_chance.mean().to_pyarrow().as_py()
        usual = 0.5 if back is None else float(back)
        treated = usual + share * (1 - usual)
        return control_group(mine.size, gain=treated - usual, variances=(usual * (1 - usual), treated * (1 - treated)))
