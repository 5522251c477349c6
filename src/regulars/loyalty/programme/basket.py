"""What is judged: a basket at a moment in a store, and what is known of the member whose card was shown."""

import datetime as dt
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cache, cached_property

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.loyalty.programme.floating import Terms

MOST_MONEY = 10**13
MOST_QUANTITY = 10**9
MOST_LINES = 2_000


@dataclass(frozen=True)
class Line:
    """One line, all of it: `price` without any discount, and what it cost the shop, in minor units.

    The cost of goods by weight need not be whole. `in_receipt` is the line's part in the least that the receipt may be
    sold for, where that does not follow from its cost: a till that is offline is told least prices, and no costs.
    """

    product: str
    category: str
    quantity: Decimal
    price: int
    cost: int | Fraction | None = None
    price_raised_on: dt.date | None = None
    in_receipt: Fraction | None = None

    def __post_init__(self) -> None:
        if not self.quantity.is_finite() or not 0 < self.quantity <= MOST_QUANTITY:
            raise InputError(
                _("The quantity of {product!r} must be above 0 and at most {most}, not {value}.").format(
                    product=self.product, most=MOST_QUANTITY, value=self.quantity
                )
            )
        if not _is_money(self.price):
            _refuse_money(self.price, _("The price of {product!r}").format(product=self.product))
        if self.cost is not None and not _is_money(self.cost, exact=True):
            _refuse_money(self.cost, _("The cost of {product!r}").format(product=self.product))


@dataclass(frozen=True)
class Basket:
    """What somebody is about to buy. The moment has a zone; the store has its own clock, by which its rules go."""

    store: str
    store_zone: str
    channel: str
    purchased_at: dt.datetime
    lines: tuple[Line, ...]
    promo_codes: frozenset[str] = frozenset()
    partner: str = ""  # of the coalition, whose till it is; empty: the operator's own

    def __post_init__(self) -> None:
        if self.purchased_at.utcoffset() is None:
            raise InputError(
                _("The moment {value} has no time zone: give it one, such as {value}+03:00.").format(
                    value=self.purchased_at.isoformat()
                )
            )
        if len(self.lines) > MOST_LINES:
            raise InputError(
                _("A basket may have {most} lines; this one has {count}.").format(
                    most=MOST_LINES, count=len(self.lines)
                )
            )
        _zone(self.store_zone)

    @cached_property
    def local(self) -> dt.datetime:
        """The moment by the clock on the shop's wall."""
        return self.purchased_at.astimezone(_zone(self.store_zone))

    @property
    def day(self) -> dt.date:
        """The day in the shop."""
        return self.local.date()

    def day_of(self, moment: dt.datetime) -> dt.date:
        """The day of another moment, by the same clock."""
        return moment.astimezone(_zone(self.store_zone)).date()


@dataclass(frozen=True)
class Member:
    """What is known of a member before this purchase. Whoever is no member is `None`.

    `turnover` is money by period, the periods that `RuleSet.periods` asks for. `privileges` are proven ones with the
    last day of the proof. `floating` are points by their terms, those of `RuleSet.floating`. `stamps` are those not
    spent yet, by counter. `card` are the kinds of the card that he shows. `lot` is the key by which he is drawn where a
    rule leaves some members out; empty: he is not.
    """

    lot: str = ""
    tier: str = ""
    privileges: Mapping[str, dt.date | None] = field(default_factory=dict)
    birthday: dt.date | None = None
    purchases: int = 0
    last_purchase_at: dt.datetime | None = None
    turnover: Mapping[str, int] = field(default_factory=dict)
    floating: Mapping[Terms, int] = field(default_factory=dict)
    stamps: Mapping[str, int] = field(default_factory=dict)
    segments: frozenset[str] = frozenset()
    answers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    card: frozenset[str] = frozenset()


def _is_money(value: object, *, exact: bool = False) -> bool:
    # a fraction of a kopeck would break every sum silently
    if type(value) is int or (exact and isinstance(value, Fraction)):
        return 0 <= value <= MOST_MONEY
    return False


def _refuse_money(value: object, name: str) -> None:
    raise InputError(
        _("{name} must be a whole number of minor units from 0 to {most}, not {value}.").format(
            name=name, most=MOST_MONEY, value=value
        )
    )


@cache
def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(
            _("There is no time zone {name!r}. Give its name from the IANA list, such as Europe/Moscow.").format(
                name=name
            )
        ) from error
