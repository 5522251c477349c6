"""The customer's own page: what he sees of himself, and what nobody else gets out of a link."""

import base64
import datetime as dt
import json
import logging
import re
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from regulars.accounts.models import LogEntry
from regulars.api.models import Scope
from regulars.api.services import make_key
from regulars.core.i18n import use_language
from regulars.customers.models import Consent, Customer
from regulars.customers.names import half_name
from regulars.customers.selectors.consents import has_agreed
from regulars.customers.services.consents import record_consent, write_purpose
from regulars.customers.services.contacts import add_contact
from regulars.customers.services.erasing import ask_erasure, erase
from regulars.customers.services.fields import add_field, set_own_fields
from regulars.customers.services.merging import merge, unmerge
from regulars.loyalty import page_links
from regulars.loyalty.cards import replace
from regulars.loyalty.gifts import GiftData, add_gift
from regulars.loyalty.ledger import Document, Kind, grant, hold, write
from regulars.loyalty.members import points_of, points_unit
from regulars.loyalty.models import CustomerPage, Gift, Partner, Reward
from regulars.loyalty.notice import begun_lately, changes
from regulars.loyalty.page_links import TooManyTries, link_to, make_code, open_page, page_behind, prove, revoke_links
from regulars.loyalty.programme.holdout import place
from regulars.loyalty.programme.rules import as_json, parse
from regulars.loyalty.programme.words import Words
from regulars.loyalty.programmes import publish
from regulars.purchases.models import Receipt
from regulars.web.log_masking import WithoutSecrets
from tests.loyalty.at_once import together
from tests.loyalty.coalition_cases import partner
from tests.loyalty.selling_cases import CARD, RULES, enrolled, open_shop, order, publish_in_the_past, sell
from tests.loyalty.test_gifts import give
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db
TIERS = {
    "levels": [{"id": "silver", "title": "Silver", "from": 5_000}, {"id": "gold", "title": "Gold", "from": 90_000}]
}
CUPS = {"id": "cups", "title": "Sixth cup", "gives": {"kind": "nth_free", "n": 6, "counter": "cups"},
        "on": {"products": ["cup"]}}  # fmt: skip
HIDDEN = [
    {"id": "secret", "gives": {"kind": "percent_off", "percent": 9}, "when": {"is": "segment", "any_of": ["leaving"]}},
    {"id": "code", "gives": {"kind": "percent_off", "percent": 8}, "when": {"is": "promo_code", "any_of": ["SPRING"]}},
]


@pytest.fixture(autouse=True)
def counted(db: None) -> Any:
    call_command("createcachetable", verbosity=0)
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def anna() -> Customer:
    open_shop(tiers=TIERS, rules=[*RULES["rules"], CUPS, *HIDDEN])
    anna = enrolled()
    Customer.objects.filter(pk=anna.pk).update(given_name="Anna", family_name="Karenina", language="en")
    add_contact(anna, kind="phone", written="8 916 123-45-67", by=None)
    write_purpose("news", title="News", text="I want to hear of news.")
    return anna


def link(customer: Customer, **more: Any) -> str:
    now = timezone.now()
    return f"/c/{link_to(open_page(customer, by=None, at=now), at=more.get('at', now)).token}/"


def opened(customer: Customer) -> Client:
    """A browser in which somebody pressed the button."""
    client = Client()
    assert client.post(link(customer))["Location"] == "/my/"
    return client


def proven(customer: Customer) -> Client:
    client = opened(customer)
    assert client.post("/my/prove/", {"proof": "1000 000 017"}).status_code == 302
    return client


def text(client: Client, address: str = "/my/") -> str:
    found = re.sub(r"<[^>]+>", " ", client.get(address).content.decode())
    return " ".join(found.replace("\xa0", " ").split())


# --- what he sees ---


def test_one_press_shows_points_stamps_tier_rules_and_what_happened(anna: Customer) -> None:
    sell(order(("cup", 4, 40_000)))
    said = text(opened(anna))
    for words in (
        "Anna K.", "••• 67", "38 points They pay ₽38.00 of a purchase.", "Expire on", "Sixth cup 4 of 6",
        "1 more, and the next one is free.", "Gold ₽380 / ₽900", "₽520 more of purchases of the last 365 days.",
        "Your tier Silver", "Arbat ₽380", "38 points came", "4 stamps: cups", "5% off for members.",
    ):  # fmt: skip
        assert words in said, (words, said)


