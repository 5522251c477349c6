"""What receipts are judged by, read in one call of the database however many they are."""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from regulars.customers.models import Customer
from regulars.loyalty.balances import Balance


@dataclass(frozen=True)
class Asked:
    """What a receipt asks for. `contact` is what its buyer is recognised by, as (kind, value); None: by nothing.

    `at` is when it was bought, None: now; what has not come yet counts as now.
    """

    till: str
    number: str
    at: dt.datetime | None
    store: str
    cashier: str
    codes: tuple[str, ...]
    contact: tuple[str, str] | None
    card_at: dt.datetime | None  # the moment at which his card has to be good; None: now

    def as_json(self) -> dict[str, Any]:
        """As the database reads it."""
        kind, value = self.contact or ("", "")
        return {
            "till": self.till, "number": self.number, "at": self.at and self.at.isoformat(), "store": self.store,
            "cashier": self.cashier, "codes": self.codes, "kind": kind, "value": value,
            "card_at": self.card_at and self.card_at.isoformat(),
        }  # fmt: skip


@dataclass(frozen=True)
class Goods:
    """What the shop knows of one of its goods."""

    key: int
    category: str
    cost: int | None
    price_raised_on: dt.date | None


@dataclass(frozen=True)
class KnownStore:
    """A store that is known; `partner` is the one whose it is."""

    key: int
    time_zone: str
    partner: int | None


@dataclass(frozen=True)
class Facts:
    """All that a receipt is judged by, apart from the rules and from what these ask of a member's past.

    `now` is when they were read, after whoever was waited for had written. `points` is the unit of the programme's
    points.
    """

    now: dt.datetime
    zone: str  # of the business
    points: int
    is_known: bool  # a sale has its number
    programme: tuple[int, dt.datetime] | None  # the version's id, and when it was published
    partner: int | None
    store: KnownStore | None
    seller: int | None
    goods: dict[str, Goods]
    customer: Customer | None  # the member who was recognised
    balance: Balance | None
    is_blocked: bool  # his card, or the code that he shows
    card: tuple[bool, bool] | None  # of one that was made here: whether it has no plastic, and whether it was paid for
    is_awaited: bool  # a return waits for this receipt


def facts_of(asked: Sequence[Asked], *, at: dt.datetime, hold: bool) -> list[Facts]:
    """The facts of each; `at` is the moment at which they are asked for.

    With `hold` nobody else works at these numbers and members until the end of the transaction, and everything is read
    after that.
    """
    with connection.cursor() as cursor:
        said = json.dumps([one.as_json() for one in asked])
        cursor.execute("SELECT loyalty_facts(%s, %s, %s)", [said, at, hold])
        found = json.loads(cursor.fetchone()[0])
    now, business = dt.datetime.fromisoformat(found["now"]), found["business"]
    return [_facts(one, now, business["zone"], business["points"] or 0) for one in found["receipts"]]


def _facts(found: dict[str, Any], now: dt.datetime, zone: str, points: int) -> Facts:
    programme, member = found["programme"], found["member"]
    return Facts(
        now=now, zone=zone, points=points, is_known=found["is_known"],
        programme=programme and (programme[0], dt.datetime.fromisoformat(programme[1])),
        partner=found["partner"], store=found["store"] and KnownStore(*found["store"]), seller=found["seller"],
        goods={
            code: Goods(key, category, cost, raised and dt.date.fromisoformat(raised))
            for code, (key, category, cost, raised) in (found["goods"] or {}).items()
        },
        customer=member and _customer(member), balance=member and Balance(*member["has"]),
        is_blocked=found["is_blocked"], card=found["card"] and tuple(found["card"]), is_awaited=found["is_awaited"],
    )  # fmt: skip


def _customer(found: dict[str, Any]) -> Customer:
    """Of the row as much as rules ask for; whoever asks for more reads it then."""
    born = found["birth_date"]
    values = [found["id"], found["kind"], born and dt.date.fromisoformat(born), found["own_fields"]]
    return Customer.from_db(connection.alias, ["id", "kind", "birth_date", "own_fields"], values)
