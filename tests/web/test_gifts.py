"""The catalogue of gifts on its pages, and gifts on the card."""

import html
import re
from typing import Any

import pytest
from django.test import Client

from regulars.accounts.models import LogEntry
from regulars.customers.services.fields import add_field, set_own_fields
from regulars.loyalty import members
from regulars.loyalty.gifts import GiftData, add_gift
from regulars.loyalty.models import Gift, Reward
from tests.loyalty.selling_cases import open_shop, order, sell
from tests.loyalty.test_gifts import TIERS, rich
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db
FORM = {"name": "Mug", "points": "100", "cost": "250.50", "stock": "5", "product": "", "begins_on": "", "ends_on": "",
        "most_each": ""}  # fmt: skip


@pytest.fixture(autouse=True)
def shop() -> None:
    open_shop(tiers=TIERS)


def text_of(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status
    return html.unescape(answer.content.decode())


def test_an_owner_adds_a_gift_and_puts_more_to_the_stock() -> None:
    owner = logged_in(make_user("owner"))
    assert "There are no gifts yet" in text_of(owner, "/programme/gifts/")
    assert "Gold" in text_of(owner, "/programme/gifts/new/")
    done = owner.post("/programme/gifts/new/", FORM | {"tiers": ["gold"], "name": "<b>Mug</b>", "most_each": "2"})
    assert (done.status_code, done["Location"]) == (302, "/programme/gifts/")
    gift = Gift.objects.get()
    assert (gift.cost, gift.stock, gift.tiers, gift.most_each) == (25_050, 5, ["gold"], 2)
    page = owner.get("/programme/gifts/").content.decode()
    assert "<b>Mug" not in page
    assert all(one in html.unescape(page) for one in ("₽250", "Gold. At most 2 for one.", "<b>Mug</b>"))
    assert "there are 5" in text_of(owner, f"/programme/gifts/{gift.pk}/")
    assert owner.post(f"/programme/gifts/{gift.pk}/", FORM | {"stock": "-2"}).status_code == 302
    gift.refresh_from_db()
    assert (gift.stock, gift.name, gift.tiers) == (3, "Mug", [])
    log = LogEntry.objects.filter(event="gift_saved").order_by("pk")
    assert [one.details["gift"]["stock"] for one in log] == [[0, 5], [5, 3]]
    assert "Stock: 5 → 3" in text_of(owner, "/settings/log/")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": ""}, "required"),
        ({"points": "0"}, "greater than or equal to 1"),
        ({"points": "9" * 30}, "1 to 1000000000 points"),
        ({"points": "ten"}, "whole number"),
        ({"cost": "NaN"}, "Enter a number"),
        ({"cost": "-1"}, "greater than or equal to 0"),
        ({"cost": "9" * 30}, "less than or equal"),
        ({"stock": "-1"}, "The stock would be -1"),
        ({"stock": "9" * 30}, "The stock would be"),
        ({"most_each": "9" * 30}, "One member may take"),
        ({"product": "nothing\x01"}, "no goods with the code"),
        ({"tiers": ["platinum"]}, "platinum"),
        ({"begins_on": "2026-13-45"}, "valid date"),
        ({"begins_on": "0001-01-01"}, "too far away"),
        ({"name": "a\u2028b"}, "1 to 200 signs"),
    ],
)
def test_gifts_that_cannot_be_are_refused_beside_their_field(given: dict[str, Any], words: str) -> None:
    answer = logged_in(make_user("owner")).post("/programme/gifts/new/", FORM | given)
    assert answer.status_code == 422
    assert words in html.unescape(answer.content.decode())
    assert not Gift.objects.exists()


def number_of(page: str) -> str:
    found = re.search(r'name="number" value="(\w+)"', page)
    assert found is not None
    return found[1]


