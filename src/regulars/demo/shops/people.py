"""Customers of a synthetic shop, and when they come until they leave."""

from dataclasses import dataclass

import numpy as np

from regulars.demo.shops.arrays import Flags, Floats, Ints, lognormal
from regulars.demo.shops.plan import ShopPlan
from regulars.demo.shops.season import Season

LONG_RUN_VISITS = 4  # how far conversions are followed, even past the end of the history
REGULAR_VISITS = 3


@dataclass(frozen=True)
class Customers:
    """One position per customer. Times are days since the start of the history."""

    arrived: Floats
    passing: Flags  # comes once and leaves
    rate: Floats  # visits a day
    level: Floats  # multiplies prices
    discount_chance: Floats
    channel: Ints
    store: Ints


@dataclass(frozen=True)
class Visits:
    """All visits, in order of time, and what became of the customers."""

    customer: Ints  # position of the customer
    time: Floats
    left: Floats  # per customer; infinite for those who are still there at the end
    reached: Ints  # per customer: visits made in the long run, at most LONG_RUN_VISITS of them counted
    planted: Flags  # per customer: left as a planted lost cohort


def draw_customers(plan: ShopPlan, rng: np.random.Generator) -> Customers:
    """Draw everything about the customers that does not change."""
    n = plan.customers
    channel = rng.choice(len(plan.channel_worth), n)
    store = rng.choice(len(plan.store_worth), n)
    worth = np.array(plan.channel_worth)[channel] * np.array(plan.store_worth)[store]
    return Customers(
        arrived=_arrivals(plan, rng),
        passing=rng.random(n) < plan.passing_share,
        rate=rng.gamma(plan.rate_shape, plan.visits_per_year / 365.25 / plan.rate_shape, n),
        level=worth * lognormal(plan.level_spread, n, rng),
        discount_chance=_discount_chances(plan, rng),
        channel=channel,
        store=store,
    )


def _arrivals(plan: ShopPlan, rng: np.random.Generator) -> Floats:
    opening = min(30, plan.days)
    established = rng.random(plan.customers) < plan.established_share
    return np.where(
        established, rng.uniform(0, opening, plan.customers), rng.uniform(opening, plan.days, plan.customers)
    )


def _discount_chances(plan: ShopPlan, rng: np.random.Generator) -> Floats:
    if plan.discount_chance == 0:
        return np.zeros(plan.customers)
    return rng.beta(1.0, 1 / plan.discount_chance - 1, plan.customers)


def draw_visits(plan: ShopPlan, customers: Customers, season: Season, rng: np.random.Generator) -> Visits:
    """Let the customers come until they leave or the history ends, then take the planted cohort away."""
    # the last days may be closed, and the clock stand still: whoever arrives then comes just before
    arrived = np.minimum(season.to_clock(customers.arrived), np.nextafter(season.last_tick, 0))
    last_visit, death = _departures(plan, customers, season, rng)
    owners, clocks, left, reached = _renewals(
        arrived, customers.rate, last_visit, death, regularity=plan.regularity, end=season.last_tick, rng=rng
    )
    time = season.to_calendar(clocks)
    order = np.argsort(time, kind="stable")
    left = np.where(left < season.last_tick, season.to_calendar(left), np.inf)
    visits = Visits(owners[order], time[order], left, reached, np.zeros(plan.customers, dtype=bool))
    return _without_lost_cohort(plan, visits, rng)


def _departures(
    plan: ShopPlan, customers: Customers, season: Season, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """After which visit each customer leaves, and at which moment; infinite where it is not for this reason."""
    n = plan.customers
    death = np.full(n, np.inf)
    last_visit = np.where(customers.passing, 1.0, np.inf)
    if plan.leaving == "lifetime":
        hazard = rng.gamma(plan.lifetime_shape, 1 / plan.lifetime_scale_days, n)
        death = season.to_clock(customers.arrived + rng.exponential(1, n) / hazard)
    elif plan.leaving != "never":
        chance = np.maximum(rng.beta(plan.leave_a, plan.leave_b, n), 1e-9)
        never_after_the_first = int(plan.leaving == "after_repeat_visit")
        last_visit = np.minimum(last_visit, never_after_the_first + rng.geometric(chance))
    return last_visit, death


def _renewals(
    arrived: Floats,
    rate: Floats,
    last_visit: Floats,
    death: Floats,
    *,
    regularity: float,
    end: float,
    rng: np.random.Generator,
) -> tuple[Ints, Floats, Floats, Ints]:
    """One visit of everybody who still comes, then the next, until nobody is left inside the history."""
    left = np.full(len(arrived), np.inf)
    reached = np.ones(len(arrived), dtype=np.int64)
    active, now = np.arange(len(arrived)), arrived
    owners, clocks, number = [active], [now], 1
    while len(active):
        stays = number < last_visit[active]
        left[active[~stays]] = now[~stays]
        active, now = active[stays], now[stays]
        now = now + rng.gamma(regularity, 1 / regularity, len(active)) / rate[active]
        dies = now > death[active]
        left[active[dies]] = death[active[dies]]
        active, now = active[~dies], now[~dies]
        number += 1
        reached[active] = min(number, LONG_RUN_VISITS)
        inside = now < end
        owners.append(active[inside])
        clocks.append(now[inside])
        # past the end only those go on whose conversion is not known yet
        goes_on = inside | (number < LONG_RUN_VISITS)
        active, now = active[goes_on], now[goes_on]
    return np.concatenate(owners), np.concatenate(clocks), left, reached


def _without_lost_cohort(plan: ShopPlan, visits: Visits, rng: np.random.Generator) -> Visits:
    cohort = plan.lost_cohort
    if cohort is None:
        return visits
    day = float(plan.day_number(cohort.on))
    so_far = np.bincount(visits.customer[visits.time < day], minlength=plan.customers)
    regulars = np.flatnonzero((so_far >= REGULAR_VISITS) & (visits.left > day))
    gone = np.zeros(plan.customers, dtype=bool)
    gone[rng.choice(regulars, round(len(regulars) * cohort.share), replace=False)] = True
    kept = ~gone[visits.customer] | (visits.time < day)
    return Visits(
        visits.customer[kept], visits.time[kept], np.where(gone, day, visits.left), visits.reached, planted=gone
    )
