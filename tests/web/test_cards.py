"""The page of cards, and what is done with a card of a customer."""

import html
import re
from typing import Any

import pytest
import vl_convert
from django.test import Client

from regulars.accounts.models import LogEntry
from regulars.core import barcodes
from regulars.core.errors import InputError
from regulars.customers.models import Contact, Customer
from regulars.foundation.models import Business
from regulars.loyalty.cards import give_virtual, make_cards, numbers_of
from regulars.loyalty.members import NoMember, find, welcome
from regulars.loyalty.models import CardBatch, CardSale
from regulars.web import cards
from tests.loyalty.selling_cases import CARD, enrolled, open_shop
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db
BATCH = {"name": "Spring", "count": "5", "scheme": "ean13", "prefix": "290", "digits": "16"}


@pytest.fixture
def owner() -> Client:
    open_shop()
    return logged_in(make_user("owner"))


def text_of(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def card_of(customer: Customer) -> int:
    return Contact.objects.get(customer=customer, value=CARD).pk


def test_an_owner_makes_cards_and_takes_them_to_the_printer(owner: Client) -> None:
    assert "No cards are made yet" in text_of(owner.get("/programme/cards/"))
    done = owner.post("/programme/cards/make/", BATCH, follow=True)
    assert "5 cards are made." in text_of(done)
    batch = CardBatch.objects.get()
    taken = owner.post(f"/programme/cards/{batch.pk}/file/")
    lines = b"".join(taken.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert lines == ["number", *numbers_of(batch)]
    assert all(one.isdigit() and len(one) == 13 for one in lines[1:])
    assert taken["Content-Disposition"] == 'attachment; filename="cards-spring.csv"'
    assert LogEntry.objects.get(event="cards_taken").about == "Spring"


def test_cards_that_are_paid_for_are_made_and_sold_on_the_page_of_the_till(owner: Client) -> None:
    wrong = owner.post("/programme/cards/make/", BATCH | {"price": "990", "privilege": ""})
    assert "which privilege the card gives" in text_of(wrong)
    owner.post("/programme/cards/make/", BATCH | {"price": "990", "privilege": "<b>club</b>", "privilege_days": "365"})
    batch = CardBatch.objects.get()
    assert (batch.price, batch.privilege, batch.privilege_days) == (99_000, "<b>club</b>", 365)
    page = owner.get("/programme/cards/").content.decode()
    assert "<b>club" not in page
    assert "₽990.00: “<b>club</b>” for 365 days" in html.unescape(page)
    number = next(numbers_of(batch))
    welcome(card=number, name="Vera", source="web")
    till = text_of(owner.post("/till/", {"who": number}))
    assert "Paid ₽990.00: “<b>club</b>” through" in till
    form = {"who": number, "card": number, "number": "1-1", "paid": "99000"}
    assert "minor units" in text_of(owner.post("/till/card/", form | {"paid": "1"}))
    for _press in range(2):
        assert "He has “<b>club</b>” through" in text_of(owner.post("/till/card/", form, follow=True))
    assert CardSale.objects.get().price == 99_000
    assert owner.post("/till/card/", form | {"who": ""}).status_code == 422
    assert owner.post("/till/card/", form | {"number": "<b>"}).status_code == 422


def test_a_sequence_of_any_length_is_made_too(owner: Client) -> None:
    wanted = BATCH | {"scheme": "luhn", "prefix": "77", "digits": "8", "in_sequence": "yes"}
    owner.post("/programme/cards/make/", wanted)
    assert next(numbers_of(CardBatch.objects.get())).startswith("7700001")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"count": "-1"}, "1 to 1000000 cards"),
        ({"count": "9" * 40}, "1 to 1000000 cards"),
        ({"scheme": "<b>"}, "6 to 19 digits"),
        ({"prefix": "=1+1"}, "'=1+1' is none"),
        ({"name": ""}, "1 to 60 signs"),
    ],
)
def test_what_cannot_be_made_is_told_and_kept_in_the_form(owner: Client, wrong: dict[str, str], said: str) -> None:
    answer = owner.post("/programme/cards/make/", BATCH | wrong)
    page = text_of(answer)
    assert (answer.status_code, said in page, 'value="290"' in page or "prefix" in wrong) == (422, True, True)
    assert not CardBatch.objects.exists()


def test_who_only_looks_neither_makes_nor_takes(owner: Client) -> None:
    batch = make_cards("Spring", count=3)
    analyst = logged_in(make_user("analyst"))
    page = text_of(analyst.get("/programme/cards/"))
    assert "Spring" in page
    assert "Make cards" not in page
    assert all(one not in page for one in numbers_of(batch))


