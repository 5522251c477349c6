"""Chebyshev tables: one smooth function of one variable per row, evaluated for millions of points.

The hypergeometric terms of these models depend on a customer through the frequency and a single continuous
quantity. So they are integrated accurately at a few dozen nodes per distinct frequency, and read off by
interpolation for everyone: the accuracy is that of the integral, the cost that of a polynomial.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from regulars.analytics.clv.counted import Floats

# Elements handled at once: small enough for the processor's cache.
BLOCK = 32_768

# A flat variable still needs an interval of some width to interpolate on.
_NARROWEST = 1e-6


@dataclass(frozen=True, eq=False)
class Table:
    """Chebyshev coefficients, [node, row]; each row has an interval of its own, centre -+ half."""

    coefficients: Floats
    centre: Floats
    half: Floats

    @staticmethod
    def nodes(low: Floats, high: Floats, count: int) -> Floats:
        """Where to evaluate each row's function to tabulate it between `low` and `high`: [row, node]."""
        centre, half = _middle(low, high)
        return centre[:, None] + half[:, None] * np.cos(_angles(count))

    @classmethod
    def through(cls, values: Floats, low: Floats, high: Floats) -> Self:
        """The table through `values`, [row, node], at `nodes(low, high, ...)`."""
        count = values.shape[1]
        transform = 2 / count * np.cos(np.outer(np.arange(count), _angles(count)))
        transform[0] /= 2
        return cls(transform @ values.T, *_middle(low, high))

    def __call__(self, row: NDArray[np.intp], position: Floats) -> Floats:
        """The functions of the rows `row` at `position`, element by element; positions lie in the intervals."""
        return in_blocks(self._clenshaw, row, position)

    def _clenshaw(self, row: NDArray[np.intp], position: Floats) -> Floats:
        x = (position - self.centre[row]) / self.half[row]
        current, previous = np.zeros(x.shape), np.zeros(x.shape)
        twice = 2 * x
        for coefficient in self.coefficients[:0:-1]:
            current, previous = coefficient[row] + twice * current - previous, current
        first: Floats = self.coefficients[0][row] + x * current - previous
        return first


def _angles(count: int) -> Floats:
    return np.pi * (np.arange(count) + 0.5) / count


def _middle(low: Floats, high: Floats) -> tuple[Floats, Floats]:
    return (low + high) / 2, np.maximum((high - low) / 2, _NARROWEST)


def ranges(row: NDArray[np.intp], values: Floats, rows: int) -> tuple[Floats, Floats]:
    """The smallest and the largest value of each row; 0 and 0 for a row without any."""
    low, high = np.full(rows, np.inf), np.full(rows, -np.inf)
    np.minimum.at(low, row, values)
    np.maximum.at(high, row, values)
    return np.where(low > high, 0.0, low), np.where(low > high, 0.0, high)


def in_blocks(function: Callable[..., Floats], *columns: NDArray[Any]) -> Floats:
    """`function` of the columns, block by block: temporaries stay in the processor's cache, memory stays flat."""
    result = np.empty(columns[0].size)
    for start in range(0, result.size, BLOCK):
        part = slice(start, start + BLOCK)
        result[part] = function(*(column[part] for column in columns))
    return result


def log_sum(first: Floats, second: Floats | float) -> tuple[Floats, Floats]:
    """log(e**first + e**second), and the share of the first in that sum.

    `second` may be minus infinity. Twice as fast as `np.logaddexp`, which is not vectorised.
    """
    ahead = first - second
    smaller = np.exp(-np.abs(ahead))
    total: Floats = np.maximum(first, second) + np.log1p(smaller)
    return total, np.abs((ahead > 0) - smaller / (1 + smaller))


def distinct(values: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """The distinct whole numbers in `values`, and for each value its place among them; no sorting of the values."""
    whole = values.astype(np.intp)
    present = np.zeros(int(whole.max(initial=0)) + 1, dtype=bool)
    present[whole] = True
    places = np.cumsum(present) - 1
    return np.flatnonzero(present).astype(np.float64), places[whole]


def sums(place: NDArray[np.intp], values: Floats, places: int) -> Floats:
    """The sum of `values` at each of `places` places."""
    return np.bincount(place, values, places).astype(np.float64)
