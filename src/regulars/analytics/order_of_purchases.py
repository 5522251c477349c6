"""Which product follows which, against a chance that keeps each customer's purchases, visits, and the calendar."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Trips:
    """Purchases of a sample of customers, one position per customer, day and product, in that order."""

    products: int
    step: int  # every n-th customer
    customer: Ints
    day: Ints
    product: Ints

    def of_each(self) -> Iterator[tuple[Ints, Ints]]:
        """Days and products of one customer after another."""
        edges = np.r_[0, np.flatnonzero(np.diff(self.customer)) + 1, len(self.customer)]
        for first, last in pairwise(edges.tolist()):
            yield self.day[first:last], self.product[first:last]


@dataclass(frozen=True)
class Order:
    """Square tables, the row's product before the column's, for one window of days.

    `followed` counts pairs of visits: the first with the row's product, the second, within the window, with the
    column's. `excess` is how many more of them there are than the same customers have the other way round by chance;
    it is the negative of its mirror image, as `z` is. `forward` compares with the same customers' visits of any kind:
    the standard deviations by which the second is bought more often after the first than after those.
    """

    window_days: int
    visits: Ints  # with each product
    followed: Floats
    excess: Floats
    z: Floats
    forward: Floats
    customers: Ints  # who tell one way or the other


def order_of(trips: Trips, window_days: int) -> Order:
    """Compare "a, then b within the window" with "b, then a", customer by customer.

    A customer's habits work both ways: whoever buys both often buys a before b as often as after it. So chance makes
    both orders alike, but for three things that are taken out: a visit near the beginning or the end of what is known
    of a customer has more visits on one side; more visits after than before; and a product whose sales rise or fall.
    Each b within the window of an a is expected after it with the share of the customer's visits in the window that
    are after, each weighted by how popular b was in that stretch of the calendar (as long as the window).

    z is the sum over customers of what is beyond expectation, over the root of the sum of its squares: customers are
    independent, and one of them alone cannot make it large.
    """
    size = trips.products
    popularity = _popularity(trips, window_days)
    followed, excess, squares, ahead, ahead_squares = (np.zeros((size, size)) for _each in range(5))
    customers = np.zeros((size, size), dtype=np.int64)
    for days, products in trips.of_each():
        numbers, own = np.unique(products, return_inverse=True)
        dates, visit = np.unique(days, return_inverse=True)
        if len(dates) < 2 or len(numbers) < 2:
            continue
        held = np.zeros((len(dates), len(numbers)))
        held[visit, own] = 1.0
        after, expected, anywhere = _one_customer(
            dates, held, popularity[dates // window_days][:, numbers], window_days
        )
        surprise = after - expected
        surprise = (surprise - surprise.T) / 2
        where = np.ix_(numbers, numbers)
        followed[where] += after
        excess[where] += surprise
        squares[where] += surprise**2
        customers[where] += np.abs(surprise) > 1e-9
        ahead[where] += after - anywhere
        ahead_squares[where] += (after - anywhere) ** 2
    z, forward = (
        np.where(square > 0, total / np.sqrt(np.maximum(square, 1e-12)), 0.0)
        for total, square in ((excess, squares), (ahead, ahead_squares))
    )
    visits = np.bincount(trips.product, minlength=size)
    return Order(window_days, visits, followed, excess, z, forward, customers)


def _one_customer(dates: Ints, held: Floats, popularity: Floats, window_days: int) -> tuple[Floats, Floats, Floats]:
    """Pairs of visits in order; those of all pairs in the window that chance puts so; and as after any visit."""
    wait = dates[None, :] - dates[:, None]
    later = ((wait > 0) & (wait <= window_days)).astype(np.float64)
    ahead, behind = later @ popularity, later.T @ popularity
    near = (later + later.T) @ held
    share = ahead / np.maximum(ahead + behind, 1e-12)
    next_held = later @ held
    return held.T @ next_held, held.T @ (near * share), np.outer(held.sum(axis=0), next_held.mean(axis=0))


def _popularity(trips: Trips, window_days: int) -> Floats:
    """The share of visits with each product, by stretch of the calendar; half a purchase is added to every one."""
    stretch = trips.day // window_days
    count = int(stretch.max(initial=0)) + 1
    bought = np.bincount(stretch * trips.products + trips.product, minlength=count * trips.products)
    keys = np.unique(trips.customer * (int(trips.day.max(initial=0)) + 1) + trips.day)
    visits = np.bincount((keys % (int(trips.day.max(initial=0)) + 1)) // window_days, minlength=count)
    found: Floats = (bought.reshape(count, -1) + 0.5) / (visits[:, None] + 1.0)
    return found


def waits(trips: Trips, pairs: list[tuple[int, int]], window_days: int) -> dict[tuple[int, int], Ints]:
    """For each pair: days from each purchase of the first to the next of the second, where within the window."""
    found: dict[tuple[int, int], list[Ints]] = {pair: [] for pair in pairs}
    for days, products in trips.of_each():
        for first, second in pairs:
            before, after = days[products == first], days[products == second]
            if len(before) and len(after):
                place = np.searchsorted(after, before, side="right")
                wait = after[np.minimum(place, len(after) - 1)] - before
                found[first, second].append(wait[(wait > 0) & (wait <= window_days)])
    return {pair: np.concatenate(lists) if lists else np.empty(0, dtype=np.int64) for pair, lists in found.items()}