def test_on_the_card_a_gift_is_taken_once_handed_out_and_cancelled() -> None:
    anna, gift, manager = (
        rich(281),
        add_gift(GiftData("Tea", 100, 0, product="tea"), stock=5, by=None),
        make_user("manager"),
    )
    sell(order(("tea", 1, 10_000)))
    client, card = logged_in(manager), f"/customers/{anna.pk}/"
    page = text_of(client, card)
    assert "He bought it 1 time in a year." in page
    wish = {"number": number_of(page), "points": "100"}
    for _time in range(2):
        assert client.post(f"{card}gifts/{gift.pk}/take/", wish).status_code == 302
    reward = Reward.objects.get()
    assert (members.points_of(anna).available, reward.handed_by) == (190, "")
    page = text_of(client, card)
    assert "Taken: Tea." in page
    assert "waits for him" in page
    assert client.post(f"{card}rewards/{reward.pk}/hand-out/").status_code == 302
    assert "waits for him" not in text_of(client, card)
    reward.refresh_from_db()
    assert reward.handed_by == f"user:{manager.pk}"
    assert client.post(f"{card}rewards/{reward.pk}/cancel/").status_code == 302
    assert members.points_of(anna).available == 290
    timeline = text_of(client, f"{card}timeline/?only=reward")
    assert all(one in timeline for one in ("Tea", "Handed out", "Cancelled", "Manager"))


def test_a_refusal_stands_in_the_panel_and_changes_nothing() -> None:
    anna, vera = rich(), rich(card="1000000022")
    gift = add_gift(GiftData("Mug", 100, 0), stock=1, by=None)
    client, card = logged_in(make_user("owner")), f"/customers/{anna.pk}/"
    for wish, words in (
        ({"number": "a1b2c3d4", "points": "99"}, "costs 100 points by now, not 99"),
        ({"number": "short", "points": "100"}, "Open the card again"),
        ({"number": "a1b2c3d4", "points": "١٠٠"}, "Open the card again"),
        ({}, "Open the card again"),
    ):
        answer = client.post(f"{card}gifts/{gift.pk}/take/", wish)
        assert answer.status_code == 422
        assert words in html.unescape(answer.content.decode())
    assert client.post(f"{card}gifts/{10**30}/take/", {"number": "a1b2c3d4", "points": "1"}).status_code == 422
    client.post(f"{card}gifts/{gift.pk}/take/", {"number": "a1b2c3d4", "points": "100"})
    reward = Reward.objects.get()
    other = f"/customers/{vera.pk}/rewards/{reward.pk}/"
    assert [client.post(f"{other}{what}/").status_code for what in ("hand-out", "cancel")] == [404, 404]
    assert (members.points_of(anna).available, members.points_of(vera).available) == (150, 250)


def test_who_may_not_see_purchases_learns_no_tastes() -> None:
    anna = rich()
    add_gift(GiftData("Tea", 100, 0, product="tea"), stock=5, by=None)
    sell(order(("tea", 1, 10_000)))
    page = text_of(logged_in(make_user("cashier")), f"/customers/{anna.pk}/")
    assert "Take Tea" in page
    assert "He bought" not in page
    analyst = text_of(logged_in(make_user("analyst")), f"/customers/{anna.pk}/")
    assert "He bought it" in analyst
    assert "Take Tea" not in analyst


def test_what_a_member_answered_is_a_reason_on_his_card_and_at_the_till() -> None:
    anna = rich()
    loves = add_field(title="What do you love?", type="choices", choices=["drinks"])
    set_own_fields(anna, {loves.slug: ["drinks"]}, by=None)
    add_gift(GiftData("Tea", 100, 0, product="tea"), stock=5, by=None)
    said = "He said: What do you love? — drinks."
    assert said in text_of(logged_in(make_user("analyst")), f"/customers/{anna.pk}/")
    cashier = logged_in(make_user("cashier"))
    assert said not in text_of(cashier, f"/customers/{anna.pk}/")
    assert said in html.unescape(cashier.post("/till/", {"who": "1000000017"}).content.decode())


def test_a_long_catalogue_is_shown_in_pages() -> None:
    Gift.objects.bulk_create(Gift(name=f"Mug {number:03}", points=9, cost=0, stock=1) for number in range(120))
    marketer = logged_in(make_user("marketer"))
    seen: list[str] = []
    for start in ("", "?from=50", "?from=100"):
        seen += re.findall(r"Mug \d{3}", marketer.get(f"/programme/gifts/{start}").content.decode())
    assert seen == [f"Mug {number:03}" for number in range(120)]
    assert marketer.get("/programme/gifts/?from=999")["Location"] == "/programme/gifts/"
    assert marketer.get("/programme/gifts/?from=-1' OR").status_code == 200