def test_points_that_come_later_and_points_that_go_stand_with_their_days(anna: Customer) -> None:
    now = timezone.now()
    days = [now + dt.timedelta(days=number) for number in range(1, 12)]
    moves = [grant(anna.pk, 10, available_at=day, expires_at=day + dt.timedelta(days=40)) for day in days]
    written = Document(points_unit(), Kind.GIFT, "desk", "1", "user:1", tuple(moves))
    write([written], at=now)
    said = text(opened(anna))
    assert "0 points" in said
    # the nearest five of each
    assert said.count(", 2026 10 points") + said.count(", 2027 10 points") == 10
    assert "Points as a gift" in said
    assert "110 points came" in said


def test_points_set_aside_for_an_order_stand_apart_here_on_the_card_and_in_the_ledger(anna: Customer) -> None:
    give(anna, 100)
    now = timezone.now()
    hold(anna.pk, points_unit(), 30, key="till:1\x1fW-1", at=now, until=now + dt.timedelta(hours=1))
    said = text(opened(anna))
    assert "70 points They pay ₽70.00 of a purchase." in said
    assert "30 points more are set aside for orders of yours that are not paid yet." in said
    staff = logged_in(make_user("owner"))
    assert "70 and 30 set aside" in text(staff, f"/customers/{anna.pk}/")
    assert "Can be spent 70 Held 30" in text(staff, f"/customers/{anna.pk}/points/ledger/")


def test_the_page_leads_to_partners_once_there_are_some(anna: Customer) -> None:
    page = opened(anna)
    assert "/partners/" not in page.get("/my/").content.decode()
    books = partner("books", "till:9", name="Books")
    Partner.objects.filter(pk=books.pk).update(is_listed=False)
    assert "/partners/" not in page.get("/my/").content.decode(), "one that is not shown is no reason to look"
    Partner.objects.filter(pk=books.pk).update(is_listed=True)
    assert 'href="/partners/"' in page.get("/my/").content.decode()
    assert "Books" in text(page, "/partners/")


def test_what_the_shop_keeps_to_itself_is_not_told(anna: Customer) -> None:
    said = text(proven(anna))
    for words in ("leaving", "SPRING", "margin", "9%", "8%"):
        assert words not in said, words


def test_a_change_of_the_rules_is_announced_with_what_begins_and_what_ends(anna: Customer) -> None:
    now = timezone.now()
    following = RULES | {"rules": [{"id": "five", "gives": {"kind": "percent_off", "percent": 7}}]}
    publish(following, by=None, valid_from=now + dt.timedelta(days=30), note="More for you")
    said = text(opened(anna))
    assert "The rules change on" in said
    begins, ends = said.index("What begins:"), said.index("What ends:")
    assert said.index("More for you") < begins < said.index("7% off for members.") < ends
    assert "5% off for members." in said[ends:]


def test_a_change_that_began_is_told_for_a_month(anna: Customer) -> None:
    assert "The rules changed on" not in text(opened(anna)), "of the first version nothing is told"
    less = [{"id": "five", "gives": {"kind": "percent_off", "percent": 7}}, *HIDDEN]
    version = publish_in_the_past(RULES | {"rules": less, "tiers": TIERS}, dt.timedelta(days=29, hours=23))
    publish_in_the_past(RULES | {"rules": [*less, HIDDEN[0] | {"id": "other"}], "tiers": TIERS}, dt.timedelta(days=3))
    said = text(opened(anna))
    assert said.count("The rules changed on") == 1, "what is not his changes nothing for him"
    changed, ended = said.index("The rules changed on"), said.index("What ended:")
    assert changed < said.index("What began:") < said.index("7% off for members.", changed) < ended
    assert "5% off for members." in said[ended:]
    assert "1 point for each" in said[ended:]
    later = timezone.now() + dt.timedelta(hours=2)
    assert begun_lately(later)[-1][0] != version


