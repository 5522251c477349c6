"""The ground that analyses of reasons stand on, for any history."""

import datetime as dt
from types import SimpleNamespace
from typing import cast

import ibis

from regulars.analytics.findings import Ground
from regulars.analytics.lifecycle import Lifecycle, lifecycle
from regulars.analytics.models import fit_models
from regulars.analytics.rhythm import Rhythm, rhythm
from regulars.analytics.rollup import Rollup, roll_up
from regulars.analytics.window import business_window
from regulars.demo.shops import Shop
from tests.analytics.purchase_rows import history


def ground_of(rollup: Rollup, *, margin_share: float | None = None, window_days: int | None = None) -> Ground:
    """The ground of a rollup; what a customer spent in the last year stands in for the expected value."""
    window = window_days or business_window(rollup)
    models = fit_models(rollup)
    states, _judge = lifecycle(rollup, models.counted, window_days=window)
    values = rollup.customers.select("customer_id", expected_value_12=rollup.customers.amount_year)
    return Ground(rollup, window, states, rhythm(rollup, models), values, margin_share)


def ground_of_shop(shop: Shop, *, as_of: dt.date | None = None, margin_share: float | None = None) -> Ground:
    """The ground of a synthetic shop at the end of its history."""
    rollup = roll_up(history(shop.lines, currency=shop.currency), as_of=as_of or shop.truth.end)
    return ground_of(rollup, margin_share=margin_share)


def light_ground(rollup: Rollup, *, margin_share: float | None = None, window_days: int = 28) -> Ground:
    """A ground without models: everybody is regular, and expected to spend what the last year brought."""
    states = rollup.customers.select("customer_id", state=ibis.literal("regular"))
    values = rollup.customers.select("customer_id", expected_value_12=rollup.customers.amount_year)
    lifecycle_ = cast("Lifecycle", SimpleNamespace(customers=states))
    return Ground(rollup, window_days, lifecycle_, Rhythm(1.0, 30.0, 1.0, 100.0), values, margin_share)


def light_ground_of_shop(shop: Shop, *, margin_share: float | None = None, window_days: int = 63) -> Ground:
    """The light ground of a synthetic shop at the end of its history."""
    rollup = roll_up(history(shop.lines, currency=shop.currency), as_of=shop.truth.end)
    return light_ground(rollup, margin_share=margin_share, window_days=window_days)
