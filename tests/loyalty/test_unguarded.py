"""What the margin guard cannot guard is said where the rules are written, and what imports teach it guards."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from regulars.core.i18n import use_language
from regulars.loyalty.models import Partner, PartnerStore
from regulars.loyalty.programme.rules import Guard, parse
from regulars.loyalty.unguarded import unguarded, warning
from regulars.purchases.importing.runs import import_now, undo
from regulars.purchases.models import Line, Product, Receipt, Store
from tests.loyalty.selling_cases import RULES, enrolled, open_shop, order, sell
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop() -> Iterator[None]:
    open_shop()
    with use_language("en"):
        yield


def sold(product: str | None, price: int, *, days_ago: int = 1, store: Store | None = None) -> None:
    made = Receipt.objects.create(
        store=store or Store.objects.get(name="Arbat"), purchased_at=timezone.now() - dt.timedelta(days=days_ago),
        amount=price, key=f"{product}/{days_ago}/{store}".encode(),
    )  # fmt: skip
    goods = Product.objects.get(code=product) if product else None
    Line.objects.create(receipt=made, position=1, product=goods, quantity=1, amount=price)


def guard(**changes: Any) -> Guard:
    found = parse(RULES | {"guard": {"line": 10} | changes}).guard
    assert found is not None
    return found


def said(found: Guard) -> str:
    return warning(unguarded(found), found)


def test_the_share_is_of_the_turnover_of_ninety_days() -> None:
    Product.objects.filter(code="tea").update(cost=None)
    sold("tea", 30_000)
    sold("cup", 90_000)
    sold("tea", 900_000, days_ago=91)
    found = unguarded(guard())
    assert found is not None
    assert (found.share, found.is_of_goods, found.names) == (0.25, False, ("Tea",))
    words = said(guard())
    assert "25.0% of the turnover of the last 90 days" in words
    assert "Tea" in words
    assert "Add costs on the page Goods" in words


def test_what_becomes_of_such_goods_is_what_the_rules_say() -> None:
    Product.objects.filter(code="tea").update(cost=None)
    sold("tea", 30_000)
    assert "below what they cost" in said(guard(unknown_cost="allow"))
    assert "get no discount" in said(guard(unknown_cost="no_discount"))
    assert "at most 5.0%" in said(guard(unknown_cost="at_most", unknown_most=5))


def test_with_all_costs_or_no_guard_there_is_nothing_to_say() -> None:
    sold("tea", 30_000)
    assert unguarded(guard()) is None
    Product.objects.update(cost=None)
    assert unguarded(None) is None
    assert warning(None, None) == ""


def test_goods_that_the_guard_lets_go_and_goods_of_partners_are_left_out() -> None:
    Product.objects.update(cost=None)
    theirs = Store.objects.create(name="Books")
    PartnerStore.objects.create(store=theirs, partner=Partner.objects.create(slug="books", name="Books"))
    sold("tea", 30_000, store=theirs)
    sold("cup", 90_000)
    assert unguarded(guard(categories={"Cups": None})) is None
    found = unguarded(guard())
    assert found is not None
    assert (found.share, found.names) == (1.0, ("Coffee",))


def test_where_nothing_was_sold_the_goods_are_counted() -> None:
    assert unguarded(guard()) is None
    Product.objects.filter(code="tea").update(cost=None)
    found = unguarded(guard())
    assert found is not None
    assert (found.share, found.is_of_goods) == (0.5, True)
    assert "50.0% of the goods" in said(guard())


def test_lines_without_a_product_have_no_cost() -> None:
    sold(None, 10_000)
    sold("cup", 30_000)
    found = unguarded(guard())
    assert found is not None
    assert (found.share, found.names) == (0.25, ())


def test_the_draft_page_warns_and_links_to_the_goods() -> None:
    Product.objects.filter(code="tea").update(cost=None, name="<b>Tea</b>")
    sold("tea", 30_000)
    owner = logged_in(make_user("owner"))
    page = owner.get("/programme/write/").content.decode()
    assert "the margin guard cannot guard these" in page
    assert "/programme/goods/?cost=none" in page
    assert "<b>Tea" not in page
    rules = json.dumps({name: value for name, value in RULES.items() if name != "guard"})
    page = owner.post("/programme/write/", {"rules": rules, "look": "yes", "version": 0}).content.decode()
    assert "cannot guard" not in page


def test_an_imported_cost_guards_the_till_until_the_import_is_undone(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"
    Product.objects.filter(code="tea").update(cost=None)
    enrolled()
    assert sell(order(("tea", 1, 10_000)), "1").to_pay == 9_500, "nobody knows what it costs"
    path = tmp_path / "march.csv"
    path.write_text(
        "Дата;Номер чека;Карта;Артикул;Товар;Количество;Сумма;Себестоимость\n"
        "03.03.2026 10:00;1;C-1;tea;Tea;2;200,00;180,00\n", encoding="utf-8",
    )  # fmt: skip
    done = import_now(path)
    assert done.state == "done", done.error
    assert sell(order(("tea", 1, 10_000)), "2").to_pay == 10_000
    undo(done.pk, user_id=None)
    assert sell(order(("tea", 1, 10_000)), "3").to_pay == 9_500