def test_a_member_hears_of_changes_in_his_language(anna: Customer) -> None:
    Customer.objects.filter(pk=anna.pk).update(language="ru")
    publish_in_the_past(RULES | {"rules": RULES["rules"][1:], "tiers": TIERS}, dt.timedelta(days=1))
    said = text(opened(anna))
    assert "Правила изменились" in said
    assert "Что закончилось:" in said


def test_changes_are_sentences_that_came_and_went() -> None:
    assert changes(["a", "b"], ["b", "c"]) == (["c"], ["a"])


def test_a_page_of_ten_thousand_receipts_costs_what_a_page_of_ten_does(anna: Customer) -> None:
    client = proven(anna)
    sell(order(("cup", 1, 10_000)))
    with CaptureQueriesContext(connection) as few:
        client.get("/my/")
    now = timezone.now()
    Receipt.objects.bulk_create(
        Receipt(customer=anna, purchased_at=now - dt.timedelta(minutes=number), amount=100, key=number.to_bytes(32))
        for number in range(1, 10_001)
    )
    with CaptureQueriesContext(connection) as many:
        page = client.get("/my/").content.decode()
    assert len(many) == len(few) <= 28
    assert page.count("<small>") == 10
    assert client.get("/my/?all=1").content.decode().count("<small>") == 200
    assert len(page) < 40_000


def test_gifts_that_he_can_have_what_suits_him_and_what_is_nearest(anna: Customer) -> None:
    give(anna, 250)
    sell(order(("cup", 1, 1_000)))
    for name, product, cost in (
        ("Mug", "", 100),
        ("Big mug", "", 200),
        ("Raf", "cup", 150),
        ("Pot", "", 371),
        ("Car", "", 9_999),
    ):
        add_gift(GiftData(name, cost, 0, product=product), stock=1, by=None)
    add_gift(GiftData("Not for you", 1, 0, tiers=("gold",)), stock=1, by=None)
    said = text(opened(anna))
    assert (
        "Gifts for points You can have them now. Raf 150 points You bought it 1 time in a year. Big mug 200 points "
        "Mug 100 points Ask for them at the till. To set one aside here, show your card first. "
        "Pot 251 / 371 120 points more."
    ) in said
    assert "Car" not in said
    assert "Not for you" not in said
    client = opened(anna)
    client.post("/my/language/", {"language": "ru"})
    assert "Ещё 120 баллов." in text(client)


def test_what_he_answered_is_told_to_himself_alone(anna: Customer) -> None:
    give(anna, 250)
    loves = add_field(title="What do you <b>love</b>?", type="choice", choices=["CUPS"])
    set_own_fields(anna, {loves.slug: "CUPS"}, by=None)
    add_gift(GiftData("Raf", 150, 0, product="cup"), stock=1, by=None)
    add_gift(GiftData("Mug", 200, 0), stock=1, by=None)
    assert "Raf 150 points Mug 200 points" in text(opened(anna)), "it suits him, but a link may be forwarded"
    client = proven(anna)
    assert "You said: What do you &lt;b&gt;love&lt;/b&gt;? — CUPS." in text(client)
    client.post("/my/language/", {"language": "ru"})
    assert "Вы ответили: What do you" in text(client)


def form_of(client: Client, name: str) -> dict[str, str]:
    """What the button of this gift sends."""
    page = client.get("/my/").content.decode()
    form = next(one for one in re.findall(r"<form.*?</form>", page, re.S) if name in one)
    return dict(re.findall(r'name="(number|gift|points|reward)" value="([^"]*)"', form))


def test_a_gift_is_set_aside_shown_at_the_till_and_let_go(anna: Customer) -> None:
    give(anna, 250)
    gift = add_gift(GiftData("Mug", 100, 0), stock=3, by=None)
    client = proven(anna)
    sent = form_of(client, "Set aside: Mug")
    for _time in range(2):
        assert client.post("/my/gifts/set-aside/", sent)["Location"] == "/my/?saved=1#gifts"
    reward = Reward.objects.get()
    said = text(client)
    assert f"Mug waits for you {reward.code} Show it at the till. Fetch it by " in said
    assert (reward.till, points_of(anna).available) == (f"page:{CustomerPage.objects.get().pk}", 150)
    other = opened(anna)
    assert reward.code not in other.get("/my/").content.decode(), "a link that was forwarded fetches nothing"
    assert "Mug waits for you Fetch it by" in text(other)
    back = form_of(client, "Let go: Mug")
    assert client.post("/my/gifts/let-go/", back).status_code == 302
    assert (points_of(anna).available, Gift.objects.get(pk=gift.pk).stock) == (250, 3)


