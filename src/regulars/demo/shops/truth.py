"""The truth behind a synthetic shop: what an analysis should find in it."""

import datetime as dt
from collections import abc
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.demo.shops.arrays import Floats
from regulars.demo.shops.goods import Goods
from regulars.demo.shops.habits import HABITS, Planted, ranked
from regulars.demo.shops.leaks import Leaking
from regulars.demo.shops.people import LONG_RUN_VISITS, Customers, Visits
from regulars.demo.shops.plan import Change, ShopPlan
from regulars.demo.shops.season import Season
from regulars.demo.shops.words import Words, pick

YEAR_DAYS = 365


@dataclass(frozen=True)
class Companions:
    """A planted pair: whoever takes `first` takes `second` with it with this chance."""

    first: str  # product ids
    second: str
    chance: float


@dataclass(frozen=True)
class Sequence:
    """A planted order: whoever takes `first` takes `second` about so many days later with this chance."""

    first: str  # product ids
    second: str
    chance: float
    days: int


@dataclass(frozen=True)
class Truth:
    """What is so, whatever the lines happen to show. Money in minor units, net of discounts and returns.

    `customers`, one row each:

    - `customer_id`; `arrived_on`, day of the first visit; `visits` made;
    - `left_on`: null for those still there at the end; who leaves after a visit leaves on its day;
    - `passing`: came once and never meant to stay; `planted`: left with the planted cohort;
    - `rate`, visits a day, and `mean_check`, expected money of a visit, both before planted changes;
    - `discount_chance` of a line; `channel` that brought them; `store` of their own;
    - `discount_habit` (`hunter`, `wasted`, `driven` or nothing), `slows_from` and `fan` (of the favourite): plants;
    - `missed_amount`: what they would have spent from leaving to the end at their own rate and check, the shop's
      season and prices, nothing for those passing; `missed_last_year`: its part in the last 365 days.

    `products`, one row each: `product_id`, `product`, `category`, `price` (list, before planted changes),
    `revenue_share` (expected), `abc` (80/15/5 % of expected revenue).
    """

    end: dt.date  # last day of the history
    customers: pa.Table
    products: pa.Table
    companions: tuple[Companions, ...]
    never_return_share: float  # of all customers: would not come a second time, however long one waits
    conversions: Mapping[int, float]  # visit number -> share that reaches it of those who made the visit before
    channel_worth: Mapping[str, float]  # money that a customer of the channel brings, against a plain one
    store_worth: Mapping[str, float]
    price_change: Change | None
    frequency_change: Change | None
    bad_staff: str | None = None  # the name of a planted member of staff
    entry_product: str | None = None  # product ids
    exit_product: str | None = None
    sequences: tuple[Sequence, ...] = ()  # what they bring is not in the money above
    by_popularity: tuple[str, ...] = ()  # product ids, the most popular first: ranks of plants point here
    shifted_product: str | None = None  # id of the product with a planted shift of its demand

    @property
    def left(self) -> int:
        """How many customers have left by the end."""
        return int(pc.count(self.customers["left_on"]).as_py())

    @property
    def missed_amount(self) -> int:
        """Money that those who left would have brought by the end, had they stayed."""
        return int(pc.sum(self.customers["missed_amount"]).as_py())

    @property
    def missed_last_year(self) -> int:
        """The part of `missed_amount` that falls into the last 365 days, whenever the customer left."""
        return int(pc.sum(self.customers["missed_last_year"]).as_py())


