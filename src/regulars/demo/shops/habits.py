"""Habits planted in a synthetic shop: of discounts, of slowing down, of a favourite, and a product that ran out.

Each plant is applied to what the shop would have been without it, with a random stream of its own: a shop
without plants stays as it was, to the last line.
"""

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from regulars.demo.shops.arrays import Flags, Floats, Ints

if TYPE_CHECKING:
    from regulars.demo.shops.baskets import Lines, Receipts
    from regulars.demo.shops.goods import Goods
    from regulars.demo.shops.people import Customers, Visits
    from regulars.demo.shops.plan import ShopPlan

NONE, HUNTER, WASTED, DRIVEN = 0, 1, 2, 3
HABITS = ("", "hunter", "wasted", "driven")
WEEK = 7


@dataclass(frozen=True)
class DiscountHabit:
    """Shares of the customers with a habit of discounts; the rest stay as the plan has them.

    - `hunters`: each of their lines is bought at a discount with `chance`;
    - `wasted`: get discounts in every other stretch of `stretch_days` only, and come as often in the others;
    - `driven`: get them in the same way, and make only `stay` of their visits in the other stretches.
    """

    hunters: float = 0.0
    wasted: float = 0.0
    driven: float = 0.0
    chance: float = 0.9
    stretch_days: int = 60
    stay: float = 0.4


@dataclass(frozen=True)
class Promotions:
    """The most popular `products` are on offer in every `every_weeks`-th week, and change their regular price.

    In a week of offer units are multiplied by 1 + `lift`; when the regular price is multiplied by f, by
    f ** `elasticity`. Prices stay for `price_weeks` and then move to a random level within `price_swing`.
    """

    products: int = 3
    every_weeks: int = 5
    depth: float = 0.25
    lift: float = 1.0
    elasticity: float = -2.0
    price_weeks: int = 8
    price_swing: float = 0.2


@dataclass(frozen=True)
class StockGap:
    """The product at this rank of popularity (0 is the first) is not on the shelf for so many days."""

    rank: int
    from_day: int
    days: int


@dataclass(frozen=True)
class Favourite:
    """A rare and cheap product that many of the best customers (top tenth by rate x level) take time and again."""

    fans: float = 0.9  # share of the best customers
    chance: float = 0.15  # of a visit
    rank: int = -1  # by popularity; -1 is the last


@dataclass(frozen=True)
class Slowing:
    """A share of the customers stretches the gaps by `factor`, from a random day on."""

    share: float
    factor: float = 3.0


@dataclass(frozen=True)
class Planted:
    """Who got which habit: one position per customer."""

    habit: Ints  # position in HABITS
    in_stretch_from: Floats  # phase of the stretches, days
    slow_from: Floats  # day number; infinite for those who do not slow down
    fan: Flags


def draw_habits(plan: "ShopPlan", customers: "Customers", rng: np.random.Generator) -> Planted:
    """Deal the habits out to the customers."""
    n, found, slow = plan.customers, plan.discount_habit or DiscountHabit(), plan.slowing
    edges = np.cumsum([found.hunters, found.wasted, found.driven])
    habit = np.searchsorted(edges, rng.random(n), side="right")
    phase = rng.uniform(0, 2 * found.stretch_days, n)
    slows = rng.random(n) < (slow.share if slow else 0)
    slow_from = np.where(slows, rng.uniform(0.2, 1.0, n) * plan.days, np.inf)
    worth = customers.rate * customers.level
    best = worth >= np.quantile(worth, 0.9)
    fan = best & (rng.random(n) < (plan.favourite.fans if plan.favourite else 0))
    return Planted(np.where(habit == len(edges), NONE, habit + 1), phase, slow_from, fan)


def change_visits(plan: "ShopPlan", planted: Planted, visits: "Visits", rng: np.random.Generator) -> "Visits":
    """Stretch the gaps of those who slow down, and keep the driven away while nothing is on offer."""
    if not (plan.discount_habit or plan.slowing):
        return visits
    factor = plan.slowing.factor if plan.slowing else 1.0
    since = planted.slow_from[visits.customer]
    time = np.minimum(visits.time, since) + np.maximum(visits.time - since, 0) * factor
    slows = np.isfinite(planted.slow_from) & np.isfinite(visits.left) & (visits.left > planted.slow_from)
    left = visits.left.copy()
    left[slows] = planted.slow_from[slows] + (visits.left[slows] - planted.slow_from[slows]) * factor
    kept = time < plan.days
    if plan.discount_habit:
        driven = planted.habit[visits.customer] == DRIVEN
        stays = rng.random(len(time)) < plan.discount_habit.stay
        kept &= ~driven | stays | in_offer(plan, planted, visits.customer, time)
    customer, time = visits.customer[kept], time[kept]
    order = np.argsort(time, kind="stable")
    left = np.where(left < plan.days, left, np.inf)
    return dataclasses.replace(visits, customer=customer[order], time=time[order], left=left)


