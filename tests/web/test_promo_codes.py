"""The page of promo codes: made by a form, taken as CSV, ended, and one of them looked up."""

import csv
import datetime as dt
import html
import io
import json
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from regulars.accounts.models import LogEntry, Role, User
from regulars.accounts.rights import Right
from regulars.customers.models import Contact, Customer
from regulars.customers.services.merging import merge
from regulars.foundation.days import today
from regulars.insights.models import Segment
from regulars.loyalty.codes import make_batch, make_codes
from regulars.loyalty.drafts import keep_draft
from regulars.loyalty.models import CodeBatch, PromoCode
from regulars.loyalty.programmes import publish
from regulars.loyalty.returning import Coming, bring_back
from regulars.loyalty.selling import quote
from regulars.purchases.models import Store
from regulars.web import promo_codes
from tests.loyalty.at_once import together
from tests.loyalty.selling_cases import RULES, enrolled, no_segments, open_shop, order, sell
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db
PAGE = "/programme/codes/"
MAKE = PAGE + "make/"
EACH = {"name": "spring", "kind": "each", "count": "5", "until": ""}
WORD = {"name": "summer", "kind": "word", "word": "Summer", "uses": "2", "until": ""}
PERSONS = {"join": "all", "not": False, "items": [{"what": "kind", "how": "in", "value": ["person"]}]}
BOUGHT = {
    "join": "all", "not": False,
    "items": [{"what": "bought", "how": "at_least", "value": 1, "measure": "receipts", "days": 90, "of": "anything"}],
}  # fmt: skip


def rule_of(name: str, **more: Any) -> dict[str, Any]:
    when = {"is": "promo_code", "any_of": [name]}
    return {"id": name, "when": when, "gives": {"kind": "percent_off", "percent": 50}, "for": "everybody"} | more


@pytest.fixture
def owner() -> Client:
    open_shop(rules=[rule_of("spring"), rule_of("summer")], guard={"categories": {"Drinks": None}})
    return logged_in(make_user("owner"))