def test_only_he_himself_spends_his_points_from_home(anna: Customer) -> None:
    give(anna, 250)
    gift = add_gift(GiftData("Mug", 100, 0), stock=3, by=None)
    vera = enrolled("1000000024", name="Vera")
    body = {"number": "0" * 16, "gift": gift.pk, "points": 100}
    assert Client().post("/my/gifts/set-aside/", body)["Location"] == "/my/"
    answer = opened(anna).post("/my/gifts/set-aside/", body)
    assert (answer.status_code, Reward.objects.count()) == (403, 0)
    client = proven(anna)
    for wrong in (
        {"points": 99}, {"gift": 999}, {"gift": "1;--"}, {"number": "x"}, {"points": "9" * 40}, {"gift": ""},
        {"points": "²"},
    ):  # fmt: skip
        assert client.post("/my/gifts/set-aside/", body | wrong).status_code == 422, wrong
    assert client.post("/my/gifts/set-aside/", body).status_code == 302
    reward = Reward.objects.get()
    hers = Client()
    hers.post(link(vera))
    hers.post("/my/prove/", {"proof": "1000000024"})
    assert hers.post("/my/gifts/let-go/", {"reward": reward.pk}).status_code == 422
    assert opened(anna).post("/my/gifts/let-go/", {"reward": reward.pk}).status_code == 403
    assert client.get("/my/gifts/let-go/").status_code == 405
    assert points_of(anna).available == 150


def test_a_catalogue_of_hundreds_is_shown_in_parts_and_costs_no_statement_more(anna: Customer) -> None:
    give(anna, 1_000)
    client = opened(anna)
    add_gift(GiftData("Mug", 1, 0), stock=1, by=None)
    with CaptureQueriesContext(connection) as few:
        client.get("/my/")
    Gift.objects.bulk_create(Gift(name=f"Mug {number}", points=9, cost=0, stock=1) for number in range(300))
    with CaptureQueriesContext(connection) as many:
        page = client.get("/my/").content.decode()
    assert len(many) == len(few) <= 38
    assert (page.count("9 points"), "?all=1#gifts" in page) == (5, True)
    page = client.get("/my/?all=1").content.decode()
    assert (page.count("9 points"), "There are more: ask at the till." in page) == (100, True)


def test_who_is_no_member_sees_his_purchases_and_consents(anna: Customer) -> None:
    other = Customer.objects.create(name="Petr")
    said = text(opened(other))
    assert "Petr" in said
    assert "Nothing yet." in said
    assert "News" in said


def test_it_speaks_his_language_then_the_shops_until_he_chooses(anna: Customer) -> None:
    address = link(anna)
    Customer.objects.filter(pk=anna.pk).update(language="ru")
    assert 'lang="ru"' in Client().get(address).content.decode()
    Customer.objects.filter(pk=anna.pk).update(language="")
    client = Client()
    assert 'lang="en"' in client.get(address, headers={"Accept-Language": "ru"}).content.decode()
    client.post(address, {"language": "ru"})
    answer = client.get("/my/")
    assert answer["Content-Language"] == "ru"
    client.post("/my/language/", {"language": "en"})
    assert client.get("/my/")["Content-Language"] == "en"
    client.post("/my/language/", {"language": "xx"})
    assert client.get("/my/")["Content-Language"] == "en"


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ({"given_name": "Anna", "family_name": "Karenina"}, "Anna K."),
        ({"given_name": "Member 4567"}, "Member"),  # as a till calls somebody by the end of his phone
        ({"name": "Karenina Anna"}, "Karenina A."),
        ({"name": "Bean & Co", "kind": "company"}, "Bean & Co"),
        ({}, ""),
    ],
)
def test_half_of_a_name_is_shown(names: dict[str, str], shown: str) -> None:
    assert half_name(Customer(**names)) == shown


# --- what he does ---


