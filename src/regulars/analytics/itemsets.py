"""Sets of products that are in many receipts at once, and the rules that they make."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from regulars.analytics.receipts_sample import Baskets

Bits = NDArray[np.uint8]
Flags = NDArray[np.bool_]
Counts = dict[tuple[int, ...], int]  # products in ascending order -> receipts that hold all of them


@dataclass(frozen=True)
class SetRule:
    """Who takes `given` takes `then` too: with this confidence, `lift` times as often as everybody."""

    given: tuple[int, ...]
    then: tuple[int, ...]
    support: float
    confidence: float
    lift: float


def frequent_sets(
    baskets: Baskets, *, fewest: int, largest: int, allowed: Flags | None = None, most: int | None = None
) -> Counts | None:
    """All sets of up to `largest` products that at least `fewest` receipts hold; None if there are more than `most`.

    With `allowed` (a square table, filled above the diagonal) only sets of which every pair is allowed. Depth
    first over one bit per receipt and product (Eclat; Zaki 2000): exact, and quick enough without a library.
    """
    bits = _bits(baskets)
    found: Counts = {}
    for one, count in _deeper((), np.arange(baskets.products), bits, _Limits(fewest, largest, allowed)):
        found[one] = count
        if most is not None and len(found) > most:
            return None
    return found


def _bits(baskets: Baskets) -> Bits:
    held = np.zeros((baskets.products, baskets.receipts), dtype=np.bool_)
    held[baskets.product, baskets.basket] = True
    return np.packbits(held, axis=1)


@dataclass(frozen=True)
class _Limits:
    fewest: int
    largest: int
    allowed: Flags | None

    def goes_with(self, product: int, others: NDArray[np.int64]) -> Flags:
        return np.ones(len(others), dtype=np.bool_) if self.allowed is None else self.allowed[product, others]


def _deeper(
    prefix: tuple[int, ...], products: NDArray[np.int64], bits: Bits, limits: _Limits
) -> Iterator[tuple[tuple[int, ...], int]]:
    """The frequent sets that add one or more of `products`, whose receipts within the prefix are `bits`."""
    counts = np.bitwise_count(bits).sum(axis=1, dtype=np.int64)
    kept = np.flatnonzero(counts >= limits.fewest)
    products, bits, counts = products[kept], bits[kept], counts[kept]
    for place, product in enumerate(products.tolist()):
        grown = (*prefix, product)
        yield grown, int(counts[place])
        if len(grown) < limits.largest:
            goes = place + 1 + np.flatnonzero(limits.goes_with(product, products[place + 1 :]))
            yield from _deeper(grown, products[goes], bits[goes] & bits[place], limits)


def rules_of(sets: Counts, receipts: int, *, least_confidence: float) -> list[SetRule]:
    """Every split of a set in two whose confidence is large enough (Agrawal, Imielinski & Swami 1993)."""
    found = []
    for whole, count in sets.items():
        for size in range(1, len(whole)):
            for given in combinations(whole, size):
                then = tuple(product for product in whole if product not in given)
                confidence = count / sets[given]
                if confidence >= least_confidence:
                    lift = confidence / (sets[then] / receipts)
                    found.append(SetRule(given, then, count / receipts, confidence, lift))
    return found
