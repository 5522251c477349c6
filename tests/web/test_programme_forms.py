"""The programme written by forms: one draft, whose JSON nobody has to see."""

import html
import json
import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings

from regulars.core.i18n import use_language
from regulars.customers.services.fields import add_field
from regulars.foundation.models import Business
from regulars.loyalty.drafts import keep_draft
from regulars.loyalty.models import Programme, ProgrammeDraft
from regulars.loyalty.programme.reading import write_record
from regulars.loyalty.programme.rules import RuleSet, as_json, parse
from regulars.purchases.models import Product, Store
from regulars.web.programme_rule_form import rule_of_typed, typed_of_rule
from regulars.web.programme_terms_form import terms_of_typed, typed_of_terms
from regulars.web.programme_typed import Known
from regulars.web.programme_volume_form import FORM, bonus_of_typed
from tests.loyalty.programme_cases import rule, rule_data
from tests.loyalty.selling_cases import RULES
from tests.web.people import logged_in, make_user

WRITE, RULE, TERMS = "/programme/write/", "/programme/write/rule/", "/programme/write/terms/"
VOLUME = "/programme/write/volume/"
database = pytest.mark.django_db


# --- what the forms show whole ---


def known_of(rules: RuleSet) -> Known:
    tiers = [(one.id, one.id) for one in rules.tiers.levels] if rules.tiers else []
    guarded = [(name, name) for name in rules.guard.categories] if rules.guard else []
    return Known(rules.currency, {"tier": lambda: tiers, "guarded": lambda: guarded})