def test_the_card_is_shown_after_its_number_and_the_device_remembers(anna: Customer) -> None:
    client = opened(anna)
    assert CARD not in client.get("/my/").content.decode()
    assert client.post("/my/prove/", {"proof": "1000000018"}).status_code == 422
    assert client.post("/my/prove/", {"proof": "1000 000 017"}).status_code == 302
    assert f'aria-label="{CARD}"' in client.get("/my/").content.decode()
    client.post(link(anna))
    assert CARD in client.get("/my/").content.decode(), "a link that is opened again takes nothing back"
    client.post("/my/close/")
    assert CARD not in client.get("/my/").content.decode()


def test_consent_is_withdrawn_by_the_link_and_given_by_him_alone(anna: Customer) -> None:
    record_consent(anna, purpose="news", channel="email", is_given=True, source="till", by=None)
    client = opened(anna)
    wish = {"text": "news/1", "channel": "email"}
    assert client.post("/my/consents/", wish | {"given": "no"}).status_code == 302
    assert not has_agreed(anna, "news", "email")
    assert client.post("/my/consents/", wish | {"given": "yes"}).status_code == 403
    assert not has_agreed(anna, "news", "email")
    client = proven(anna)
    assert client.post("/my/consents/", wish | {"given": "yes"}).status_code == 302
    said = Consent.objects.latest("id")
    assert (said.is_given, said.text_version, said.source, said.recorded_by) == (True, 1, "his own page", None)
    assert said.proof == {"page": CustomerPage.objects.get().pk, "proven": True}


def test_pressing_again_and_again_fills_no_ledger(anna: Customer) -> None:
    client = opened(anna)
    for channel in ("email", "email", "any", "email"):
        client.post("/my/consents/", {"text": "news/1", "channel": channel, "given": "no"})
    assert Consent.objects.count() == 1


def test_consent_to_a_text_that_changed_is_refused(anna: Customer) -> None:
    client = proven(anna)
    write_purpose("news", title="News", text="And of gifts.")
    for wish in (
        {"text": "news/1", "channel": "email", "given": "yes"}, {"text": "x/1", "channel": "email", "given": "no"},
        {"text": "news/2", "channel": "pigeon", "given": "yes"}, {"given": "no"},
    ):  # fmt: skip
        assert client.post("/my/consents/", wish).status_code == 422, wish
    assert not Consent.objects.exists()


def test_a_code_opens_the_page_once(anna: Customer) -> None:
    owner, now = make_user("owner"), timezone.now()
    former = make_code(anna, by=owner, at=now)
    code = make_code(anna, by=owner, at=now)
    client = Client()
    assert client.post("/my/code/", {"code": former}).status_code == 422, "a new one makes the former void"
    assert client.post("/my/code/", {"code": f" {code[:5].lower()} {code[5:]}"})["Location"] == "/my/"
    assert CARD in client.get("/my/").content.decode(), "who holds the code was recognised by the shop"
    assert Client().post("/my/code/", {"code": code}).status_code == 422
    assert code not in str(list(CustomerPage.objects.values()) + list(LogEntry.objects.values()))
    late = make_code(anna, by=owner, at=now - dt.timedelta(hours=25))
    assert Client().post("/my/code/", {"code": late}).status_code == 422


# --- attacks ---


def test_a_tampered_link_is_void(anna: Customer) -> None:
    address = link(anna)
    name, ends, signature = address[3:-1].split("-")
    later = f"{int(ends, 16) + 365:05x}"
    for token in (
        f"{name}-{later}-{signature}", f"{name}-{ends}-{'0' * 32}", f"{'0' * 16}-{ends}-{signature}",
        f"{name}-{ends}", f"{name}-{ends}-{signature}0", f"{name.upper()}-{ends}-{signature}",
        f"{name}-00000-{signature}", f"{name}-fffff-{signature}", "x" * 5_000, "٠" * 16 + "-00000-" + "0" * 32,
    ):  # fmt: skip
        assert Client().get(f"/c/{token}/").status_code == 410, token
        assert Client().post(f"/c/{token}/").cookies == {}, token
    assert Client().get(address).status_code == 200


def test_an_expired_link_is_void(anna: Customer) -> None:
    then = timezone.now() - dt.timedelta(days=page_links.LINK_DAYS)
    assert Client().get(link(anna, at=then)).status_code == 200, "its last day"
    assert Client().get(link(anna, at=then - dt.timedelta(days=1))).status_code == 410