def test_a_card_is_blocked_unblocked_and_replaced_on_the_page_of_the_customer(owner: Client) -> None:
    anna = enrolled()
    card = f"/customers/{anna.pk}/cards/{card_of(anna)}/"
    assert owner.post(card + "block/", {"reason": "left in a <taxi>"}).status_code == 302
    page = text_of(owner.get(f"/customers/{anna.pk}/"))
    assert "left in a <taxi>" in page
    assert "<taxi>" not in owner.get(f"/customers/{anna.pk}/").content.decode()
    with pytest.raises(NoMember, match="blocked"):
        find(card=CARD)
    owner.post(card + "unblock/")
    assert find(card=CARD) == anna
    owner.post(card + "replace/", {"number": ""})
    with pytest.raises(NoMember, match="replaced"):
        find(card=CARD)
    new = Contact.objects.exclude(value=CARD).get(customer=anna)
    assert find(card=new.value) == anna
    assert [one.event for one in LogEntry.objects.filter(event__startswith="card_").order_by("id")] == [
        "card_blocked", "card_unblocked", "card_replaced"
    ]  # fmt: skip


def test_a_refusal_stands_beside_the_cards(owner: Client) -> None:
    anna = enrolled()
    answer = owner.post(f"/customers/{anna.pk}/cards/{card_of(anna)}/block/", {"reason": ""})
    assert (answer.status_code, "Write why" in text_of(answer)) == (422, True)


def test_a_card_of_somebody_else_is_not_his(owner: Client) -> None:
    anna, vera = enrolled(), enrolled("1000000022", "Vera")
    for deed in ("block", "unblock", "replace"):
        answer = owner.post(f"/customers/{vera.pk}/cards/{card_of(anna)}/{deed}/", {"reason": "x"})
        assert answer.status_code == 404, deed
    assert find(card=CARD) == anna


def test_a_card_without_plastic_makes_a_member(owner: Client) -> None:
    olga = Customer.objects.create(name="Olga")
    owner.post(f"/customers/{olga.pk}/cards/")
    assert find(card=olga.contacts.get().value) == olga


def test_a_misread_card_is_not_added(owner: Client) -> None:
    make_cards("Spring", count=3)
    olga = Customer.objects.create(name="Olga")
    answer = owner.post(f"/customers/{olga.pk}/contacts/", {"kind": "card", "value": "2900000000009"})
    assert (answer.status_code, "check digit is wrong" in text_of(answer)) == (422, True)
    with pytest.raises(InputError):
        find(card="2900000000009")


def test_sheets_show_the_cards_in_their_real_size_with_bars_that_read_back(owner: Client) -> None:
    Business.objects.update(name="<b>Shop</b>")
    batch = make_cards("Spring", count=12)
    page = owner.post(f"/programme/cards/{batch.pk}/sheet/").content.decode()
    numbers = list(numbers_of(batch))
    assert re.findall(r'class="digits">(\d+)<', page) == numbers
    assert (page.count('class="sheet"'), page.count('class="card"'), page.count("<svg")) == (2, 12, 24)
    assert "<b>Shop" not in page
    for drawn in re.findall(r"<svg.*?</svg>", page, re.DOTALL)[:2]:  # bars and QR of the first card
        picture = vl_convert.svg_to_png(drawn.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1), scale=2)
        assert barcodes.read(picture) == [numbers[0]]
    assert LogEntry.objects.get(event="cards_taken").about == "Spring"


def test_a_large_batch_is_printed_in_parts(owner: Client) -> None:
    batch = make_cards("Spring", count=cards.MOST_ON_SHEETS + 3, scheme="luhn", prefix="7", digits=16)
    numbers = list(numbers_of(batch))
    address = f"/programme/cards/{batch.pk}/sheet/"
    assert owner.post(address).content.decode().count('class="card"') == cards.MOST_ON_SHEETS
    rest = owner.post(address, {"first": str(cards.MOST_ON_SHEETS + 1)}).content.decode()
    assert re.findall(r'class="digits">(\d+)<', rest) == numbers[-3:]
    for wrong in ("0", "-1", "504", "x", "9" * 30):
        answer = owner.post(address, {"first": wrong})
        assert (answer.status_code, "begin with one of 1 to 503" in text_of(answer)) == (422, True)


def test_numbers_without_plastic_are_not_printed(owner: Client) -> None:
    give_virtual(enrolled(), by=None)
    batch = CardBatch.objects.get(is_virtual=True)
    assert owner.post(f"/programme/cards/{batch.pk}/sheet/").status_code == 404
