"""A new member is asked for his birthday, e-mail, answers and consents: at the cashier's page, and by tills."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from regulars.api.models import ApiKey, Scope
from regulars.api.services import make_key
from regulars.customers.models import Consent, Contact, Customer
from regulars.customers.selectors.consents import has_agreed
from regulars.customers.services.consents import record_consent, write_purpose
from regulars.customers.services.fields import add_field, change_field
from regulars.customers.services.questionnaires import write_form
from regulars.loyalty.asking import questions
from regulars.loyalty.members import find
from regulars.loyalty.models import Account
from regulars.loyalty.selling import quote
from tests.loyalty.selling_cases import RULES, no_segments, open_shop, order
from tests.loyalty.test_till_codes import Till
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db
PHONE = "+79161234567"
CARD = "1000000022"


@pytest.fixture
def shop(db: None) -> None:
    tea = {"id": "tea", "gives": {"kind": "percent_off", "percent": 9},
           "when": {"is": "answer", "question": "drink", "any_of": ["tea"]}}  # fmt: skip
    open_shop(rules=[*RULES["rules"], tea])
    drink = add_field(title="Drink", type="choice", choices=["tea", "coffee"])
    add_field(title="Likes", type="choices", choices=["cakes", "pies"])
    add_field(title="Kids", type="yes_no")
    add_field(title="Credit limit", type="number")
    write_form(None, title="Guests", intro="", fields=[drink.slug, "likes", "kids"], purpose="")
    write_purpose("news", title="News", text="I want to hear of news.")


def told(**more: Any) -> dict[str, Any]:
    return {
        "phone": PHONE, "card": CARD, "name": "Vera", "birth_date": "1985-03-08", "email": "vera@example.com",
        "own_fields": {"drink": "tea", "likes": ["pies", "cakes"], "kids": True}, "agrees": ["news/1"],
    } | more  # fmt: skip


def test_a_till_reads_what_to_ask_and_tells_the_answers(shop: None) -> None:
    till = Till()
    key = {"Authorization": f"Bearer {till.key}"}
    asked = Client().get("/api/v1/till/questionnaire", headers=key).json()
    assert [one["name"] for one in asked["questions"]] == ["drink", "likes", "kids"], (
        "no other field is anybody's business"
    )
    assert asked["questions"][0] == {"name": "drink", "title": "Drink", "type": "choice", "choices": ["tea", "coffee"]}
    assert asked["texts"] == [{"text": "news/1", "title": "News", "words": "I want to hear of news."}]
    assert till("members", **told())[0] == till("members", **told())[0] == 200
    vera = find(card=CARD)
    assert (vera.birth_date, vera.own_fields) == (
        dt.date(1985, 3, 8), {"drink": "tea", "likes": ["cakes", "pies"], "kids": True}
    )  # fmt: skip
    assert Contact.objects.get(kind="email").value == "vera@example.com"
    said = Consent.objects.earliest("id")
    assert (said.customer, said.purpose, said.text_version, said.proof) == (
        vera, "news", 1, {"entered": f"till:{ApiKey.objects.get().pk}"}
    )  # fmt: skip
    assert quote(order(("tea", 1, 10_000), card=CARD), segments=no_segments).judged.discount == 1_400


def test_the_cashiers_page_asks_the_same(shop: None) -> None:
    cashier = logged_in(make_user("cashier"))
    page = cashier.get("/till/member/").content.decode()
    assert all(f'name="{one}"' in page for one in ("birth_date", "email", "own-drink", "own-likes", "own-kids"))
    assert "Credit limit" not in page
    typed = {
        "card": CARD, "phone": PHONE, "name": "Vera", "birth_date": "1985-03-08", "email": "vera@example.com",
        "own-drink": "coffee", "own-likes": ["", "pies"], "own-kids": "no", "agrees": "news/1",
    }  # fmt: skip
    assert cashier.post("/till/member/", typed).status_code == 200
    vera = find(card=CARD)
    assert (vera.birth_date, vera.own_fields) == (
        dt.date(1985, 3, 8), {"drink": "coffee", "likes": ["pies"], "kids": False}
    )  # fmt: skip
    assert Consent.objects.get().source == "At the till"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"birth_date": "2999-01-01"}, "2999-01-01 is no day of birth"),
        ({"email": "vera"}, "vera"),
        ({"own_fields": {"drink": "gin"}}, "Drink: one of tea, coffee, not 'gin'"),
        ({"own_fields": {"kids": "perhaps"}}, "Kids: yes or no"),
        ({"own_fields": {"likes": ["cakes", {"a": 1}]}}, "Likes: one of"),
        ({"own_fields": {"credit_limit": 10**6}}, "No questionnaire asks for the field 'credit_limit'"),
        ({"own_fields": {"x' OR 1=1": 1}}, "No questionnaire asks"),
        ({"agrees": ["news/7"]}, "has changed meanwhile"),
        ({"agrees": ["nothing/1"]}, "has changed meanwhile"),
    ],
)
def test_what_cannot_be_names_the_field_and_leaves_nobody(shop: None, wrong: dict[str, Any], said: str) -> None:
    status, answer = Till()("members", **told(**wrong))
    assert (status, said in answer["detail"]) == (400, True), answer
    assert not Customer.objects.exists()
    assert not Account.objects.exists()


def test_a_form_that_is_refused_is_shown_as_it_was_typed(shop: None) -> None:
    cashier = logged_in(make_user("cashier"))
    typed = {"phone": PHONE, "birth_date": "1985-03-08", "email": "wrong", "own-drink": "tea", "own-likes": ["pies"],
             "own-kids": "yes"}  # fmt: skip
    answer = cashier.post("/till/member/", typed)
    page = answer.content.decode()
    assert answer.status_code == 422
    for words in ('value="1985-03-08"', 'value="wrong"', "<option selected>tea", 'value="pies" checked',
                  'value="yes" selected'):  # fmt: skip
        assert words in page, words
    assert not Customer.objects.exists()


def test_who_is_known_is_not_written_over_and_nobody_learns_what_is_known(shop: None) -> None:
    till = Till()
    first = till("members", **told(card=""))
    other = told(card="", birth_date="1999-12-31", email="thief@example.com", own_fields={"drink": "coffee"}, agrees=[])
    assert till("members", **other) == first
    vera = find(phone=PHONE)
    assert (vera.birth_date, vera.own_fields["drink"]) == (dt.date(1985, 3, 8), "tea")
    assert [one.value for one in vera.contacts.filter(kind="email")] == ["vera@example.com"]


def test_what_he_withdrew_nobody_gives_again_by_his_phone(shop: None) -> None:
    till = Till()
    for _time in range(3):
        assert till("members", **told())[0] == 200
    vera = find(card=CARD)
    assert Consent.objects.count() == 1, "a repetition says nothing new"
    record_consent(vera, purpose="news", channel="any", is_given=False, source="letter", by=None)
    cashier = logged_in(make_user("cashier"))
    assert till("members", **told(card=""))[0] == 200
    assert cashier.post("/till/member/", {"phone": PHONE, "agrees": "news/1"}).status_code == 200
    assert (Consent.objects.count(), has_agreed(vera, "news", "email")) == (2, False)
    # withdrawn of one channel alone: a consent to any would lift it
    olga = till("members", phone="+79161234568", name="Olga")[0] and find(phone="+79161234568")
    record_consent(olga, purpose="news", channel="sms", is_given=False, source="letter", by=None)
    assert till("members", phone="+79161234568", agrees=["news/1"])[0] == 200
    assert not has_agreed(olga, "news", "sms")


def test_a_field_out_of_use_is_not_asked(shop: None) -> None:
    drink = questions()[0]
    change_field(drink, title="Drink", choices=["tea"], is_archived=True)
    assert [one.slug for one in questions()] == ["likes", "kids"]


def test_another_key_reads_no_questionnaire(shop: None) -> None:
    key = make_key(name="Other", scopes=[Scope.READ_CUSTOMERS], by=None)
    assert Client().get("/api/v1/till/questionnaire", headers={"Authorization": f"Bearer {key}"}).status_code == 403