def test_a_revoked_link_is_void_and_the_devices_forget(anna: Customer) -> None:
    address, seen, known = link(anna), opened(anna), proven(anna)
    revoke_links(anna, by=make_user("owner"))
    assert Client().get(address).status_code == 410
    for client in (seen, known):
        assert "Anna" not in client.get("/my/").content.decode()
        assert client.post("/my/consents/", {"text": "news/1", "channel": "email", "given": "yes"}).status_code == 302
    assert not Consent.objects.exists()
    assert Client().get(link(anna)).status_code == 200


def test_unknown_expired_and_revoked_links_are_answered_alike(anna: Customer) -> None:
    revoked, expired = link(anna), link(anna, at=timezone.now() - dt.timedelta(days=200))
    revoke_links(anna, by=make_user("owner"))
    unknown = f"/c/{'0' * 16}-b4f00-{'0' * 32}/"
    answers = {Client().get(one).content for one in (revoked, expired, unknown)}
    assert len(answers) == 1


def everything() -> list[Any]:
    """All rows of all tables but counts of misses."""
    with connection.cursor() as cursor:
        tables = [name for name in connection.introspection.table_names() if name != "django_cache"]
        found = []
        for name in sorted(tables):
            cursor.execute(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM \"{name}\" t")
            found.append(cursor.fetchone())
        return found


def test_a_bot_that_opens_the_link_changes_nothing_and_learns_nothing(anna: Customer) -> None:
    sell(order(("cup", 1, 10_000)))
    address = link(anna)
    before, bot = everything(), Client()
    for answer in (bot.get(address), bot.head(address)):
        assert answer.status_code == 200
        assert answer.cookies == {}
    page = bot.get(address).content.decode()
    for secret in ("Anna", "Karenina", "67", CARD, "Silver", "Arbat", "₽"):
        assert secret not in page, secret
    assert "Anna" not in bot.get("/my/").content.decode()
    assert everything() == before


def test_guessing_the_card_behind_a_link_is_bounded_whoever_guesses(anna: Customer) -> None:
    clients = [opened(anna) for _number in range(3)]
    answers = [clients[n % 3].post("/my/prove/", {"proof": f"10000000{n:02}"}).status_code for n in range(20, 28)]
    assert answers == [422] * 5 + [429] * 3
    assert clients[0].post("/my/prove/", {"proof": CARD}).status_code == 429, "the right one waits too"
    page, now = CustomerPage.objects.get(), timezone.now()
    assert not prove(page, "1000000099", at=now + dt.timedelta(hours=1, minutes=1))
    with pytest.raises(TooManyTries):
        prove(page, CARD, at=now + dt.timedelta(hours=1, minutes=2))
    assert prove(page, CARD, at=now + dt.timedelta(hours=3))


@pytest.mark.django_db(transaction=True)
def test_many_guesses_at_one_moment_are_as_bounded(anna: Customer) -> None:
    page, now = open_page(anna, by=None, at=timezone.now()), timezone.now()

    def guess(number: int) -> str:
        try:
            return str(prove(page, f"20000000{number:02}", at=now))
        except TooManyTries:
            return "later"

    assert sorted(together(12, guess)) == ["False"] * 5 + ["later"] * 7


def test_guessing_links_and_codes_is_counted_by_address(anna: Customer) -> None:
    tries = [Client().get(f"/c/{number:016x}-b4f00-{'0' * 32}/").status_code for number in range(35)]
    assert (tries[0], tries[-1]) == (410, 429)
    assert Client().get(link(anna)).status_code == 200, "a link that opens is not refused for that"
    tries = [Client().post("/my/code/", {"code": f"BCDFGHJK{number:02}"}).status_code for number in range(35)]
    assert (tries[0], tries[-1]) == (422, 429)


