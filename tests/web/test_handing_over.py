"""Who leaves hands his customers over in one step; whose owner is gone can still be found."""

import pytest
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from regulars.accounts.models import LogEntry, Role, User
from regulars.customers import jobs
from regulars.customers.models import Customer
from regulars.customers.services import handing_over
from regulars.customers.services.customers import add_customer
from regulars.customers.services.merging import merge, unmerge
from regulars.foundation.models import Change, Happening
from regulars.insights.segments.attributes import attributes
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return make_user("owner")


@pytest.fixture
def site(owner: User) -> Client:
    return logged_in(owner)


@pytest.fixture
def leaver() -> User:
    return make_user("manager")


@pytest.fixture
def heir(leaver: User) -> User:
    return User.objects.create(email="heir@example.com", name="Heir", language="en", role=leaver.role)


def his(user: User, by: User, *names: str) -> list[Customer]:
    customers = [add_customer(by=by, name=name) for name in names]
    Customer.objects.filter(pk__in=[one.pk for one in customers]).update(owner=user)
    return customers


def test_an_account_is_closed_and_its_customers_are_given_in_one_step(
    site: Client, owner: User, leaver: User, heir: User
) -> None:
    vera, petr = his(leaver, owner, "Vera", "Petr")
    (kept,), (part,) = his(owner, owner, "Kept"), his(leaver, owner, "Part")
    made = merge(kept, part, by=owner, reasons=[])
    other = logged_in(heir)
    assert other.get(f"/customers/{vera.pk}/").status_code == 404
    Happening.objects.all().delete()
    answer = site.post(f"/settings/people/{leaver.pk}/", {"action": "deactivate", "heir": heir.pk}, follow=True)
    assert "2 customers are handed over" in answer.content.decode()
    leaver.refresh_from_db()
    assert not leaver.is_active
    assert not Customer.objects.filter(owner=leaver).exists()
    assert other.get(f"/customers/{vera.pk}/").status_code == 200
    told = Change.objects.filter(customer_id=petr.pk, action="update").latest("pk")
    assert (told.actor_id, told.fields["owner_id"]) == (owner.pk, [leaver.pk, heir.pk])
    changed = Happening.objects.values_list("event", "content__id")
    assert set(changed) == {("customer.changed", vera.pk), ("customer.changed", petr.pk)}
    logged = LogEntry.objects.get(event="customers_handed_over")
    assert (logged.about, logged.details) == (leaver.email, {"people": 2, "heir": heir.email})
    assert "new manager: heir@example.com" in site.get("/settings/log/").content.decode()
    unmerge(made, by=owner)
    part.refresh_from_db()
    assert part.owner == heir


def test_customers_of_a_closed_account_are_found_and_given_later(
    site: Client, owner: User, leaver: User, heir: User
) -> None:
    (vera,) = his(leaver, owner, "Vera")
    title = "Manager (account closed)"
    assert title not in site.get("/customers/").content.decode()
    site.post(f"/settings/people/{leaver.pk}/", {"action": "deactivate", "heir": ""})
    assert Customer.objects.get(pk=vera.pk).owner == leaver
    assert title in site.get("/customers/").content.decode()
    assert title in dict(attributes()["owner"].options()).values()
    assert "Vera" in site.get(f"/customers/?owner={leaver.pk}").content.decode()
    assert "hand_over" in site.get("/settings/people/").content.decode()
    site.post(f"/settings/people/{leaver.pk}/", {"action": "hand_over", "heir": "nobody"})
    assert Customer.objects.get(pk=vera.pk).owner is None
    assert title not in site.get("/customers/").content.decode()
    assert "hand_over" not in site.get("/settings/people/").content.decode()
    assert logged_in(heir).get(f"/customers/{vera.pk}/").status_code == 200


def test_of_many_the_worker_gives_those_after_the_first(
    site: Client, owner: User, leaver: User, heir: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (handing_over, jobs):
        monkeypatch.setattr(module, "AT_ONCE", 2)
    his(leaver, owner, "Vera", "Petr", "Anna", "Oleg", "Nina")
    answer = site.post(f"/settings/people/{leaver.pk}/", {"action": "deactivate", "heir": heir.pk}, follow=True)
    assert "5 customers are being handed over" in answer.content.decode()
    assert Customer.objects.filter(owner=heir).count() == 2
    again = {"action": "hand_over", "heir": owner.pk}
    assert "already" in site.post(f"/settings/people/{leaver.pk}/", again, follow=True).content.decode()
    waiting = ProcrastinateJob.objects.get(task_name="customers.hand_over")
    User.objects.filter(pk=heir.pk).update(is_active=False)
    jobs.hand_over(**waiting.args)
    assert Customer.objects.filter(owner=heir).count() == 2, "a closed account gets nobody"
    User.objects.filter(pk=heir.pk).update(is_active=True)
    assert waiting.args == {"leaver_id": leaver.pk, "heir_id": heir.pk, "by_id": owner.pk}
    for _again in range(2):
        jobs.hand_over(**waiting.args)
        assert Customer.objects.filter(owner=heir).count() == 5
    told = Change.objects.filter(actor_id=owner.pk, fields__has_key="owner_id", action="update").order_by("pk")
    assert [one.fields for one in told][-5:] == [{"owner_id": [leaver.pk, heir.pk]}] * 5


@pytest.mark.parametrize("wrong", ["himself", "closed", "unknown", "word"])
def test_a_wrong_heir_changes_nothing(site: Client, owner: User, leaver: User, heir: User, wrong: str) -> None:
    (vera,) = his(leaver, owner, "Vera")
    User.objects.filter(pk=heir.pk).update(is_active=False)
    given = {"himself": leaver.pk, "closed": heir.pk, "unknown": "9" * 30, "word": "x"}[wrong]
    site.post(f"/settings/people/{leaver.pk}/", {"action": "deactivate", "heir": given})
    leaver.refresh_from_db()
    assert (leaver.is_active, Customer.objects.get(pk=vera.pk).owner) == (True, leaver)


@pytest.mark.parametrize("limit", ["customers.edit is missing", "own customers only"])
def test_who_could_not_give_one_away_gives_none(owner: User, leaver: User, limit: str) -> None:
    (vera,) = his(leaver, owner, "Vera")
    Role.objects.filter(slug="manager").update(rights=["customers.see"])
    rights = ["users.manage", "customers.see", *(["customers.edit"] if limit == "own customers only" else [])]
    role = Role.objects.create(slug="hr", name="HR", rights=rights, own_customers_only=limit == "own customers only")
    hr = User.objects.create(email="hr@example.com", name="HR", language="en", role=role)
    client = logged_in(hr)
    assert 'name="heir"' not in client.get("/settings/people/").content.decode()
    client.post(f"/settings/people/{leaver.pk}/", {"action": "deactivate", "heir": hr.pk})
    leaver.refresh_from_db()
    assert (leaver.is_active, Customer.objects.get(pk=vera.pk).owner) == (True, leaver)
    client.post(f"/settings/people/{leaver.pk}/", {"action": "deactivate"})
    leaver.refresh_from_db()
    assert not leaver.is_active
