"""The cashier's page: who it is, what he pays, and a card for whoever has none."""

import datetime as dt
import html
import io
import re
from typing import Any

import pytest
import vl_convert
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone

from regulars.core import barcodes
from regulars.customers.models import Consent, Contact, Customer
from regulars.customers.services.consents import write_purpose
from regulars.customers.services.contacts import add_contact
from regulars.loyalty import members
from regulars.loyalty.cards import block, cards_of, make_cards, numbers_of
from regulars.loyalty.codes import make_codes
from regulars.loyalty.gifts import GiftData, add_gift
from regulars.loyalty.ledger import Document, Kind, grant, write_one
from regulars.loyalty.members import Shown, find, welcome
from regulars.loyalty.models import Alert, Reward, Sale
from regulars.loyalty.order_holds import Aside, set_points_aside
from regulars.loyalty.page_links import open_page
from regulars.loyalty.setting_aside import set_aside
from regulars.loyalty.watching import look
from regulars.purchases.models import Product, Store
from tests.loyalty.selling_cases import CARD, enrolled, open_shop
from tests.loyalty.test_gifts import give
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db
SUM = {"who": CARD, "store": "Arbat", "sum": "1 250,50"}


@pytest.fixture
def cashier() -> Client:
    open_shop()
    return logged_in(make_user("cashier"))