def text_of(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status, answer.content.decode()[:2000]
    return html.unescape(answer.content.decode()).replace("\xa0", " ")


def rows_of(client: Client, batch: CodeBatch) -> list[list[str]]:
    answer = client.post(f"{PAGE}batches/{batch.pk}/file/")
    assert answer.status_code == 200, answer.content
    content = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    return list(csv.reader(io.StringIO(content)))


def asked(code: str, **more: Any) -> Any:
    return order(("tea", 1, 10_000), **{"card": "", "promo_codes": frozenset({code})} | more)


def price(code: str, **more: Any) -> int:
    return quote(asked(code, **more), segments=no_segments).judged.to_pay


def with_rights(user: User, *rights: Right, own_only: bool = False) -> Client:
    role = Role.objects.get(pk=user.role_id)
    role.rights, role.own_customers_only = [one.value for one in rights], own_only
    role.save()
    return logged_in(User.objects.get(pk=user.pk))


def test_codes_for_anybody_are_made_taken_used_and_counted(owner: Client) -> None:
    assert "No promo codes are made yet" in text_of(owner.get(PAGE))
    until = today() + dt.timedelta(days=30)
    page = text_of(owner.post(MAKE, EACH | {"until": until.isoformat()}, follow=True))
    assert "5 codes are made." in page
    assert "Rules call these codes “spring”" in page
    batch = CodeBatch.objects.get()
    assert batch.until == until
    head, *rows = rows_of(owner, batch)
    assert head == ["Code"]
    assert {one for (one,) in rows} == set(batch.codes.values_list("code", flat=True))
    code = rows[0][0]
    assert sell(asked(code)).to_pay == 5_000
    page = text_of(owner.get(PAGE))
    assert "1 of 5" in page
    assert not any(one in page for (one,) in rows)


def test_they_can_be_taken_again_and_the_log_says_who_took_them(owner: Client) -> None:
    owner.post(MAKE, EACH)
    batch = CodeBatch.objects.get()
    assert rows_of(owner, batch) == rows_of(owner, batch)
    assert LogEntry.objects.filter(event="promo_codes_taken", about="spring").count() == 2
    assert LogEntry.objects.get(event="promo_codes_made").address
    log = text_of(owner.get("/settings/log/"))
    assert "took promo codes out" in log
    assert "5 codes" in log


def test_one_word_for_all_counts_as_often_as_was_said(owner: Client) -> None:
    assert "1 code is made." in text_of(owner.post(MAKE, WORD, follow=True))
    assert rows_of(owner, CodeBatch.objects.get()) == [["Code"], ["SUMMER"]]
    # it is called as the batch is, whose name alone would be no code
    assert [sell(asked(said), str(n)).to_pay for n, said in enumerate((" summer", "SUMMER", "Summer"))] == [
        5_000, 5_000, 10_000
    ]  # fmt: skip


def test_a_word_that_is_left_empty_is_drawn(owner: Client) -> None:
    owner.post(MAKE, WORD | {"word": " "})
    one = PromoCode.objects.get()
    assert (len(one.code), one.most_uses) == (10, 2)


def test_personal_codes_go_out_with_whose_they_are(owner: Client) -> None:
    anna, vera = enrolled(), enrolled("1000000025", "=cmd|' /C calc'!A0")
    Customer.objects.filter(pk=anna.pk).update(external_id="@SUM(1)")
    Contact.objects.create(customer=anna, kind="phone", value="+79161234567", written="8 916")
    segment = Segment.objects.create(name="Persons", rule=PERSONS)
    form = {"name": "spring", "kind": "personal", "segment": str(segment.pk), "count": "", "until": ""}
    assert "2 codes are made." in text_of(owner.post(MAKE, form, follow=True))
    head, *rows = rows_of(owner, CodeBatch.objects.get())
    assert head == ["Code", "Key in the till or in 1C", "Customer", "Phone"]
    whose = dict(PromoCode.objects.values_list("customer_id", "code"))
    assert rows == [
        [whose[anna.pk], "'@SUM(1)", "Anna", "+79161234567"], [whose[vera.pk], "", "'=cmd|' /C calc'!A0", ""]
    ]  # fmt: skip
    assert LogEntry.objects.get(event="promo_codes_taken").details == {"columns": ["external_id", "name", "phone"]}
    assert price(whose[anna.pk]) == 10_000
    assert price(whose[anna.pk], card="1000000017") == 5_000
    merge(vera, anna, by=User.objects.get(), reasons=[])
    assert [row[2] for row in rows_of(owner, CodeBatch.objects.get())[1:]] == ["'=cmd|' /C calc'!A0"] * 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"count": "0"}, "Make 1 to 100,000 codes at once"),
        ({"count": "-1"}, "Make 1 to 100,000 codes at once"),
        ({"count": "100001"}, "Make 1 to 100,000 codes at once"),
        ({"count": "9" * 400}, "Make 1 to 100,000 codes at once"),
        ({"count": "٣"}, "Make 1 to 100,000 codes at once"),
        ({"kind": "word", "word": "X", "uses": "0"}, "1 to 1,000,000 times"),
        ({"kind": "word", "word": "X", "uses": "1000001"}, "1 to 1,000,000 times"),
        ({"kind": "word", "word": "=1+1", "uses": "1"}, "'=1+1' cannot be said at a till"),
        ({"kind": "word", "word": "TWO WORDS", "uses": "1"}, "cannot be said at a till"),
        ({"kind": "word", "word": "<b>", "uses": "1"}, "'<B>' cannot be said at a till"),
        ({"kind": "word", "word": "-X", "uses": "1"}, "cannot be said at a till"),
        ({"kind": "word", "word": "ß" * 40, "uses": "1"}, "1 to 40 letters"),
        ({"kind": "word", "word": "A\x1fB", "uses": "1"}, "cannot be said at a till"),
        ({"kind": "word", "word": "taken", "uses": "1"}, "There is a code TAKEN already"),
        ({"kind": "word", "word": "word", "uses": "1"}, "There is a code WORD already"),
        ({"kind": "word", "word": "summer", "uses": "1"}, "Rules name the word SUMMER itself"),
        ({"kind": "personal", "segment": ""}, "Choose the segment"),
        ({"kind": "personal", "segment": "999999999999999999999"}, "Choose the segment"),
        ({"kind": "personal", "segment": "1 OR 1=1"}, "Choose the segment"),
        ({"kind": "<b>"}, "Choose whom the codes are for"),
        ({"until": "2020-01-31"}, "is over: choose a last day"),
        ({"until": "<b>"}, "'<b>' is no day"),
        ({"until": "0000-00-00"}, "is no day"),
        ({"name": "Taken"}, "There are codes named 'Taken' already"),
        ({"name": "word"}, "There are codes named 'word' already"),
        ({"name": " "}, "1 to 60 signs"),
        ({"name": "x" * 61}, "1 to 60 signs"),
        ({"name": "a\x1fb"}, "1 to 60 signs"),
        ({"name": "a\u202eb"}, "1 to 60 signs"),
    ],
)
def test_what_cannot_be_made_is_told_and_nothing_is_written(owner: Client, wrong: dict[str, str], said: str) -> None:
    make_batch("taken", word="word")
    answer = owner.post(MAKE, EACH | {"name": "new"} | wrong)
    assert said in text_of(answer, 422)
    assert "<b>" not in answer.content.decode().lower()
    assert [one.name for one in CodeBatch.objects.all()] == ["taken"]
    assert PromoCode.objects.count() == 1


