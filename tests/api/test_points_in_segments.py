"""Segments by points, tier and membership: they find whom they say, say it, and tell nobody who may not know."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from regulars.core.errors import InputError
from regulars.core.i18n import use_language
from regulars.customers.models import Customer
from regulars.customers.services.merging import merge
from regulars.insights.segments.query import customers_of
from regulars.insights.segments.rule import checked, is_about_purchases
from regulars.insights.segments.why import why
from regulars.insights.segments.words import sentence
from regulars.insights.selectors.membership import segments_of
from regulars.insights.services import save_segment
from regulars.loyalty.gifts import GiftData, add_gift
from regulars.loyalty.models import Account, TierChange
from tests.loyalty.selling_cases import enrolled, open_shop
from tests.loyalty.test_gifts import DAY, TIERS, give
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def people() -> dict[str, Customer]:
    """Anna has many points and gold, Boris few that go soon, Clara none yet; Dina takes no part."""
    open_shop(tiers=TIERS)
    now = timezone.now()
    found = {name: enrolled(str(20_000 + place), name) for place, name in enumerate(("Anna", "Boris", "Clara"))}
    found["Dina"] = Customer.objects.create(name="Dina")
    give(found["Anna"], 300, expires_at=now + 200 * DAY)
    give(found["Boris"], 40, expires_at=now + 10 * DAY)
    give(found["Boris"], 60)
    give(found["Clara"], 500, available_at=now + DAY)
    give(found["Clara"], 70, expires_at=now + dt.timedelta(seconds=1))
    Account.objects.filter(customer=found["Anna"]).update(opened_at=now - 100 * DAY)
    TierChange.objects.create(customer=found["Anna"], tier="gold", since=now - DAY, turnover=0)
    TierChange.objects.create(customer=found["Boris"], tier="gold", since=now - 9 * DAY, turnover=0)
    TierChange.objects.create(customer=found["Boris"], tier="", since=now - DAY, turnover=0)
    add_gift(GiftData("Mug", 100, 0), stock=1, by=None)
    return found


def one(**leaf: Any) -> dict[str, Any]:
    return checked({"join": "all", "not": False, "items": [leaf]})


CASES: list[tuple[dict[str, Any], set[str], str]] = [
    ({"what": "points", "how": "at_least", "value": 100}, {"Anna", "Boris"}, "whose number of points is at least 100"),
    ({"what": "points", "how": "at_least", "value": 101}, {"Anna"}, "at least 101"),
    ({"what": "points", "how": "at_least", "value": 0}, {"Anna", "Boris", "Clara"}, "at least 0"),
    ({"what": "points", "how": "at_most", "value": 100}, {"Boris", "Clara"}, "at most 100"),
    ({"what": "points_expiring", "how": "at_least", "value": 40, "days": 10}, {"Boris"},
     "of whose points at least 40 expire within 10 days"),
    ({"what": "points_expiring", "how": "at_least", "value": 41, "days": 10}, set(), "at least 41"),
    ({"what": "points_expiring", "how": "at_least", "value": 1, "days": 9}, set(), "within 9 days"),
    ({"what": "points_expiring", "how": "at_least", "value": 1, "days": 201}, {"Anna", "Boris"}, "within 201 days"),
    ({"what": "member", "how": "yes"}, {"Anna", "Boris", "Clara"}, "who take part in the programme"),
    ({"what": "member", "how": "no"}, {"Dina"}, "who take no part"),
    ({"what": "member_since", "how": "before", "value": 30}, {"Anna"}, "was more than 30 days ago"),
    ({"what": "member_since", "how": "within", "value": 30}, {"Boris", "Clara"}, "was at most 30 days ago"),
    ({"what": "gift_in_reach", "how": "yes"}, {"Anna", "Boris"}, "who have points enough for a gift"),
    ({"what": "gift_in_reach", "how": "no"}, {"Clara"}, "who have not points enough for a gift"),
    ({"what": "tier", "how": "in", "value": ["gold"]}, {"Anna"}, "whose tier is “Gold”"),
    ({"what": "tier", "how": "in", "value": ["none"]}, {"Boris", "Clara"}, "whose tier is “none”"),
    ({"what": "tier", "how": "in", "value": ["none", "gold"]}, {"Anna", "Boris", "Clara"}, "or"),
    ({"what": "tier", "how": "not_in", "value": ["gold"]}, {"Boris", "Clara", "Dina"}, "is not “Gold”"),
    ({"what": "tier", "how": "in", "value": ["' OR 1=1 --"]}, set(), "OR 1=1"),
]  # fmt: skip


@pytest.mark.parametrize(("leaf", "expected", "words"), CASES)
def test_a_condition_finds_whom_it_says_for_all_and_for_one(
    people: dict[str, Customer], leaf: dict[str, Any], expected: set[str], words: str
) -> None:
    rule = one(**leaf)
    # Clara's points that live for a second are gone then
    after = timezone.now() + dt.timedelta(seconds=2)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(timezone, "now", lambda: after)
        assert {found.name for found in customers_of(rule)} == expected
        assert {found.name for found in customers_of(rule, one_by_one=True)} == expected
        assert {name for name, found in people.items() if why(found, rule).holds} == expected
    with use_language("en"):
        assert words in sentence(rule)
    assert is_about_purchases(rule)


@pytest.mark.parametrize(
    "wrong",
    [
        {"what": "points", "how": "at_least", "value": -1},
        {"what": "points", "how": "within", "value": 1},
        {"what": "points_expiring", "how": "at_least", "value": 1},
        {"what": "points_expiring", "how": "at_least", "value": 1, "days": 10**9},
        {"what": "points_expiring", "how": "at_most", "value": 1, "days": 1},
        {"what": "tier", "how": "in", "value": []},
        {"what": "member", "how": "perhaps"},
    ],
)
def test_a_wrong_condition_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        one(**wrong)


def test_each_answer_comes_with_the_fact_that_gave_it(people: dict[str, Customer]) -> None:
    facts = {
        "gift_in_reach": "Mug", "points": "100", "points_expiring": "the first on ", "member": "yes",
        "member_since": "20", "tier": "none",
    }  # fmt: skip
    rules = {leaf["what"]: leaf for leaf, _expected, _words in CASES}
    with use_language("en"):
        for what, fact in facts.items():
            assert fact in why(people["Boris"], one(**rules[what])).fact, what
        assert why(people["Dina"], one(**rules["member_since"])).fact == "no member"


def test_who_was_merged_has_the_points_of_both(people: dict[str, Customer]) -> None:
    owner, rule = make_user("owner"), one(what="points", how="at_least", value=400)
    assert not customers_of(rule).exists()
    merge(people["Anna"], people["Boris"], by=owner, reasons=[])
    assert list(customers_of(rule)) == [people["Anna"]]
    assert list(customers_of(one(what="member_since", how="within", value=30))) == [people["Clara"]]


def test_a_rule_of_the_programme_may_ask_for_such_a_segment(people: dict[str, Customer]) -> None:
    made = save_segment(name="Rich", rule=one(what="points", how="at_least", value=200), by=make_user("owner"))
    assert segments_of(people["Anna"].pk, [str(made.pk)]) == {str(made.pk)}
    assert segments_of(people["Boris"].pk, [str(made.pk)]) == frozenset()


def test_the_builder_offers_them_and_draws_what_was_chosen() -> None:
    owner = logged_in(make_user("owner"))
    form = {"name": "Reminder", "join": "all", "g0.join": "all", "g0.c0.what": "points_expiring",
            "g0.c0.how": "at_least", "g0.c0.value": "1", "g0.c0.days": "10"}  # fmt: skip
    page = owner.post("/segments/new/", form | {"do": "preview"}).content.decode()
    assert 'name="g0.c0.days"' in page
    assert "Boris" in page
    assert owner.post("/segments/new/", form).status_code == 302
    assert "of whose points at least 1 expire within 10 days" in owner.get("/segments/").content.decode()
    shown = owner.post("/segments/new/", {"join": "all", "g0.join": "all", "g0.c0.what": "tier", "do": "shape"})
    assert "Gold" in shown.content.decode()