def text_of(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status, answer.content.decode()[:2000]
    return html.unescape(answer.content.decode())


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, name
    return found[1]


def paid(cashier: Client, **asked: str) -> Any:
    """Ask what it costs, and pay that."""
    page = text_of(cashier.post("/till/sell/", SUM | asked))
    more = {name: hidden(page, name) for name in ("number", "to_pay")}
    return cashier.post("/till/sell/", SUM | asked | more | {"paid": "yes"})


def photo_of(number: str) -> SimpleUploadedFile:
    drawn = str(barcodes.svg(number, "ean13")).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return SimpleUploadedFile("card.png", vl_convert.svg_to_png(drawn, scale=2), content_type="image/png")


def test_a_member_is_found_by_card_phone_and_photo(cashier: Client) -> None:
    number = next(numbers_of(make_cards("Spring", count=1)))
    vera = welcome(card=number, phone="+79161234567", name="Vera", source="till:1")
    gift = Document(members.points_unit(), Kind.GIFT, "test", "g", "test", (grant(vera.pk, 120),), reason="")
    write_one(gift, at=timezone.now())
    list(make_codes("birthday", customers=[vera.pk]))
    for given in ({"who": number}, {"who": f" {number[:4]} {number[4:]}"}, {"who": "8 (916) 123-45-67"},
                  {"photo": photo_of(number)}):  # fmt: skip
        page = text_of(cashier.post("/till/", given))
        assert all(one in page for one in ("Vera", "<strong>120</strong>", "birthday")), given


def test_who_sells_to_his_own_card_is_told_by_the_address_by_which_he_signs_in(cashier: Client) -> None:
    anna, boris = enrolled(), enrolled("1000000025", name="Boris")
    for number, customer in enumerate((anna, boris)):
        email = ("Cashier@Example.com", "boris@example.com")[number]
        add_contact(customer, kind="email", written=email, by=None)
        assert paid(cashier, who=("1000000017", "1000000025")[number]).status_code == 302
    for _time in range(2):
        look(timezone.now())
        told = Alert.objects.get(kind="own")
        assert (told.customer, told.subject, told.sale and told.sale.customer) == (anna, "Cashier", anna)
    page = text_of(logged_in(make_user("owner")).get("/programme/review/"))
    assert "A cashier's own card" in page


def test_a_gift_is_taken_with_one_press_and_once(cashier: Client) -> None:
    anna = enrolled()
    give(anna, 250)
    mug = add_gift(GiftData("Mug", 100, 0), stock=3, by=None)
    page = text_of(cashier.post("/till/", {"who": CARD}))
    sent = {"who": CARD, "gift": str(mug.pk), "points": "100", "number": hidden(page, "number")}
    for _press in range(2):
        done = cashier.post("/till/gifts/take/", sent, follow=True)
        assert "Give it to him: Mug, paid with 100 points." in text_of(done)
    block(Contact.objects.get(value=CARD), reason="lost", by=make_user("owner"))
    assert cashier.post("/till/gifts/take/", sent).status_code == 302, "a repetition is answered as it was"
    assert "blocked" in text_of(cashier.post("/till/gifts/take/", sent | {"number": "a-1"}), 404)
    reward = Reward.objects.get()
    assert (reward.cashier, reward.handed_by, members.points_of(anna).available) == (
        reward.cashier, reward.till, 150,
    )  # fmt: skip
    assert reward.cashier


def test_what_cannot_be_taken_says_why_and_takes_nothing(cashier: Client) -> None:
    anna = enrolled()
    give(anna, 250)
    mug = add_gift(GiftData("Mug", 300, 0), stock=3, by=None)
    body = {"who": CARD, "gift": str(mug.pk), "points": "300", "number": "a-1"}
    for wrong, words in (
        ({}, "50 points missing"), ({"points": "299"}, "costs 300 points by now"), ({"gift": "x"}, "no whole number"),
        ({"gift": ""}, "no gift 0"), ({"number": "'"}, "The form is broken"), ({"who": ""}, "Scan a card"),
    ):  # fmt: skip
        answer = cashier.post("/till/gifts/take/", body | wrong)
        assert answer.status_code in (404, 422)
        assert words in html.unescape(answer.content.decode()), words
    assert not Reward.objects.exists()


def test_a_gift_that_waits_is_handed_out_by_its_code_once(cashier: Client) -> None:
    anna = enrolled()
    give(anna, 250)
    mug = add_gift(GiftData("Mug", 100, 0), stock=3, by=None)
    first, second = (
        set_aside(anna, open_page(anna, by=None, at=timezone.now()), number=str(n), gift=mug.pk, points=100)
        for n in range(2)
    )
    assert "waits for him" in text_of(cashier.post("/till/", {"who": CARD}))
    assert first.code is not None
    page = text_of(cashier.post("/till/", {"who": first.code.lower()}))
    assert "Mug" in page
    assert "Anna" in page
    sent = {"code": hidden(page, "code"), "number": hidden(page, "number")}
    for _press in range(2):
        assert cashier.post("/till/gifts/hand-out/", sent).status_code == 302
    assert "handed out already" in text_of(cashier.post("/till/gifts/hand-out/", sent | {"number": "b-2"}), 422)
    assert "handed out already" in text_of(cashier.post("/till/", {"who": first.code}))
    second.refresh_from_db()
    assert (second.handed_at, members.points_of(anna).available) == (None, 50)
    tries = [
        cashier.post("/till/gifts/hand-out/", {"code": f"BCDFGHJK{n}", "number": "1"}).status_code
        for n in range(22, 52)
    ]
    assert (tries[0], tries[-1]) == (422, 429)


def test_a_sum_is_quoted_and_written_once_however_often_it_is_pressed(cashier: Client) -> None:
    anna = enrolled()
    page = text_of(cashier.post("/till/sell/", SUM))
    assert "To pay: ₽1,187.97" in page.replace("\xa0", "")
    assert not Sale.objects.exists(), "a quote writes nothing"
    more = {"number": hidden(page, "number"), "to_pay": hidden(page, "to_pay"), "paid": "yes"}
    for _press in range(2):
        done = cashier.post("/till/sell/", SUM | more, follow=True)
        assert "118 points earned" in text_of(done)
    sale = Sale.objects.get()
    assert (sale.customer, sale.price, sale.to_pay, sale.cashier) == (anna, 125_050, 118_797, "Cashier")
    assert sale.receipt.store.name == "Arbat"


def test_points_are_spent_no_further_than_there_are(cashier: Client) -> None:
    enrolled()
    paid(cashier)
    assert paid(cashier, sum="1000", points="100000").status_code == 302
    assert Sale.objects.order_by("-id")[0].points_spent == 118


def test_a_sum_that_the_browser_made_up_is_not_written(cashier: Client) -> None:
    enrolled()
    page = text_of(cashier.post("/till/sell/", SUM))
    wrong = SUM | {"number": hidden(page, "number"), "to_pay": "1", "paid": "yes"}
    assert "show the new sum" in text_of(cashier.post("/till/sell/", wrong), 422)
    assert not Sale.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"sum": "-5"}, "'-5' is no sum"),
        ({"sum": "0"}, "'0' is no sum"),
        ({"sum": "1,2505"}, "is no sum"),
        ({"sum": "1e5"}, "is no sum"),
        ({"sum": "٣"}, "is no sum"),
        ({"points": "-1"}, "'-1' is no whole number"),
        ({"store": " "}, "Choose the store"),
        ({"paid": "yes", "number": "<b>", "to_pay": "1"}, "begin anew"),
        ({"paid": "yes", "number": "1", "to_pay": "x"}, "no whole number"),
    ],
)
def test_what_cannot_be_sold_is_told(cashier: Client, wrong: dict[str, str], said: str) -> None:
    enrolled()
    assert said in text_of(cashier.post("/till/sell/", SUM | wrong), 422)
    assert not Sale.objects.exists()


def test_a_blocked_card_is_refused_with_its_reason_kept_from_the_till(cashier: Client) -> None:
    anna = enrolled()
    block(cards_of([anna.pk])[0].contact, reason="stolen by her brother", by=make_user("owner"))
    page = text_of(cashier.post("/till/", {"who": CARD}), 404)
    assert f"Card {CARD} is blocked." in page
    assert "brother" not in page
    assert f"Card {CARD} is blocked." in text_of(cashier.post("/till/sell/", SUM), 404)