def test_what_was_typed_stays_in_the_form(owner: Client) -> None:
    page = owner.post(MAKE, WORD | {"name": '"><script>', "uses": "0"}).content.decode()
    assert "<script>" not in html.unescape(page).replace('"><script>', "")
    assert 'value="&#34;&gt;&lt;script&gt;"' in page
    assert re.search(r'value="word" checked', page)


def test_today_is_the_day_of_the_shop(owner: Client) -> None:
    owner.post(MAKE, EACH | {"until": today().isoformat()})
    assert CodeBatch.objects.get().until == today()


def test_a_form_that_is_sent_twice_makes_one_batch(owner: Client) -> None:
    assert owner.post(MAKE, EACH).status_code == 302
    assert "There are codes named 'spring' already" in text_of(owner.post(MAKE, EACH), 422)
    assert PromoCode.objects.count() == 5


def test_a_name_is_text_wherever_it_stands(owner: Client) -> None:
    name = "=<b>1</b>'+\"é"
    answer = owner.post(MAKE, EACH | {"name": name}, follow=True)
    assert name in text_of(answer)
    assert "<b>1" not in answer.content.decode()
    taken = owner.post(f"{PAGE}batches/{CodeBatch.objects.get().pk}/file/")
    assert taken["Content-Disposition"] == 'attachment; filename="codes-b1be.csv"'


def test_it_says_which_rules_name_a_batch(owner: Client) -> None:
    for name in ("spring", "autumn", "winter", "<i>"):
        make_batch(name, count=1)
    page = text_of(owner.get(PAGE))
    assert page.count("No rule names it yet.") == 3
    later = timezone.now() + dt.timedelta(days=10)
    publish(RULES | {"rules": [rule_of("Autumn", title="<i>leaves</i>")]}, by=None, valid_from=later)
    drafted = json.dumps(RULES | {"rules": [rule_of("winter", id="w&1", title="Snow")]})
    keep_draft(drafted, "", version=0, by=User.objects.get())
    answer = owner.get(PAGE)
    page = text_of(answer)
    assert page.count("No rule names it yet.") == 1
    assert all(one in page for one in ("valid now", "<i>leaves</i>", "Snow", "in the draft", "?id=w%261"))
    assert "<i>" not in answer.content.decode()
    keep_draft("{", "", version=1, by=User.objects.get())
    assert text_of(owner.get(PAGE)).count("No rule names it yet.") == 2
    assert "Snow" not in text_of(logged_in(make_user("analyst")).get(PAGE))


def test_who_only_looks_sees_no_draft_and_makes_nothing(owner: Client) -> None:
    make_batch("winter", count=1)
    drafted = json.dumps(RULES | {"rules": [rule_of("winter", title="Snow")]})
    keep_draft(drafted, "", version=0, by=User.objects.get())
    page = text_of(logged_in(make_user("analyst")).get(PAGE))
    assert "winter" in page
    assert not any(one in page for one in ("Snow", "Make promo codes", "Codes as CSV", "End them", "Write a rule"))


