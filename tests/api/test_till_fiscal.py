"""What a till prints for the tax office, where points are a discount and where they are a payment."""

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from regulars.loyalty.ledger import Document, Kind, grant, write_one
from regulars.loyalty.members import points_unit
from regulars.purchases.models import Product
from tests.api.test_till import Till
from tests.loyalty.offline_cases import settle
from tests.loyalty.selling_cases import RULES, enrolled, open_shop

pytestmark = pytest.mark.django_db(transaction=True)

GOODS = [
    {"product_id": "tea", "quantity": "3", "price": 10_001},
    {"product_id": "cup", "quantity": "1", "price": 3_333},
]


def shop(points_as: str) -> Till:
    open_shop(spending=RULES["spending"] | {"as": points_as}, guard={"unknown_cost": "allow"})
    Product.objects.update(cost=None)
    gift = Document(points_unit(), Kind.GIFT, "test", "1", "test", (grant(enrolled().pk, 50),))
    write_one(gift, at=timezone.now())
    return Till()


def sums(one: dict[str, Any]) -> tuple[int, int]:
    return one["price_to_print"], one["paid_by_points"]


@pytest.mark.parametrize("points_as", ["discount", "payment"])
def test_prices_and_tenders_add_up_in_quote_receipt_and_parts_that_come_back(points_as: str) -> None:
    till = shop(points_as)
    quote = till.quote(lines=GOODS, points=50)[1]
    assert (quote["points_as"], quote["by_points"]) == (points_as, 5_000)
    paid = 5_000 if points_as == "payment" else 0
    assert sums(quote) == (quote["to_pay"] + paid, paid)
    for one in quote["lines"]:
        assert one["price_to_print"] == one["to_pay"] + one["paid_by_points"]
        assert one["price"] - one["discount"] == one["price_to_print"] + one["by_points"] - one["paid_by_points"]
    assert sums(quote) == tuple(map(sum, zip(*map(sums, quote["lines"]), strict=True)))
    sale = till.sell(to_pay=quote["to_pay"], lines=GOODS, points=50)[1]
    assert (sale["points_as"], *sums(sale)) == (points_as, *sums(quote))
    back = []
    for number, (line, quantity) in enumerate([(1, "1"), (2, "1"), (1, "0.5"), (1, "1.5")]):
        told = {"number": f"b{number}", "receipt": "17", "lines": [{"line": line, "quantity": quantity}]}
        status, one = till("till/returns", told)
        assert (status, one["points_as"]) == (200, points_as)
        assert one["price_to_print"] == one["refund"] + one["to_certificates"] + one["paid_by_points"]
        assert [(each["line"], Decimal(each["quantity"])) for each in one["lines"]] == [(line, Decimal(quantity))]
        assert till("till/returns", told) == (200, one)
        back.append(one)
    assert tuple(map(sum, zip(*map(sums, back), strict=True))) == sums(sale), "in the end all of it came back"


def test_a_return_that_waits_and_a_void_say_it_too() -> None:
    till = shop("payment")
    waits = till("till/returns", {"number": "r", "receipt": "18", "lines": [{"line": 1, "quantity": "1"}]})[1]
    assert (waits["state"], waits["points_as"], waits["price_to_print"], waits["lines"]) == ("waits", None, None, [])
    quote = till.quote(lines=GOODS, points=50)[1]
    sale = till.sell("1", quote["to_pay"], lines=GOODS, points=50)[1]
    void = till("till/voids", {"number": "v", "receipt": "1"})[1]
    assert (void["points_as"], *sums(void)) == ("payment", *sums(sale))
    assert [one["line"] for one in void["lines"]] == [1, 2]


def test_what_was_sold_without_a_line_says_it_when_it_is_written() -> None:
    till = shop("payment")
    headers = {"Authorization": f"Bearer {till.key}"}
    snapshot = json.loads(Client().get("/api/v1/till/snapshot?store=Arbat", headers=headers).json()["snapshot"])
    at = timezone.now()
    receipt = {
        "number": "1", "snapshot": snapshot["id"], "store": "Arbat", "card": "", "purchased_at": at.isoformat(),
        "lines": GOODS, "paid": 13_334,
    }  # fmt: skip
    told = {"clock": at.isoformat(), "receipts": [receipt]}
    assert till("till/offline", told)[1]["receipts"][0]["state"] == "waits"
    settle()
    told["clock"] = (at + dt.timedelta(minutes=1)).isoformat()
    written = till("till/offline", told)[1]["receipts"][0]["sale"]
    assert (written["points_as"], *sums(written)) == ("payment", 13_334, 0)