@pytest.mark.parametrize("who", ["", "1000000999", "no such thing!", "+7 999 000-00-00", "x" * 300])
def test_nobody_is_found_by_nothing(cashier: Client, who: str) -> None:
    assert cashier.post("/till/", {"who": who}).status_code in {404, 422}


def test_a_photo_without_a_barcode_or_of_no_picture_is_told(cashier: Client) -> None:
    for content, said in ((b"none", "no picture"), (_white(), "No barcode can be read")):
        answer = cashier.post("/till/", {"photo": SimpleUploadedFile("a.png", content)})
        assert said in text_of(answer, 422)


def test_a_card_is_given_by_a_photo_and_what_was_typed_stays(cashier: Client) -> None:
    number = next(numbers_of(make_cards("Spring", count=1)))
    write_purpose("data", title="Personal data", text="We keep your name and phone.")
    told = {"name": "<b>Vera", "phone": "+79161234567", "birth_date": "1990-05-01"}
    shown = re.search(r'name="agrees" value="([^"]+)"', text_of(cashier.get("/till/member/")))
    assert shown is not None
    agrees = {"agrees": shown[1]}
    assert "checked" not in text_of(cashier.get("/till/member/", agrees)), "no link agrees for him"
    for photo in ({"photo": photo_of(number), "read": "photo"}, {"photo": photo_of(number)}):
        answer = cashier.post("/till/member/", told | agrees | photo)
        page = text_of(answer)
        assert all(f'value="{one}"' in page for one in (number, *told.values())), photo
        assert f'value="{shown[1]}" checked' in page
        assert b"<b>Vera" not in answer.content
    assert not Customer.objects.filter(name="<b>Vera").exists(), "it is only read"
    for photo, said in (
        ({"read": "photo"}, "Take a photo"),
        ({"photo": SimpleUploadedFile("a.png", _white())}, "No barcode"),
    ):
        page = text_of(cashier.post("/till/member/", told | photo), 422)
        assert said in page
        assert 'value="+79161234567"' in page
    assert "He takes part now" in text_of(cashier.post("/till/member/", told | agrees | {"card": number}))
    assert Consent.objects.get().is_given


def test_goods_are_named_by_a_photo_and_the_basket_stays(cashier: Client) -> None:
    enrolled()
    Product.objects.create(code="4600123456782", name="Honey", price=50_000)
    basket = {"who": CARD, "store": "Arbat", "sum": "10", "line": "p:tea", "quantity": "2", "price": "100"}
    page = text_of(cashier.post("/till/sell/", basket | {"photo": photo_of("4600123456782"), "read": "photo"}))
    assert re.findall(r'name="line" value="([^"]+)"', page) == ["p:tea", "p:4600123456782"]
    assert 'id="quote"' not in page
    assert 'value="500' in page
    for photo, said in (
        ({"read": "photo"}, "Take a photo"), ({"photo": SimpleUploadedFile("a.png", b"none")}, "no picture"),
        ({"photo": photo_of("2900000000070")}, "No goods are called '2900000000070'"),
    ):  # fmt: skip
        page = text_of(cashier.post("/till/sell/", basket | photo), 422)
        assert said in page
        assert re.findall(r'name="line" value="([^"]+)"', page) == ["p:tea"]
    assert not Sale.objects.exists()


def _white() -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.new("L", (200, 200), 255).save(out, "PNG")
    return out.getvalue()


def test_whoever_tries_cards_that_nobody_has_must_wait(cashier: Client) -> None:
    enrolled()
    tries = [cashier.post("/till/", {"who": f"10000{n:05d}"}).status_code for n in range(100, 115)]
    assert tries[:11] == [404] * 11
    assert tries[-1] == 429
    # the right one must wait too: else it would be known by its answer
    assert "wait half a minute" in text_of(cashier.post("/till/", {"who": CARD}), 429)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE api_bucket SET at = at - interval '1 minute'")
    assert cashier.post("/till/", {"who": CARD}).status_code == 200


def test_a_card_is_given_with_consents_to_the_text_that_was_shown(cashier: Client) -> None:
    text = write_purpose("data", title="Personal data", text="We keep your name and phone.")
    number = next(numbers_of(make_cards("Spring", count=1)))
    assert "We keep your name and phone." in text_of(cashier.get("/till/member/"))
    new = {"card": number, "name": "Vera", "phone": "8 916 123-45-67", "agrees": text.shown_as}
    assert "He takes part now." in text_of(cashier.post("/till/member/", new))
    vera = find(card=number)
    said = Consent.objects.get()
    assert (said.customer, said.text_version, said.is_given, said.recorded_by.role.slug) == (vera, 1, True, "cashier")


