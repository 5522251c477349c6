"""Every address against every role. A route that is not in the table fails; a denial changes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from regulars.accounts.models import User
from regulars.accounts.rights import Right
from tests.web.people import ROLES, logged_in, make_user

pytestmark = pytest.mark.django_db

PUBLIC = "public"  # answers whoever asks
EVERYBODY = "everybody"  # whoever is logged in

TABLE: dict[str, Right | str] = {
    "today": EVERYBODY,
    "find": EVERYBODY,
    "profile": EVERYBODY,
    "invitation": PUBLIC,
    "settings": Right.MANAGE_USERS,
    "users": Right.MANAGE_USERS,
    "invite": Right.MANAGE_USERS,
    "change_user": Right.MANAGE_USERS,
    "new_role": Right.MANAGE_USERS,
    "role": Right.MANAGE_USERS,
    "business": Right.MANAGE_BUSINESS,
    "log": Right.SEE_LOG,
    "account_login": PUBLIC,
    "account_logout": PUBLIC,
    "account_signup": PUBLIC,
    "account_inactive": PUBLIC,
    "account_reset_password": PUBLIC,
    "account_reset_password_done": PUBLIC,
    "account_reset_password_from_key": PUBLIC,
    "account_reset_password_from_key_done": PUBLIC,
    "account_reauthenticate": EVERYBODY,
    "account_change_password": EVERYBODY,
    "account_set_password": EVERYBODY,
    "mfa_index": EVERYBODY,
    "mfa_authenticate": PUBLIC,
    "mfa_reauthenticate": EVERYBODY,
    "mfa_activate_totp": EVERYBODY,
    "mfa_deactivate_totp": EVERYBODY,
    "mfa_view_recovery_codes": EVERYBODY,
    "mfa_generate_recovery_codes": EVERYBODY,
    "mfa_download_recovery_codes": EVERYBODY,
}


@dataclass(frozen=True)
class Route:
    """One address of the application."""

    name: str
    pattern: URLPattern


def routes() -> list[Route]:
    def walk(patterns: list[URLPattern | URLResolver]) -> Iterator[Route]:
        for one in patterns:
            if isinstance(one, URLResolver):
                yield from walk(one.url_patterns)
            else:
                yield Route(one.name or str(one.pattern), one)

    return list(walk(get_resolver().url_patterns))


def test_every_route_is_in_the_table_and_every_line_is_a_route() -> None:
    assert {route.name for route in routes()} == set(TABLE)


def test_every_page_says_the_right_that_the_table_says() -> None:
    for route in routes():
        if route.name.startswith(("account_", "mfa_")):
            continue
        said = getattr(route.pattern.callback, "right", PUBLIC)
        assert (said or EVERYBODY) == TABLE[route.name], route.name


def address(name: str, other: User) -> str:
    """The address with objects that exist."""
    values: dict[str, dict[str, object]] = {
        "invitation": {"token": "none"},
        "change_user": {"user_id": other.pk},
        "role": {"slug": "cashier"},
        "account_reset_password_from_key": {"uidb36": "1", "key": "none"},
    }
    return reverse(name, kwargs=values.get(name, {}))


def everything() -> dict[str, object]:
    """A picture of the whole database but what every request writes: sessions and counts of attempts."""
    found: dict[str, object] = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        for (table,) in cursor.fetchall():
            if table not in {"django_session", "django_cache"}:
                cursor.execute(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM \"{table}\" t")
                found[table] = cursor.fetchone()
    return found


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_what_it_may_and_a_denial_changes_nothing(role: str) -> None:
    other = make_user("cashier" if role != "cashier" else "manager")
    user = make_user(role)
    client = logged_in(user)
    before = everything()
    for name, wanted in TABLE.items():
        if not isinstance(wanted, Right):
            continue
        if user.may(wanted):
            assert client.get(address(name, other)).status_code in {200, 302, 405}, name
            continue
        for answer in (client.get(address(name, other)), client.post(address(name, other), {"role": "owner"})):
            assert answer.status_code == 403, name
    assert everything() == before


def test_strangers_reach_the_log_in_and_nothing_else() -> None:
    other = make_user("cashier")
    client, before = Client(), everything()
    for name, wanted in TABLE.items():
        if wanted == PUBLIC:
            continue
        for answer in (client.get(address(name, other)), client.post(address(name, other))):
            assert answer.status_code == 302, name
            assert answer.headers["Location"].startswith("/account/login/"), name
    assert everything() == before


def test_whoever_is_logged_in_has_his_own_pages() -> None:
    client = logged_in(make_user("cashier"))
    for name in ("today", "find", "profile", "mfa_index"):
        assert client.get(reverse(name)).status_code == 200, name
