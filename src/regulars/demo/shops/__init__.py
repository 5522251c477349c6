"""Synthetic shops whose truth is known: who left and when, what it cost, what was planted.

    >>> from regulars.demo.shops import generate_shop
    >>> shop = generate_shop("coffee", customers=300, seed=1)
    >>> shop.truth.left > 0
    True

An analysis is honest when it finds here what was put in, and nothing in a shop where nothing was.
"""

from regulars.demo.shops.export import write_shop
from regulars.demo.shops.generate import Shop, generate_shop
from regulars.demo.shops.habits import DiscountHabit, Favourite, Promotions, Slowing, StockGap
from regulars.demo.shops.plan import PRESETS, Change, DemandShift, Leak, LostCohort, ShopPlan
from regulars.demo.shops.truth import Companions, Sequence, Truth

__all__ = [
    "PRESETS",
    "Change",
    "Companions",
    "DemandShift",
    "DiscountHabit",
    "Favourite",
    "Leak",
    "LostCohort",
    "Promotions",
    "Sequence",
    "Shop",
    "ShopPlan",
    "Slowing",
    "StockGap",
    "Truth",
    "generate_shop",
    "write_shop",
]
