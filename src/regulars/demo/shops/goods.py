"""The assortment of a synthetic shop: prices, popularity, and pairs that are bought together."""

from dataclasses import dataclass

import numpy as np

from regulars.demo.shops.arrays import Floats, Ints, lognormal
from regulars.demo.shops.plan import DemandShift, ShopPlan
from regulars.demo.shops.words import Words


@dataclass(frozen=True)
class Goods:
    """One position per product. Prices in minor units, before any planted change."""

    categories: list[str]
    names: list[str]
    price: Floats
    cost_share: Floats  # of the list price
    popularity: Floats  # chance to be a line's product, companions aside; sums to 1
    companion: Ints  # the product that this one brings with it, -1 for none
    companion_chance: Floats
    followed: Ints  # the product that is bought some time after this one, -1 for none

    @property
    def ids(self) -> list[str]:
        """Product ids, such as P007."""
        width = len(str(len(self.names)))
        return [f"P{number:0{width}d}" for number in range(1, len(self.names) + 1)]

    @property
    def frequency(self) -> Floats:
        """How often each product is bought per drawn line, companions included."""
        brought = np.zeros(len(self.names))
        has = self.companion >= 0
        np.add.at(brought, self.companion[has], (self.popularity * self.companion_chance)[has])
        return self.popularity + brought

    def at_rank(self, rank: int) -> int:
        """The product at this rank of popularity, 1 being the most popular."""
        return int(np.argsort(-self.popularity, kind="stable")[rank - 1])

    def shifted_popularity(self, shift: DemandShift) -> Floats:
        """`popularity` after a planted shift."""
        popularity = self.popularity.copy()
        popularity[self.at_rank(shift.rank)] *= shift.factor
        shifted: Floats = popularity / popularity.sum()
        return shifted

    @property
    def mean_line(self) -> float:
        """Expected list price of a drawn line with what it brings along, for quantity 1 and a level of 1."""
        return float(self.frequency @ self.price)


def draw_goods(plan: ShopPlan, words: Words, rng: np.random.Generator, later: np.random.Generator) -> Goods:
    """Draw the assortment; popular products are spread over all categories.

    `later` draws the sequences, so that they change nothing else.
    """
    n = plan.products
    named = words.product_names(plan.assortment, n)
    popularity = 1 / (rng.permutation(n) + 1.0) ** plan.zipf
    steps = plan.price / words.price_divisor * lognormal(plan.price_spread, n, rng) / words.price_step
    companion, chance = _companions(plan, popularity, rng)
    return Goods(
        categories=[category for category, _ in named],
        names=[name for _, name in named],
        price=np.maximum(np.rint(steps), 1) * words.price_step,
        cost_share=1 - plan.margin * rng.uniform(0.7, 1.3, n),
        popularity=popularity / popularity.sum(),
        companion=companion,
        companion_chance=chance,
        followed=_sequences(plan, popularity, companion, later),
    )


def _companions(plan: ShopPlan, popularity: Floats, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Pairs among the products of the middle: popular enough to be seen, rare enough to stand out."""
    companion, chance = np.full(plan.products, -1), np.zeros(plan.products)
    if plan.companions:
        by_popularity = np.argsort(-popularity)
        middle = rng.permutation(by_popularity[plan.products // 10 :][: 4 * plan.companions])
        pairs = middle[: 2 * plan.companions].reshape(-1, 2)
        companion[pairs[:, 0]] = pairs[:, 1]
        chance[pairs[:, 0]] = plan.companion_chance
    return companion, chance


def _sequences(plan: ShopPlan, popularity: Floats, companion: Ints, rng: np.random.Generator) -> Ints:
    """Pairs among the products of the middle that have no companion."""
    followed = np.full(plan.products, -1)
    if plan.sequences:
        paired = np.union1d(np.flatnonzero(companion >= 0), companion[companion >= 0])
        free = [product for product in np.argsort(-popularity)[plan.products // 10 :] if product not in paired]
        pairs = rng.permutation(free[: 4 * plan.sequences])[: 2 * plan.sequences].reshape(-1, 2)
        followed[pairs[:, 0]] = pairs[:, 1]
    return followed
