"""Co-occurrence against a chance that keeps each customer's habits and the sizes of the receipts."""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy import special

from regulars.analytics.corrections import q_values
from regulars.analytics.findings import REPORTED_BELOW
from regulars.analytics.intervals import CONFIDENCE
from regulars.analytics.receipts_sample import Baskets

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_CUSTOMERS_AT_ONCE = 2_000
_DRAWN = 5.0  # receipts' worth of "no connection" that every pair is mixed with


@dataclass(frozen=True)
class Together:
    """Square tables by product number; only the part above the diagonal of the tests is filled, the rest is nan.

    `p` is one-sided: more often together than habits and sizes make it. `times` is observed over expected, drawn
    towards 1, with `low` and `high`.
    """

    alone: Ints  # receipts with each product
    both: Ints
    expected: Floats
    customers: Ints  # with both in one receipt
    p: Floats
    q: Floats
    times: Floats
    low: Floats
    high: Floats


def together(baskets: Baskets, *, fewest: int) -> Together:
    """Compare all pairs of products that are in `fewest` receipts or more.

    Chance is the customer's own: given how many of the customer's receipts hold a and how many hold b, and the sizes
    of these receipts, but not which is with which. For one customer with n receipts and the shares p of them that hold
    each product, E = n pa pb + n (V - d) va vb / (d^2 - sum v^2), where v = p (1 - p), d = sum v and V is the variance
    of the receipts' sizes. The second term is what sizes do: pairs expected in all add up to the pairs there are.
    (Hajek 1964's joint inclusion, for sizes that vary.) What everybody who likes both would do by chance is no pair.

    `times` is mixed with five receipts of no connection, and its interval is as wide as it must be to hold for pairs
    that were picked out of so many (false coverage rate, Benjamini & Yekutieli 2005).

    The excess of all customers is tested by the Poisson tail, with counts deflated by how unevenly the customers bring
    it (customers are independent, receipts of one customer are not). Correction over all pairs compared.
    """
    size = baskets.products
    sums = _Sums.zeros(size)
    edges = np.r_[0, np.flatnonzero(np.diff(baskets.customer)) + 1, len(baskets.customer)]
    for first in range(0, len(edges) - 1, _CUSTOMERS_AT_ONCE):
        last = min(first + _CUSTOMERS_AT_ONCE, len(edges) - 1)
        sums.add(baskets, slice(int(edges[first]), int(edges[last])))
    alone = np.bincount(baskets.product, minlength=size)
    often = alone >= fewest
    compared = np.triu(often[:, None] & often[None, :], 1)
    return _tested(alone, sums, compared)


@dataclass
class _Sums:
    """What is added up over customers."""

    both: Floats
    expected: Floats
    squared: Floats  # (observed - expected) squared, customer by customer
    customers: Floats

    @classmethod
    def zeros(cls, size: int) -> "_Sums":
        return cls(*(np.zeros((size, size)) for _each in range(4)))

    def add(self, baskets: Baskets, part: slice) -> None:
        size = baskets.products
        numbers, customer = np.unique(baskets.customer[part], return_inverse=True)
        basket, product = baskets.basket[part], baskets.product[part]
        held = np.bincount(customer * size + product, minlength=len(numbers) * size).reshape(-1, size)
        own = _Own.of(held.astype(np.float64), customer, basket)
        self.expected += own.share.T @ (own.share * own.receipts[:, None]) + own.spread.T @ (
            own.spread * own.crowding[:, None]
        )
        keys, counts = np.unique(_pairs(customer, basket, product, size), return_counts=True)
        who, first, second = keys // (size * size), keys // size % size, keys % size
        expected = own.expected(who, first, second)
        pair = first * size + second
        observed = counts.astype(np.float64)
        # of customers who never had both: their expectation squared, from what all have
        surprise = (
            np.bincount(pair, weights=(observed - expected) ** 2 - expected**2, minlength=size * size)
            + own.squares().ravel()
        )
        self.squared += surprise.reshape(size, size)
        self.both += np.bincount(pair, weights=observed, minlength=size * size).reshape(size, size)
        self.customers += np.bincount(pair, minlength=size * size).reshape(size, size)


