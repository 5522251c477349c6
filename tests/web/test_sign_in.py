"""Getting in: attempts are counted, nobody is locked out by strangers, codes work once, secrets stay out of the log."""

import base64
import logging
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from regulars.accounts.models import Invitation, LogEntry, Role, User
from regulars.accounts.services import deactivate, invite
from regulars.api.models import Scope
from regulars.api.services import make_key
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
NEW_PASSWORD = "staple sandwich lamp"


@pytest.fixture(autouse=True)
def counted(db: None) -> Iterator[None]:
    call_command("createcachetable", verbosity=0)
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def owner() -> User:
    user = make_user("owner")
    user.set_password(PASSWORD)
    user.save()
    return user


def enter(
    client: Client, password: str = PASSWORD, *, address: str = "203.0.113.1", email: str = "owner@example.com",
    **named: Any,
) -> Any:  # fmt: skip
    values = {"login": email, "password": password} | named.pop("values", {})
    return client.post("/account/login/", values, REMOTE_ADDR=address, **named)


def is_in(client: Client) -> bool:
    return client.get("/profile/").status_code == 200


def test_one_address_has_ten_attempts_whatever_it_says_of_itself(owner: User) -> None:
    for number in range(10):
        headers = {"X-Forwarded-For": f"198.51.100.{number}"}
        enter(Client(), "wrong", email=f"guess{number}@example.com", headers=headers)
    last = Client()
    answer = enter(last, headers={"X-Forwarded-For": "198.51.100.99"})
    assert "Too many failed login attempts" in answer.content.decode()
    assert not is_in(last)
    other = Client()
    enter(other, address="203.0.113.2")
    assert is_in(other)


def test_an_account_takes_five_wrong_passwords_from_anywhere(owner: User) -> None:
    for number in range(5):
        enter(Client(), "wrong", address=f"203.0.113.{number + 1}", email="Owner@Example.com")
    stranger = Client()
    enter(stranger, address="203.0.113.99")
    assert not is_in(stranger)


def test_strangers_cannot_lock_a_user_out_of_his_own_browser(owner: User) -> None:
    his = Client()
    enter(his)
    assert is_in(his)
    his.post("/account/logout/")
    for number in range(5):
        enter(Client(), "wrong", address=f"203.0.113.{number + 10}")
    assert "Too many" in enter(Client(), address="203.0.113.50").content.decode()
    enter(his)
    assert is_in(his)
    # and in that browser too nobody guesses for ever
    his.post("/account/logout/")
    for number in range(5):
        enter(his, "wrong", address=f"203.0.113.{number + 30}")
    enter(his, address="203.0.113.60")
    assert not is_in(his)


def test_a_mark_of_another_user_opens_no_attempts(owner: User) -> None:
    mallory = logged_in(make_user("cashier"))
    assert is_in(mallory)
    mark = mallory.cookies["device"].value
    for number in range(5):
        enter(Client(), "wrong", address=f"203.0.113.{number + 10}")
    for forged in (mark, mark[:-2] + "xx", "", "\x00"):
        client = Client()
        client.cookies["device"] = forged
        enter(client, address="203.0.113.50")
        assert not is_in(client)


def test_other_sessions_end_with_a_new_password(owner: User) -> None:
    here, there = Client(), Client()
    enter(here)
    enter(there)
    values = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    assert here.post("/account/password/", values).status_code == 302
    assert not is_in(there)
    owner.refresh_from_db()
    assert owner.check_password(NEW_PASSWORD)


def test_a_session_ends_with_the_account(owner: User) -> None:
    cashier = make_user("cashier")
    client = logged_in(cashier)
    assert is_in(client)
    deactivate(cashier, by=owner)
    assert not is_in(client)


ELSEWHERE = (
    "https://evil.example/", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example",
    "\\evil.example", "http:evil.example", "javascript:alert(1)", "/\t/evil.example", "https:///evil.example",
    "//user@evil.example", "/%0d%0aLocation:%20https://evil.example", "\r\nLocation: https://evil.example",
)  # fmt: skip


