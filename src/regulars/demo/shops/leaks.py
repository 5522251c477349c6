"""Planted reasons to leave: a member of staff, a product that regulars buy last, one that newcomers begin with."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from regulars.demo.shops.arrays import Flags, Ints
from regulars.demo.shops.baskets import SECONDS_A_DAY, UNKNOWN, Lines, Receipts
from regulars.demo.shops.goods import Goods
from regulars.demo.shops.people import REGULAR_VISITS, Visits
from regulars.demo.shops.plan import ShopPlan

# a stream apart from those of the shop: a shop without leaks is the same to the last line
_STREAM = 7_001


@dataclass(frozen=True)
class Leaking:
    """Positions of what was planted; -1 for nothing."""

    staff: int
    entry_product: int
    exit_product: int


def leaking(plan: ShopPlan, goods: Goods) -> Leaking:
    """What the leaks of the plan are in this shop."""
    by_popularity = np.argsort(-goods.frequency, kind="stable")
    return Leaking(
        staff=plan.bad_staff.rank if plan.bad_staff else -1,
        entry_product=int(by_popularity[plan.entry_product.rank]) if plan.entry_product else -1,
        exit_product=int(by_popularity[plan.exit_product.rank]) if plan.exit_product else -1,
    )


def let_leave(
    plan: ShopPlan, planted: Leaking, *, visits: Visits, receipts: Receipts, lines: Lines, seed: int
) -> tuple[Visits, Lines]:
    """Who meets a leak may leave at the end of that day, and whatever they did later did not happen."""
    if planted == Leaking(-1, -1, -1):
        return visits, lines
    rng = np.random.default_rng([_STREAM, seed])
    leaves = _leaves(plan, planted, receipts, lines, rng)
    customers = len(visits.left)
    last_day = np.full(customers, plan.days)
    np.minimum.at(last_day, receipts.customer[leaves], receipts.day[leaves])
    return _visits_until(last_day, visits, plan.days), _lines_until(last_day, receipts, lines)


def _leaves(plan: ShopPlan, planted: Leaking, receipts: Receipts, lines: Lines, rng: np.random.Generator) -> Flags:
    """The receipts after which the customer would leave."""
    number = _visit_numbers(receipts)
    chance = np.zeros(len(receipts.customer))
    for leak, met in (
        (plan.bad_staff, receipts.staff == planted.staff),
        (plan.entry_product, _has(planted.entry_product, receipts, lines) & (number == 1)),
        (plan.exit_product, _has(planted.exit_product, receipts, lines) & (number >= REGULAR_VISITS)),
    ):
        if leak is not None:
            chance = np.where(met, 1 - (1 - chance) * (1 - leak.chance), chance)
    leaves: Flags = (rng.random(len(chance)) < chance) & (receipts.customer != UNKNOWN)
    return leaves


def _has(product: int, receipts: Receipts, lines: Lines) -> Flags:
    holds = np.zeros(len(receipts.customer), dtype=bool)
    holds[lines.receipt[(lines.product == product) & (lines.quantity > 0)]] = True
    return holds


def _visit_numbers(receipts: Receipts) -> Ints:
    """1 for the first day of each customer, 2 for the next one."""
    customer, day = receipts.customer, receipts.day
    order = np.lexsort((day, customer))
    fresh = np.append(True, customer[order][1:] != customer[order][:-1])
    another_day = fresh | np.append(True, day[order][1:] != day[order][:-1])
    so_far = np.cumsum(another_day)
    starts = np.maximum.accumulate(np.where(fresh, so_far, 0))
    number = np.empty(len(customer), dtype=np.int64)
    number[order] = so_far - starts + 1
    return number


def _visits_until(last_day: Ints, visits: Visits, days: int) -> Visits:
    kept = np.floor(visits.time) <= last_day[visits.customer]
    gone = (last_day < days) & (last_day + 0.5 < visits.left)
    made = np.bincount(visits.customer[kept], minlength=len(last_day))
    return dataclasses.replace(
        visits,
        customer=visits.customer[kept],
        time=visits.time[kept],
        left=np.where(gone, last_day + 0.5, visits.left),
        reached=np.where(gone, np.minimum(visits.reached, made), visits.reached),
    )


def _lines_until(last_day: Ints, receipts: Receipts, lines: Lines) -> Lines:
    customer = receipts.customer[lines.receipt]
    # of the receipt, not of the line: what was bought before may still come back
    bought_on = receipts.second[lines.receipt] // SECONDS_A_DAY
    kept = (customer == UNKNOWN) | (bought_on <= last_day[customer])
    return Lines(*(column[kept] for column in vars(lines).values()))
