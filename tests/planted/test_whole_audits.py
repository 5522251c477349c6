"""Whole audits of clean shops of all kinds: how much is reported where there is nothing to report."""

from collections import Counter

import pytest
from scipy.stats import binom

from regulars.analytics.audit import audit
from regulars.demo.shops import PRESETS, DiscountHabit, generate_shop
from tests.analytics.purchase_rows import history

# the ready shops give each customer an own liking for discounts, and some channels customers of twice the worth;
# here nobody and nothing differs but by chance
CLEAN = {
    "discount_habit": DiscountHabit(hunters=1.0, chance=0.2),
    "channel_worth": (1.0,) * 3,
    "store_worth": (1.0,) * 2,
}
# a simulation on the shop's own receipts, which says what it assumes and tests nothing
TESTS_NOTHING = {"minimum_order"}
CUSTOMERS = {"coffee": 500, "grocery": 400, "clinic": 900, "wholesale": 300, "steady": 250}
SHOPS = [(preset, seed) for preset in PRESETS for seed in (101, 102, 103, 104)]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_of_clean_shops_of_all_kinds_nearly_nothing_is_said() -> None:
    said: Counter[str] = Counter()
    able: Counter[str] = Counter()
    for preset, seed in SHOPS:
        language = "ru" if seed % 2 else "en"
        shop = generate_shop(preset, seed=seed, language=language, customers=CUSTOMERS[preset], **CLEAN)
        reasons = audit(history(shop.lines, currency=shop.currency), as_of=shop.truth.end).reasons
        # one in twenty is promised to each analysis
        able.update({one.analysis.split(":")[0] for one in reasons.comparisons if one.compared})
        said.update({one.chapter for one in reasons.findings} - TESTS_NOTHING)
        print(preset, seed, [one.id for one in reasons.findings])
    assert {"entry", "service", "pair", "sequence", "discounts", "assortment", "slowing", "demand"} <= able.keys()
    assert able.total() > 100
    # of any one analysis more than chance allows once in a hundred campaigns, and of all together
    assert all(binom.sf(count - 1, len(SHOPS), 0.05) > 0.01 for count in said.values()), said
    assert binom.sf(said.total() - 1, able.total(), 0.05) > 0.01, said
