"""People, roles and the business are managed on pages, by those who may."""

import pytest
from django.test import Client

from regulars.accounts.models import Role, User
from regulars.foundation.models import Business
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db

GOOD_PASSWORD = "correct horse battery"


def invited(owner: Client, email: str, role: str) -> str:
    """The token of a new invitation, as the page shows it once."""
    values = {"email": email, "role": Role.objects.get(slug=role).pk}
    page = owner.post("/settings/people/invite/", values).content.decode()
    return page.split("/invitation/")[1].split("/")[0]


def test_an_invitation_is_made_and_used_in_the_browser() -> None:
    token = invited(logged_in(make_user("owner")), "New@Example.com", "manager")
    guest = Client()
    assert "new@example.com" in guest.get(f"/invitation/{token}/").content.decode()
    weak = guest.post(f"/invitation/{token}/", {"name": "Boris", "password": "12345"})
    assert (weak.status_code, User.objects.filter(email="new@example.com").count()) == (200, 0)
    done = guest.post(f"/invitation/{token}/", {"name": "Boris", "password": GOOD_PASSWORD})
    assert done.status_code == 302
    assert guest.get("/").status_code == 200
    assert guest.get(f"/invitation/{token}/").status_code == 410
    other = Client()
    other.post("/account/login/", {"login": "new@example.com", "password": GOOD_PASSWORD})
    assert other.get("/profile/").status_code == 200


def test_who_manages_users_cannot_reach_above_himself() -> None:
    owner = make_user("owner")
    lesser = Role.objects.create(slug="hr", name="HR", rights=["users.manage", "customers.see"])
    hr = User.objects.create(email="hr@example.com", name="HR", language="en", role=lesser)
    client = logged_in(hr)
    client.post(f"/settings/people/{owner.pk}/", {"action": "deactivate"})
    client.post(f"/settings/people/{owner.pk}/", {"role": "hr"})
    client.post(f"/settings/people/{hr.pk}/", {"role": "owner"})
    client.post("/settings/roles/hr/", {"name": "HR", "rights": ["users.manage", "customers.see", "log.see"]})
    client.post("/settings/roles/owner/", {"name": "", "rights": ["users.manage"]})
    owner.refresh_from_db()
    hr.refresh_from_db()
    assert (owner.is_active, owner.role.slug, hr.role.slug) == (True, "owner", "hr")
    assert Role.objects.get(slug="hr").rights == ["users.manage", "customers.see"]
    assert "log.see" in Role.objects.get(slug="owner").rights


def test_an_own_role_is_made_and_given() -> None:
    client = logged_in(make_user("owner"))
    client.post("/settings/roles/new/", {"name": "Trainee", "rights": ["customers.see"], "own_customers_only": "on"})
    role = Role.objects.get(name="Trainee")
    assert (role.rights, role.own_customers_only) == (["customers.see"], True)
    user = make_user("cashier")
    client.post(f"/settings/people/{user.pk}/", {"role": role.slug})
    user.refresh_from_db()
    assert user.role == role


def test_the_business_keeps_its_clock_right() -> None:
    client = logged_in(make_user("owner"))
    values = {"name": "Corner shop", "time_zone": "Mars/Base", "language": "ru", "region": "ru"}
    assert "Mars/Base" in client.post("/settings/business/", values).content.decode()
    assert client.post("/settings/business/", values | {"time_zone": "Asia/Omsk"}).status_code == 302
    business = Business.current()
    assert (business.time_zone, business.region, business.language) == ("Asia/Omsk", "RU", "ru")


def test_names_are_shown_as_text() -> None:
    owner = make_user("owner")
    role = Role.objects.get(slug="cashier")
    User.objects.create(email="x@example.com", name="<script>alert(1)</script>", language="en", role=role)
    page = logged_in(owner).get("/settings/people/").content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;" in page


def test_the_language_is_the_users() -> None:
    page = logged_in(make_user("owner", language="ru")).get("/settings/people/")
    assert page.headers["Content-Language"] == "ru"
    assert '<html lang="ru">' in page.content.decode()
