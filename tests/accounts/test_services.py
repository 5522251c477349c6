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
