"""Users come by invitation, have roles, and somebody can always manage them."""

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from regulars.accounts.models import Invitation, LogEntry, Role, User
from regulars.accounts.services import (
    accept,
    change_role,
    create_owner,
    deactivate,
    find_invitation,
    invite,
    make_preset_roles,
    save_role,
)
from regulars.core.errors import InputError

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture
def owner() -> User:
    make_preset_roles()
    return create_owner(email="Owner@Example.com", name="Anna", language="en", password=PASSWORD)


def role(slug: str) -> Role:
    return Role.objects.get(slug=slug)


def test_an_invitation_opens_once(owner: User) -> None:
    token = invite(email="New@Example.com", role=role("manager"), by=owner)
    user = accept(token, name="Boris", password=PASSWORD, language="ru")
    assert (user.email, user.role.slug) == ("new@example.com", "manager")
    with pytest.raises(InputError):
        accept(token, name="Mallory", password=PASSWORD, language="en")


def test_an_expired_invitation_is_void(owner: User) -> None:
    token = invite(email="late@example.com", role=role("manager"), by=owner)
    Invitation.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    assert find_invitation(token) is None
    with pytest.raises(InputError):
        accept(token, name="Late", password=PASSWORD, language="en")


def test_the_token_itself_is_not_kept(owner: User) -> None:
    token = invite(email="new@example.com", role=role("manager"), by=owner)
    assert token not in str(Invitation.objects.values_list("token_hash", flat=True).get())


def test_nobody_gives_rights_that_he_lacks(owner: User) -> None:
    token = invite(email="m@example.com", role=role("marketer"), by=owner)
    marketer = accept(token, name="M", password=PASSWORD, language="en")
    with pytest.raises(InputError):
        invite(email="x@example.com", role=role("owner"), by=marketer)


def hired(slug: str, rights: list[str], by: User) -> User:
    """Somebody with a role of his own."""
    Role.objects.create(slug=slug, name=slug, rights=rights)
    token = invite(email=f"{slug}@example.com", role=role(slug), by=by)
    return accept(token, name=slug, password=PASSWORD, language="en")


def test_nobody_invites_who_is_more_than_himself(owner: User) -> None:
    hr = hired("hr", ["users.manage", "customers.see"], owner)
    with pytest.raises(InputError):
        invite(email="Owner@example.com", role=role("hr"), by=hr)
    assert not Invitation.objects.filter(email="owner@example.com").exists()
    owner.refresh_from_db()
    assert owner.role.slug == "owner"


def test_a_link_made_beforehand_takes_no_account_that_has_grown_since(owner: User) -> None:
    hr = hired("hr", ["users.manage", "customers.see"], owner)
    Role.objects.create(slug="low", name="low", rights=["customers.see"])
    token = invite(email="second@example.com", role=role("low"), by=hr)
    second = create_owner(email="second@example.com", name="Second", language="en", password=PASSWORD)
    with pytest.raises(InputError):
        accept(token, name="Mallory", password="another fine password", language="en")
    second.refresh_from_db()
    assert (second.role.slug, second.check_password(PASSWORD)) == ("owner", True)


def test_the_last_owner_cannot_invite_himself_down(owner: User) -> None:
    token = invite(email=owner.email, role=role("cashier"), by=owner)
    with pytest.raises(InputError):
        accept(token, name="Anna", password="another fine password", language="en")
    owner.refresh_from_db()
    assert (owner.role.slug, owner.check_password(PASSWORD)) == ("owner", True)
    same = invite(email=owner.email, role=role("owner"), by=owner)
    assert accept(same, name="Anna", password="another fine password", language="en").pk == owner.pk


def test_who_sees_only_his_own_customers_gives_no_role_that_sees_more(owner: User) -> None:
    head = hired("head", ["users.manage", "customers.see"], owner)
    Role.objects.create(slug="wide", name="wide", rights=["customers.see"])
    narrow = role("head")
    narrow.own_customers_only = True
    save_role(narrow, by=owner)
    head = User.objects.get(pk=head.pk)
    with pytest.raises(InputError):
        change_role(head, role("wide"), by=head)
    with pytest.raises(InputError):
        invite(email="friend@example.com", role=role("wide"), by=head)
    wider = role("head")
    wider.own_customers_only = False
    with pytest.raises(InputError):
        save_role(wider, by=head)
    with pytest.raises(InputError):
        save_role(Role(name="new", rights=["customers.see"]), by=head)
    assert role("head").own_customers_only
    save_role(Role(name="new", rights=["customers.see"], own_customers_only=True), by=head)
    logged = LogEntry.objects.filter(event="role_saved", about="head").get()
    assert logged.details["own_customers_only"] is True


def test_the_role_of_the_only_owner_keeps_its_sight(owner: User) -> None:
    narrow = role("owner")
    narrow.own_customers_only = True
    with pytest.raises(InputError):
        save_role(narrow, by=owner)


def test_the_last_owner_can_neither_leave_nor_lose_the_role(owner: User) -> None:
    with pytest.raises(InputError):
        deactivate(owner, by=owner)
    with pytest.raises(InputError):
        change_role(owner, role("cashier"), by=owner)
    owner.refresh_from_db()
    assert owner.is_active
    assert owner.role.slug == "owner"


def test_a_session_ends_with_the_role_and_with_the_account(owner: User, client: Client) -> None:
    manager = accept(
        invite(email="m@example.com", role=role("manager"), by=owner), name="M", password=PASSWORD, language="en"
    )
    client.force_login(manager, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.get("/profile/").status_code == 200
    change_role(manager, role("analyst"), by=owner)
    assert client.get("/profile/").status_code == 302


def test_what_matters_to_safety_is_logged(owner: User, client: Client) -> None:
    client.post("/account/login/", {"login": "owner@example.com", "password": "wrong"})
    client.post("/account/login/", {"login": "owner@example.com", "password": PASSWORD})
    events = list(LogEntry.objects.order_by("id").values_list("event", "who"))
    assert ("login_failed", "owner@example.com") in events
    assert events[-1] == ("logged_in", "owner@example.com")
    assert PASSWORD not in str(list(LogEntry.objects.values()))


def test_links_for_and_from_whoever_is_let_in_no_more_are_void(owner: User) -> None:
    hr = accept(
        invite(email="hr@example.com", role=role("owner"), by=owner), name="H", password=PASSWORD, language="en"
    )
    again = invite(email="hr@example.com", role=role("owner"), by=owner)
    friend = invite(email="friend@example.com", role=role("cashier"), by=hr)
    other = invite(email="other@example.com", role=role("cashier"), by=owner)
    deactivate(hr, by=owner)
    assert [find_invitation(one) is None for one in (again, friend, other)] == [True, True, False]
