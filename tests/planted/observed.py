"""What the analyses say of a synthetic shop, beside what is true of it."""

import datetime as dt
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from regulars.analytics.lifecycle import Judge, Lifecycle, lifecycle
from regulars.analytics.lost import LostLastYear, lost_last_year
from regulars.analytics.ltv import Ltv, ltv
from regulars.analytics.models import Models, fit_models
from regulars.analytics.newcomers import Newcomers, newcomers
from regulars.analytics.rhythm import rhythm
from regulars.analytics.rollup import Rollup, roll_up
from regulars.analytics.window import business_window
from regulars.demo.shops import Shop, generate_shop
from tests.analytics.purchase_rows import history

Flags = NDArray[np.bool_]

# small enough to be quick, large enough for the models (wholesale is too small for them as it is)
CUSTOMERS = {"coffee": 1_200, "grocery": 800, "clinic": 2_500, "wholesale": 220, "steady": 500}


@dataclass(frozen=True)
class Observed:
    """One shop as its owner sees it on the evening of `as_of`; columns are numpy arrays, one element per customer."""

    shop: Shop
    as_of: dt.date
    rollup: Rollup
    window_days: int
    models: Models
    lifecycle: Lifecycle
    judge: Judge

    @cached_property
    def customers(self) -> dict[str, NDArray[Any]]:
        """What is known, what is said, and what is true, in one order."""
        known = self.rollup.customers.select("customer_id", "visits", "first_on", "last_on", "recency_days", "age_days")
        said = known.inner_join(self.lifecycle.customers, "customer_id").to_pyarrow()
        true = self.shop.truth.customers.rename_columns({"visits": "true_visits"})
        table = said.join(true, "customer_id", join_type="left outer").sort_by("customer_id")
        return {name: table[name].to_numpy() for name in table.column_names}

    @property
    def called_lost(self) -> Flags:
        return np.asarray(self.customers["state"] == "lost")

    @property
    def has_left(self) -> Flags:
        """Who has left by `as_of`."""
        left = self.customers["left_on"].astype("datetime64[D]")
        return ~np.isnat(left) & (left <= np.datetime64(self.as_of))

    @cached_property
    def comes_in_the_next_window(self) -> Flags:
        """Who visits in the `window_days` after `as_of`: only for an `as_of` that early."""
        start = dt.datetime.combine(self.as_of + dt.timedelta(days=1), dt.time())
        end = start + dt.timedelta(days=self.window_days)
        lines = self.shop.lines
        inside = pc.and_(
            pc.greater_equal(lines["purchased_at"], pa.scalar(start)), pc.less(lines["purchased_at"], pa.scalar(end))
        )
        there = lines.filter(pc.and_(inside, pc.greater(lines["amount"], 0)))["customer_id"]
        return np.isin(self.customers["customer_id"], there.drop_null().unique().to_numpy(zero_copy_only=False))

    @cached_property
    def lost_last_year(self) -> LostLastYear:
        return lost_last_year(self.rollup, self.lifecycle.customers, self.judge, rhythm(self.rollup, self.models))

    @cached_property
    def missed(self) -> dict[str, int]:
        """By customer: the money of the part "lost"."""
        people = self.lost_last_year.people
        rows = people.filter(people.lost_kind == "lost").to_pyarrow().to_pylist()
        return {row["customer_id"]: row["missed_amount"] for row in rows}

    @cached_property
    def truly_missed(self) -> dict[str, int]:
        """By customer: what they would have spent in the last 365 days, had they stayed."""
        table = self.shop.truth.customers
        return dict(zip(table["customer_id"].to_pylist(), table["missed_last_year"].to_pylist(), strict=True))

    @cached_property
    def newcomers(self) -> Newcomers:
        return newcomers(self.rollup, window_days=self.window_days)

    @cached_property
    def ltv(self) -> Ltv:
        channels = self.shop.truth.customers.select(["customer_id", "channel"]).rename_columns(
            ["customer_id", "first_channel"]
        )
        pasts = self.judge.chance_of.pasts if self.judge.chance_of else ()
        own = rhythm(self.rollup, self.models)
        return ltv(self.rollup, self.models, own, ibis.memtable(channels), window_days=self.window_days, pasts=pasts)


def observe(shop: Shop, *, as_of: dt.date) -> Observed:
    """Look at the shop on the evening of `as_of`."""
    rollup = roll_up(history(shop.lines, currency=shop.currency), as_of=as_of)
    window_days = business_window(rollup)
    models = fit_models(rollup)
    states, judge = lifecycle(rollup, models.counted, window_days=window_days)
    return Observed(shop, as_of, rollup, window_days, models, states, judge)


@cache
def at_the_end(preset: str, seed: int = 1, **changes: Any) -> Observed:
    """The shop at the end of its history, where its truth is known in money."""
    shop = generate_shop(preset, seed=seed, **({"customers": CUSTOMERS[preset]} | changes))
    return observe(shop, as_of=shop.truth.end)


@cache
def a_window_before_the_end(preset: str, seed: int = 1) -> Observed:
    """The same shop so early that what follows can be seen."""
    last = at_the_end(preset, seed)
    return observe(last.shop, as_of=last.as_of - dt.timedelta(days=last.window_days + 7))
