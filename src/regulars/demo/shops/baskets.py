"""What lies in the baskets: from visits to lines of receipts."""

from dataclasses import dataclass

import numpy as np

from regulars.demo.shops.arrays import Floats, Ints, lognormal
from regulars.demo.shops.goods import Goods
from regulars.demo.shops.people import Customers, Visits
from regulars.demo.shops.plan import ShopPlan
from regulars.demo.shops.season import Season
from regulars.demo.shops.words import Words

AT_HOME = 0.9  # share of visits to the customer's own store; the first visit is always there
UNKNOWN = -1
SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class Receipts:
    """One position per receipt, in order of time."""

    customer: Ints  # UNKNOWN for a buyer without a card
    second: Ints  # seconds since the start of the history
    store: Ints
    staff: Ints  # number within the whole shop
    channel: Ints

    @property
    def day(self) -> Ints:
        """Days since the start of the history."""
        return self.second // SECONDS_A_DAY


@dataclass(frozen=True)
class Lines:
    """One position per line, in order of time. Money in minor units, negative for a return."""

    receipt: Ints  # position of the receipt on which the line was sold
    number: Ints  # of the receipt; a return has one of its own
    second: Ints
    product: Ints
    quantity: Ints
    amount: Ints
    discount: Ints
    cost: Ints


def draw_receipts(
    plan: ShopPlan, customers: Customers, visits: Visits, season: Season, rng: np.random.Generator
) -> Receipts:
    """Give each visit its minute, store and seller, and add buyers without a card."""
    known = len(visits.customer)
    strangers = round(known * plan.anonymous_share / (1 - plan.anonymous_share))
    stranger_times = season.to_calendar(rng.uniform(0, season.last_tick, strangers))
    customer = np.concatenate([visits.customer, np.full(strangers, UNKNOWN)])
    second = _seconds(plan, np.concatenate([visits.time, stranger_times]), rng)
    store = np.concatenate([_stores(plan, customers, visits, rng), rng.choice(len(plan.store_worth), strangers)])
    channel = np.concatenate([customers.channel[visits.customer], rng.choice(len(plan.channel_worth), strangers)])
    staff = store * plan.staff_per_store + rng.integers(0, plan.staff_per_store, len(store))
    order = np.argsort(second, kind="stable")
    return Receipts(customer[order], second[order], store[order], staff[order], channel[order])


def _seconds(plan: ShopPlan, time: Floats, rng: np.random.Generator) -> Ints:
    hours = plan.opens_at + rng.beta(2, 2, len(time)) * (plan.closes_at - plan.opens_at)
    return np.floor(time).astype(np.int64) * SECONDS_A_DAY + np.floor(hours * 3600).astype(np.int64)


def _stores(plan: ShopPlan, customers: Customers, visits: Visits, rng: np.random.Generator) -> Ints:
    home = customers.store[visits.customer]
    elsewhere = rng.choice(len(plan.store_worth), len(home))
    stays = rng.random(len(home)) < AT_HOME
    _, first_visits = np.unique(visits.customer, return_index=True)
    stays[first_visits] = True
    return np.where(stays, home, elsewhere)


def draw_lines(
    plan: ShopPlan,
    words: Words,
    *,
    goods: Goods,
    customers: Customers,
    receipts: Receipts,
    season: Season,
    rng: np.random.Generator,
    later: np.random.Generator,
) -> Lines:
    """Fill the baskets, and bring some of it back."""
    receipt, product = _products(plan, goods, receipts.day, rng)
    if plan.sequences:
        receipt, product = _with_sequences(plan, goods, receipts, receipt, product, later)
    known = receipts.customer[receipt] != UNKNOWN
    # a stranger buys like a customer of the middle level
    level = np.where(known, customers.level[receipts.customer[receipt]], 1.0)
    discount_chance = np.where(known, customers.discount_chance[receipts.customer[receipt]], plan.discount_chance)
    quantity = 1 + rng.poisson(plan.quantity - 1, len(receipt))
    price = goods.price[product] * level * lognormal(plan.price_noise, len(receipt), rng)
    listed = quantity * _rounded(price * season.prices[receipts.day[receipt]], words.price_step)
    depth = plan.discount_depth * rng.uniform(0.5, 1.5, len(receipt))
    discount = np.rint(listed * np.where(rng.random(len(receipt)) < discount_chance, depth, 0)).astype(np.int64)
    cost = np.rint(quantity * price * goods.cost_share[product]).astype(np.int64)
    sold = Lines(receipt, receipt, receipts.second[receipt], product, quantity, listed - discount, discount, cost)
    return _with_returns(plan, sold, rng)


