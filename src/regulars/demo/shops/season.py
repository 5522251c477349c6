"""The calendar of a shop: how busy each day is, and what prices are.

Visits are drawn on a clock that runs faster on busy days (operational time). So weekdays, seasons and planted
changes bend the flow of visits while each customer's own process keeps its law.
"""

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from regulars.demo.shops.arrays import Floats
from regulars.demo.shops.plan import Change, ShopPlan


@dataclass(frozen=True)
class Season:
    """How busy the days are (`pace`, 1 on average before planted changes) and how prices stand (`prices`)."""

    pace: Floats  # per day of the history
    prices: Floats  # per day; 1 before a planted change

    @classmethod
    def of(cls, plan: ShopPlan) -> "Season":
        """The calendar of one plan."""
        days = [plan.start + dt.timedelta(days=number) for number in range(plan.days)]
        weekdays = np.array([plan.weekdays[day.weekday()] for day in days])
        year = np.array([day.timetuple().tm_yday for day in days]) / 365.25
        pace = weekdays * (1 + plan.season * np.cos(2 * np.pi * year))
        return cls(pace / pace.mean() * _steps(plan, plan.frequency_change), _steps(plan, plan.price_change))

    @cached_property
    def _ticks(self) -> Floats:
        return np.concatenate([[0.0], np.cumsum(self.pace)])

    @cached_property
    def _spending(self) -> Floats:
        return np.concatenate([[0.0], np.cumsum(self.pace * self.prices)])

    @property
    def last_tick(self) -> float:
        """Where the clock of visits stands when the history ends."""
        return float(self._ticks[-1])

    def to_clock(self, time: Floats) -> Floats:
        """Days since the start, on the clock of visits; after the end the clock runs at its mean pace."""
        inside = np.interp(time, np.arange(len(self._ticks)), self._ticks)
        return inside + np.maximum(time - len(self.pace), 0)

    def to_calendar(self, clock: Floats) -> Floats:
        """The reverse of `to_clock`."""
        inside = np.interp(clock, self._ticks, np.arange(len(self._ticks)))
        return inside + np.maximum(clock - self.last_tick, 0)

    def money_between(self, since: Floats, until: float) -> Floats:
        """What a customer of one visit a day at a check of 1 would bring between two days of the history."""
        days = np.arange(len(self._spending))
        return np.interp(until, days, self._spending) - np.interp(since, days, self._spending)


def _steps(plan: ShopPlan, change: Change | None) -> Floats:
    steps = np.ones(plan.days)
    if change is not None:
        steps[max(plan.day_number(change.on), 0) :] = change.factor
    return steps
