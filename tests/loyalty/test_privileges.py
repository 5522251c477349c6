"""Privileges: what was proven, until when, and what the till makes of it."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from regulars.accounts.models import User
from regulars.core.errors import InputError
from regulars.customers.services.merging import merge
from regulars.foundation.models import Change
from regulars.loyalty.models import Privilege
from regulars.loyalty.privileges import (
    end_privilege,
    give_privilege,
    names_of_privileges,
    privileges_at,
    standing_privileges,
)
from regulars.loyalty.programmes import publish
from regulars.loyalty.proving import prove_privilege
from tests.loyalty.selling_cases import RULES, enrolled, open_shop, order, publish_in_the_past, sell
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db
TODAY = timezone.now().date()
RULE = {
    "id": "p",
    "when": {"is": "privilege", "any_of": ["pensioner"]},
    "gives": {"kind": "percent_off", "percent": 10},
}


@pytest.fixture(autouse=True)
def owner() -> User:
    open_shop(rules=[RULE])
    return make_user("owner")


def test_the_till_gives_what_was_proven(owner: User) -> None:
    anna = enrolled()
    assert sell(order(("tea", 1, 10_000))).to_pay == 10_000
    given = give_privilege(anna, name=" pensioner ", proof="certificate 7", until=None, by=owner)
    assert sell(order(("tea", 1, 10_000)), "2").to_pay == 9_000
    earlier = timezone.now() - dt.timedelta(days=1)
    assert sell(order(("tea", 1, 10_000), purchased_at=earlier), "3").to_pay == 10_000
    end_privilege(given, by=owner)
    assert sell(order(("tea", 1, 10_000)), "4").to_pay == 10_000
    assert standing_privileges(anna) == []


def test_a_proof_runs_out_after_its_last_day(owner: User) -> None:
    anna = enrolled()
    give_privilege(anna, name="pensioner", proof="certificate 7", until=TODAY + dt.timedelta(days=1), by=owner)
    assert privileges_at(anna.pk, timezone.now()) == {"pensioner": TODAY + dt.timedelta(days=1)}
    assert sell(order(("tea", 1, 10_000))).to_pay == 9_000
    with pytest.raises(InputError, match="run out already: Jan 1, 2020"):
        give_privilege(anna, name="pensioner", proof="certificate 7", until=dt.date(2020, 1, 1), by=owner)


def test_a_new_proof_takes_the_place_of_the_old_one(owner: User) -> None:
    anna = enrolled()
    give_privilege(anna, name="pensioner", proof="old", until=TODAY + dt.timedelta(days=1), by=owner)
    give_privilege(anna, name="pensioner", proof="new", until=None, by=owner)
    assert [one.proof for one in standing_privileges(anna)] == ["new"]
    assert privileges_at(anna.pk, timezone.now()) == {"pensioner": None}


def test_of_two_who_become_one_the_longer_proof_counts(owner: User) -> None:
    anna, twin = enrolled(), enrolled("1000000025", "Anna again")
    give_privilege(anna, name="pensioner", proof="certificate 7", until=TODAY + dt.timedelta(days=9), by=owner)
    give_privilege(twin, name="pensioner", proof="certificate 7", until=TODAY + dt.timedelta(days=3), by=owner)
    merge(anna, twin, by=owner, reasons=[])
    assert privileges_at(anna.pk, timezone.now()) == {"pensioner": TODAY + dt.timedelta(days=9)}


@pytest.mark.parametrize(("name", "proof", "words"), [
    ("", "certificate 7", "Say which privilege"), ("pensionar", "certificate 7", "They know: pensioner."),
    ("Pensioner", "certificate 7", "They know: pensioner."), ("pensioner", " \0\n", "by what he has proven it"),
])  # fmt: skip
def test_no_privilege_is_given_without_a_proof_or_by_a_misspelt_name(
    owner: User, name: str, proof: str, words: str
) -> None:
    anna = enrolled()
    with pytest.raises(InputError, match=words):
        give_privilege(anna, name=name, proof=proof, until=None, by=owner)
    assert standing_privileges(anna) == []


def test_privileges_of_the_rules_of_now_and_of_those_to_come_are_known(owner: User) -> None:
    def asking(*names: str) -> dict[str, Any]:
        return RULES | {"rules": [RULE | {"when": {"is": "privilege", "any_of": list(names)}}]}

    publish_in_the_past(asking("veteran"), dt.timedelta(days=300))
    publish(asking("student", "two  words"), by=owner, valid_from=timezone.now() + dt.timedelta(days=30))
    publish(RULES, by=owner, valid_from=timezone.now() + dt.timedelta(days=60))
    assert names_of_privileges() == ["pensioner", "student", "two  words"]
    anna = enrolled()
    for name in ("pensioner", "student", "two words"):
        prove_privilege(anna, name=name, proof="certificate 7", until=None, source="till:1")
    assert set(privileges_at(anna.pk, timezone.now())) == {"pensioner", "student", "two  words"}
    with pytest.raises(InputError, match="no privilege 'veteran'"):
        prove_privilege(anna, name="veteran", proof="certificate 7", until=None, source="till:1")


def test_where_no_rules_ask_for_one_none_is_given(owner: User) -> None:
    publish_in_the_past(RULES, dt.timedelta(days=1))
    anna = enrolled()
    with pytest.raises(InputError, match="They know: —"):
        give_privilege(anna, name="pensioner", proof="certificate 7", until=None, by=owner)
    assert 'name="proof"' not in logged_in(owner).get(f"/customers/{anna.pk}/").content.decode()


def test_on_the_card(owner: User) -> None:
    anna, site = enrolled(), logged_in(owner)
    assert names_of_privileges() == ["pensioner"]
    assert "<option>pensioner</option>" in site.get(f"/customers/{anna.pk}/").content.decode()
    told = {"name": "pensioner", "proof": "<b>7"}
    for odd in ({"name": ""}, {"name": "pensionar"}, {"name": "<b>pensioner"}, {"proof": ""}, {"proof": " \n "}):
        assert site.post(f"/customers/{anna.pk}/privileges/", told | odd).status_code == 422, odd
    wrong = site.post(f"/customers/{anna.pk}/privileges/", told | {"until": "2020-01-01"})
    assert wrong.status_code == 422
    assert not Privilege.objects.exists()
    assert "<option selected>pensioner</option>" in wrong.content.decode()
    assert "&lt;b&gt;7" in wrong.content.decode()
    site.post(f"/customers/{anna.pk}/privileges/", told)
    (given,) = standing_privileges(anna)
    page = site.get(f"/customers/{anna.pk}/").content.decode()
    assert "&lt;b&gt;7" in page
    assert "Privilege given" in page
    site.post(f"/customers/{anna.pk}/privileges/{given.pk}/remove/")
    assert standing_privileges(anna) == []
    actions = Change.objects.filter(table_name="loyalty_privilege").order_by("pk").values_list("action", "actor_id")
    assert list(actions) == [("insert", owner.pk), ("update", owner.pk)]
    other = enrolled("1000000033", "Other")
    assert site.post(f"/customers/{other.pk}/privileges/{given.pk}/remove/").status_code == 404