def _rounded(price: Floats, step: int) -> Ints:
    return np.maximum(np.rint(price / step), 1).astype(np.int64) * step


def _products(plan: ShopPlan, goods: Goods, day: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    receipt = np.repeat(np.arange(len(day)), 1 + rng.poisson(plan.lines_per_receipt - 1, len(day)))
    place = rng.random(len(receipt))
    product = np.searchsorted(np.cumsum(goods.popularity)[:-1], place, side="right")
    if plan.demand_shift is not None:
        late = day[receipt] >= plan.day_number(plan.demand_shift.on)
        popularity = goods.shifted_popularity(plan.demand_shift)
        product[late] = np.searchsorted(np.cumsum(popularity)[:-1], place[late], side="right")
    brings = rng.random(len(receipt)) < goods.companion_chance[product]
    receipt = np.concatenate([receipt, receipt[brings]])
    product = np.concatenate([product, goods.companion[product[brings]]])
    order = np.argsort(receipt, kind="stable")
    return receipt[order], product[order]


def _with_sequences(
    plan: ShopPlan, goods: Goods, receipts: Receipts, receipt: Ints, product: Ints, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Some who took the first of a sequence take the second on their next visit after the time of the sequence."""
    cause = np.flatnonzero((goods.followed[product] >= 0) & (receipts.customer[receipt] != UNKNOWN))
    cause = cause[rng.random(len(cause)) < plan.sequence_chance]
    wait = plan.sequence_days * rng.uniform(0.7, 1.3, len(cause)) * SECONDS_A_DAY
    span = plan.days * SECONDS_A_DAY * 4
    clock = receipts.customer * span + receipts.second
    order = np.argsort(clock, kind="stable")
    due = clock[receipt[cause]] + np.floor(wait).astype(np.int64)
    place = np.searchsorted(clock[order], due)
    comes = place < len(order)
    cause, place, due = cause[comes], place[comes], due[comes]
    visit = order[place]
    # the same customer, and not so late that nobody would see a connection
    soon = clock[visit] - due <= plan.sequence_days * SECONDS_A_DAY
    receipt = np.concatenate([receipt, visit[soon]])
    product = np.concatenate([product, goods.followed[product[cause[soon]]]])
    order = np.argsort(receipt, kind="stable")
    return receipt[order], product[order]


def _with_returns(plan: ShopPlan, sold: Lines, rng: np.random.Generator) -> Lines:
    """Some lines come back within two weeks, each as a receipt of its own with negative money."""
    back = np.flatnonzero(rng.random(len(sold.receipt)) < plan.return_share)
    second = sold.second[back] + rng.integers(1, 15, len(back)) * SECONDS_A_DAY
    inside = second < plan.days * SECONDS_A_DAY
    back, second = back[inside], second[inside]
    if not len(back):
        return sold
    joined = Lines(
        receipt=np.concatenate([sold.receipt, sold.receipt[back]]),
        number=np.concatenate([sold.number, sold.number[-1] + 1 + np.arange(len(back))]),
        second=np.concatenate([sold.second, second]),
        product=np.concatenate([sold.product, sold.product[back]]),
        quantity=np.concatenate([sold.quantity, -sold.quantity[back]]),
        amount=np.concatenate([sold.amount, -sold.amount[back]]),
        discount=np.concatenate([sold.discount, np.zeros(len(back), dtype=np.int64)]),
        cost=np.concatenate([sold.cost, -sold.cost[back]]),
    )
    order = np.argsort(joined.second, kind="stable")
    return Lines(*(column[order] for column in vars(joined).values()))
