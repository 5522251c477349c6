"""What one customer had bought by any moment of his history, and the tier that this gave him."""

import datetime as dt
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate

from regulars.loyalty.periods import next_begins, windows
from regulars.loyalty.programme.tiers import Place, Tiers


class Past:
    """Receipts in the order of time, as running sums: each question takes the logarithm of their number."""

    def __init__(self, receipts: Sequence[tuple[dt.datetime, int]], zone: dt.tzinfo) -> None:
        self.zone = zone
        self.moments = [at for at, _amount in receipts]
        self._sums = [0, *accumulate(amount for _at, amount in receipts)]
        self._purchases = [at for at, amount in receipts if amount > 0]

    def turnover(self, begin: dt.datetime | None, end: dt.datetime, *, inclusive: bool = False) -> int:
        """What he paid from the one moment up to the other, less what he brought back."""
        first = 0 if begin is None else bisect_left(self.moments, begin)
        last = (bisect_right if inclusive else bisect_left)(self.moments, end)
        return max(0, self._sums[last] - self._sums[first]) if last > first else 0

    def days(self, before: dt.datetime) -> list[tuple[dt.date, int]]:
        """The days on which something was paid, upwards; what came back counts on the day on which it did."""
        paid: Counter[dt.date] = Counter()
        for place in range(bisect_left(self.moments, before)):
            paid[self.moments[place].astimezone(self.zone).date()] += self._sums[place + 1] - self._sums[place]
        return [(day, amount) for day, amount in paid.items() if amount > 0]

    def purchases(self, before: dt.datetime) -> tuple[int, dt.datetime | None]:
        """How many there were, and the last of them."""
        count = bisect_left(self._purchases, before)
        return count, self._purchases[count - 1] if count else None


class TierWalk:
    """The tier before each of his purchases, asked in the order of time.

    As the programme itself does it: looked at after each receipt, and on each day on which the turnover changes by the
    calendar or a grace ends.
    """

    def __init__(self, tiers: Tiers, past: Past) -> None:
        self._tiers, self._past, self._place = tiers, past, Place()
        days = {day for at in set(past.moments) for day in next_begins(tiers.period, at.astimezone(past.zone))}
        # of a day and a receipt at its midnight the day comes first
        self._events = sorted([(day, False) for day in days] + [(at, True) for at in past.moments])
        self._next = 0

    def before(self, at: dt.datetime) -> str:
        """The id of his tier when he begins to buy at this moment."""
        while self._next < len(self._events) and self._events[self._next][0] < at:
            moment, is_receipt = self._events[self._next]
            self._end_grace(moment)
            self._look(moment, is_receipt=is_receipt)
            self._next += 1
        self._end_grace(at)
        return self._place.tier

    def _end_grace(self, until: dt.datetime) -> None:
        if self._place.ends_on is not None:
            moment = dt.datetime.combine(self._place.ends_on, dt.time(), tzinfo=self._past.zone)
            if moment <= until:
                self._look(moment, is_receipt=False)

    def _look(self, moment: dt.datetime, *, is_receipt: bool) -> None:
        local = moment.astimezone(self._past.zone)
        begin, before = windows(self._tiers.period, local)
        present = self._past.turnover(begin, moment, inclusive=is_receipt)
        best = max(present, self._past.turnover(before, begin))
        self._place = self._tiers.after(self._place, best, local.date())
