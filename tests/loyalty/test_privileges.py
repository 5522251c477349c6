"""Privileges: what was proven, until when, and what the till makes of it."""

import datetime as dt

import pytest
from django.utils import timezone

from regulars.accounts.models import User
from regulars.core.errors import InputError
from regulars.customers.services.merging import merge
from regulars.foundation.models import Change
from regulars.loyalty.privileges import (
    end_privilege,
    give_privilege,
    names_of_privileges,
    privileges_at,
    standing_privileges,
)
from tests.loyalty.selling_cases import enrolled, open_shop, order, sell
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
    give_privilege(anna, name="pensioner", proof="", until=TODAY + dt.timedelta(days=1), by=owner)
    assert privileges_at(anna.pk, timezone.now()) == {"pensioner": TODAY + dt.timedelta(days=1)}
    assert sell(order(("tea", 1, 10_000))).to_pay == 9_000
    with pytest.raises(InputError, match="run out already: Jan 1, 2020"):
        give_privilege(anna, name="pensioner", proof="", until=dt.date(2020, 1, 1), by=owner)


def test_a_new_proof_takes_the_place_of_the_old_one(owner: User) -> None:
    anna = enrolled()
    give_privilege(anna, name="pensioner", proof="old", until=TODAY + dt.timedelta(days=1), by=owner)
    give_privilege(anna, name="pensioner", proof="new", until=None, by=owner)
    assert [one.proof for one in standing_privileges(anna)] == ["new"]
    assert privileges_at(anna.pk, timezone.now()) == {"pensioner": None}


def test_of_two_who_become_one_the_longer_proof_counts(owner: User) -> None:
    anna, twin = enrolled(), enrolled("1000000025", "Anna again")
    give_privilege(anna, name="pensioner", proof="", until=TODAY + dt.timedelta(days=9), by=owner)
    give_privilege(twin, name="pensioner", proof="", until=TODAY + dt.timedelta(days=3), by=owner)
    merge(anna, twin, by=owner, reasons=[])
    assert privileges_at(anna.pk, timezone.now()) == {"pensioner": TODAY + dt.timedelta(days=9)}


def test_on_the_card(owner: User) -> None:
    anna, site = enrolled(), logged_in(owner)
    assert names_of_privileges() == ["pensioner"]
    assert '<option value="pensioner">' in site.get(f"/customers/{anna.pk}/").content.decode()
    told = {"name": "pensioner", "proof": "<b>7"}
    wrong = site.post(f"/customers/{anna.pk}/privileges/", told | {"until": "2020-01-01"})
    assert wrong.status_code == 422
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