@pytest.mark.parametrize("wanted", ELSEWHERE)
def test_after_the_log_in_one_stays_here(owner: User, wanted: str) -> None:
    for client, answer in (
        (one := Client(), enter(one, values={"next": wanted})),
        (two := Client(), two.post("/account/login/?next=" + wanted, {"login": owner.email, "password": PASSWORD})),
    ):
        assert answer.status_code == 302
        location = answer.headers["Location"]
        # a browser takes a backslash for a slash
        target = urlsplit(urljoin("http://testserver/account/login/", location.replace("\\", "/")))
        assert (target.scheme, target.netloc) == ("http", "testserver"), location
        assert "\r" not in location and "\n" not in location
        assert is_in(client)


def code_of(secret: str, moment: float) -> str:
    return format_hotp_value(hotp_value(secret, int(moment) // 30))


def test_a_code_of_the_second_factor_works_once(owner: User) -> None:
    secret = generate_totp_secret()
    TOTP.activate(owner, secret)
    while time.time() % 30 > 25:
        time.sleep(0.5)
    code = code_of(secret, time.time())
    first, second = Client(), Client()
    for client in (first, second):
        assert "/second-factor/" in enter(client).headers["Location"]
        assert not is_in(client)
    first.post("/account/second-factor/code/", {"code": code})
    assert is_in(first)
    second.post("/account/second-factor/code/", {"code": code})
    assert not is_in(second)
    old = code_of(secret, time.time() - 120)
    second.post("/account/second-factor/code/", {"code": old})
    assert not is_in(second)


def test_a_spare_code_works_once(owner: User) -> None:
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    TOTP.activate(owner, generate_totp_secret())
    code = RecoveryCodes.activate(owner).get_unused_codes()[0]
    for client, gets_in in ((Client(), True), (Client(), False)):
        enter(client)
        client.post("/account/second-factor/code/", {"code": code})
        assert is_in(client) is gets_in


def test_an_old_invitation_opens_nothing(owner: User) -> None:
    token = invite(email="late@example.com", role=Role.objects.get(slug="cashier"), by=owner)
    Invitation.objects.update(expires_at=timezone.now())
    client = Client()
    values = {"name": "Late", "password": PASSWORD}
    assert client.get(f"/invitation/{token}/").status_code == 410
    assert client.post(f"/invitation/{token}/", values).status_code == 410
    assert not User.objects.filter(email="late@example.com").exists()


def test_an_invitation_does_not_stand_for_the_second_factor(owner: User) -> None:
    TOTP.activate(owner, generate_totp_secret())
    token = invite(email=owner.email, role=owner.role, by=owner)
    client = Client()
    answer = client.post(f"/invitation/{token}/", {"name": "Anna", "password": NEW_PASSWORD})
    assert answer.headers["Location"] == "/account/login/"
    assert not is_in(client)
    assert "Your password is saved" in client.get("/account/login/").content.decode()
    assert "/second-factor/" in enter(client, NEW_PASSWORD).headers["Location"]
    assert not is_in(client)


def test_secrets_are_in_no_log(owner: User, caplog: pytest.LogCaptureFixture, settings: Any) -> None:
    from dataclasses import replace

    settings.CONFIG = replace(settings.CONFIG, exchange_password="the password of the exchange")
    caplog.set_level(logging.DEBUG)
    token = invite(email="new@example.com", role=Role.objects.get(slug="cashier"), by=owner)
    key = make_key(name="Till", scopes=list(Scope), by=owner)
    client = Client(raise_request_exception=False)
    enter(client, "a wrong password that is secret")
    enter(client)
    client.get(f"/invitation/{token}/")
    client.get("/nowhere/")
    client.get("/api/v1/customers", headers={"Authorization": f"Bearer {key}"})
    client.get("/api/v1/customers", headers={"Authorization": f"Bearer {key}x"})
    basic = base64.b64encode(b"1c:the password of the exchange").decode()
    client.get("/exchange/1c/?mode=checkauth", headers={"Authorization": f"Basic {basic}"})
    session = client.cookies["sessionid"].value
    told = "\n".join(
        f"{record.name} {record.getMessage()}" for record in caplog.records if not record.name.startswith("django.db")
    ) + str(list(LogEntry.objects.values()))
    for secret in (PASSWORD, "a wrong password", token, key, "the password of the exchange", basic, session):
        assert secret not in told
    assert settings.SECRET_KEY not in told
    assert settings.CONFIG.exchange_password not in repr(settings.CONFIG)