@dataclass(frozen=True)
class _Own:
    """One position per customer."""

    receipts: Floats
    share: Floats  # of the receipts, by product
    spread: Floats  # share * (1 - share)
    crowding: Floats  # what the sizes add: n (V - d) / (d^2 - sum v^2)

    @classmethod
    def of(cls, held: Floats, customer: Ints, basket: Ints) -> "_Own":
        starts = np.r_[0, np.flatnonzero(np.diff(basket)) + 1]
        sizes = np.diff(np.r_[starts, len(basket)]).astype(np.float64)
        owner = customer[starts]
        receipts = np.bincount(owner, minlength=len(held)).astype(np.float64)
        total = np.bincount(owner, weights=sizes, minlength=len(held))
        squares = np.bincount(owner, weights=sizes**2, minlength=len(held))
        variance = squares / receipts - (total / receipts) ** 2
        share = held / receipts[:, None]
        spread = share * (1 - share)
        d = spread.sum(axis=1)
        room = d**2 - (spread**2).sum(axis=1)
        crowding = np.where(room > 1e-12, receipts * (variance - d) / np.maximum(room, 1e-12), 0.0)
        return cls(receipts, share, spread, crowding)

    def expected(self, who: Ints, first: Ints, second: Ints) -> Floats:
        found: Floats = (
            self.receipts[who] * self.share[who, first] * self.share[who, second]
            + self.crowding[who] * self.spread[who, first] * self.spread[who, second]
        )
        return found

    def squares(self) -> Floats:
        """The sum of the squared expectations, by pair."""
        n, c = self.receipts[:, None], self.crowding[:, None]
        p, v = self.share, self.spread
        found: Floats = (p * p * n * n).T @ (p * p) + 2 * (p * v * n * c).T @ (p * v) + (v * v * c * c).T @ (v * v)
        return found


def _pairs(customer: Ints, basket: Ints, product: Ints, size: int) -> Ints:
    """One key (customer, smaller product, larger product) for every pair in every receipt."""
    starts = np.r_[0, np.flatnonzero(np.diff(basket)) + 1]
    sizes = np.diff(np.r_[starts, len(basket)])
    found = [np.empty(0, dtype=np.int64)]
    for held in np.unique(sizes[sizes > 1]):
        rows = starts[sizes == held]
        goods = product[rows[:, None] + np.arange(held)]
        a, b = np.triu_indices(int(held), 1)
        keys = (customer[rows][:, None] * size + goods[:, a]) * size + goods[:, b]
        found.append(keys.ravel())
    return np.concatenate(found)


def _wide(q: Floats) -> float:
    """Standard deviations on each side of an interval that is shown only for what was picked by its q-value."""
    picked = max(int((q < REPORTED_BELOW).sum()), 1)
    return float(scipy.stats.norm.isf((1 - CONFIDENCE) / 2 * picked / max(q.size, 1)))


def _tested(alone: Ints, sums: _Sums, compared: NDArray[np.bool_]) -> Together:
    both, expected = sums.both[compared], np.maximum(sums.expected[compared], 1e-9)
    uneven = np.maximum(sums.squared[compared] / np.maximum(np.maximum(both, expected), 1.0), 1.0)
    # P(X >= observed) of a Poisson whose counts are deflated by the unevenness
    p = np.where(both > 0, special.gammainc(np.maximum(both, 1e-9) / uneven, expected / uneven), 1.0)
    q = q_values(p)
    drawn = np.log((both + _DRAWN) / (expected + _DRAWN))
    half = _wide(q) * np.sqrt(uneven / (both + _DRAWN))

    def square(values: Floats) -> Floats:
        table = np.full(compared.shape, np.nan)
        table[compared] = values
        return table

    return Together(
        alone=alone,
        both=np.rint(sums.both).astype(np.int64),
        expected=square(expected),
        customers=np.rint(sums.customers).astype(np.int64),
        p=square(p),
        q=square(q),
        times=square(np.exp(drawn)),
        low=square(np.exp(drawn - half)),
        high=square(np.exp(drawn + half)),
    )