def test_ended_codes_count_no_more(owner: Client) -> None:
    until = today() + dt.timedelta(days=30)
    batch = make_batch("spring", count=1, until=until)
    code = batch.codes.get().code
    assert price(code) == 5_000
    page = text_of(owner.post(f"{PAGE}batches/{batch.pk}/end/", follow=True))
    assert all(one in page for one in ("The codes “spring” count no more.", "is over", "0 of 1"))
    assert "End them" not in page
    assert price(code) == 10_000
    entry = LogEntry.objects.get(event="promo_codes_ended")
    assert (entry.about, entry.details) == ("spring", {"until": until.isoformat()})
    assert "over already" in text_of(owner.post(f"{PAGE}batches/{batch.pk}/end/"), 422)
    assert LogEntry.objects.filter(event="promo_codes_ended").count() == 1
    assert rows_of(owner, batch)[1] == [code], "whoever asks for them later can be answered"


def test_ended_codes_count_no_more_where_it_is_still_yesterday(owner: Client) -> None:
    batch = make_batch("spring", count=1)
    code = batch.codes.get().code
    stores = {"West": "Pacific/Pago_Pago", "East": "Pacific/Kiritimati"}
    for name, zone in stores.items():
        Store.objects.create(name=name, time_zone=zone)
        assert price(code, store=name) == 5_000
    owner.post(f"{PAGE}batches/{batch.pk}/end/")
    assert [price(code, store=name) for name in stores] == [10_000, 10_000]


def test_one_code_tells_whose_it_is_and_where_it_was_used(owner: Client) -> None:
    anna = enrolled()
    ((code, _owner),) = make_codes("spring", customers=[anna.pk], uses=5)
    first = sell(asked(code, card="1000000017"))
    void = sell(asked(code, card="1000000017"), "A<i>2")
    bring_back(Coming(void.till, "v", void.till, void.number, is_void=True))
    found = owner.post(PAGE + "find/", {"code": f" {code[:5].lower()} {code[5:]} "})
    assert (found.status_code, code in found["Location"]) == (302, False)
    answer = owner.get(found["Location"])
    page = text_of(answer)
    assert "<i>" not in answer.content.decode()
    assert code not in page, "the page opens without knowing it"
    assert page.count(f'href="{reverse("customer", args=[anna.pk])}"') == 3
    assert f'href="{reverse("receipt", args=[first.receipt_id])}"' in page
    assert all(one in page for one in (f"…{code[-3:]}", "can be used", "1 of 5", "the code came back"))


def test_a_code_that_nobody_made_is_told_and_whoever_tries_many_waits(owner: Client) -> None:
    make_batch("spring", count=1)
    assert "Type the code" in text_of(owner.post(PAGE + "find/", {"code": "  "}), 422)
    answers = [owner.post(PAGE + "find/", {"code": f"<b>{n}" * 30}) for n in range(20)]
    assert "No code <B>" in text_of(answers[0], 404)
    assert "<B>" not in answers[0].content.decode()
    assert answers[-1].status_code == 429


def test_the_name_of_a_batch_is_found_as_no_code(owner: Client) -> None:
    make_batch("spring", count=1)
    assert "No code SPRING was made." in text_of(owner.post(PAGE + "find/", {"code": "spring"}), 404)


def test_who_sees_only_his_own_customers_makes_and_takes_only_theirs(owner: Client) -> None:
    manager = make_user("manager")
    mine, others = enrolled("1000000025", "Vera"), enrolled(name="Anna Secret")
    Customer.objects.filter(pk=mine.pk).update(owner=manager)
    Customer.objects.filter(pk=others.pk).update(owner=User.objects.get(email="owner@example.com"))
    whole = make_batch("spring", customers=[mine.pk, others.pk])
    segment = Segment.objects.create(name="Persons", rule=PERSONS)
    client = with_rights(manager, *Right, own_only=True)
    assert [row[2] for row in rows_of(client, whole)[1:]] == ["Vera"]
    client.post(MAKE, {"name": "mine", "kind": "personal", "segment": str(segment.pk)})
    assert list(PromoCode.objects.filter(batch__key="mine").values_list("customer_id", flat=True)) == [mine.pk]
    sold = sell(asked(whole.codes.get(customer=others).code, card="1000000017"))
    page = text_of(client.get(f"{PAGE}{whole.codes.get(customer=others).pk}/"))
    assert not any(one in page for one in ("Secret", reverse("receipt", args=[sold.receipt_id])))
    assert "1 of 1" in page


