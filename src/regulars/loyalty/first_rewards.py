"""How long it takes from joining until points bring something: in total, and when for one member.

A reward is whatever points brought: a gift, or a part of a receipt. What was cancelled or brought back whole was none.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils import timezone

from regulars.analytics.kaplan_meier import Median, Step, median_wait, share_by, waiting_curve
from regulars.core.i18n import format_number, ngettext
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer
from regulars.loyalty.gifts import Offer
from regulars.loyalty.members import points_unit
from regulars.loyalty.pace import pace_of
from regulars.loyalty.programmes import valid_at

_MILESTONES = (30, 90, 180, 365)
_FARTHEST = 3_660  # days: a forecast beyond says only "long"

# of all living members: days from joining until points brought something that stayed, or until now, and how many;
# who was merged counts as whom he became part of, from the earlier of the two days
_TOTAL = """
WITH kept AS (
    SELECT coalesce(t.reverses_id, t.id) AS id
    FROM loyalty_posting p JOIN loyalty_transaction t ON t.id = p.transaction_id
    WHERE p.book = 'redeemed' AND t.unit_id = %(unit)s AND t.recorded_at <= %(at)s
    GROUP BY 1 HAVING sum(p.amount) > 0
), rewarded AS (
    SELECT a.customer_id, min(t.happened_at) AS at
    FROM kept JOIN loyalty_transaction t USING (id)
    JOIN loyalty_posting p ON p.transaction_id = t.id JOIN loyalty_account a ON a.id = p.account_id
    GROUP BY 1
), joined AS (
    SELECT a.customer_id, min(a.opened_at) AS at
    FROM loyalty_account a JOIN customers_customer c ON c.id = a.customer_id
    WHERE a.unit_id = %(unit)s AND a.opened_at <= %(at)s AND c.merged_into_id IS NULL AND NOT c.is_erased
    GROUP BY 1
)
SELECT greatest(0, floor(extract(epoch FROM coalesce(rewarded.at, %(at)s) - joined.at) / 86400))::int,
    rewarded.at IS NOT NULL, count(*)
FROM joined LEFT JOIN rewarded USING (customer_id) GROUP BY 1, 2
"""

# the same for one of them, from his own postings alone
_OF_ONE = """
WITH mine AS MATERIALIZED (
    SELECT DISTINCT p.transaction_id AS id FROM loyalty_account a JOIN loyalty_posting p ON p.account_id = a.id
    WHERE a.customer_id = %(customer)s AND a.unit_id = %(unit)s
), moved AS (
    SELECT id AS first, id FROM mine
    UNION ALL SELECT mine.id, t.id FROM mine JOIN loyalty_transaction t ON t.reverses_id = mine.id
), kept AS (
    SELECT moved.first AS id FROM moved JOIN loyalty_posting p ON p.transaction_id = moved.id
    WHERE p.book = 'redeemed' GROUP BY 1 HAVING sum(p.amount) > 0
)
SELECT greatest(0, floor(extract(epoch FROM coalesce(rewarded.at, %(at)s) - joined.at) / 86400))::int, rewarded.at
FROM (
    SELECT min(opened_at) AS at FROM loyalty_account WHERE customer_id = %(customer)s AND unit_id = %(unit)s
) joined, (SELECT min(t.happened_at) AS at FROM kept JOIN loyalty_transaction t USING (id)) rewarded
WHERE joined.at IS NOT NULL
"""


@dataclass(frozen=True)
class FirstRewards:
    """Of all members: to how many points brought something already, and the days until half have had it."""

    members: int
    rewarded: int
    median: Median
    shares: tuple[tuple[int, float, float, float], ...]  # (by day, share, low, high), once anybody had one

    @classmethod
    def of(cls, stored: dict[str, Any]) -> "FirstRewards":
        """As `asdict` and JSON kept it."""
        return cls(**stored | {"median": Median(**stored["median"]), "shares": tuple(map(tuple, stored["shares"]))})


@dataclass(frozen=True)
class FirstReward:
    """Of one member: days from joining to the reward, or for which he waits already, and what comes in words."""

    days: int
    is_rewarded: bool
    forecast: str = ""

    @property
    def words(self) -> str:
        """For the card."""
        if self.is_rewarded:
            words = ngettext("after {n} day", "after {n} days", self.days)
        else:
            words = ngettext("none for {n} day", "none for {n} days", self.days)
        return words.format(n=format_number(self.days))


def first_rewards(*, at: dt.datetime) -> FirstRewards:
    """Kaplan-Meier over all members: those who still wait count as long as they have been waiting."""
    counts = _rows(_TOTAL, at=at)
    steps = waiting_curve(counts)
    watched = max((days for days, _has, _many in counts), default=-1)
    return FirstRewards(
        sum(many for _days, _has, many in counts), sum(many for _days, has, many in counts if has),
        median_wait(steps), tuple(_shares(steps, watched)),
    )  # fmt: skip


def _shares(steps: list[Step], watched: int) -> list[tuple[int, float, float, float]]:
    return [(day, *share) for day in _MILESTONES if day <= watched and (share := share_by(steps, day))]


def first_reward_of(customer: Customer, offers: Sequence[Offer]) -> FirstReward | None:
    """When it was, or when it will be by his own pace; None for whoever is no member."""
    now = timezone.now()
    rows = _rows(_OF_ONE, at=now, customer=customer.pk)
    if not rows:
        return None
    days, rewarded = rows[0]
    return FirstReward(days, rewarded is not None, "" if rewarded is not None else _forecast(customer, offers, now))


def _forecast(customer: Customer, offers: Sequence[Offer], now: dt.datetime) -> str:
    """When his points are enough for the cheapest gift that he may take, in words; empty when there is none."""
    open_ = [one for one in offers if not one.obstacle]
    if not open_:
        return ""
    nearest = min(open_, key=lambda one: one.missing)
    if not nearest.missing:
        return _("He can take {gift} now.").format(gift=nearest.gift)
    pace = pace_of(customer, at=now)
    if pace is None:
        return _("Not enough data for a forecast: it takes three purchases with points in a year.")
    valid = valid_at(now)
    life = valid[1].life.days if valid else None
    if life is not None and pace.high * life < nearest.gift.points:
        return _("At his pace points expire before they are enough for {gift}.").format(gift=nearest.gift)
    days, low, high = (_days(nearest.missing, one) for one in (pace.value, pace.high, pace.low))
    if days > _FARTHEST:
        return _("At his pace it takes more than ten years to {gift}.").format(gift=nearest.gift)
    words = ngettext(
        "At his pace in about {n} day ({low} to {high}) for {gift}.",
        "At his pace in about {n} days ({low} to {high}) for {gift}.", days,
    )  # fmt: skip
    return words.format(n=format_number(days), low=format_number(low), high=format_number(high), gift=nearest.gift)


def _days(missing: int, points_a_day: float) -> int:
    return max(1, round(min(missing / points_a_day, 10 * _FARTHEST)))


def _rows(query: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values | {"unit": points_unit().pk})
        return list(cursor.fetchall())
