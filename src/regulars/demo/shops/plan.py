"""What a synthetic shop is made of: one frozen plan, and five ready ones."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from regulars.demo.shops.habits import DiscountHabit, Favourite, Promotions, Slowing, StockGap

Leaving = Literal["after_any_visit", "after_repeat_visit", "lifetime", "never"]


@dataclass(frozen=True)
class Change:
    """From the day `on` something is multiplied by `factor`: 0.8 is a fall by 20 %."""

    on: dt.date
    factor: float


@dataclass(frozen=True)
class DemandShift:
    """From the day `on` the product at the `rank` of popularity (1: the highest) is taken `factor` times as often."""

    on: dt.date
    factor: float
    rank: int = 5


@dataclass(frozen=True)
class LostCohort:
    """On the day `on` a `share` of the regulars (three visits by then, still there) leaves at once."""

    on: dt.date
    share: float


@dataclass(frozen=True)
class Leak:
    """Whoever meets it leaves for good with this additional `chance`, at the end of that day.

    `rank` says what leaks: the product of that popularity (0 is the most popular), or the number of the
    member of staff within the whole shop.
    """

    chance: float
    rank: int = 5


@dataclass(frozen=True)
class ShopPlan:
    """How customers of a shop come, buy and leave. Money is in kopecks; an English shop divides it (see `words`).

    Visits: a customer's rate is Gamma with shape `rate_shape` around `visits_per_year`; gaps between visits
    are Erlang with shape `regularity` (1 is Poisson, more is steadier). `leaving` says when customers go:

    - `after_any_visit`: after each visit, the first too, with a chance Beta(`leave_a`, `leave_b`) (MBG/NBD);
    - `after_repeat_visit`: the same, but never after the first (BG/NBD);
    - `lifetime`: exponential lifetime, its rate Gamma(`lifetime_shape`, `lifetime_scale_days`) (Pareto/NBD);
    - `never`.

    Money: a line is list price x the customer's level x noise x quantity, less a discount.
    """

    assortment: Literal["coffee", "grocery", "clinic", "wholesale"]
    customers: int
    visits_per_year: float
    start: dt.date = dt.date(2024, 1, 1)
    days: int = 731
    established_share: float = 0.3  # of customers who are first seen in the first 30 days
    passing_share: float = 0.0  # of customers who come once and leave, whatever `leaving` says

    rate_shape: float = 1.5
    regularity: float = 1.0
    leaving: Leaving = "after_any_visit"
    leave_a: float = 1.0
    leave_b: float = 10.0
    lifetime_shape: float = 2.0
    lifetime_scale_days: float = 900.0

    products: int = 40
    zipf: float = 0.9  # popularity of the product at rank n is n ** -zipf
    price: int = 25_000  # mean list price
    price_spread: float = 0.4  # sigma of the logarithm, between products
    level_spread: float = 0.3  # sigma of the logarithm, between customers
    price_noise: float = 0.1  # sigma of the logarithm, between lines: size, variety
    lines_per_receipt: float = 1.5
    quantity: float = 1.1  # mean of a line; integers from 1
    margin: float = 0.4  # mean share of the list price that is not cost
    discount_chance: float = 0.1  # mean over customers, each of whom has a chance of their own
    discount_depth: float = 0.2  # mean; from half of it to one and a half
    companions: int = 0  # planted pairs of products
    companion_chance: float = 0.4
    sequences: int = 0  # planted pairs of products of which the second is bought some time after the first
    sequence_chance: float = 0.4
    sequence_days: int = 10  # from the first to the second, 30 % more or less, and then on the next visit

    channel_worth: tuple[float, ...] = (1.0, 1.0, 1.0)  # of the customers that each channel brings, in money
    store_worth: tuple[float, ...] = (1.0, 1.0)
    staff_per_store: int = 3

    season: float = 0.0  # 0.2: from 20 % below the mean in July to 20 % above it in January
    weekdays: tuple[float, float, float, float, float, float, float] = (1, 1, 1, 1, 1, 1, 1)  # Monday first
    opens_at: int = 8
    closes_at: int = 21
    anonymous_share: float = 0.0  # of receipts
    return_share: float = 0.0  # of lines

    lost_cohort: LostCohort | None = None
    price_change: Change | None = None
    frequency_change: Change | None = None
    bad_staff: Leak | None = None  # every visit that this member of staff serves
    entry_product: Leak | None = None  # first visits with this product
    exit_product: Leak | None = None  # visits of regulars (from the third on) with this product

    discount_habit: DiscountHabit | None = None
    promotions: Promotions | None = None
    stock_gaps: tuple[StockGap, ...] = ()
    favourite: Favourite | None = None
    slowing: Slowing | None = None
    demand_shift: DemandShift | None = None

    @property
    def end(self) -> dt.date:
        """The last day of the history."""
        return self.start + dt.timedelta(days=self.days - 1)

    def day_number(self, day: dt.date) -> int:
        """How many days after the start `day` is."""
        return (day - self.start).days


PRESETS: Mapping[str, ShopPlan] = MappingProxyType(
    {
        "coffee": ShopPlan(
            "coffee",
            customers=3_000,
            visits_per_year=60,
            regularity=2.0,
            leave_a=0.6,
            leave_b=45.0,
            passing_share=0.25,
            companions=2,
            channel_worth=(1.0, 2.0, 1.0),
            season=0.1,
            weekdays=(1.1, 1.1, 1.1, 1.1, 1.2, 0.8, 0.6),
            opens_at=7,
            anonymous_share=0.25,
            return_share=0.002,
        ),
        "grocery": ShopPlan(
            "grocery",
            customers=2_000,
            visits_per_year=50,
            regularity=1.5,
            leave_a=0.6,
            leave_b=45.0,
            passing_share=0.15,
            products=300,
            price=14_000,
            price_spread=0.7,
            level_spread=0.35,
            lines_per_receipt=6.0,
            quantity=1.3,
            margin=0.25,
            discount_chance=0.2,
            companions=5,
            channel_worth=(1.0, 1.0, 0.5),
            store_worth=(1.0, 1.0, 1.0, 2.0),
            staff_per_store=5,
            season=0.08,
            weekdays=(0.9, 0.9, 0.9, 1.0, 1.2, 1.2, 0.9),
            closes_at=22,
            anonymous_share=0.3,
            return_share=0.005,
        ),
        "clinic": ShopPlan(
            "clinic",
            customers=4_000,
            visits_per_year=3.0,
            days=1_461,
            start=dt.date(2022, 1, 1),
            regularity=2.0,
            leaving="lifetime",
            lifetime_shape=1.5,
            lifetime_scale_days=2500.0,
            passing_share=0.2,
            products=36,
            price=280_000,
            price_spread=0.6,
            lines_per_receipt=1.6,
            quantity=1.0,
            margin=0.55,
            discount_chance=0.05,
            companions=2,
            channel_worth=(1.0, 2.0, 1.0),
            staff_per_store=6,
            season=0.15,
            weekdays=(1.2, 1.2, 1.2, 1.1, 1.1, 0.7, 0.5),
        ),
        "wholesale": ShopPlan(
            "wholesale",
            customers=220,
            visits_per_year=14.0,
            days=1_096,
            start=dt.date(2023, 1, 1),
            rate_shape=3.0,
            regularity=3.0,
            leave_a=0.6,
            leave_b=45.0,
            products=80,
            price=90_000,
            price_spread=0.8,
            level_spread=0.9,
            lines_per_receipt=8.0,
            quantity=24.0,
            margin=0.18,
            discount_chance=0.3,
            discount_depth=0.08,
            channel_worth=(1.0, 1.0, 2.0),
            store_worth=(1.0,),
            staff_per_store=4,
            season=0.2,
            weekdays=(1.2, 1.2, 1.2, 1.2, 1.2, 0.0, 0.0),
            closes_at=18,
            return_share=0.01,
        ),
        "steady": ShopPlan(
            "grocery",
            customers=1_000,
            visits_per_year=26,
            established_share=1.0,
            leaving="never",
            rate_shape=4.0,
            regularity=2.0,
            products=120,
            price=20_000,
            lines_per_receipt=3.0,
            discount_chance=0.0,
        ),
    }
)
