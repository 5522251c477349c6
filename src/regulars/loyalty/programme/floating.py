"""Floating points: they come with purchases and fall while the member is idle.

Nothing writes them down. They follow from what he bought, so they cannot be owed or forged, and are the same however
often they are asked for.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Terms:
    """A point for each full `per` that is paid in a day; after each `idle_days` without a purchase `falls` go."""

    per: int  # minor units
    idle_days: int
    falls: int

    def standing(self, days: Iterable[tuple[dt.date, int]], day: dt.date) -> int:
        """Points at this day of whoever paid so much on these days, upwards, each once and with something paid.

        A day that is not over counts with what was paid so far. There are never fewer than none.
        """
        points, last = 0, day
        for bought_on, paid in days:
            points = self._fallen(points, last, bought_on) + paid // self.per
            last = bought_on
        return self._fallen(points, last, day)

    def _fallen(self, points: int, last: dt.date, day: dt.date) -> int:
        return max(0, points - max(0, (day - last).days) // self.idle_days * self.falls)
