"""Goods that a person takes back at the counter: of which sales, what goes back, and who did it and why.

A till takes back what tills of its owner sold. A person takes back what he sold himself at the cashier's page; whoever
may see purchases takes back any sale of the shop whose customer he may see, whichever till sold it.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import ROUND_CEILING, Decimal

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from regulars.accounts.models import User
from regulars.accounts.rights import Right
from regulars.accounts.services import log
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer
from regulars.customers.selectors.family import family_of
from regulars.foundation.models import Business
from regulars.loyalty.models import Sale, SaleLine, SaleReturn
from regulars.loyalty.returning import Coming, bring_back
from regulars.loyalty.telling import NotNow, hold_number

_SHOWN = 30
_LONGEST_REASON = 300
_STEP = Decimal("0.000001")  # of a quantity

# a number is found till by till: there are few of them, and no index of numbers alone
_NUMBERED = """
WITH RECURSIVE tills AS (
    (SELECT till FROM loyalty_sale ORDER BY till LIMIT 1)
    UNION ALL
    SELECT (SELECT s.till FROM loyalty_sale s WHERE s.till > t.till ORDER BY s.till LIMIT 1)
    FROM tills t WHERE t.till IS NOT NULL
)
SELECT s.id FROM tills t JOIN loyalty_sale s ON s.till = t.till AND s.number = %s
"""


@dataclass(frozen=True)
class Wanted:
    """What somebody brings: how much of which lines (by place, from 1); no lines: all that is left.

    `number` is that of the form, by which a second press is known. `is_void`: the sale was a mistake.
    """

    number: str
    lines: tuple[tuple[int, Decimal], ...] = ()
    is_void: bool = False


@dataclass(frozen=True)
class Going:
    """What goes back: money into the hand and to certificates, points that were spent, and those earned are taken.

    What he earned, has no more and may not owe is forgiven.
    """

    refund: int
    to_certificates: int
    points_back: int
    points_taken: int
    points_forgiven: int = 0

    @classmethod
    def of(cls, made: SaleReturn) -> "Going":
        """What went back."""
        return cls(*(getattr(made, name) for name in cls.__annotations__))


class OtherGoing(NotNow):
    """Something else of the receipt came back meanwhile."""

    def __init__(self) -> None:
        super().__init__(_("Something of this receipt came back meanwhile: look at what goes back now."))


def till_of(user: User) -> str:
    """The till that somebody's own page is."""
    return f"user:{user.pk}"


def returnable(user: User) -> QuerySet[Sale]:
    """The sales of which this user may take something back; those of partners come back to them."""
    found = Sale.objects.filter(partner=None)
    mine = Q(till=till_of(user))
    if not user.may(Right.SEE_PURCHASES):
        return found.filter(mine)
    if not user.role.own_customers_only:
        return found
    return found.filter(mine | Q(customer=None) | Q(customer__in=Customer.objects.seen_by(user)))


def latest(
    user: User, *, store: str = "", day: dt.date | None = None, number: str = "", customer: Customer | None = None
) -> list[Sale]:
    """The newest of them: of a store or what he sold himself, of a day, with a number, or a customer's.

    `has_left` and `has_back` say whether something can come back, and whether something did.
    """
    found = returnable(user)
    if number and user.may(Right.SEE_PURCHASES):
        found = found.filter(pk__in=_numbered(number))
    elif customer is not None:
        found = found.filter(customer__in=family_of(customer.pk))
    elif store:
        found = found.filter(store__name=store)
    else:
        found = found.filter(till=till_of(user), **({"number": number} if number else {}))
    if day is not None and not number:
        zone = Business.current().zone
        begin = dt.datetime.combine(day, dt.time.min, zone)
        found = found.filter(purchased_at__gte=begin, purchased_at__lt=begin + dt.timedelta(days=1))
    left = SaleLine.objects.filter(sale=OuterRef("pk"), returned__lt=F("quantity"))
    shown = found.annotate(has_left=Exists(left), has_back=Exists(SaleReturn.objects.filter(sale=OuterRef("pk"))))
    return list(shown.select_related("customer", "store").order_by("-purchased_at", "-pk")[:_SHOWN])


def _numbered(number: str) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(_NUMBERED, [number.replace("\0", "")[:200]])
        return [key for (key,) in cursor.fetchall()]


def part_of(line: SaleLine, price: int) -> Decimal:
    """How much of a line that is a sum alone is what cost so much before discounts.

    Rounded up: what comes back is rounded down to the minor unit, and would be one too few.
    """
    most, left = price_left(line), line.quantity - line.returned
    if not 0 < price <= most:
        raise InputError(_("Of a line of which the sum alone is known no more can come back than is left of it."))
    if price == most:
        return left
    return min(left, (line.quantity * price / line.price).quantize(_STEP, ROUND_CEILING))


def price_left(line: SaleLine) -> int:
    """What is left of such a line, before discounts."""
    return round(line.price * (line.quantity - line.returned) / line.quantity)


def foresee(sale: Sale, wanted: Wanted, *, by: User) -> Going:
    """What would go back: it is done and undone, so that no second reckoning can differ from the first."""
    with transaction.atomic():
        found = Going.of(_bring(sale, wanted, by))
        transaction.set_rollback(True)
    return found


@transaction.atomic
def take_back(
    sale: Sale, wanted: Wanted, told: Going, *, reason: str, by: User, address: str | None = None
) -> SaleReturn:
    """Write what comes back, once for each number of a form. Raises `OtherGoing` when it is not what was told."""
    reason = " ".join(reason.replace("\0", "").encode(errors="replace").decode().split())
    if not 0 < len(reason) <= _LONGEST_REASON:
        raise InputError(_("Say why, with 1 to {most} signs.").format(most=_LONGEST_REASON))
    till = till_of(by)
    # in the order in which a till holds them
    for pair in sorted({(till, wanted.number), (sale.till, sale.number)}):
        hold_number(*pair)
    is_known = SaleReturn.objects.filter(till=till, number=wanted.number).exists()
    made = _bring(sale, wanted, by)
    if is_known:
        return made
    if (going := Going.of(made)) != told:
        raise OtherGoing
    log(
        "sale_cancelled" if wanted.is_void else "goods_taken_back", user=by, about=sale.number, address=address,
        details={**asdict(going), "why": reason, "till": sale.till, "number": wanted.number},
    )  # fmt: skip
    return made


def _bring(sale: Sale, wanted: Wanted, by: User) -> SaleReturn:
    coming = Coming(
        till_of(by), wanted.number, sale.till, sale.number, wanted.lines, cashier=by.name[:200], is_void=wanted.is_void
    )
    made = bring_back(coming)
    assert isinstance(made, SaleReturn), "its sale is there"
    return made


def returns_of(sale: Sale) -> Sequence[SaleReturn]:
    """What came back of it so far, in order."""
    return list(sale.returns.select_related("receipt__seller").order_by("pk"))