def test_a_link_and_a_cookie_open_one_customers_page_alone(anna: Customer) -> None:
    vera = enrolled("1000000024", name="Vera")
    client = opened(vera)
    assert "Anna" not in text(client)
    assert client.post("/my/prove/", {"proof": CARD}).status_code == 422, "another customer's card proves nothing"
    code = make_code(anna, by=make_user("owner"), at=timezone.now())
    assert client.post("/my/prove/", {"proof": code}).status_code == 422, "and his code"
    assert Client().post("/my/code/", {"code": code}).status_code == 302, "which is not used up by that"
    hers, his = client.cookies["own_page"].value, proven(anna).cookies["own_page"].value
    forged = Client()
    forged.cookies["own_page"] = his.split(":")[0] + ":" + hers.split(":", 1)[1]
    assert "Anna" not in text(forged)


def test_a_cookie_of_a_link_ends_soon_and_says_nothing(anna: Customer) -> None:
    cookie = opened(anna).cookies["own_page"]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 3600)
    told = base64.urlsafe_b64decode(cookie.value.split(":")[0] + "==")
    assert json.loads(told) == [CustomerPage.objects.get().name, 1]
    assert proven(anna).cookies["own_page"]["max-age"] == 180 * 24 * 3600


def test_no_cache_no_search_engine_and_no_referrer(anna: Customer) -> None:
    address, client = link(anna), proven(anna)
    answers = [client.get(address), client.post(address), Client().get("/c/none/"), client.get("/my/")]
    for answer in answers:
        assert {"no-store", "private"} <= set(re.split(r",\s*", answer["Cache-Control"]))
        assert answer["X-Robots-Tag"] == "noindex, nofollow, noarchive"
        assert answer["X-Frame-Options"] == "DENY"
        assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert {one["Referrer-Policy"] for one in answers[:3]} == {"no-referrer"}
    assert answers[3]["Referrer-Policy"] == "same-origin", "the address has no secret, and forms need to say it"
    page = client.get("/my/").content.decode()
    assert "<script" not in page
    assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', page)
    assert address.split("-")[2] not in page


def test_forms_of_other_sites_change_nothing(anna: Customer) -> None:
    client = Client(enforce_csrf_checks=True)
    client.post(link(anna))
    for name in ("prove", "consents", "language", "close", "code", "gifts/set-aside", "gifts/let-go"):
        assert client.post(f"/my/{name}/", {"given": "no"}).status_code == 403, name