def in_offer(plan: "ShopPlan", planted: Planted, customer: Ints, time: Floats) -> Flags:
    """Whether the moment lies in one of the customer's own stretches of discounts."""
    assert plan.discount_habit is not None
    length = plan.discount_habit.stretch_days
    inside: Flags = (time + planted.in_stretch_from[customer]) % (2 * length) < length
    return inside


def change_lines(
    plan: "ShopPlan",
    planted: Planted,
    *,
    goods: "Goods",
    receipts: "Receipts",
    lines: "Lines",
    rng: np.random.Generator,
) -> "Lines":
    """Put the discounts, offers, favourites and gaps of the plan into the lines."""
    if plan.favourite:
        lines = _with_favourite(plan, planted, goods, receipts, lines, rng)
    if plan.discount_habit:
        lines = _with_habit(plan, planted, receipts, lines, rng)
    if plan.promotions:
        lines = _with_promotions(plan, plan.promotions, goods, lines, rng)
    for gap in plan.stock_gaps:
        day = lines.second // 86_400
        gone = (lines.product == ranked(goods)[gap.rank]) & (day >= gap.from_day) & (day < gap.from_day + gap.days)
        lines = _kept(lines, ~gone | (lines.amount < 0))
    return lines


def ranked(goods: "Goods") -> Ints:
    """Products, the most popular first."""
    order: Ints = np.argsort(-goods.popularity, kind="stable")
    return order


def _kept(lines: "Lines", rows: Flags) -> "Lines":
    return type(lines)(*(column[rows] for column in vars(lines).values()))


def _with_favourite(
    plan: "ShopPlan",
    planted: Planted,
    goods: "Goods",
    receipts: "Receipts",
    lines: "Lines",
    rng: np.random.Generator,
) -> "Lines":
    """One line of each of those receipts becomes the favourite, at its own price."""
    assert plan.favourite is not None
    product = ranked(goods)[plan.favourite.rank]
    customer = receipts.customer[lines.receipt]
    _, first = np.unique(lines.receipt, return_index=True)
    chosen = np.zeros(len(lines.product), dtype=bool)
    chosen[first] = rng.random(len(first)) < plan.favourite.chance
    chosen &= (customer >= 0) & planted.fan[customer] & (lines.amount > 0)
    cheap = goods.price.min()
    price, cost = np.rint(cheap).astype(np.int64), np.rint(cheap * goods.cost_share[product]).astype(np.int64)
    return dataclasses.replace(
        lines,
        product=np.where(chosen, product, lines.product),
        quantity=np.where(chosen, 1, lines.quantity),
        amount=np.where(chosen, price, lines.amount),
        discount=np.where(chosen, 0, lines.discount),
        cost=np.where(chosen, cost, lines.cost),
    )


def _with_habit(
    plan: "ShopPlan", planted: Planted, receipts: "Receipts", lines: "Lines", rng: np.random.Generator
) -> "Lines":
    assert plan.discount_habit is not None
    customer = receipts.customer[lines.receipt]
    habit = np.where(customer >= 0, planted.habit[customer], NONE)
    offered = in_offer(plan, planted, customer, lines.second / 86_400)
    chance = np.select([habit == HUNTER, habit >= WASTED], [1.0, 1.0 * offered]) * plan.discount_habit.chance
    depth = plan.discount_depth * rng.uniform(0.5, 1.5, len(customer))
    listed = lines.amount + lines.discount
    discount = np.rint(listed * depth * (rng.random(len(customer)) < chance)).astype(np.int64)
    discount = np.where((habit == NONE) | (lines.amount < 0), lines.discount, discount)
    return dataclasses.replace(lines, amount=listed - discount, discount=discount)


def _with_promotions(
    plan: "ShopPlan", offer: Promotions, goods: "Goods", lines: "Lines", rng: np.random.Generator
) -> "Lines":
    weeks = plan.days // WEEK + 1
    for number, product in enumerate(ranked(goods)[: offer.products]):
        steps = rng.uniform(-offer.price_swing, offer.price_swing, weeks // offer.price_weeks + 1)
        price = np.exp(np.repeat(steps, offer.price_weeks)[:weeks])
        on = (np.arange(weeks) + number) % offer.every_weeks == 0
        demand = price**offer.elasticity * np.where(on, 1 + offer.lift, 1.0)
        week = lines.second // (WEEK * 86_400)
        mine = (lines.product == product) & (lines.amount > 0)
        quantity = np.where(mine, rng.poisson(lines.quantity.clip(0) * demand[week]), lines.quantity)
        times = np.where(mine, quantity / np.maximum(lines.quantity, 1), 1.0)
        listed = np.where(mine, (lines.amount + lines.discount) * times * price[week], lines.amount + lines.discount)
        discount = np.where(mine, listed * offer.depth * on[week], lines.discount)
        discount = np.rint(discount).astype(np.int64)
        changed = dataclasses.replace(
            lines,
            quantity=quantity,
            amount=np.rint(listed).astype(np.int64) - discount,
            discount=discount,
            cost=np.rint(lines.cost * times).astype(np.int64),
        )
        lines = _kept(changed, ~mine | (quantity > 0))
    return lines
