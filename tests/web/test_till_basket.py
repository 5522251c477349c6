"""Goods one by one on the cashier's page: rules for goods and categories, stamps and the margin guard act."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from regulars.loyalty.models import Sale
from regulars.purchases.models import Line, Product
from regulars.web.till_basket import MOST_LINES
from tests.loyalty.selling_cases import CARD, RULES, enrolled, open_shop
from tests.web.people import logged_in, make_user
from tests.web.test_till import hidden, text_of

pytestmark = pytest.mark.django_db

SIXTH = {"id": "sixth", "gives": {"kind": "nth_free", "n": 6, "counter": "Cups"}, "on": {"categories": ["Coffee"]}}
ON_TEA = {"id": "tea", "gives": {"kind": "percent_off", "percent": 20}, "on": {"products": ["tea"]}}
ASKED: dict[str, Any] = {"who": CARD, "store": "Arbat", "sum": ""}


@pytest.fixture
def cashier() -> Client:
    open_shop(rules=[SIXTH, ON_TEA])
    Product.objects.filter(code="tea").update(price=12_000)
    return logged_in(make_user("cashier"))


def lines_of(page: str) -> dict[str, list[str]]:
    """What lies on the counter, as the form of the basket sends it."""
    form = page.partition('id="basket"')[2].partition("</form")[0]
    return {
        name: re.findall(rf'<input[^>]*name="{name}"[^>]*value="([^"]*)"', form)
        for name in ("line", "quantity", "price")
    }


def ask(client: Client, **asked: Any) -> str:
    return text_of(client.post("/till/sell/", ASKED | {"ask": "yes"} | asked))


def pay(client: Client, page: str, **asked: Any) -> Sale:
    quote = page.partition('id="quote"')[2].partition("</form")[0]
    kept = {name: re.findall(rf'name="{name}" value="([^"]*)"', quote) for name in ("line", "quantity", "price")}
    more = {name: hidden(quote, name) for name in ("number", "to_pay", "sum")}
    for _press in range(2):
        assert client.post("/till/sell/", ASKED | kept | more | {"paid": "yes"} | asked).status_code == 302
    return Sale.objects.order_by("-pk")[0]


def test_goods_are_found_by_code_or_name_and_keep_the_price_of_the_shop(cashier: Client) -> None:
    enrolled()
    for find in ("tea", "TEA", "Te"):
        page = text_of(cashier.post("/till/sell/", ASKED | {"find": find}))
        assert lines_of(page) == {"line": ["p:tea"], "quantity": ["1"], "price": ["120.00"]}, find
        assert 'id="quote"' not in page, "goods are still being put together"
    again = text_of(cashier.post("/till/sell/", ASKED | lines_of(page) | {"find": "tea"}))
    assert lines_of(again)["quantity"] == ["2"], "the same once more is a piece more"
    assert lines_of(text_of(cashier.post("/till/sell/", ASKED | lines_of(again) | {"drop": "0"})))["line"] == []


def test_rules_for_goods_act_and_the_price_is_the_cashiers(cashier: Client) -> None:
    enrolled()
    basket = {"line": ["p:tea", "p:cup"], "quantity": ["2", "1"], "price": ["150", "99.90"]}
    page = ask(cashier, **basket)
    assert "To pay: ₽339.90" in page.replace("\xa0", "")
    sale = pay(cashier, page)
    assert [(one.product, one.category, one.quantity, one.price, one.discount, one.cost) for one in
            sale.lines.order_by("position")] == [
        ("tea", "Drinks", Decimal(2), 30_000, 6_000, 12_000), ("cup", "Cups", Decimal(1), 9_990, 0, 1_000),
    ]  # fmt: skip
    names = list(Line.objects.filter(receipt=sale.receipt).values_list("product__name", flat=True))
    assert names == ["Tea", "Coffee"]


def test_pieces_of_a_category_get_stamps_and_the_sixth_is_free(cashier: Client) -> None:
    enrolled()
    page = text_of(cashier.post("/till/", {"who": CARD}))
    assert "<option>Coffee</option>" in page, "what the rules name is offered, though no goods are called so"
    page = ask(cashier, category="Coffee", pieces="5", category_sum="1000")
    assert "To pay: ₽1,000.00" in page.replace("\xa0", "")
    sale = pay(cashier, page)
    assert (sale.stamps[0][:3], sale.lines.get().category) == (["Cups", 5, 0], "Coffee")
    free = pay(cashier, ask(cashier, category="Coffee", category_sum="200"))
    assert (free.price, free.to_pay) == (20_000, 0)
    assert Product.objects.filter(category="Coffee").count() == 1


def test_a_bare_sum_is_the_rest_of_the_receipt(cashier: Client) -> None:
    enrolled()
    sale = pay(cashier, ask(cashier, line=["p:tea"], quantity=["1"], price=["100"], sum="50"))
    assert [(one.product, one.price) for one in sale.lines.order_by("position")] == [("tea", 10_000), ("goods", 5_000)]
    assert (sale.price, sale.discount) == (15_000, 2_000)


def test_a_guard_that_discounts_nothing_unknown_discounts_goods_whose_cost_is_known() -> None:
    five = RULES["rules"]
    open_shop(guard={"line": 10, "unknown_cost": "no_discount"}, rules=five)
    enrolled()
    client = logged_in(make_user("cashier"))
    page = text_of(client.post("/till/", {"who": CARD}))
    assert "of a bare sum they see nothing" in page
    assert "To pay: ₽100.00" in ask(client, sum="100").replace("\xa0", "")
    assert "To pay: ₽95.00" in ask(client, line=["p:tea"], quantity=["1"], price=["100"]).replace("\xa0", "")


def test_several_goods_of_a_name_are_chosen_among(cashier: Client) -> None:
    enrolled()
    Product.objects.create(code="t2", name="Green tea <b>", category="Drinks", price=9_000)
    page = text_of(cashier.post("/till/sell/", ASKED | {"find": "te", "ask": "yes"}))
    assert 'name="pick" value="t2"' in page
    assert 'id="quote"' not in page
    assert "&lt;b&gt;" in cashier.post("/till/sell/", ASKED | {"find": "te"}).content.decode()
    assert lines_of(text_of(cashier.post("/till/sell/", ASKED | {"pick": "t2", "find": "te"})))["price"] == ["90.00"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "Type the sum of the receipt, or add goods"),
        ({"find": "caviar"}, "No goods are called 'caviar'"),
        ({"find": "%"}, "No goods are called '%'"),
        ({"pick": "goods:Coffee"}, "There is no product"),
        ({"line": ["p:caviar"], "quantity": ["1"], "price": ["1"]}, "There is no product 'caviar'"),
        ({"line": ["c:Caviar"], "quantity": ["1"], "price": ["1"]}, "There is no product 'Caviar'"),
        ({"line": ["p:tea"], "quantity": ["1"], "price": []}, "The form is broken"),
        ({"line": ["p:tea"] * (MOST_LINES + 1), "quantity": ["1"] * (MOST_LINES + 1),
          "price": ["1"] * (MOST_LINES + 1)}, "The form is broken"),
        ({"line": ["p:tea"] * MOST_LINES, "quantity": ["1.5"] * MOST_LINES, "price": ["1"] * MOST_LINES,
          "find": "cup"}, "at most 100 lines"),
        ({"line": ["p:tea"], "quantity": ["0"], "price": ["1"]}, "'0' is no quantity"),
        ({"line": ["p:tea"], "quantity": ["-1"], "price": ["1"]}, "'-1' is no quantity"),
        ({"line": ["p:tea"], "quantity": ["1e9"], "price": ["1"]}, "is no quantity"),
        ({"line": ["p:tea"], "quantity": ["999999999"], "price": ["999999999999"]}, "is too much for one line"),
        ({"line": ["p:tea"], "quantity": ["1"], "price": ["-1"]}, "'-1' is no sum"),
        ({"line": ["p:tea"], "quantity": ["1"], "price": [""]}, "Type the price of “Tea”"),
        ({"line": ["c:Coffee"], "quantity": ["1.5"], "price": ["1"]}, "whole pieces"),
        ({"category": "Caviar", "category_sum": "5"}, "There is no category 'Caviar'"),
        ({"category": "Coffee", "category_sum": "x"}, "'x' is no sum"),
        ({"category": "Coffee", "category_sum": "5", "pieces": "many"}, "is no quantity"),
        ({"line": ["p:tea"], "quantity": ["1"], "price": ["1"], "sum": "x"}, "'x' is no sum"),
    ],
)  # fmt: skip
def test_what_cannot_be_sold_is_told_and_the_basket_is_kept(cashier: Client, wrong: dict[str, Any], said: str) -> None:
    enrolled()
    assert said in text_of(cashier.post("/till/sell/", ASKED | {"ask": "yes"} | wrong), 422)
    assert not Sale.objects.exists()


def test_a_form_names_no_category_name_or_cost_of_goods(cashier: Client) -> None:
    enrolled()
    asked = {"line": ["p:cup"], "quantity": ["1"], "price": ["100"], "cost": ["0"], "name": ["Tea"], "discount": ["99"]}
    sale = pay(cashier, ask(cashier, **asked), category="Coffee")
    line = sale.lines.get()
    assert (line.category, line.cost, line.discount) == ("Cups", 1_000, 0)


def test_what_was_found_stays_when_something_else_is_wrong(cashier: Client) -> None:
    enrolled()
    basket = {"line": ["p:tea"], "quantity": ["3"], "price": ["7.5"]}
    page = text_of(cashier.post("/till/sell/", ASKED | basket | {"find": "caviar"}), 422)
    assert lines_of(page) == basket
    assert 'value="caviar"' in page