def test_tokens_do_not_reach_the_log(anna: Customer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.addFilter(WithoutSecrets())
    address = link(anna)
    with caplog.at_level(logging.DEBUG):
        assert Client().put(address).status_code == 405
        revoke_links(anna, by=make_user("owner"))
        assert Client().get(address).status_code == 410
    told = "\n".join(one.getMessage() for one in caplog.records)
    assert "/c/•••/" in told
    assert address.split("-")[2] not in told


def test_erasure_takes_the_page_along(anna: Customer) -> None:
    owner, address, client = make_user("owner"), link(anna), proven(anna)
    erase(ask_erasure(anna, asked_on=timezone.now().date(), due_on=None, asked_by="letter", by=owner), by=owner)
    assert not CustomerPage.objects.exists()
    assert Client().get(address).status_code == 410
    assert "Anna" not in client.get("/my/").content.decode()


def test_after_a_merge_the_link_leads_to_the_one_who_was_kept_and_back(anna: Customer) -> None:
    owner = make_user("owner")
    part = Customer.objects.create(name="Anne", given_name="Anne")
    address = link(part)
    made = merge(anna, part, by=owner, reasons=[])
    client = Client()
    client.post(address)
    assert "Anna K." in text(client)
    revoke_links(anna, by=owner)
    assert Client().get(address).status_code == 410
    address = link(part)
    unmerge(made, by=owner)
    client.post(address)
    assert "Anna" not in text(client)


def test_who_was_merged_proves_himself_by_any_code_of_the_family(anna: Customer) -> None:
    owner, part, other = make_user("owner"), Customer.objects.create(name="Anne"), enrolled("1000000018", "Boris")
    old, own_code = link(part), make_code(part, by=owner, at=timezone.now())
    merge(anna, part, by=owner, reasons=[])
    for address, code in (
        (old, make_code(anna, by=owner, at=timezone.now())), (link(anna), own_code), (old, CARD),
    ):  # fmt: skip
        client = Client()
        client.post(address)
        alien = make_code(other, by=owner, at=timezone.now())
        assert client.post("/my/prove/", {"proof": alien}).status_code == 422, "another person's code"
        assert client.post("/my/prove/", {"proof": code}).status_code == 302
        assert "1000000017" in text(client)
    # used once, on whichever page
    assert client.post("/my/prove/", {"proof": own_code}).status_code == 422


# --- where staff and programs get it ---


def test_staff_shows_the_link_reads_out_a_code_and_revokes(anna: Customer) -> None:
    site = logged_in(make_user("owner"))
    address = f"/customers/{anna.pk}/page/"
    assert "/c/" not in site.get(address).content.decode()
    site.post(address, {"do": "make"})
    page = site.get(address).content.decode()
    token = re.search(r"http://testserver(/c/[0-9a-f-]+/)", page)
    assert token
    assert 'class="barcode"' in page
    assert Client().get(token[1]).status_code == 200
    code = re.search(r'class="code">(\w{5}) (\w{5})<', site.post(address, {"do": "code"}).content.decode())
    assert code
    assert Client().post("/my/code/", {"code": "".join(code.groups())}).status_code == 302
    site.post(address, {"do": "revoke"})
    assert Client().get(token[1]).status_code == 410
    events = LogEntry.objects.filter(event__startswith="page_").order_by("id").values_list("event", "about")
    assert list(events) == [(name, f"#{anna.pk}") for name in ("page_made", "page_code_made", "page_links_revoked")]


def test_who_may_not_see_purchases_gets_no_link(anna: Customer) -> None:
    user = make_user("manager")
    user.role.rights = ["customers.see", "customers.edit", "contacts.see"]
    user.role.save()
    assert logged_in(user).get(f"/customers/{anna.pk}/page/").status_code == 403


def test_a_program_makes_links_with_a_scope_of_its_own(anna: Customer) -> None:
    address = f"/api/v1/customers/{anna.pk}/page-link"
    headers = {"Authorization": f"Bearer {make_key(name='Mailing', scopes=[Scope.PAGE_LINKS], by=None)}"}
    found = Client().post(address, headers=headers)
    assert found.status_code == 200
    path = found.json()["url"].removeprefix("http://testserver")
    assert Client().get(path).status_code == 200
    assert Client().post(address, headers=headers).json() == found.json()
    other = {"Authorization": f"Bearer {make_key(name='Shop', scopes=[Scope.READ_CUSTOMERS], by=None)}"}
    assert Client().post(address, headers=other).status_code == 403
    assert Client().post("/api/v1/customers/999999/page-link", headers=headers).status_code == 404
    token = path[3:-1]
    assert page_behind(token, at=timezone.now()) == CustomerPage.objects.get()


def test_rules_for_members_are_told_in_both_languages() -> None:
    rules = parse(as_json(parse(RULES | {"rules": [*RULES["rules"], *HIDDEN]})))
    with use_language("ru"):
        russian = Words(rules).for_members()
    assert len(russian) == len(Words(rules).for_members())
    assert not any("SPRING" in one or "leaving" in one for one in russian)


def test_a_card_that_is_blocked_proves_nothing_and_is_not_shown(anna: Customer) -> None:
    lost = anna.contacts.get(kind="card")
    replace(lost, "", by=make_user("owner"))
    client = opened(anna)
    assert client.post("/my/prove/", {"proof": CARD}).status_code == 422
    new = anna.contacts.filter(kind="card").exclude(pk=lost.pk).get()
    assert client.post("/my/prove/", {"proof": new.value}).status_code == 302
    page = client.get("/my/").content.decode()
    assert new.value in page
    assert CARD not in page


def test_of_a_rule_that_leaves_him_out_he_is_told_nothing(anna: Customer) -> None:
    tea = {"title": "Tea", "gives": {"kind": "percent_off", "percent": 11}, "holdout": 50}
    ids = {place(f"r{n}", str(anna.pk)) < 50_00: f"r{n}" for n in range(40)}
    rules = [CUPS, tea | {"id": ids[True]}, tea | {"id": ids[False], "gives": {"kind": "percent_off", "percent": 7}}]
    publish_in_the_past(RULES | {"rules": rules}, dt.timedelta(seconds=1))
    page = text(opened(anna))
    assert "7%" in page
    assert "11%" not in page
    assert "drawn by lot" not in page
