"""The ground that analyses of reasons stand on, from rows or lines."""

import datetime as dt
from collections.abc import Iterable

import ibis
import pyarrow as pa

from regulars.analytics.findings import Ground
from regulars.analytics.lifecycle import lifecycle
from regulars.analytics.models import fit_models
from regulars.analytics.rhythm import rhythm
from regulars.analytics.rollup import roll_up
from regulars.analytics.window import business_window
from tests.analytics.purchase_rows import Row, history


def ground_of(rows: Iterable[Row] | pa.Table, *, as_of: dt.date | None = None, currency: str = "RUB") -> Ground:
    """The ground at the end of `as_of`, the last day with a line unless given."""
    purchases = history(rows, currency=currency)
    rollup = roll_up(purchases, as_of=as_of or purchases.last_day)
    window_days = business_window(rollup)
    models = fit_models(rollup)
    states, _judge = lifecycle(rollup, models.counted, window_days=window_days)
    values = rollup.customers.select("customer_id", expected_value_12=ibis.null("int64"))
    return Ground(rollup, window_days, states, rhythm(rollup, models), values, None)