def test_a_text_that_changed_meanwhile_makes_nobody(cashier: Client) -> None:
    old = write_purpose("data", title="Personal data", text="Old.")
    write_purpose("data", title="Personal data", text="New.")
    answer = cashier.post("/till/member/", {"card": "1000000022", "name": "Vera", "agrees": old.shown_as})
    assert "has changed meanwhile" in text_of(answer, 422)
    assert not Customer.objects.exists()


def test_without_plastic_a_number_is_given_at_once(cashier: Client) -> None:
    page = text_of(cashier.post("/till/member/", {"name": "Vera", "phone": "8 916 123-45-67"}))
    number = Contact.objects.get(kind="card").value
    assert hidden(page, "who") == number
    assert find(card=number) == find(phone="+79161234567")


def test_give_the_card_pressed_twice_gives_one_card(cashier: Client) -> None:
    asked = {"name": "Vera", "phone": "8 916 123-45-67"}
    first, second = (hidden(text_of(cashier.post("/till/member/", asked)), "who") for _press in range(2))
    contact = Contact.objects.get(kind="card")
    assert (first, second) == (contact.value, asked["phone"]), "of whom only the phone is said spends no points"
    # a blocked one is a card too: else whoever stole it would be given the next one for the phone
    block(contact, reason="stolen", by=make_user("owner"))
    assert hidden(text_of(cashier.post("/till/member/", asked)), "who") == asked["phone"]
    assert Contact.objects.get(kind="card") == contact


@pytest.mark.parametrize(
    ("new", "status", "said"),
    [
        ({"name": "Vera"}, 422, "without both nobody can be found"),
        ({"card": CARD, "phone": "8 916 123-45-67"}, 404, "somebody else's"),
        ({"phone": "12"}, 422, "no telephone number"),
        ({"card": "2900000000009", "name": "Vera"}, 422, "check digit is wrong"),
    ],
)
def test_a_card_that_cannot_be_given_is_told_and_the_form_is_kept(
    cashier: Client, new: dict[str, str], status: int, said: str
) -> None:
    make_cards("Spring", count=1)
    enrolled()
    page = text_of(cashier.post("/till/member/", new), status)
    assert said in page
    assert all(f'value="{value}"' in page for value in new.values())
    assert Customer.objects.count() == 1


def test_the_camera_is_allowed_here_alone(cashier: Client) -> None:
    assert "camera=(self)" in cashier.get("/till/")["Permissions-Policy"]
    assert "camera=(self)" in cashier.get("/till/member/")["Permissions-Policy"]
    assert "camera=()" in cashier.get("/")["Permissions-Policy"]


def test_one_store_needs_no_choice_and_a_chosen_one_is_remembered(cashier: Client) -> None:
    enrolled()
    assert '<select id="store"' not in text_of(cashier.post("/till/", {"who": CARD}))
    Store.objects.create(name="Pokrovka")
    paid(cashier, store="Pokrovka")
    assert "<option selected>Pokrovka" in text_of(cashier.post("/till/", {"who": CARD}))


def test_an_order_of_the_site_is_paid_at_the_counter_with_its_points(cashier: Client) -> None:
    anna, until = enrolled(), timezone.now() + dt.timedelta(days=1)
    add_contact(anna, kind="phone", written="+7 916 123-45-67", by=None)
    give(anna, 100)
    for number, points in (("W-<1>", 60), ("W-2", 20)):
        set_points_aside(Aside("till:9", number, points, until, Shown(card=CARD)))
    page = text_of(cashier.post("/till/", {"who": "+7 916 123-45-67"}))
    assert "W-<1>: 60" in page and "W-2: 20" in page
    asked = {"who": "+7 916 123-45-67", "store": "Arbat", "sum": "100", "hold": "W-<1>"}
    assert "either how many points" in text_of(cashier.post("/till/sell/", asked | {"points": "5"}), 422)
    assert "No points are set aside" in text_of(cashier.post("/till/sell/", asked | {"hold": "W-9"}), 422)
    page = text_of(cashier.post("/till/sell/", asked))
    told = {name: hidden(page, name) for name in ("number", "to_pay", "hold")}
    assert told["hold"] == "W-<1>"
    for _press in range(2):
        assert cashier.post("/till/sell/", asked | told | {"paid": "yes"}).status_code == 302
    sale = Sale.objects.get()
    assert (sale.points_spent, members.points_of(anna).held) == (47, 20), "what the rules let them pay, half of it"
    assert "W-<1>" not in text_of(cashier.post("/till/", {"who": CARD}))
    assert "not set aside any more" in text_of(cashier.post("/till/sell/", asked), 422)
