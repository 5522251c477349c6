"""What a rule gives: money off, a unit free, points, or more of the points. Data only."""

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.loyalty.programme.basket import MOST_MONEY
from regulars.loyalty.programme.floating import Terms
from regulars.loyalty.programme.reading import (
    MOST_VALUES,
    TEXT,
    Codec,
    Record,
    has,
    hundredths,
    one_of,
    read_object,
    read_record,
    refuse,
    whole,
    write_record,
)

PERCENT = hundredths(1, 100_00)
TIMES = hundredths(1_00, 100_00)
MOST_POINTS = 10**9
_PERIOD = re.compile(r"all|year|quarter|month|days:[1-9]\d{0,3}", re.ASCII)


@dataclass(frozen=True)
class Step(Record):
    """From this much on, so many hundredths of a per cent."""

    from_: int = has(whole(1, MOST_MONEY))
    percent: int = has(PERCENT)


def _read_steps(raw: Any, where: str) -> tuple[Step, ...]:
    if not isinstance(raw, list) or not 1 <= len(raw) <= 50:
        refuse(where, raw, _("a list of 1 to {most} steps").format(most=50))
    steps = tuple(read_record(Step, one, f"{where}[{index}]") for index, one in enumerate(raw))
    if any(one.from_ >= other.from_ for one, other in itertools.pairwise(steps)):
        raise InputError(_("{where}: write the steps upwards, each from more than the one before.").format(where=where))
    return steps


def _read_tiers(raw: Any, where: str) -> dict[str, int]:
    data = read_object(raw, where)
    if not 1 <= len(data) <= MOST_VALUES:
        refuse(where, raw, _("tiers with their numbers"))
    return {TEXT.read(name, where): TIMES.read(data[name], f"{where}.{name}") for name in sorted(data)}


def _read_period(raw: Any, where: str) -> str:
    if not isinstance(raw, str) or not _PERIOD.fullmatch(raw):
        refuse(where, raw, _("all, year, quarter, month, or days and their number, such as days:365"))
    return raw


STEPS = Codec(_read_steps, lambda steps: [write_record(one) for one in steps])
TIERS = Codec(_read_tiers, lambda tiers: {name: TIMES.write(times) for name, times in tiers.items()})
PERIOD = Codec(_read_period)


class Effect(Record):
    """What a rule gives."""


class Discount(Effect):
    """Money off the goods."""


class Percent(Discount):
    """A share of the price of every line: the only discounts that may compete line by line."""


class Earning(Effect):
    """Points for money."""


class Multiplier(Effect):
    """More of the points that are earned for money."""


@dataclass(frozen=True)
class PercentOff(Percent):
    """A fixed discount."""

    kind: ClassVar[str] = "percent_off"
    percent: int = has(PERCENT)


@dataclass(frozen=True)
class ByTurnover(Percent):
    """A cumulative discount: by what the member bought in the period before this purchase."""

    kind: ClassVar[str] = "percent_by_turnover"
    steps: tuple[Step, ...] = has(STEPS)
    period: str = has(PERIOD, default="all")


@dataclass(frozen=True)
class ByPoints(Percent):
    """A floating discount: by points that come with purchases and fall when the member is idle."""

    kind: ClassVar[str] = "percent_by_points"
    steps: tuple[Step, ...] = has(STEPS)
    per: int = has(whole(1, MOST_MONEY))
    falls: int = has(whole(1, MOST_POINTS))
    idle_days: int = has(whole(1, 3_660), default=30)

    @property
    def terms(self) -> Terms:
        """How such points come and go."""
        return Terms(self.per, self.idle_days, self.falls)


@dataclass(frozen=True)
class ByQuantity(Percent):
    """For volume: by how much of the goods in its scope is in the basket."""

    kind: ClassVar[str] = "percent_by_quantity"
    steps: tuple[Step, ...] = has(STEPS)


@dataclass(frozen=True)
class BySum(Percent):
    """For volume: by what the goods in its scope cost, before discounts or as it stands, as the rule set says."""

    kind: ClassVar[str] = "percent_by_sum"
    steps: tuple[Step, ...] = has(STEPS)


@dataclass(frozen=True)
class AmountOff(Discount):
    """So much money off, spread over the goods in its scope."""

    kind: ClassVar[str] = "amount_off"
    amount: int = has(whole(1, MOST_MONEY))


@dataclass(frozen=True)
class NthFree(Discount):
    """Stamps: each n-th unit is free, the cheapest of the basket first. Goods by weight get no stamps."""

    kind: ClassVar[str] = "nth_free"
    n: int = has(whole(2, 1_000))
    counter: str = has(TEXT)


@dataclass(frozen=True)
class PointsPer(Earning):
    """So many points for so much money."""

    kind: ClassVar[str] = "points_per"
    points: int = has(whole(1, MOST_POINTS))
    per: int = has(whole(1, MOST_MONEY))


@dataclass(frozen=True)
class PointsPercent(Earning):
    """Points that are worth a share of the money, by what a point pays."""

    kind: ClassVar[str] = "points_percent"
    percent: int = has(PERCENT)


@dataclass(frozen=True)
class PointsGift(Effect):
    """So many points, whatever the sum. Nothing multiplies them."""

    kind: ClassVar[str] = "points_gift"
    points: int = has(whole(1, MOST_POINTS))


@dataclass(frozen=True)
class PointsTimes(Multiplier):
    """Points for the goods in its scope, so many times."""

    kind: ClassVar[str] = "points_times"
    times: int = has(TIMES)


@dataclass(frozen=True)
class PointsByTier(Multiplier):
    """The same by the member's tier; a tier that is not named earns once."""

    kind: ClassVar[str] = "points_by_tier"
    times: Mapping[str, int] = has(TIERS)


Stepped = ByTurnover | ByPoints | ByQuantity | BySum

EFFECTS: dict[str, type[Effect]] = {
    one.kind: one
    for one in (
        PercentOff, ByTurnover, ByPoints, ByQuantity, BySum, AmountOff, NthFree,
        PointsPer, PointsPercent, PointsGift, PointsTimes, PointsByTier,
    )
}  # fmt: skip
EFFECT = one_of("kind", EFFECTS)


def step_percent(steps: tuple[Step, ...], reached: int) -> int:
    """The percentage of the highest step that is reached; 0 below the first."""
    return max((one for one in steps if one.from_ <= reached), key=lambda one: one.from_, default=_NONE).percent


_NONE = Step(0, 0)
