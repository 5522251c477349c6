"""The whole way: what a till judged alone is what the server asks for with a line, and what it writes when told."""

from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.loyalty.models import Alert, Programme, Sale
from regulars.loyalty.programme.basket import Line
from regulars.loyalty.programme.offline import judge_offline
from regulars.loyalty.programme.rules import as_json, parse
from regulars.purchases.models import Product
from tests.loyalty.offline_cases import OfflineTill, settle
from tests.loyalty.programme_cases import PRODUCTS, rule_data
from tests.loyalty.selling_cases import CARD, enrolled, open_store

pytestmark = pytest.mark.django_db(transaction=True)

COSTS = {"apple": 100, "bread": 77, "cup": None, "date": 1_000, "egg": 3}
# no line is below its least price: the till alone would take rather less off (see test_offline_judging)
_goods = st.tuples(
    st.sampled_from(sorted(PRODUCTS)), st.sampled_from(["1", "2", "3", "0.355", "1.250"]), st.integers(0, 90_000)
)
_counter = iter(range(10**6))


@pytest.fixture
def till() -> OfflineTill:
    open_store()
    enrolled()
    Product.objects.all().delete()
    for code, category in PRODUCTS.items():
        Product.objects.create(code=code, name=code, category=category, cost=COSTS[code])
    return OfflineTill()


def publish(rules: dict[str, Any]) -> None:
    now = timezone.now()
    Programme.objects.create(rules=as_json(parse(rules)), valid_from=now, published_at=now)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rules=rule_data(), goods=st.lists(_goods, min_size=1, max_size=4), has_card=st.booleans())
def test_a_receipt_by_any_rules_is_written_as_it_was_judged_alone(
    till: OfflineTill, rules: dict[str, Any], goods: list[tuple[str, str, int]], has_card: bool
) -> None:
    found = [one | {"for": "everybody"} for one in rules["rules"] if not one["gives"]["kind"].startswith("points_")]
    kept = [one for one in rules["rules"] if one["gives"]["kind"].startswith("points_")]
    publish(rules | {"rules": [*found, *kept]})
    till.fetch()
    lines = [(code, quantity, price + 10**6) for code, quantity, price in goods]
    number = str(next(_counter))
    sold = till.sold(number, *lines, card=CARD if has_card else "")
    if not has_card:
        status, quote = till.quote(card="", lines=sold["lines"], purchased_at=sold["purchased_at"])
        assert (status, quote["to_pay"]) == (200, sold["paid"])
    judged = judge_offline(
        till.snapshot, [Line(code, "", Decimal(quantity), price) for code, quantity, price in lines],
        at=timezone.now(), has_card=has_card,
    )  # fmt: skip
    till.tell(sold)
    assert settle() == 1
    sale = Sale.objects.get(number=number)
    assert (sale.to_pay, sale.discount) == (sold["paid"], judged.discount)
    assert [one.discount for one in sale.lines.order_by("position")] == [one.discount for one in judged.lines]
    assert not Alert.objects.filter(kind="offline").exists()