def tell_truth(
    plan: ShopPlan,
    words: Words,
    ids: pa.Array,
    *,
    customers: Customers,
    visits: Visits,
    goods: Goods,
    season: Season,
    leaks: Leaking,
    planted: Planted,
) -> Truth:
    """Put together what the parts of the generator know."""
    channels, stores = pick(words.channels, len(plan.channel_worth)), pick(words.stores, len(plan.store_worth))
    first_visit = np.full(plan.customers, np.inf)
    np.minimum.at(first_visit, visits.customer, visits.time)
    check = _mean_check(plan, customers, goods)
    money_a_day = np.where(customers.passing, 0, customers.rate * check)
    table = pa.table(
        {
            "customer_id": ids,
            "arrived_on": _dates(plan, first_visit),
            "left_on": _dates(plan, visits.left),
            "passing": customers.passing,
            "planted": visits.planted,
            "rate": customers.rate,
            "mean_check": check,
            "discount_chance": customers.discount_chance,
            "channel": pa.array(channels).take(pa.array(customers.channel)),
            "store": pa.array(stores).take(pa.array(customers.store)),
            "visits": np.bincount(visits.customer, minlength=plan.customers),
            "missed_amount": _missed(plan, money_a_day, visits.left, season, last_days=plan.days),
            "missed_last_year": _missed(plan, money_a_day, visits.left, season, last_days=YEAR_DAYS),
            "discount_habit": pa.array(HABITS).take(pa.array(planted.habit)),
            "slows_from": _dates(plan, np.where(planted.slow_from < visits.left, planted.slow_from, np.inf)),
            "fan": planted.fan,
        }
    )
    reached = [int((visits.reached >= number).sum()) for number in range(LONG_RUN_VISITS + 1)]
    return Truth(
        end=plan.end,
        customers=table,
        products=_products(goods),
        companions=_companions(goods),
        never_return_share=1 - reached[2] / plan.customers,
        conversions={
            number: reached[number] / reached[number - 1]
            for number in range(2, LONG_RUN_VISITS + 1)
            if reached[number - 1]
        },
        channel_worth=dict(zip(channels, plan.channel_worth, strict=True)),
        store_worth=dict(zip(stores, plan.store_worth, strict=True)),
        price_change=plan.price_change,
        frequency_change=plan.frequency_change,
        bad_staff=_named(pick(words.staff, len(plan.store_worth) * plan.staff_per_store), leaks.staff),
        entry_product=_named(goods.ids, leaks.entry_product),
        exit_product=_named(goods.ids, leaks.exit_product),
        sequences=_sequences(plan, goods),
        by_popularity=tuple(goods.ids[product] for product in ranked(goods)),
        shifted_product=None if plan.demand_shift is None else goods.ids[goods.at_rank(plan.demand_shift.rank)],
    )


def _named(names: abc.Sequence[str], position: int) -> str | None:
    return names[position] if position >= 0 else None


def _dates(plan: ShopPlan, time: Floats) -> pa.Array:
    known = np.isfinite(time)
    days = np.datetime64(plan.start, "D") + np.floor(np.where(known, time, 0)).astype("timedelta64[D]")
    return pa.array(days, mask=~known)


def _mean_check(plan: ShopPlan, customers: Customers, goods: Goods) -> Floats:
    listed = goods.mean_line * plan.quantity * plan.lines_per_receipt * customers.level
    discounted: Floats = listed * (1 - customers.discount_chance * plan.discount_depth)
    return discounted * (1 - plan.return_share)


def _missed(plan: ShopPlan, money_a_day: Floats, left: Floats, season: Season, *, last_days: int) -> pa.Array:
    since = np.maximum(np.minimum(left, plan.days), plan.days - last_days)
    return pa.array(np.rint(money_a_day * season.money_between(since, plan.days)).astype(np.int64))


def _products(goods: Goods) -> pa.Table:
    revenue = goods.frequency * goods.price
    share = revenue / revenue.sum()
    order = np.argsort(-share, kind="stable")
    before = np.empty(len(share))
    before[order] = np.concatenate([[0.0], np.cumsum(share[order])[:-1]])
    return pa.table(
        {
            "product_id": goods.ids,
            "product": goods.names,
            "category": goods.categories,
            "price": goods.price.astype(np.int64),
            "revenue_share": share,
            "abc": np.select([before < 0.8, before < 0.95], ["A", "B"], "C"),
        }
    )


def _companions(goods: Goods) -> tuple[Companions, ...]:
    ids = goods.ids
    return tuple(
        Companions(ids[first], ids[goods.companion[first]], float(goods.companion_chance[first]))
        for first in np.flatnonzero(goods.companion >= 0)
    )


def _sequences(plan: ShopPlan, goods: Goods) -> tuple[Sequence, ...]:
    ids = goods.ids
    return tuple(
        Sequence(ids[first], ids[goods.followed[first]], plan.sequence_chance, plan.sequence_days)
        for first in np.flatnonzero(goods.followed >= 0)
    )
