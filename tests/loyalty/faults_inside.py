"""What the campaign of kills does inside the application: open a shop, and look at what is left of it."""

import datetime as dt
import json
from typing import Any

from django.db.models import Sum
from django.utils import timezone

from regulars.api.models import Scope
from regulars.api.services import make_key
from regulars.customers.models import Customer
from regulars.loyalty import members
from regulars.loyalty.balances import position
from regulars.loyalty.ledger import Document, Kind, grant, write
from regulars.loyalty.models import CatalogueMeasure, Gift, Lot, Sale, SaleReturn, Settlement, SettlementNet
from regulars.loyalty.verifying import faults
from regulars.purchases.models import Receipt
from tests.loyalty.coalition_cases import PRICES, contract, partner, today
from tests.loyalty.faults import DAYS, GIVEN, PEOPLE, TILLS, Lost
from tests.loyalty.selling_cases import enrolled, open_shop

_CARDS = ("1000000017", "1000000025", "1000000033")


def open_up(_told: str) -> None:
    """Print the keys and cards of the tills, the people whose points will expire, and the unit of points."""
    open_shop()
    tills = [
        (make_key(name=f"Till {number}", scopes=[Scope.TILL], by=None), enrolled(_CARDS[number], f"Buyer {number}"))
        for number in range(TILLS)
    ]
    Gift.objects.create(name="Mug", stock=1_000, points=GIVEN, cost=1_000)
    people = [Customer.objects.create(name=f"Person {number}") for number in range(PEOPLE)]
    for one in people:
        members.enrol(one, at=timezone.now())
    _trade([one.pk for one in people])
    told = {"tills": [(key, _CARDS[number]) for number, (key, _buyer) in enumerate(tills)],
            "people": [one.pk for one in people], "unit": members.points_unit().pk}  # fmt: skip
    print(json.dumps(told))


def _trade(people: list[int]) -> None:
    """A partner gave points on each of so many days, of which none is closed."""
    coffee = partner("coffee", "coffee:1", terms=None)
    contract(coffee, PRICES, days_ago=DAYS + 2)
    for day in range(1, DAYS + 1):
        at = timezone.now() - dt.timedelta(days=day)
        given = (grant(people[day % len(people)], GIVEN),)
        write([Document(members.points_unit(), Kind.SALE, "coffee:1", f"{day}", "coffee:1", given)], at=at)


def check(told: str) -> None:
    """`Lost` where the database is not what tills were answered, or a job is not done, or done twice."""
    said = json.loads(told)
    for one in said["tills"]:
        _check_till(*one)
    sales, returns, spent, back = (sum(one[place] for one in said["tills"]) for place in (1, 2, 4, 5))
    _same("sales", Sale.objects.count(), sales)
    _same("receipts", Receipt.objects.count(), sales + returns)
    _same("points redeemed", position(members.points_unit(), at=timezone.now()).redeemed, spent - back)
    _check_jobs(said["expired"])
    if found := faults():
        raise Lost("\n".join(map(str, found)))


def _check_till(card: str, sales: int, returns: int, points: int, spent: int, back: int) -> None:
    buyer = members.find(card=card)
    his = Sale.objects.filter(customer=buyer)
    backs = SaleReturn.objects.filter(sale__customer=buyer)
    numbers = sorted(int(one) for one in his.values_list("number", flat=True))
    _same(f"receipts of {card}", numbers, [*range(1, sales + 1)])
    _same(f"returns of {card}", backs.count(), returns)
    _same(f"points of {card}", members.points_of(buyer).available, points)
    _same(f"points spent by {card}", his.aggregate(n=Sum("points_spent"))["n"] or 0, spent)
    _same(f"points back to {card}", backs.aggregate(n=Sum("points_back"))["n"] or 0, back)


def _check_jobs(expired: int) -> None:
    over = Lot.objects.filter(expires_at__lte=timezone.now(), remaining__gt=0)
    _same("lots that are over and not expired", over.count(), 0)
    _same("points that expired", position(members.points_unit(), at=timezone.now()).expired, expired)
    _same("what is not settled", Settlement.objects.filter(day=None, due_on__lt=today()).count(), 0)
    nets = SettlementNet.objects.filter(partner__isnull=False)
    _same("days settled", nets.count(), DAYS)
    _same("nets of days", set(nets.values_list("amount", flat=True)), {GIVEN * PRICES.issue_price // 1_000})
    if not CatalogueMeasure.objects.exists():
        raise Lost("gifts were never measured")


def _same(what: str, found: Any, wanted: Any) -> None:
    if found != wanted:
        raise Lost(f"{what}: {found}, not {wanted}")