def test_a_segment_that_he_may_not_open_makes_no_codes(owner: Client) -> None:
    enrolled()
    segment = Segment.objects.create(name="Buyers", rule=BOUGHT)
    # he sees customers, and not what they buy: the page is not his, but its form is reached
    client = with_rights(make_user("manager"), Right.MANAGE_BUSINESS, Right.SEE_CUSTOMERS)
    form = {"name": "spring", "kind": "personal", "segment": str(segment.pk)}
    assert "Choose the segment" in text_of(client.post(MAKE, form), 422)
    client = with_rights(make_user("cashier"), Right.MANAGE_BUSINESS, Right.SEE_PURCHASES)
    answer = client.post(MAKE, form)
    assert "Choose the segment" in text_of(answer, 422)
    assert "Buyers" not in text_of(answer, 422)
    assert not CodeBatch.objects.exists()


def test_who_takes_no_lists_of_customers_out_takes_no_personal_codes(owner: Client) -> None:
    batch, free = make_batch("spring", customers=[enrolled().pk]), make_batch("free", count=1)
    client = with_rights(make_user("manager"), Right.MANAGE_BUSINESS, Right.SEE_PURCHASES, Right.SEE_CUSTOMERS)
    assert client.post(f"{PAGE}batches/{batch.pk}/file/").status_code == 403
    assert not LogEntry.objects.filter(event="promo_codes_taken").exists()
    assert len(rows_of(client, free)) == 2
    assert text_of(client.get(PAGE)).count("/file/") == 1


def test_phones_are_masked_for_who_may_not_see_them(owner: Client) -> None:
    anna = enrolled()
    Contact.objects.create(customer=anna, kind="phone", value="+79161234567", written="8 916")
    batch = make_batch("spring", customers=[anna.pk])
    rights = [one for one in Right if one != Right.SEE_CONTACTS]
    ((*_first, phone),) = rows_of(with_rights(make_user("manager"), *rights), batch)[1:]
    assert "1234567" not in phone
    assert phone.endswith("67")


def test_of_many_batches_there_are_pages(owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promo_codes, "_ROWS", 2)
    for number in range(3):
        make_batch(f"batch-{number}", count=1)
    first, second = text_of(owner.get(PAGE)), text_of(owner.get(PAGE + "?from=2"))
    assert ("batch-0" in first, "batch-2" in first, "?from=2" in first) == (False, True, True)
    assert ("batch-0" in second, "batch-2" in second, "?from=0" in second) == (True, False, True)
    for odd in ("-1", "x", "9" * 40, "99"):
        assert owner.get(PAGE, {"from": odd, "made": odd}).status_code == 200, odd


@pytest.mark.django_db(transaction=True)
def test_of_many_presses_at_one_moment_one_makes_codes() -> None:
    client = logged_in(make_user("owner"))
    cookies = client.cookies

    def press(_number: int) -> int:
        browser = Client()
        browser.cookies = cookies
        return browser.post(MAKE, EACH).status_code

    assert sorted(together(6, press)) == [302, *[422] * 5]
    assert (CodeBatch.objects.count(), PromoCode.objects.count()) == (1, 5)


@pytest.mark.django_db(transaction=True)
def test_of_many_batches_with_one_word_one_is_made() -> None:
    client = logged_in(make_user("owner"))
    cookies = client.cookies

    def press(number: int) -> int:
        browser = Client()
        browser.cookies = cookies
        return browser.post(MAKE, WORD | {"name": f"summer {number}"}).status_code

    assert sorted(together(6, press)) == [302, *[422] * 5]
    assert [one.code for one in PromoCode.objects.all()] == ["SUMMER"]
    assert CodeBatch.objects.count() == 1
