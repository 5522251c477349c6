"""The ground that analyses of reasons stand on, from a synthetic shop."""

from typing import Any

import ibis

from regulars.analytics.findings import Ground
from regulars.analytics.rhythm import rhythm
from regulars.demo.shops import Shop, generate_shop
from tests.planted.observed import observe


def ground_of(shop: Shop) -> Ground:
    """What the audit hands to the analyses, at the end of the shop's history; everybody is expected to bring 100."""
    seen = observe(shop, as_of=shop.truth.end)
    worth = seen.rollup.customers.select("customer_id", expected_value_12=ibis.literal(10_000).cast("int64"))
    return Ground(seen.rollup, seen.window_days, seen.lifecycle, rhythm(seen.rollup, seen.models), worth, None)


def planted(preset: str, seed: int, **changes: Any) -> tuple[Shop, Ground]:
    """A shop and its ground."""
    shop = generate_shop(preset, seed=seed, **changes)
    return shop, ground_of(shop)