@pytest.mark.parametrize("language", ["ru", "en"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=rule_data())
def test_a_form_that_nobody_touched_says_the_rules_that_it_was_made_from(language: str, raw: Any) -> None:
    rules = parse(raw)
    known = known_of(rules)
    with use_language(language):
        for one in rules.rules:
            before = write_record(one)
            typed, kept = typed_of_rule(before, known)
            assert parse(raw | {"rules": [rule_of_typed(typed, before, [], known)]}).rules == (one,)
            assert not kept, "nothing is left to JSON"
        for bonus in rules.volume:
            before = write_record(bonus)
            typed, kept = FORM.typed_of(before, known)
            assert not kept
            assert parse(raw | {"volume": [bonus_of_typed(typed, before, [], known)]}).volume == (bonus,)
        typed, kept = typed_of_terms(as_json(rules), known)
        assert parse(terms_of_typed(typed, raw, known)) == rules
        assert terms_of_typed(typed, raw, known) == raw
        assert not kept


class Boxes(HTMLParser):
    """What a browser would send of the form of a page, pressed nowhere."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.sent: dict[str, list[str]] = {}
        self._is_inside, self._select, self._first = False, "", False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._is_inside = found.get("id") == "rule-form"
        elif not self._is_inside:
            return
        elif tag == "input" and (found.get("type") not in ("checkbox", "radio") or "checked" in found):
            self.sent.setdefault(found["name"], []).append(found.get("value", ""))
        elif tag == "select":
            self._select, self._first = found["name"], True
        elif tag == "option" and self._select and (self._first or "selected" in found):
            texts = self.sent.setdefault(self._select, [])
            if not self._first:
                texts.pop()
            texts.append(found.get("value", ""))
            self._first = False

    def handle_endtag(self, tag: str) -> None:
        self._is_inside = self._is_inside and tag != "form"
        self._select = "" if tag == "select" else self._select


def sent_of(client: Client, address: str) -> dict[str, Any]:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return {name: texts for name, texts in Boxes(answer.content.decode()).sent.items() if name != "add"}


def writing(*rules: dict[str, Any], **more: Any) -> Client:
    """The browser of an owner whose draft has these rules."""
    owner = make_user("owner")
    keep_draft(json.dumps(RULES | {"rules": list(rules)} | more, ensure_ascii=False), "", version=0, by=owner)
    return logged_in(owner)


def draft() -> dict[str, Any]:
    return json.loads(ProgrammeDraft.objects.get().text)  # type: ignore[no-any-return]


def drafted(name: str) -> dict[str, Any]:
    return next(one for one in draft()["rules"] if one["id"] == name)


def post(client: Client, address: str, **values: Any) -> tuple[int, str]:
    answer = client.post(address, values)
    return answer.status_code, html.unescape(answer.content.decode())


def new(client: Client, gives: str, **values: Any) -> tuple[int, str]:
    """A new rule, with these in the boxes of its form."""
    version = str(ProgrammeDraft.objects.get().version)
    return post(client, RULE, **{"gives": gives, "version": version, "id": ""} | values)


LEVELS = [{"id": "silver", "title": "Silver", "from": 2_000_000}, {"id": "gold", "from": 10_000_000, "keep": 8_000_050}]
EVERY = (
    rule(
        "percent",
        {"kind": "percent_off", "percent": "7.5"},
        title="Morning",
        group="sales",
        order=5,
        holdout="12.5",
        when={
            "all": [
                {"is": "hours", "weekdays": [1, 7], "from": "09:00", "to": "12:00"},
                {"is": "answer", "question": "pet", "any_of": ["cat"]},
            ]
        },
    ),
    rule(
        "turnover",
        {"kind": "percent_by_turnover", "steps": [{"from": 1_000_050, "percent": "3.33"}], "period": "days:30"},
    ),
    rule("floating", {"kind": "percent_by_points", "steps": [{"from": 2, "percent": 5}], "per": 100_000, "falls": 2}),
    rule("pieces", {"kind": "percent_by_quantity", "steps": [{"from": 2, "percent": 5}, {"from": 9, "percent": 7}]}),
    rule("sum", {"kind": "percent_by_sum", "steps": [{"from": 2, "percent": 5}]}, **{"for": "everybody"}),
    rule("off", {"kind": "amount_off", "amount": 15_050}, when={"is": "purchase_number", "every": 10}),
    rule(
        "sixth", {"kind": "nth_free", "n": 6, "counter": "Cups"}, on={"categories": ["Drinks"], "not_products": ["x"]}
    ),
    rule("per", {"kind": "points_per", "points": 1, "per": 10_000}, when={"any": [{"is": "repeat", "within_days": 4}]}),
    rule("back", {"kind": "points_percent", "percent": "0.05"}, when={"is": "purchase_number", "number": 1}),
    rule("gift", {"kind": "points_gift", "points": 100}, when={"is": "birthday", "before": 3}),
    rule(
        "twice",
        {"kind": "points_times", "times": "1.25"},
        when={"is": "dates", "from": "2026-03-01", "to": "2026-03-02"},
    ),
    rule(
        "tiers", {"kind": "points_by_tier", "times": {"gold": "1.5"}}, when={"is": "promo_code", "any_of": ["A", "B C"]}
    ),
    rule(
        "deep",
        3,
        title="Deep",
        when={"all": [{"not": {"is": "tier", "any_of": ["gold"]}}, {"is": "card", "any_of": ["paid"]}]},
    ),
)
WHOLE = {
    "tiers": {"levels": LEVELS, "period": "days:180", "grace_days": 5},
    "stacking": RULES["stacking"] | {"groups": {"sales": "receipt", "shelf": "line"}},
    "guard": {
        "line": "10.5",
        "receipt": 5,
        "categories": {"Gifts": None},
        "unknown_cost": "at_most",
        "unknown_most": 5,
    },
    "never_discounted": {"categories": ["Tobacco"]},
    "spending": {"as": "payment", "worth": 150, "most_share": "99.5", "offline": {"most_points": 5}},
    "life": {"after_days": 14, "days": None, "late_days": 3},
    "volume": [
        {
            "id": "dealers",
            "steps": [{"from": 100, "percent": 2}, {"from": 1_000_050, "percent": "3.5"}],
            "period": "year",
            "on": {"not_categories": ["Tobacco"]},
            "when": {"any": [{"is": "privilege", "any_of": ["dealer"]}, {"not": {"is": "tier", "any_of": ["gold"]}}]},
        },
        {"id": "all", "steps": [{"from": 1, "percent": "0.01"}]},
    ],
    "watch": {"same_minutes": 9, "limits": [{"of": "till", "per": "hour", "spent": 7, "refuse": True}]},
    "price_watch_days": 14,
}


@database
@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_form_that_is_opened_and_sent_changes_nothing(language: str) -> None:
    add_field(title="Pet", type="choice", choices=["cat", "dog"])
    browser = writing(*EVERY, **WHOLE)
    with_language = ProgrammeDraft.objects.get()
    with_language.saved_by.language = language  # type: ignore[union-attr]
    with_language.saved_by.save()  # type: ignore[union-attr]
    before = with_language.text
    bonuses = [f"{VOLUME}?id={one['id']}" for one in WHOLE["volume"]]
    for address in (TERMS, *bonuses, *(f"{RULE}?id={one['id']}" for one in EVERY)):
        sent = sent_of(browser, address)
        answer = browser.post(address.partition("?")[0], sent)
        assert answer.status_code == 302, (address, html.unescape(answer.content.decode()))
        again = ProgrammeDraft.objects.get()
        assert (again.text, again.version) == (before, 1), address
    for one in EVERY:
        # a part that is sent anew says the same, too
        sent = sent_of(browser, f"{RULE}?id={one['id']}") | {"title": f"New {one['id']}"}
        version = ProgrammeDraft.objects.get().version
        assert browser.post(RULE, sent | {"version": [str(version)]}).status_code == 302
        assert parse(draft() | {"rules": [drafted(one["id"]) | {"title": "X"}]}) == parse(
            json.loads(before) | {"rules": [one | {"title": "X"}]}
        )
    assert {name: part for name, part in draft().items() if name != "rules"} == {
        name: part for name, part in json.loads(before).items() if name != "rules"
    }


# --- beginning ---


@database
@pytest.mark.parametrize(
    ("start", "says"),
    [
        ("points", "5% back in points for members."),
        ("growing", "3% from ₽10,000, 5% from ₽30,000, 7% from ₽100,000"),
        ("sixth", "One of every 6 pieces is free (the category “Coffee”) for members."),
        ("empty", "No rule gives anything."),
    ],
)
def test_one_begins_with_a_draft_in_words(start: str, says: str) -> None:
    owner = logged_in(make_user("owner"))
    page = html.unescape(owner.get(WRITE).content.decode())
    assert all(one in page for one in ("What do you want to begin with?", "From scratch", "As JSON, for programmers"))
    assert owner.get(RULE)["Location"] == owner.get(TERMS)["Location"] == WRITE, "there is nothing to change yet"
    assert post(owner, WRITE, start=start, version="0", category="Coffee")[0] == 302
    page = html.unescape(owner.get(WRITE).content.decode())
    assert says in page
    assert "What do you want to begin with?" not in page
    assert not Programme.objects.exists()
    sent = {"rules": ProgrammeDraft.objects.get().text, "version": "1", "publish": "yes", "note": ""}
    assert post(owner, WRITE, **sent)[0] == 302
    assert Programme.objects.count() == 1


@database
def test_a_beginning_that_cannot_be_is_refused_and_writes_over_nothing() -> None:
    owner = logged_in(make_user("owner"))
    for start, words in (("sixth", "Choose the category"), ("other", "There is no beginning 'other'")):
        status, page = post(owner, WRITE, start=start, version="0")
        assert (status, words in page) == (422, True)
    assert post(owner, WRITE, start="points", version="0")[0] == 302
    for version in ("0", "1"):
        status, page = post(owner, WRITE, start="empty", version=version)
        assert (status, "A draft is being written already" in page) == (422, True)
    assert draft()["rules"][0]["id"] == "back"


# --- one rule ---


@database
@pytest.mark.parametrize(
    ("gives", "boxes", "made"),
    [
        ("percent_off", {"g.percent": "7,5"}, {"percent": "7.5"}),
        ("percent_off", {"g.percent": "10 %"}, {"percent": "10"}),
        ("amount_off", {"g.amount": "1 250,50"}, {"amount": 125_050}),
        ("amount_off", {"g.amount": "150"}, {"amount": 15_000}),
        (
            "percent_by_turnover",
            {"g.steps.from": ["10 000", "", "50000.5"], "g.steps.percent": ["3", "", "5"], "g.period": "year"},
            {"steps": [{"from": 1_000_000, "percent": "3"}, {"from": 5_000_050, "percent": "5"}], "period": "year"},
        ),
        ("nth_free", {"g.n": "6"}, {"n": 6, "counter": "Шестой стакан"}),
        ("points_times", {"g.times": "1.5"}, {"times": "1.5"}),
    ],
)
def test_a_rule_is_written_as_people_type(gives: str, boxes: dict[str, Any], made: dict[str, Any]) -> None:
    browser = writing()
    assert new(browser, gives, title="Шестой стакан", **boxes)[0] == 302
    assert draft()["rules"] == [{"id": "shestoy_stakan", "title": "Шестой стакан", "gives": {"kind": gives} | made}]


@database
def test_money_has_the_decimals_of_its_currency() -> None:
    browser = writing()
    Business.objects.update(currency="JPY")
    ProgrammeDraft.objects.update(text=json.dumps(RULES | {"currency": "JPY", "rules": []}))
    assert new(browser, "amount_off", **{"g.amount": "150"})[0] == 302
    assert draft()["rules"][0]["gives"]["amount"] == 150
    status, page = new(browser, "amount_off", **{"g.amount": "150.5"})
    assert (status, "How much: '150.5' is no sum" in page) == (422, True)


@database
def test_ids_are_unique_and_never_change() -> None:
    browser = writing()
    for title in ("Скидка!", "Скидка!", "", ""):
        assert new(browser, "percent_off", title=title, **{"g.percent": str(len(draft()["rules"]) + 1)})[0] == 302
    assert [one["id"] for one in draft()["rules"]] == ["skidka", "skidka_2", "rule", "rule_2"]
    sent = sent_of(browser, f"{RULE}?id=skidka") | {"title": ["Other"], "id": ["skidka"]}
    assert browser.post(RULE, sent).status_code == 302
    assert drafted("skidka") == {"id": "skidka", "title": "Other", "gives": {"kind": "percent_off", "percent": "1"}}


@database
def test_goods_conditions_and_people_are_chosen_from_what_there_is() -> None:
    browser = writing(tiers={"levels": LEVELS})
    Product.objects.create(code="tea", name="Tea, black", category="Drinks")
    Product.objects.create(code="cup", name="Cup", category="Things")
    Store.objects.create(name="Arbat")
    add_field(title="Has a dog", type="yes_no")
    page = browser.get(f"{RULE}?gives=percent_off").content.decode()
    assert all(one in page for one in ("Drinks", "Tea, black", "Answered: Has a dog"))
    boxes = {
        "g.percent": "5",
        "on.categories": ["Drinks"],
        "on.products.more": "Tea, black",
        "on.not_products.more": "cup, tea",
        "join": "any",
        "c": ["0", "4", "7"],
        "c0.kind": "store",
        "c0.any_of": ["Arbat"],
        "c4.kind": "answer:has_a_dog",
        "c4.any_of": ["True"],
        "c7.kind": "hours",
        "c7.weekdays": ["6", "7"],
        "c7.from": "09:00",
        "c7.to": "12:30:00",
    }
    assert new(browser, "percent_off", **boxes)[0] == 302
    made = draft()["rules"][0]
    assert made["on"] == {"categories": ["Drinks"], "products": ["tea"], "not_products": ["cup", "tea"]}
    assert made["when"] == {
        "any": [
            {"is": "store", "any_of": ["Arbat"]},
            {"is": "answer", "question": "has_a_dog", "any_of": ["True"]},
            {"is": "hours", "weekdays": [6, 7], "from": "09:00", "to": "12:30"},
        ]
    }


@database
def test_buttons_draw_the_form_again_and_save_nothing() -> None:
    browser = writing()
    Product.objects.create(code="tea", name="Tea")
    status, page = new(browser, "percent_off", do="add", add="store", title="Kept", **{"g.percent": "x"})
    assert (status, 'value="store"' in page, 'value="Kept"' in page, 'value="x"' in page) == (200, True, True, True)
    both = {"c": ["0", "1"], "c0.kind": "store", "c1.kind": "birthday", "join": "any"}
    assert 'name="c0.kind"' not in new(browser, "percent_off", do="drop:0", **both)[1]
    page = new(browser, "percent_off", do="more:product:on.products", **{"on.products.more": "Tea"})[1]
    assert re.search(r'name="on.products" value="tea" checked', page)
    status, page = new(browser, "percent_off", do="more:product:on.products", **{"on.products.more": "Soap"})
    assert (status, "There is no product 'Soap'" in page) == (200, True)
    assert (
        "5% off for members, if"
        in new(browser, "percent_off", do="look", **both, **{"g.percent": "5", "c0.any_of": "A"})[1]
    )
    assert not draft()["rules"]


@database
@pytest.mark.parametrize(
    ("gives", "boxes", "words"),
    [
        ("percent_off", {"g.percent": ""}, "Discount, %: nothing is written here. Fill it in."),
        ("percent_off", {"g.percent": "many"}, "Discount, %: 'many' is no number with at most two decimals."),
        ("percent_off", {"g.percent": "101"}, "Discount, %: '101' does not fit. Write something from 0.01% to 100%."),
        ("percent_off", {"g.percent": "٣"}, "is no number"),
        ("amount_off", {"g.amount": "-5"}, "How much: '-5' is no sum: write it as 1250.50."),
        ("amount_off", {"g.amount": "0"}, "How much: '0' does not fit. Write something from ₽0.01"),
        ("nth_free", {"g.n": "1.5"}, "Which one is free: '1.5' is no whole number."),
        ("percent_by_sum", {"g.steps.from": ["9", "3"], "g.steps.percent": ["5", "5"]}, "write the steps upwards"),
        ("percent_by_sum", {"g.steps.from": ["9"], "g.steps.percent": [""]}, "row 1: '' is no number"),
        (
            "percent_by_turnover",
            {"g.steps.from": "9", "g.steps.percent": "5", "g.period": "days"},
            "'' is no whole number",
        ),
        ("percent_off", {"g.percent": "5", "c": "0", "c0.kind": "store"}, "Stores: nothing is written here."),
        (
            "percent_off",
            {"g.percent": "5", "c": "0", "c0.kind": "dates", "c0.from": "1.3.26"},
            "First day: '1.3.26' is no day",
        ),
        (
            "percent_off",
            {"g.percent": "5", "c": "0", "c0.kind": "dates", "c0.from": "2026-03-02", "c0.to": "2026-03-01"},
            "2026-03-02 or later",
        ),
        (
            "percent_off",
            {"g.percent": "5", "c": "0", "c0.kind": "segment", "c0.any_of": "77"},
            "the segment '77', which there is not",
        ),
        ("percent_off", {"g.percent": "5", "on.products.more": "Soap"}, "Products: There is no product 'Soap'."),
        ("percent_off", {"g.percent": "5", "group": "none"}, "which is not in stacking.groups"),
        ("percent_off", {"g.percent": "5", "title": "t" * 201}, "What people call it"),
        ("points_gift", {"g.points": "5", "for": "everybody"}, "only members can have points"),
        ("other", {}, "What it gives: nothing is chosen."),
    ],
)
def test_what_cannot_be_used_is_named_and_stays_in_the_form(gives: str, boxes: dict[str, Any], words: str) -> None:
    browser = writing()
    status, page = new(browser, gives, order="77", **boxes)
    assert (status, words in page) == (422, True), re.findall(r'role="alert">(.*?)</div>', page, re.DOTALL)
    assert 'value="77"' in page
    assert draft()["rules"] == []


@database
def test_a_condition_that_the_form_cannot_show_stays_as_it_is() -> None:
    deep = {"any": [{"is": "card", "any_of": ["paid"]}, {"not": {"not": {"is": "store", "any_of": ["A"]}}}]}
    browser = writing(rule("deep", 5, when=deep))
    page = html.unescape(browser.get(f"{RULE}?id=deep").content.decode())
    assert all(one in page for one in ("it is not so that it is not so that the store is “A”", "is changed as JSON"))
    sent = sent_of(browser, f"{RULE}?id=deep")
    for hostile in ({}, {"kept": []}, {"c": ["0"], "c0.kind": ["tier"], "c0.any_of": ["gold"], "kept": []}):
        version = ProgrammeDraft.objects.get().version
        percent = str(6 + version)
        assert (
            browser.post(RULE, sent | hostile | {"g.percent": [percent], "version": [str(version)]}).status_code == 302
        )
        assert (drafted("deep")["when"], drafted("deep")["gives"]["percent"]) == (deep, percent)


@database
def test_a_rule_is_taken_out_of_the_draft() -> None:
    browser = writing(rule("one", 1), rule("two", 2))
    assert post(browser, WRITE, remove="one", version="7")[0] == 422
    assert post(browser, WRITE, remove="one", version="1")[0] == 302
    assert [one["id"] for one in draft()["rules"]] == ["two"]
    assert browser.get(f"{RULE}?id=one").status_code == 404
    assert post(browser, RULE, id="one", version="2", gives="percent_off", **{"g.percent": "5"})[0] == 404


@database
def test_of_two_who_change_rules_the_second_is_told_and_writes_over_only_on_purpose() -> None:
    browser = writing(rule("one", 1), rule("two", 2))
    first, second = sent_of(browser, f"{RULE}?id=one"), sent_of(browser, f"{RULE}?id=two")
    assert browser.post(RULE, first | {"g.percent": ["11"]}).status_code == 302
    answer = browser.post(RULE, second | {"g.percent": ["22"]})
    page = html.unescape(answer.content.decode())
    assert (answer.status_code, "saved another draft meanwhile" in page, 'value="22"' in page) == (422, True, True)
    assert browser.post(RULE, second | {"g.percent": ["22"], "over": ["2"]}).status_code == 302
    assert [one["gives"]["percent"] for one in draft()["rules"]] == ["11", "22"], "what the other wrote stays"
    assert post(browser, WRITE, remove="two", version="3")[0] == 302
    assert browser.post(RULE, second | {"g.percent": ["33"]}).status_code == 422, "somebody took it away"
    assert browser.post(RULE, second | {"g.percent": ["33"], "over": ["4"]}).status_code == 302
    assert drafted("two")["gives"]["percent"] == "33"
    assert browser.post(TERMS, sent_of(browser, TERMS) | {"spending.worth": ["2"], "version": ["1"]}).status_code == 422


@database
def test_the_same_press_twice_adds_one_rule() -> None:
    browser = writing()
    sent = {"gives": "percent_off", "id": "", "version": "1", "title": "Five", "g.percent": "5"}
    assert [post(browser, RULE, **sent)[0] for _press in range(2)] == [302, 302]
    assert len(draft()["rules"]) == 1


@database
def test_a_draft_that_cannot_be_read_is_led_to_its_json() -> None:
    browser = writing()
    for text in ("{ half", "[]", '{"format": 1}', json.dumps(RULES | {"rules": [{"id": "x"}]})):
        ProgrammeDraft.objects.update(text=text)
        for address in (RULE, TERMS, VOLUME, f"{RULE}?id=x"):
            page = browser.get(address).content.decode()
            assert all(one in page for one in ("The draft cannot be read", "Mend it as JSON"))
            assert post(browser, address, version="1", gives="percent_off")[0] == 422
        assert post(browser, WRITE, remove="x", version="1")[0] == 422
        assert ProgrammeDraft.objects.get().text == text


@database
def test_a_published_version_is_changed_by_forms_as_a_draft() -> None:
    browser = writing(rule("one", 1))
    assert post(browser, WRITE, rules=ProgrammeDraft.objects.get().text, version="1", publish="yes")[0] == 302
    assert "Change it: one" in html.unescape(browser.get(WRITE).content.decode())
    assert browser.post(RULE, sent_of(browser, f"{RULE}?id=one")).status_code == 302
    assert ProgrammeDraft.objects.get().text == "", "nothing was changed"
    assert browser.post(RULE, sent_of(browser, f"{RULE}?id=one") | {"g.percent": ["2"]}).status_code == 302
    assert drafted("one")["gives"]["percent"] == "2"


@database
def test_a_hostile_draft_is_text_in_the_forms() -> None:
    evil = "\"><script>alert('1')</script>{{ 7*7 }}"
    browser = writing(rule(evil, 1, title=evil, when={"is": "store", "any_of": [evil]}, on={"products": [evil]}))
    for address in (WRITE, TERMS, f"{RULE}?id={quote(evil)}"):
        page = browser.get(address).content.decode()
        assert "<script>alert" not in page
    sent = sent_of(browser, f"{RULE}?id={quote(evil)}") | {"g.percent": ["2"]}
    assert browser.post(RULE, sent).status_code == 302
    assert parse(draft()).rules[0].id == evil
    for names in ({"c": ["x" * 5_000]}, {"c": ["0"], "c0.kind": ["answer:"]}):
        assert browser.post(RULE, sent | names | {"version": ["2"], "do": ["add"], "add": ["tier"]}).status_code == 200


# --- the terms ---


@database
def test_the_terms_are_written_as_people_type() -> None:
    browser = writing()
    sent = sent_of(browser, TERMS) | {
        "spending.worth": ["1,5"],
        "spending.most_share": ["99,5"],
        "life.days": [""],
        "life.after_days": ["14"],
        "guard.is_on": [],
        "never_discounted.categories": ["Tobacco"],
        "stacking.groups.name": ["sales", ""],
        "stacking.groups.reach": ["receipt", "line"],
        "tiers.levels.id": ["", ""],
        "tiers.levels.title": ["Серебро", "Золото"],
        "tiers.levels.from": ["20 000", "100000"],
        "tiers.levels.keep": ["", "80000"],
        "tiers.period": ["year"],
        "tiers.grace_days": [""],
    }
    assert browser.post(TERMS, sent).status_code == 302
    made = draft()
    assert made["spending"] == {"worth": 150, "most_share": "99.5", "as": "discount"}
    assert made["life"] == {"after_days": 14, "most_debt": 1000}
    assert "guard" not in made
    assert made["never_discounted"] == {"categories": ["Tobacco"]}
    assert made["stacking"]["groups"] == {"sales": "receipt"}
    assert made["tiers"] == {
        "period": "year",
        "levels": [
            {"id": "serebro", "title": "Серебро", "from": 2_000_000},
            {"id": "zoloto", "title": "Золото", "from": 10_000_000, "keep": 8_000_000},
        ],
    }


@database
@pytest.mark.parametrize(
    ("boxes", "words"),
    [
        ({"spending.worth": ""}, "What a point is worth: nothing is written here."),
        ({"spending.most_share": "200"}, "'200' does not fit. Write something from 0% to 100%."),
        (
            {"tiers.levels.title": "Gold", "tiers.levels.id": "", "tiers.levels.from": ""},
            "Tiers upwards, row 1: '' is no sum",
        ),
        ({"tiers.levels.title": "", "tiers.levels.id": "", "tiers.levels.from": "5"}, "the tier has no name"),
        (
            {"tiers.levels.title": ["A", "B"], "tiers.levels.id": ["", ""], "tiers.levels.from": ["5", "4"]},
            "write the tiers upwards",
        ),
        (
            {"tiers.levels.id": [], "tiers.levels.title": [], "tiers.levels.from": []},
            "the tier 'gold', which there is not",
        ),
        (
            {"stacking.groups.name": ["a", "a"], "stacking.groups.reach": ["line", "line"]},
            "the group 'a' is there twice",
        ),
        (
            {"guard.is_on": "yes", "guard.unknown_cost": "at_most"},
            "If at most: how many per cent: nothing is written here.",
        ),
    ],
)
def test_terms_that_cannot_be_are_told(boxes: dict[str, Any], words: str) -> None:
    browser = writing(rule("gold", 5, when={"is": "tier", "any_of": ["gold"]}), tiers={"levels": LEVELS})
    before = ProgrammeDraft.objects.get().text
    sent = sent_of(browser, TERMS) | {"tiers.levels.keep": []} | {"life.days": ["77"]} | boxes
    answer = browser.post(TERMS, sent)
    page = html.unescape(answer.content.decode())
    assert (answer.status_code, words in page) == (422, True), re.findall(r'role="alert">(.*?)</div>', page, re.DOTALL)
    assert 'value="77"' in page
    assert ProgrammeDraft.objects.get().text == before


@database
def test_tiers_whose_period_is_the_usual_one_keep_it() -> None:
    browser = writing(tiers={"levels": LEVELS})
    assert browser.post(TERMS, sent_of(browser, TERMS) | {"tiers.grace_days": ["7"]}).status_code == 302
    assert draft()["tiers"] == {"levels": LEVELS, "grace_days": 7}


@database
def test_what_most_shops_leave_alone_is_folded_and_said() -> None:
    page = html.unescape(writing().get(TERMS).content.decode())
    for words in (
        "A till without a line takes no points.",
        "No category has a margin of its own.",
        "Whatever is more than 10 receipts in a day with one card is looked at by people.",
        "Two receipts of one card and one sum within 5 minutes are looked at.",
        "Nobody looks at prices that were raised.",
    ):
        assert words in page
    assert not re.findall(r'<details class="[^"]*aside"[^>]* open', page)
    browser = writing_over(**WHOLE)
    page = html.unescape(browser.get(TERMS).content.decode())
    assert all(one in page for one in ("“Gifts” is not guarded.", "at most 5 points", "in the last 14 days"))
    sent = sent_of(browser, TERMS) | {"watch.limits.of": ["shop", ""], "do": "more-rows:watch.limits"}
    page = browser.post(TERMS, sent).content.decode()
    assert re.findall(r'<details class="[^"]*aside"(?: id="(\w+)")? open', page) == ["watch"], "it is being changed"


def writing_over(**more: Any) -> Client:
    """The same browser's owner with another draft."""
    kept = ProgrammeDraft.objects.get()
    kept.text = json.dumps(RULES | {"rules": []} | more, ensure_ascii=False)
    kept.save()
    return logged_in(kept.saved_by)  # type: ignore[arg-type]


@database
def test_what_most_shops_leave_alone_is_written_as_people_type() -> None:
    browser = writing(guard={"line": 10, "categories": {"Gone": 5}})
    Product.objects.create(code="tea", name="Tea", category="Drinks")
    sent = sent_of(browser, TERMS)
    assert sent["watch.limits.of"] == ["cashier", "member", ""], "the usual ones stand there"
    sent |= {
        "spending.offline.most_points": ["1 500"],
        "spending.offline.most_receipts": [""],
        "guard.categories.name": ["Gone", "", "Drinks"],
        "guard.categories.how": ["free", "floor", "floor"],
        "guard.categories.percent": ["", "", "12,5"],
        "watch.limits.of": ["", "member", "cashier"],
        "watch.limits.per": ["day", "hour", "day"],
        "watch.limits.receipts": ["", "3", ""],
        "watch.limits.earned": ["", "", "5 000"],
        "watch.limits.spent": ["", "", "6000"],
        "watch.limits.refuse": ["", "yes", ""],
        "watch.same_minutes": ["0"],
        "watch.alone": ["2000"],
        "price_watch_days.price_watch_days": ["14"],
    }
    assert browser.post(TERMS, sent).status_code == 302
    made = draft()
    assert made["spending"]["offline"] == {"most_points": 1500}
    assert made["guard"]["categories"] == {"Drinks": "12.5", "Gone": None}
    assert made["watch"] == {
        "limits": [
            {"of": "cashier", "earned": 5000, "spent": 6000},
            {"of": "member", "per": "hour", "receipts": 3, "refuse": True},
        ],
        "same_minutes": 0,
        "alone": 2000,
    }
    assert made["price_watch_days"] == 14
    emptied = {
        name: [""] for name in sent_of(browser, TERMS) if name.startswith(("watch.", "spending.offline", "price"))
    }
    assert browser.post(TERMS, sent_of(browser, TERMS) | emptied).status_code == 302
    assert draft()["watch"] == {"limits": []}, "no limit is none, not the usual ones"
    assert "offline" not in draft()["spending"]
    assert "price_watch_days" not in draft()


@database
@pytest.mark.parametrize(
    ("boxes", "words"),
    [
        ({"spending.offline.most_points": "-5"}, "Points on a receipt, at most: '-5' is no whole number."),
        ({"spending.offline.most_receipts": "2"}, "Points on a receipt, at most: nothing is written here."),
        ({"guard.categories.percent": "101"}, "row 1: '101' does not fit. Write something from 0% to 99.99%."),
        ({"guard.categories.percent": "many"}, "row 1: 'many' is no number with at most two decimals."),
        ({"guard.categories.percent": ""}, "row 1: nothing is written here."),
        ({"guard.categories.name": "Soap"}, "row 1: there is no category 'Soap'. Choose one of the list."),
        ({"guard.categories.name": ""}, "row 1: no category is chosen."),
        ({"guard.categories.how": "free"}, "row 1: a category that is not guarded has no margin."),
        (
            {
                "guard.categories.name": ["Drinks", "Drinks"],
                "guard.categories.how": ["free", "free"],
                "guard.categories.percent": ["", ""],
            },
            "row 2: the category 'Drinks' is there twice.",
        ),
        ({"watch.limits.receipts": "-1"}, "Limits, row 1: '-1' is no whole number."),
        ({"watch.limits.receipts": "0"}, "Limits, row 1: '0' does not fit. Write something from 1 to 1,000,000."),
        ({"watch.limits.receipts": ""}, "Limits, row 1: it limits nothing."),
        ({"watch.limits.of": ""}, "Limits, row 1: it is not said whose limit it is."),
        ({"watch.limits.of": "world"}, "Limits[0].of is 'world', but must be one of member"),
        ({"watch.same_minutes": "soon"}, "are looked at: 'soon' is no whole number."),
        ({"watch.alone": "-1"}, "in a day: '-1' is no whole number."),
        ({"price_watch_days.price_watch_days": "367"}, "'367' does not fit. Write something from 0 to 366."),
    ],
)
def test_what_cannot_be_is_told_beside_its_box_in_a_part_that_is_open(boxes: dict[str, Any], words: str) -> None:
    Product.objects.create(code="tea", name="Tea", category="Drinks")
    browser = writing(
        guard={"line": 10, "categories": {"Drinks": 5}}, watch={"limits": [{"of": "shop", "receipts": 9}]}
    )
    before = ProgrammeDraft.objects.get().text
    sent = sent_of(browser, TERMS)
    # only the first row, whatever it has
    sent |= {name: texts[:1] for name, texts in sent.items() if name.startswith(("guard.categories.", "watch.limits."))}
    answer = browser.post(TERMS, sent | boxes)
    page = html.unescape(answer.content.decode())
    beside = re.findall(r'<span class="error">(.*?)</span>', page)
    assert (answer.status_code, [words in one for one in beside]) == (422, [True]), beside
    assert re.findall(r'<details class="[^"]*aside"[^>]* open', page)
    assert ProgrammeDraft.objects.get().text == before


# --- bonuses for volume ---


@database
def test_a_bonus_for_volume_is_written_changed_and_taken_away() -> None:
    browser = writing(tiers={"levels": LEVELS})
    add_field(title="Trade", type="choice", choices=["shop", "cafe"])
    page = html.unescape(browser.get(VOLUME).content.decode())
    assert "Answered: Trade" in page
    assert "Around the birthday" not in page, "a whole period asks for what a member is"
    boxes = {
        "title": "Дилеры", "period": "quarter",
        "steps.from": ["1 000 000", "5000000,50", ""], "steps.percent": ["2", "3,5", ""],
        "on.categories.more": "", "on.products": [],
        "c": ["0", "1"], "join": "any",
        "c0.kind": "privilege", "c0.any_of.more": "dealer",
        "c1.kind": "tier", "c1.any_of": ["gold"], "c1.not": "yes",
    }  # fmt: skip
    sent = boxes | {"version": "1", "id": ""}
    assert "Дилеры” or" not in post(browser, VOLUME, do="look", **sent)[1]
    assert [post(browser, VOLUME, **sent)[0] for _press in range(2)] == [302, 302]
    assert draft()["volume"] == [
        {
            "id": "dilery",
            "title": "Дилеры",
            "steps": [{"from": 100_000_000, "percent": "2"}, {"from": 500_000_050, "percent": "3.5"}],
            "when": {"any": [
                {"is": "privilege", "any_of": ["dealer"]}, {"not": {"is": "tier", "any_of": ["gold"]}},
            ]},
        }
    ]  # fmt: skip
    page = html.unescape(browser.get(WRITE).content.decode())
    assert page.count("“Дилеры”, when a quarter is over") == 1
    address = f"{VOLUME}?id=dilery"
    assert browser.post(VOLUME, sent_of(browser, address) | {"period": ["month"]}).status_code == 302
    assert draft()["volume"][0]["period"] == "month"
    assert post(browser, WRITE, remove_bonus="dilery", version="2")[0] == 422
    assert post(browser, WRITE, remove_bonus="dilery", version="3")[0] == 302
    assert "volume" not in draft()
    assert browser.get(address).status_code == 404


@database
@pytest.mark.parametrize(
    ("boxes", "words"),
    [
        ({"steps.from": "", "steps.percent": ""}, "nothing is written here."),
        ({"steps.percent": "-2"}, "row 1: '-2' is no number"),
        ({"steps.percent": "101"}, "row 1: '101' does not fit. Write something from 0.01% to 100%."),
        ({"steps.from": ["9", "3"], "steps.percent": ["5", "5"]}, "write the steps upwards"),
        ({"period": "week"}, "The period is 'week', but must be one of month, quarter, year"),
        ({"on.products.more": "Soap"}, "Products: There is no product 'Soap'."),
        ({"c": "0", "c0.kind": "privilege"}, "Privileges: nothing is written here."),
        ({"c": "0", "c0.kind": "store", "c0.any_of": "A"}, "can ask for what a member is"),
        ({"c": "0", "c0.kind": "tier", "c0.any_of": "gold"}, "the tier 'gold', which there is not"),
        ({"c": "0", "c0.kind": "any"}, "A group: any of them holds: nothing lies in it."),
    ],
)
def test_a_bonus_that_cannot_be_is_told(boxes: dict[str, Any], words: str) -> None:
    browser = writing()
    sent = {"version": "1", "id": "", "title": "Kept", "steps.from": "9", "steps.percent": "5", "period": "year"}
    status, page = post(browser, VOLUME, **sent | boxes)
    assert (status, words in page, 'value="Kept"' in page) == (422, True, True), re.findall(
        r'role="alert">(.*?)</div>', page
    )
    assert "volume" not in draft()


@database
def test_of_two_who_change_a_bonus_the_second_is_told() -> None:
    browser = writing(**WHOLE)
    sent = sent_of(browser, f"{VOLUME}?id=all")
    assert browser.post(VOLUME, sent | {"title": ["First"]}).status_code == 302
    answer = browser.post(VOLUME, sent | {"title": ["Second"]})
    assert (answer.status_code, "saved another draft meanwhile" in answer.content.decode()) == (422, True)
    assert browser.post(VOLUME, sent | {"title": ["Second"], "over": ["2"]}).status_code == 302
    assert [one.get("title") for one in draft()["volume"]] == [None, "Second"]


# --- conditions in one another ---


@database
def test_conditions_lie_in_groups_and_are_turned_round() -> None:
    browser = writing()
    boxes = {
        "g.percent": "5", "join": "all", "c": ["0", "1", "2", "3"],
        "c0.kind": "store", "c0.any_of": "Arbat", "c0.not": "yes",
        "c1.kind": "any", "c1.not": "yes",
        "c2.kind": "tier", "c2.in": "1", "c2.any_of": ["gold"],
        "c3.kind": "purchase_number", "c3.in": "1", "c3.number": "1",
    }  # fmt: skip
    ProgrammeDraft.objects.update(text=json.dumps(draft() | {"tiers": {"levels": LEVELS}}))
    assert new(browser, "percent_off", **boxes)[0] == 302
    assert draft()["rules"][0]["when"] == {
        "all": [
            {"not": {"is": "store", "any_of": ["Arbat"]}},
            {"not": {"any": [{"is": "tier", "any_of": ["gold"]}, {"is": "purchase_number", "number": 1}]}},
        ]
    }
    assert "add a condition, or remove it" in new(browser, "percent_off", **boxes | {"c": ["1"]})[1].lower()
    page = new(browser, "percent_off", do="add:1", **boxes | {"c1.add": "birthday"})[1]
    assert all(one in page for one in ('name="c4.kind" value="birthday"', 'name="c4.in" value="1"'))
    page = new(browser, "percent_off", do="drop:1", **boxes)[1]
    assert re.findall(r'name="(c\d).kind"', page) == ["c0"], "what lies in a group goes with it"
    around = {"c": ["0", "1"], "c0.kind": "all", "c0.in": "1", "c1.kind": "any", "c1.in": "0"}
    assert new(browser, "percent_off", do="drop:0", **around)[0] == 200, "a ring hangs on nothing"
    deep = {"g.percent": "5", "c": [str(n) for n in range(9)]}
    deep |= {f"c{n}.kind": "all" for n in range(9)} | {f"c{n}.in": str(n - 1) for n in range(1, 9)}
    assert new(browser, "percent_off", **deep)[0] == 422


@database
def test_enter_in_a_form_with_a_clash_never_writes_over_what_another_saved() -> None:
    browser = writing(rule("one", 1))
    for address, box in ((f"{RULE}?id=one", "g.percent"), (TERMS, "spending.worth")):
        answer = browser.post(address.partition("?")[0], sent_of(browser, address) | {box: ["9"], "version": ["77"]})
        buttons = re.findall(r'<button[^>]*type="submit"[^>]*>', answer.content.decode().partition('id="rule-form"')[2])
        assert (answer.status_code, "name=" in buttons[0], 'name="over"' in buttons[1]) == (422, False, True)
        assert 'name="over"' not in answer.content.decode().partition('id="rule-form"')[0]


@database
def test_the_moment_that_was_typed_stays_when_publishing_is_refused() -> None:
    browser = writing(rule("one", 1))
    sent = {"rules": "{ half", "version": "1", "publish": "yes", "valid_from": "2031-01-02T03:04"}
    status, page = post(browser, WRITE, **sent)
    assert (status, 'value="2031-01-02T03:04"' in page) == (422, True)


@database
def test_what_is_typed_beside_the_rules_is_there_when_one_comes_back_from_their_forms() -> None:
    browser = writing(rule("one", 1))
    typed = {"valid_from": "2031-01-02T03:04", "days": "30", "note": "Unsaved"}
    assert post(browser, WRITE, remember="yes", **typed) == (204, "")
    assert browser.post(RULE, sent_of(browser, f"{RULE}?id=one") | {"g.percent": ["2"]}).status_code == 302
    page = browser.get(WRITE).content.decode()
    assert all(f'value="{one}"' in page for one in typed.values())
    kept = ProgrammeDraft.objects.get()
    assert (kept.note, kept.version) == ("", 2), "nothing was saved into the draft"
    sent = typed | {"rules": kept.text, "version": "2", "note": "Saved"}
    assert post(browser, WRITE, keep="yes", **sent)[0] == 302
    ProgrammeDraft.objects.update(note="By another")
    page = browser.get(WRITE).content.decode()
    assert ('value="2031-01-02T03:04"' in page, 'value="By another"' in page) == (True, True)
    assert post(browser, WRITE, throw="yes", version="3")[0] == 302
    assert "2031-01-02" not in browser.get(WRITE).content.decode()


@database
def test_forms_are_for_those_who_may_publish() -> None:
    writing(rule("one", 1))
    manager = logged_in(make_user("manager"))
    for address in (RULE, TERMS, VOLUME):
        assert manager.get(address).status_code == 403
        assert post(manager, address, id="one", version="1")[0] == 403
